"""`archdsl completion`: the script that a shell reads."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from archdsl.cli import bash_completion  # noqa: F401  # which registers itself
from archdsl.cli.output import print_text

_LINES = """\b
Put one line into the start-up file of your shell:
  bash:  eval "$(archdsl completion bash)"
  zsh:   eval "$(archdsl completion zsh)"
  fish:  archdsl completion fish | source"""


@click.command(epilog=_LINES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script for completion in SHELL."""
    complete = get_completion_class(shell)
    assert complete is not None
    print_text(complete(ctx.find_root().command, {}, "archdsl", "_ARCHDSL_COMPLETE").source())
