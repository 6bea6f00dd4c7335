"""The file and the network that an address means: `net.arch:resnet50`, `net.arch`, or the name of a shipped network."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO, Final

from archdsl.diagnostics import Diagnostic, codes
from archdsl.elaborate import Module, Program, decode_source, open_parameters, read_source, select_network
from archdsl.limits import Limits
from archdsl.resources import shipped_files
from archdsl.session import Session
from archdsl.source import SourceFile
from archdsl.syntax import nodes as ast

STDIN: Final = "/dev/stdin"


def split_address(address: str) -> tuple[str, str | None]:
    """Split `net.arch:resnet50` into its file and its network; the network is None if the address names none."""
    path, colon, name = address.rpartition(":")
    if colon and path and "/" not in name and "\\" not in name and "." not in name:
        return path, name
    return address, None


def read_address(
    address: str, session: Session, stdin: IO[bytes] | None = None
) -> tuple[Path | None, str | None, SourceFile | Diagnostic]:
    """Return the file of an address, the name of its network if it gives one, and its text."""
    path_text, name = split_address(address)
    if stdin is not None and path_text in ("-", STDIN):
        return None, name, _read_stream(stdin, "<stdin>", session.limits)
    if not path_text:
        return None, name, codes.files.NoFileNamed()
    path, bare = Path(path_text), "/" not in path_text and "." not in path_text
    if os.path.exists(path) or not bare:
        return path, name, read_source(path, str(path), limits=session.limits)
    shipped = (
        _shipped_file(path_text, session)
        if name is None
        else next((file for file in shipped_files() if file.stem == path_text), None)
    )
    if shipped is not None:
        return shipped, path_text if name is None else name, read_source(shipped, shipped.name, limits=session.limits)
    if name is not None and (file := _shipped_file(path_text, session)) is not None:
        return path, name, codes.files.NetworkForFile(path_text, file.stem, name)
    meant = f"{path_text}.arch"
    known = [] if os.path.exists(meant) else list(shipped_networks(session))
    return path, name, codes.files.NoSuchFile(address, path_text, None if known else meant, known)


def _read_stream(stream: IO[bytes], shown: str, limits: Limits) -> SourceFile | Diagnostic:
    """Return the text of a stream, of which no more is read than a spec may have."""
    try:
        data = stream.read(4 * limits.source_characters + 1)
    except OSError as error:
        reason = "it is closed" if error.errno == errno.EBADF else error.strerror or error
        return codes.files.CannotRead(shown, str(reason), "name a file, or pipe one in")
    return decode_source(data, shown)


def networks_at(file: str) -> list[str]:
    """Return the names of the networks in a file or a shipped one; none if it cannot be read."""
    session = Session()
    path, _, source = read_address(f"{file}:any", session)
    if isinstance(source, Diagnostic):
        return []
    module = Program(path.parent if path is not None else None, session).module(source, path)
    return [name for name, d in module.definitions.items() if isinstance(d, ast.Network | ast.Alias)]


def parameters_at(address: str) -> dict[str, str]:
    """Return the open parameters of the network at an address, each with its text; none if there is no such network."""
    session = Session()
    path, name, source = read_address(address, session)
    if isinstance(source, Diagnostic):
        return {}
    module = Program(path.parent if path is not None else None, session).module(source, path)
    chosen = select_network(module, name, path.stem if path is not None else "", source.name)
    if isinstance(chosen, Diagnostic):
        return {}
    return {p.name: p.span.text for p in open_parameters(module, chosen, session.limits)}


def recipes_at(address: str) -> tuple[ast.Train, ...]:
    """Return the recipes in the file at an address."""
    session = Session()
    path, _, source = read_address(address, session)
    if isinstance(source, Diagnostic):
        return ()
    return tuple(Program(path.parent if path is not None else None, session).module(source, path).file.recipes)


def bases_of_aliases(file: ast.File) -> set[str]:
    """Return the networks that aliases in the file give arguments to: the common part of a family."""
    targets = [ast.bare(d.target) for d in file.definitions if isinstance(d, ast.Alias)]
    callees = [ast.bare(target.callee) if isinstance(target, ast.CallExpr) else target for target in targets]
    called = {callee.id for callee in callees if isinstance(callee, ast.Name)}
    return {d.name for d in file.definitions if isinstance(d, ast.Network) and d.name in called}


def shipped_networks(session: Session | None = None) -> dict[str, Path]:
    """Return the networks that come with archdsl, by name, with their files."""
    session = session or Session()
    found: dict[str, Path] = {}
    for path in shipped_files():
        source = read_source(path)
        if isinstance(source, SourceFile):
            module = Program(path.parent, session).module(source, path)
            found |= dict.fromkeys((d.name for d in stand_alone_networks(module)), path)
    return found


def _shipped_file(name: str, session: Session) -> Path | None:
    """Return the shipped spec that defines a network. Only texts that contain its name are parsed: parsing all takes too long."""
    for path in shipped_files():
        source = read_source(path, path.name)
        if isinstance(source, SourceFile) and name in source.text:
            definitions = Program(path.parent, session).module(source, path).definitions
            if isinstance(definitions.get(name), ast.Network | ast.Alias):
                return path
    return None


def stand_alone_networks(module: Module) -> list[ast.Network | ast.Alias]:
    """Return the networks that need no arguments, without those that aliases in the file give arguments to."""
    waiting = bases_of_aliases(module.file)

    def stands_alone(network: ast.Network) -> bool:
        return network.name not in waiting or all(parameter.is_optional for parameter in network.parameters)

    definitions = module.definitions.values()
    return [d for d in definitions if isinstance(d, ast.Alias) or (isinstance(d, ast.Network) and stands_alone(d))]
