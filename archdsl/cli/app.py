"""The command `archdsl`: the table of commands, and error handling that all of them share.

click parses the arguments. It imports quickly (0.03 s, against 0.2 s for libraries built on it), formats the help,
supports completion in three shells, and allows commands to be imported lazily, so that `check` does not import
the dependencies of `train`.
"""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from archdsl import __version__
from archdsl.cli.output import OutputError, print_text, writing_output

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

COMMANDS: Final = {
    "check": "Check a network for errors and show its layers.",
    "fmt": "Format spec files in the one style.",
    "lint": "Report warnings and notes about spec files.",
    "diff": "Compare two networks, files or revisions.",
    "compile": "Compile a network to PyTorch source.",
    "bench": "Measure the speed and the memory of a network.",
    "render": "Draw a diagram of a network.",
    "report": "Report on cost, memory, receptive fields and paths.",
    "probe": "Measure activations and gradients by depth.",
    "train": "Train a network with the recipe in its file.",
    "space": "Count and list the members of a search space.",
    "sweep": "Train members of a search space, and find the best.",
    "evaluate": "Evaluate a trained network: metrics, classes, worst examples.",
    "predict": "Predict the classes of images with a trained network.",
    "export": "Export a network for other runtimes, with proof of equality.",
    "runs": "List training runs, compare them, and draw their curves.",
    "lsp": "Serve an editor through the Language Server Protocol.",
    "playground": "Serve a page that runs the compiler in a browser.",
    "mcp": "Serve agents through the Model Context Protocol.",
    "new": "Create a new network file, from a template or another network.",
    "import": "Import an existing model, and prove that both agree.",
    "ops": "List all ops, or describe one.",
    "specs": "List the networks that come with archdsl.",
    "explain": "Explain an error code.",
    "completion": "Print the completion script for a shell.",
}
"""Each command with its line in the help. The module of that name defines it as `command`."""
_MODULES: Final = {"import": "import_model"}
"""The modules of commands whose names are keywords of Python."""


_COMPLETE: Final = "_ARCHDSL_COMPLETE"
"""The environment variable that a shell sets to request completions."""
_BROKEN_PIPE: Final = 141
"""The exit code after a broken pipe, as shells report it: 128 plus the number of SIGPIPE."""


class Commands(click.Group):
    """A group that imports the module of a command only when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        gc.disable()  # imports allocate many objects and free none
        command: click.Command = _with_help(import_module(f"archdsl.cli.{_MODULES.get(cmd_name, cmd_name)}").command)
        gc.freeze()  # modules live until the process ends, so later collections can skip them
        gc.enable()
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command, or fail with a suggestion if there is none of that name."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from archdsl.diagnostics.suggest import nearest  # here: most commands are there

            near = nearest(args[0], COMMANDS)
            ctx.fail(f"no command {args[0]!r}" + (f"; did you mean {near!r}?" if near else f"; there are {', '.join(COMMANDS)}"))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names of commands without importing them."""
        from click.shell_completion import CompletionItem  # here: no command needs it

        names = [CompletionItem(name, help=line) for name, line in COMMANDS.items() if name.startswith(incomplete)]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Print errors of the user or the system instead of raising them."""
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
    epilog="\b\nExamples:\n  archdsl check resnet50\n  archdsl check net.arch:small --set classes=10\n"
    "  archdsl render net.arch -o net.svg\n  archdsl train net.arch --set train.epochs=5",
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, help="Show the version and exit.",
              callback=lambda ctx, param, value: _show(ctx, value, lambda: f"archdsl {__version__}"))  # fmt: skip
def root() -> None:
    """Check, draw, compile and train neural networks that are described in a text file.

    NETWORK is a file (FILE.arch), a network in a file (FILE.arch:NAME), the name of a network that comes with
    archdsl (see `archdsl specs`), or `-` for standard input. Commands that need no recipe also take a model that
    `archdsl import` reads: a file of another program (FILE.onnx, FILE.pt2), or package.module:name, whose Python they run.
    """


def _with_help(command: click.Command) -> click.Command:
    """Add an option `--help` to a command that prints through `print_text`."""
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
    """Run the command line and return the exit code: 0, 1 for an error, 2 for wrong usage, or 128 plus the number of a signal."""
    _stand_in_for_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without `×` shows `\xd7`
    if _COMPLETE in os.environ:
        for shell in ("bash", "zsh"):  # here: no other command needs them
            import_module(f"archdsl.cli.{shell}_completion")
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
    """Replace each standard stream that was closed before the start, for which Python has None.

    Reading standard input and writing standard output then raise an error; standard error discards its text. Each
    replacement occupies the stream's file descriptor, which the next opened file would otherwise get.
    """
    for name, mode, access in (("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, access), mode, encoding="utf-8", closefd=False))


def _drop_output() -> None:
    """Discard buffered output after a broken pipe or a full disk, so that Python does not report it again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
