"""Completion in bash, which takes `:` and `=` for ends of words: `net.arch:resnet50` is three words to it.

click's own script gives those words on, so that nothing after a colon could be completed, and ends each reply with a space.
"""

from __future__ import annotations

import os

from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

_SCRIPT = """\
%(complete_func)s() {
    local IFS=$'\\n' response type value
    COMPREPLY=()
    response=$(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORDBREAKS="$COMP_WORDBREAKS" %(complete_var)s=bash_complete "$1")
    while IFS=',' read -r type value; do
        case $type in
            dir) COMPREPLY+=($(compgen -d -S / -- "$2")) ;;
            file) compopt -o default 2>/dev/null ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done <<< "$response"
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """Completes what bash takes for the last word, of what the user takes for one."""

    source_template = _SCRIPT
    _there = ""
    """What of the user's last word lies before bash's."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words of the line before the one to complete, and that one."""
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)
        incomplete = words.pop() if words and not line[-1:].isspace() else ""
        breaks = os.environ.get("COMP_WORDBREAKS", "")
        self._there = incomplete[: incomplete.rfind(":") + 1] if ":" in breaks else ""
        return words[1:], incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """The part of a reply that bash puts in place of its last word."""
        return f"{item.type},{item.value.removeprefix(self._there)}"


add_completion_class(Bash)
