"""The command `archdsl`: its table of commands, and what all of them share when something goes wrong.

click does the arguments: it is light (0.03 s to import, against 0.2 s for those built on it), writes the
help, completes in three shells, and lets a command be imported only when it is called, so that `check`
never pays for what `train` needs.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from archdsl import __version__
from archdsl.cli.output import OutputError, print_text, writing_output

COMMANDS: Final = {
    "check": "Find what is wrong with a network, or show its layers.",
    "compile": "Write a network as PyTorch source.",
    "render": "Draw a network.",
    "train": "Train a network by the recipe in its file.",
    "new": "Write a network to edit: a copy of one, or a small one.",
    "ops": "Show the ops, or all about one.",
    "specs": "Show the networks that come with archdsl.",
    "explain": "Explain an error code.",
    "completion": "Print the script for completion in a shell.",
}
"""Each command with its line in the help; it is `command` in the module of its name."""


_COMPLETE: Final = "_ARCHDSL_COMPLETE"
"""The variable in which a shell asks what to offer."""
_BROKEN_PIPE: Final = 141
"""As a shell sees a program that nobody reads any more: 128 and SIGPIPE's number."""


class Commands(click.Group):
    """Imports a command's module when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # it looks for them in every installed package
        gc.disable()  # importing makes much and frees nothing
        command: click.Command = _with_help(import_module(f"archdsl.cli.{cmd_name}").command)
        gc.freeze()  # modules live to the end: not to be gone through again, least of all when the process ends
        gc.enable()
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; names the nearest one where there is none such."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from archdsl.diagnostics.suggest import nearest  # here: most commands are there

            near = nearest(args[0], COMMANDS)
            ctx.fail(f"no command {args[0]!r}" + (f"; did you mean {near!r}?" if near else f"; there are {', '.join(COMMANDS)}"))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table, without importing the commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """From the table, without importing the commands."""
        names = [CompletionItem(name, help=line) for name, line in COMMANDS.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what is wrong with a spec, or with the world around it, is printed and not raised."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _drop_output()
            ctx.exit(_BROKEN_PIPE)
        except Exception as error:
            from archdsl.cli.console import report_failure  # here: most commands end well, and `--help` needs no renderer

            if not report_failure(error):
                raise
            ctx.exit(1)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExamples:\n  archdsl check resnet50\n  archdsl check net.arch:small --set classes=10\n  archdsl render net.arch -o net.svg\n  archdsl train net.arch --set train.epochs=5",
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, help="Show the version and exit.",
              callback=lambda ctx, param, value: _show(ctx, value, lambda: f"archdsl {__version__}"))  # fmt: skip
def root() -> None:
    """Neural-network architectures as text: check them, draw them, compile them to PyTorch, train them.

    NETWORK is a file, FILE.arch, or one network of several in it, FILE.arch:NAME; `-` is standard input.
    The networks that `archdsl specs` lists go by their names alone.
    """


def _with_help(command: click.Command) -> click.Command:
    """The command with an option `--help` that prints as all else is printed."""
    if not any(param.name == "help" for param in command.params):
        command.params.append(
            click.Option(["-h", "--help"], is_flag=True, expose_value=False, is_eager=True, help="Show this message and exit.",
                         callback=lambda ctx, param, value: _show(ctx, value, ctx.get_help))
        )  # fmt: skip
    return command


def _show(ctx: click.Context, wanted: bool, text: Callable[[], str]) -> None:
    if wanted and not ctx.resilient_parsing:
        print_text(text())
        ctx.exit()


_with_help(root)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line. Returns 0, 1 for errors in a spec, 2 for a wrong command line, or 128 and a signal's number."""
    _stand_in_for_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without `×` shows it as \xd7
    if _COMPLETE in os.environ:
        import_module("archdsl.cli.bash_completion")  # here: no other command needs it
    try:
        status = root.main(arguments, prog_name="archdsl", standalone_mode=False)
        with writing_output():
            sys.stdout.flush()
        return status or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        _drop_output()
        return _BROKEN_PIPE
    except OutputError as error:
        _drop_output()
        click.echo(f"error[E0606]: standard output cannot be written: {error}", err=True)
        return 1


def _stand_in_for_closed_streams() -> None:
    """Give each standard stream that was closed before the start a stand-in: Python has none in its place.

    Standard input and output get one that cannot be read or written, so that who needs them learns of it, and
    standard error one that swallows. Each keeps its number, which the next file to be opened would get otherwise.
    """
    for name, mode, access in (("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, access), mode, encoding="utf-8", closefd=False))


def _drop_output() -> None:
    """Nobody reads on, or nothing fits: what is still in the buffer goes nowhere, so that Python ends in silence."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
