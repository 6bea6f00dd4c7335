"""Arguments and options that several commands share: the address of a network, its settings, and limits."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from archdsl.addresses import STDIN
from archdsl.cli.console import print_diagnostics
from archdsl.cli.model_source import imported_text
from archdsl.cli.size_option import wrong_inputs_refused
from archdsl.compiled import Compiled
from archdsl.diagnostics import SpecError
from archdsl.driver import compile_address, compile_source
from archdsl.input_sizes import InputSizes
from archdsl.limits import limits_from
from archdsl.lints import levels_from
from archdsl.session import Session

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from archdsl.network import Network

F = TypeVar("F", bound=Callable[..., Any])
_SETTING = r"(?s)(?P<name>train\.\w+(\[\d+\])?(\.\w+)?|[^\W\d]\w*(\.[^\W\d]\w*)?)\s*=\s*(?P<value>.*\S)\s*"


class Address(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions alone
    """`FILE[:NETWORK]`, the name of a network that comes with archdsl, or a model that can be imported."""

    name = "address"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return matching networks and files."""
        from archdsl.cli import completions  # here: no command needs them

        return completions.networks(incomplete)


class Setting(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions alone
    """`NAME=VALUE`, as a pair of strings; the compiler checks the name."""

    name = "setting"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Split at the first `=`."""
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(_SETTING, value)
        if found is None:
            self.fail(f"{value!r} is not NAME=VALUE, as in classes=10 or train.epochs=5", param, ctx)
        return found["name"], found["value"]

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the parameters of the network, if it is known already, and the keys of a recipe."""
        from archdsl.cli import completions  # here: no command needs them

        return completions.settings(ctx.params.get("address"), incomplete)


class Limit(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions alone
    """`NAME=N`, as a name and a number."""

    name = "limit"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Split at `=`."""
        if isinstance(value, tuple):
            return value
        name, _, number = value.partition("=")
        try:
            return name.strip(), int(number)
        except ValueError:
            self.fail(f"{value!r} is not NAME=N, as in nodes=1000000", param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names of the limits."""
        from archdsl.cli import completions  # here: no command needs them

        return completions.limit_names(incomplete)


_OPTIONS = {
    "--gpu": ("--device", "cuda"), "--gpus": ("--devices", "N"), "--num-gpus": ("--devices", "N"), "--cuda": ("--device", "cuda"),
    "--cpu": ("--device", "cpu"), "--accelerator": ("--device", "auto"), "--pretrained": ("--weights", "FILE"),
    "--checkpoint": ("--weights", "FILE"), "--out": ("-o", "FOLDER"), "--out-dir": ("-o", "FOLDER"),
    "--output-dir": ("-o", "FOLDER"),
    "--save-dir": ("-o", "FOLDER"), "--fast-dev-run": ("--dry-run", ""), "--continue": ("--resume", ""),
}  # fmt: skip
"""Names of options in other programs, mapped to the equivalent option and its value."""


class NetworkCommand(click.Command):
    """A command whose argument is a network. It also accepts `-:NAME`, a network on standard input."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments. Accept `-:NAME`, and suggest `--set` for an option that is a key of the recipe."""
        given = list(args)
        if (
            ctx.resilient_parsing and args and args[-1].startswith("--")
        ):  # during completion, an option without its value would hide all arguments
            args = args[:-1]
        if (
            "--resume" in given
            and (following := given[given.index("--resume") + 1 :])
            and os.path.isfile(os.path.join(following[0], "run.json"))
        ):
            raise click.UsageError(f"--resume takes no folder: write -o {following[0]} --resume", ctx)
        try:
            return super().parse_args(ctx, [STDIN + arg[1:] if arg.startswith("-:") else arg for arg in args])
        except click.NoSuchOption as error:
            other = _OPTIONS.get(error.option_name, ("", ""))
            if any(other[0] in param.opts for param in self.params):
                raise click.UsageError(f"no option {error.option_name}: write {' '.join(other).strip()}", ctx) from None
            setting = _meant_setting(error.option_name, given)
            if setting is None:
                raise
            raise click.UsageError(f"no option {error.option_name}: it is a key of the recipe, --set {setting}", ctx) from None


def _meant_setting(option: str, arguments: list[str]) -> str | None:
    """Return the setting that an unknown option means: `train.epochs=3` for `--epochs 3`; None if it is no key of a recipe."""
    from archdsl.recipe.setting_paths import assignment, meant_path  # here: the models of recipes take time to define

    path = meant_path(option.lstrip("-").replace("-", "_"))
    if path is None:
        return None
    at = next((i for i, argument in enumerate(arguments) if argument.partition("=")[0] == option), None)
    if at is None:
        return assignment(path, "...")
    _, equals, value = arguments[at].partition("=")
    following = arguments[at + 1] if at + 1 < len(arguments) and not arguments[at + 1].startswith("-") else "..."
    return assignment(path, value if equals else following)


def network_arguments(command: F) -> F:
    """Add the argument NETWORK and the options `--set` and `--limit` to a command."""
    help = "Set a parameter of the network, or a key of the recipe: --set train.epochs=5. May be repeated."
    command = click.option("--set", "settings", type=Setting(), multiple=True, metavar="NAME=VALUE", help=help)(command)
    return click.argument("address", type=Address(), metavar="NETWORK")(limit_option(command))


def limit_option(command: F) -> F:
    """Add the option `--limit` to a command that reads a spec. The command takes a `session` with the limits."""
    help = "Change a limit on the size of a spec: --limit nodes=1000000. May be repeated."
    return click.option("--limit", "session", type=Limit(), multiple=True, metavar="NAME=N", help=help, callback=_session)(
        command
    )


def _session(ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, int], ...]) -> Session:
    try:
        return Session(limits_from(dict(value)))
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None


