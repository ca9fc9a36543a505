# SPDX-License-Identifier: MIT
# What bash and zsh complete.

load ../lib/helpers
bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_TMPDIR"
}

has() {
	local text
	for text; do
		[[ $output = *"$text"* ]] || { printf '%s\nlacks %s\n' "$output" "$text" >&2; return 1; }
	done
}

# complete_bash WORD...: the last word is completed; prints what it can become.
complete_bash() {
	bash --norc -c 'source "$0"
		COMP_WORDS=(noselfconn "$@") COMP_CWORD=$# COMPREPLY=()
		COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=${#COMP_LINE}
		_noselfconn
		printf "%s\n" "${COMPREPLY[@]}" | sort' "$top/scripts/completions/noselfconn.bash" "$@"
}

@test "bash completes the options, all that --help names" {
	run -0 complete_bash --
	for option in $("$top/scripts/noselfconn" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE '\-\-.*'); do
		has "$option"
	done
	run -0 complete_bash -v --ver
	[ "$output" = $'--verbose\n--version' ]
	run -0 complete_bash --check --
	[ "$output" = --json ]
	run -0 complete_bash -
	has -h -V
	for option in -h -V --help --version; do
		run -0 complete_bash $option -
		[ -z "$output" ]
	done
}

@test "bash completes files for --log, then the command, and its arguments" {
	touch some-log-file
	run -0 complete_bash -l some-
	[ "$output" = some-log-file ]
	run -0 complete_bash -l some-log-file -n 3 -v base6
	has base64
	run -0 complete_bash -- base6
	has base64
	run -0 complete_bash cat some-
	[ "$output" = some-log-file ]
}

@test "bash knows where the command begins after options of several words" {
	touch some-log-file
	run -0 complete_bash --log = some-log-file base6
	has base64
	run -0 complete_bash --log = some-
	[ "$output" = some-log-file ]
	run -0 complete_bash --retries =
	has 10
	run -0 complete_bash -vn 3 base6
	has base64
	run -0 complete_bash -vl some-
	[ "$output" = some-log-file ]
	run -0 complete_bash -lsome-log-file base6
	has base64
}

# complete_typed LINE: types the line and a tab into an interactive bash with bash-completion and
# a command whose completion knows --alpha and "bet ", and enter; prints the line that is run.
complete_typed() {
	cat >rc <<-'EOF'
		source /usr/share/bash-completion/bash_completion
		source "$top/scripts/completions/noselfconn.bash"
		_sample() {
			compopt -o nospace
			COMPREPLY=($(compgen -W '--alpha bet' -- "${COMP_WORDS[COMP_CWORD]}"))
			[[ ${COMPREPLY[0]} != bet ]] || COMPREPLY=('bet ')
		}
		complete -F _sample sample
		noselfconn() { [[ $1 = -x ]] && exit; printf 'run:'; printf ' [%s]' "$@"; echo; }
		PS1=
	EOF
	export top
	printf '%s\tend\nnoselfconn -x\n' "$1" | timeout 20 script -qec 'bash --rcfile rc -i' /dev/null |
		tr -d '\r' | grep -o 'run:.*'
}

@test "bash completes the command's own options, as after its name alone" {
	need script /usr/share/bash-completion/bash_completion
	need_terminal
	run -0 complete_typed 'noselfconn -v sample --al'
	[ "$output" = 'run: [-v] [sample] [--alphaend]' ]
	run -0 complete_typed 'noselfconn --log=file -vn 3 -- sample --al'
	[ "$output" = 'run: [--log=file] [-vn] [3] [--] [sample] [--alphaend]' ]
	# The blank is the completion's own, as git's has it: it is not part of a file's name.
	run -0 complete_typed 'noselfconn sample be'
	[ "$output" = 'run: [sample] [bet] [end]' ]
}

# complete_zsh LINE: types the line and a tab into zsh; prints what it shows, until it has cleared the
# line and run another.
complete_zsh() {
	timeout 20 zsh -f -c 'zmodload zsh/zpty
		zpty shell zsh -f -i
		zpty -w shell "PS1= PROMPT=; bindkey -e; fpath=($0 \$fpath); autoload -Uz compinit; compinit -u -D; echo REA\"\"DY"
		zpty -r -m shell out "*READY*"
		zpty -w -n shell "$1"$'\''\t'\''
		zpty -w shell $'\''\x01\x0b'\''"echo CLEA\"\"RED"
		zpty -r -m shell out "*CLEARED*"
		zpty -d shell
		print -r -- "$out"' "$top/scripts/completions" "$1"
}

@test "zsh completes options, the command and its arguments" {
	need zsh
	need_terminal
	run -0 complete_zsh 'noselfconn --verb'
	has verbose
	run -0 complete_zsh 'noselfconn -'
	has 'prove on this host' -V
	run -0 complete_zsh 'noselfconn -v -n 3 mkdir --pare'
	has parents
	run -0 complete_zsh 'noselfconn --retries=3 -- mkdir --pare'
	has parents
	run -0 complete_zsh 'noselfconn -vl /dev/null mkdir --pare'
	has parents
	touch some-log-file
	run -0 complete_zsh 'noselfconn --log some-'
	has log-file
	run -0 complete_zsh 'noselfconn --nonsense'
	[[ $output != *parents* ]]
}
