"""`archdsl completion`: completion scripts for shells."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from archdsl.cli import bash_completion, zsh_completion  # noqa: F401  # they register themselves
from archdsl.cli.output import print_text

_LINES = """\b
Add one line to the start-up file of your shell:
  bash:  eval "$(archdsl completion bash)"
  zsh:   eval "$(archdsl completion zsh)"
  fish:  archdsl completion fish | source"""


@click.command(epilog=_LINES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL."""
    complete = get_completion_class(shell)
    assert complete is not None
    print_text(complete(ctx.find_root().command, {}, "archdsl", "_ARCHDSL_COMPLETE").source())
