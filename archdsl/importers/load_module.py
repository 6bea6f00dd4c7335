"""The model at an address such as `torchvision.models:resnet50`. This runs the user's Python; nothing else in archdsl does."""

from __future__ import annotations

import ast
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from archdsl.diagnostics import SpecError, codes
from archdsl.diagnostics.suggest import nearest
from archdsl.importers.failures import place_of
from archdsl.importers.recording import recorded

if TYPE_CHECKING:
    from archdsl.importers.proof import Report


@dataclass(frozen=True)
class Loaded:
    """A module with its name, the arguments of its constructors by path, and where it comes from.

    A module that a file describes may come with the exported `program` that it is at the sizes of its `inputs`, with `notes` for
    the header of the text, and with one more comparison, `also`, which adds to the report on a network.
    """

    module: nn.Module
    name: str
    arguments: Mapping[str, Mapping[str, Any]]
    source: str
    program: Any = None
    inputs: tuple[Tensor, ...] | None = None
    modes: tuple[str, ...] = ("evaluation", "other sizes", "training")
    notes: tuple[str, ...] = ()
    also: Callable[[Report, nn.Module], None] | None = None
    fixed: bool = False
    """Whether the file declares the sizes of its inputs as numbers."""


def load_module(address: str, call: str | None = None) -> list[Loaded]:
    """Return the modules at an address, `package.module:name` or `package.module:one,two`. Raise `SpecError` E1201."""
    path, _, names = address.partition(":")
    if not names:
        raise _bad(address, "it has no name behind a colon", "write `package.module:name`, as in `torchvision.models:resnet50`")
    module = _imported(address, path)
    arguments = _arguments(address, call)
    found = []
    for name in names.split(","):
        made, given = _made(address, module, path, name.strip(), arguments)
        found.append(Loaded(made, name.strip().rpartition(".")[2], given, _source(path, name.strip(), call)))
    return found


def _bad(address: str, reason: str, help: str | None = None) -> SpecError:
    return SpecError(codes.importing.BadAddress(address, reason, help))


def _imported(address: str, path: str) -> Any:
    """Import a Python module by its name, or from a file in the current folder."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        with redirect_stdout(sys.stderr):
            return importlib.import_module(path.removesuffix(".py").replace("/", "."))
    except Exception as error:
        raise _bad(address, *_not_imported(path, error)) from error
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _not_imported(path: str, error: Exception) -> tuple[str, str | None]:
    """Return why a Python module cannot be imported, and what helps."""
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        if path == error.name or path.startswith(f"{error.name}."):
            return f"there is no Python module `{error.name}`", "name an installed package, or run this in the folder of the file"
        return (
            f"importing it fails: it needs the package `{error.name}`, which is not installed",
            f"`pip install {error.name}`, if that is also the name of its package",
        )
    place = place_of(error)
    reason = f"importing it fails{f' at {place}' if place else ''}: {type(error).__name__}: {error}"
    if "operator torchvision::" in str(error):
        return reason, "this torchvision was built for another PyTorch: install the one that belongs to yours"
    return reason, None


def _arguments(address: str, call: str | None) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments in a text such as `(width=32)`; they are literals."""
    if call is None:
        return [], {}
    try:
        tree = ast.parse(f"f{call if call.startswith('(') else f'({call})'}", mode="eval").body
        assert isinstance(tree, ast.Call)
        positional = [ast.literal_eval(argument) for argument in tree.args]
        named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in tree.keywords if keyword.arg is not None}
    except (SyntaxError, ValueError, AssertionError) as error:
        raise _bad(address, f"`--call {call}` is no list of literal arguments", "write `--call '(width=32, depth=4)'`") from error
    return positional, named


def _made(address: str, module: Any, path: str, name: str, arguments: tuple[list[Any], dict[str, Any]]) -> tuple[nn.Module, Any]:
    target: Any = module
    for part in name.split("."):
        if not hasattr(target, part):
            near = nearest(part, [n for n in dir(target) if not n.startswith("_")])
            raise _bad(address, f"`{path}` has no `{part}`", f"did you mean `{near}`?" if near else None)
        target = getattr(target, part)
    if isinstance(target, nn.Module):
        return target, {}
    if not callable(target):
        raise _bad(address, f"`{name}` is {type(target).__name__}, and no module, class or function")
    positional, named = arguments
    try:
        with redirect_stdout(sys.stderr):
            made, given = recorded(lambda: target(*positional, **named))
    except Exception as error:
        help = "give it arguments: `--call '(width=32)'`" if isinstance(error, TypeError) else None
        raise _bad(address, f"calling `{name}` fails: {type(error).__name__}: {error}", help) from error
    if not isinstance(made, nn.Module):
        raise _bad(address, f"`{name}` gives {type(made).__name__}, and no `nn.Module`")
    return made, given


def _source(path: str, name: str, call: str | None) -> str:
    """Return the address with the version of its package."""
    package = sys.modules.get(path.partition(".")[0])
    version = getattr(package, "__version__", None)
    shown = f"{path}:{name}{call or ''}"
    return f"{shown} ({path.partition('.')[0]} {version.partition('+')[0]})" if isinstance(version, str) else shown
