# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Completion for bash: the options of noselfconn, then the command as if it stood alone.

_noselfconn_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

_noselfconn() {
	local word=${COMP_WORDS[COMP_CWORD]} i=1 action='' option=''
	COMPREPLY=()
	# Over the options, as noselfconn reads them. Bash makes three words of --log=FILE.
	while ((i < COMP_CWORD)) && [[ ${COMP_WORDS[i]} = -* && ! $action ]]; do
		option=${COMP_WORDS[i++]}
		if [[ $option = -- ]]; then
			break
		elif [[ $option =~ ^(--log|--retries|-[avqs]*[ln])$ ]]; then
			[[ ${COMP_WORDS[i]} != = ]] || ((++i))
			((++i))
		elif [[ $option =~ ^(--(check|self-test|print-preload|help|version)|-h|-V)$ ]]; then
			action=$option
		fi
	done

	if [[ $action ]]; then
		[[ $action != --check ]] || mapfile -t COMPREPLY < <(compgen -W --json -- "$word")
	elif ((i > COMP_CWORD)); then
		case $option in
		*l | --log) _noselfconn_files "${word#=}" ;;
		*) mapfile -t COMPREPLY < <(compgen -W '0 1 2 5 10' -- "${word#=}") ;;
		esac
	elif ((i == COMP_CWORD)) && [[ $word = -* && $option != -- ]]; then
		mapfile -t COMPREPLY < <(compgen -W '--verbose --log --retries --quiet --all --strict --check
			--self-test --print-preload -h --help -V --version' -- "$word")
	elif declare -F _comp_command_offset >/dev/null; then
		_comp_command_offset "$i" # bash-completion 2.12
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$i"
	elif ((i == COMP_CWORD)); then
		mapfile -t COMPREPLY < <(compgen -c -- "$word")
	else
		_noselfconn_files "$word"
	fi
}

complete -F _noselfconn noselfconn
