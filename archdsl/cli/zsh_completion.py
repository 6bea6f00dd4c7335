"""Completion in zsh: click's own script adds a space behind each reply, also behind `train.epochs=`."""

from __future__ import annotations

from click.shell_completion import ZshComplete, add_completion_class

_SCRIPT = """\
#compdef %(prog_name)s

%(complete_func)s() {
    local -a plain described open response
    local type key description
    (( ! $+commands[%(prog_name)s] )) && return 1
    response=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) %(complete_var)s=zsh_complete %(prog_name)s)}")
    for type key description in ${response}; do
        case $type in
            dir) _path_files -/ ;;
            file) _path_files -f ;;
            plain)
                if [[ $key == *= ]]; then open+=("$key:${description:#_}")
                elif [[ $description == _ ]]; then plain+=("$key")
                else described+=("$key:$description")
                fi ;;
        esac
    done
    (( $#open )) && _describe -V unsorted open -U -S ''
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""


class Zsh(ZshComplete):
    """As click's, but no space follows a reply that ends with `=`."""

    source_template = _SCRIPT


add_completion_class(Zsh)
