"""Completion in bash, which splits words at `:` and `=`, but not in quotes: `net.arch:resnet50` is three words.

click's own script passes these words on, so nothing after a colon could be completed, and it adds a space after each reply.
"""

from __future__ import annotations

import os

from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

_SCRIPT = """\
%(complete_func)s() {
    local IFS=$'\\n' response type value
    COMPREPLY=()
    response=$(env COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_WORD="$2" %(complete_var)s=bash_complete "$1")
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
    """Complete the last word of the line, and return the part that bash considers a word."""

    source_template = _SCRIPT
    _before = ""
    """The part of the last word that precedes the word of bash."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one to complete, and that word."""
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)
        incomplete = words.pop() if words and not line[-1:].isspace() else ""
        self._before = incomplete.removesuffix(os.environ["COMP_WORD"])
        if self._before.startswith("-"):  # click takes the value of `--set=VALUE` alone
            self._before = self._before.partition("=")[2]
        return words[1:], incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Return the part of a reply that replaces the word of bash."""
        return f"{item.type},{item.value.removeprefix(self._before)}"


add_completion_class(Bash)