class LintCode(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions alone
    """The code of a warning or note; completes those that there are."""

    name = "code"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The codes of warnings and notes."""
        from archdsl.cli import completions  # here: no command needs them

        return completions.lint_codes(incomplete)


def level_options(command: F) -> F:
    """Add the options that change severities. The command takes `levels`."""
    options = {
        "allow": "Do not report CODE, which is that of a warning or note. May be repeated.",
        "deny": "Report CODE as an error. Wins over --allow.",
        "warn": "Report CODE as a warning. Wins over --deny and --allow.",
    }

    @wraps(command)
    def with_levels(*args: Any, warn: tuple[str, ...], deny: tuple[str, ...], allow: tuple[str, ...], **rest: Any) -> Any:
        try:
            levels = levels_from(warn=warn, deny=deny, allow=allow)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        return command(*args, levels=levels, **rest)

    for name, help in options.items():
        with_levels = click.option(f"--{name}", type=LintCode(), multiple=True, metavar="CODE", help=help)(with_levels)
    return cast("F", with_levels)


def read_network(
    address: str, settings: tuple[tuple[str, str], ...], session: Session, sizes: InputSizes = (), *, fixed: bool = False
) -> Compiled:
    """Compile the network at an address; `-` is standard input. Other models are imported, if need be at `fixed` sizes."""
    with wrong_inputs_refused():
        try:
            source = imported_text(address, sizes, fixed=fixed)
        except SpecError as error:
            return Compiled(None, None, list(error.diagnostics))
        if source is not None:
            return compile_source(source, None, None, dict(settings), session=session, sizes=sizes)
        return compile_address(address, dict(settings), sys.stdin.buffer, session=session, sizes=sizes)


def require_network(
    address: str, settings: tuple[tuple[str, str], ...], session: Session, sizes: InputSizes = (), *, fixed: bool = False
) -> Network:
    """Return the network at an address, and print warnings. Raise `SpecError` if it has errors."""
    compiled = read_network(address, settings, session, sizes, fixed=fixed)
    compiled.require()
    print_diagnostics(compiled.diagnostics)
    from archdsl.network import Network  # here: `check` needs the graph alone

    return Network(compiled)


def device_option(purpose: str) -> Callable[[F], F]:
    """Return the option `--device`; `purpose` says in its help what the device is chosen to do, such as `train on`."""
    kinds = click.Choice(["auto", "cpu", "cuda", "mps"])
    return click.option("--device", type=kinds, default="auto", show_default=True, help=f"Device to {purpose}.")
