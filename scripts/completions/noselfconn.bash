# shellcheck shell=bash
# Completion for bash: the options of noselfconn, then the command as if it stood alone.

_noselfconn() {
	local word=${COMP_WORDS[COMP_CWORD]} i action=''
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-l | --log | -n | --retries) ((i++)) ;;
		--check | --self-test | --print-preload | --help | --version) action=${COMP_WORDS[i]} ;;
		--) ((i++)) && break ;;
		-*) ;;
		*) break ;;
		esac
	done

	if [[ $action ]]; then
		[[ $action != --check ]] || mapfile -t COMPREPLY < <(compgen -W --json -- "$word")
	elif ((i > COMP_CWORD)); then
		case ${COMP_WORDS[COMP_CWORD - 1]} in
		-l | --log) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
		*) mapfile -t COMPREPLY < <(compgen -W '0 1 2 5 10' -- "$word") ;;
		esac
	elif ((i == COMP_CWORD)) && [[ $word = -* && ${COMP_WORDS[i - 1]} != -- ]]; then
		mapfile -t COMPREPLY < <(compgen -W '--verbose --log --retries --quiet --strict --check
			--self-test --print-preload --help --version' -- "$word")
	elif declare -F _comp_command_offset >/dev/null; then
		_comp_command_offset "$i" # bash-completion 2.12
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$i"
	elif ((i == COMP_CWORD)); then
		mapfile -t COMPREPLY < <(compgen -c -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -o filenames -F _noselfconn noselfconn
