"""The search space of a network: its dimensions, and its members as values, settings and text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple

from archdsl.addresses import read_address
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.elaborate import Module, Program, elaborate, select_network
from archdsl.elaborate.domains import Choices, Domain, domain_of
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.program import Base, base_of
from archdsl.elaborate.recipe_domains import Place
from archdsl.elaborate.recipes import searched
from archdsl.elaborate.values import Callee, Unknown
from archdsl.input_sizes import InputSizes
from archdsl.literals import show
from archdsl.session import Session
from archdsl.syntax import nodes as ast


class Dimension(NamedTuple):
    """A parameter of the network with a domain."""

    name: str
    domain: Domain
    text: str
    """The domain as the spec writes it."""


class Member(NamedTuple):
    """A member of a space: its values by parameter, as values and as texts of the language."""

    values: Mapping[str, Any]
    texts: Mapping[str, str]

    def __str__(self) -> str:
        return ", ".join(f"{name} = {text}" for name, text in self.texts.items())


@dataclass(frozen=True)
class Space:
    """The search space of a network in a file.

    `dimensions` are those of the architecture: its open parameters with a domain that `settings` do not set. `recipe` are the
    domains in the file's `train` block, which change neither parameters nor MACs.
    """

    path: Path | None
    module: Module
    definition: ast.Definition
    base: Base
    dimensions: tuple[Dimension, ...]
    recipe: tuple[Place, ...]
    settings: Mapping[str, str]
    sizes: InputSizes
    session: Session

    @property
    def name(self) -> str:
        """The name of the network."""
        return self.definition.name

    @property
    def combinations(self) -> int | None:
        """The number of combinations of the architecture's domains; None if there are infinitely many."""
        sizes = [dimension.domain.size for dimension in self.dimensions]
        return None if None in sizes else prod(size for size in sizes if size is not None)

    @property
    def own_settings(self) -> dict[str, str]:
        """The settings of the network's parameters, without those of the recipe."""
        return {name: text for name, text in self.settings.items() if not name.startswith("train.")}

    def member(self, values: Sequence[Any]) -> Member:
        """Return the member with these values, in the order of the dimensions."""
        pairs = list(zip(self.dimensions, values, strict=True))
        return Member({one.name: value for one, value in pairs}, {one.name: self.text(one, value) for one, value in pairs})

    def text(self, dimension: Dimension, value: Any) -> str:
        """Return a value as the file writes it. What an imported file defines has the name of the import before its own."""
        if isinstance(value, tuple):
            return show(value, most=max(1, len(value)))
        if not isinstance(value, Callee):
            return show(value)
        name = dimension.domain.name_of(value) if isinstance(dimension.domain, Choices) else ""
        name = name or show(value)
        if self.base.module is self.module or name.partition("(")[0] not in self.base.module.definitions:
            return name
        imported = next((name for name, module in self.module.imports.items() if module is self.base.module), None)
        return name if imported is None else f"{imported}.{name}"

    def at_index(self, index: int) -> Member:
        """Return the member with a number from 0 to `combinations - 1`; the last dimension changes fastest."""
        values: list[Any] = []
        for dimension in reversed(self.dimensions):
            assert isinstance(dimension.domain, Choices)
            index, position = divmod(index, len(dimension.domain.values))
            values.insert(0, dimension.domain.values[position])
        return self.member(values)


def read_space(
    address: str,
    settings: Mapping[str, str] | None = None,
    stdin: IO[bytes] | None = None,
    *,
    session: Session | None = None,
    sizes: InputSizes = (),
    recipe_too: bool = False,
) -> Space:
    """Return the search space of the network at an address.

    Raise `SpecError`: E0809 if it has none (with `recipe_too`, domains in the recipe suffice), and the errors of the file if its
    text or its domains have some. Errors of members are not looked for.
    """
    session, settings = session or Session(), settings or {}
    path, name, source = read_address(address, session, stdin)
    if isinstance(source, Diagnostic):
        raise SpecError(source)
    program = Program(path.parent if path is not None else None, session)
    module = program.module(source, path)
    _refuse_errors(program.diagnostics)
    definition = select_network(module, name, path.stem if path is not None else "", source.name)
    if isinstance(definition, Diagnostic):
        raise SpecError(definition)
    base = base_of(module, definition, session.limits)
    parameters = base.open if base is not None else []
    dimensions = _dimensions(base, settings, session) if base is not None else ()
    recipe = tuple(searched(module, _of_recipe(settings), session))
    if base is None or not (dimensions or (recipe and recipe_too)):
        without = [parameter.name for parameter in parameters if parameter.name not in settings]
        raise SpecError(codes.searches.NoSpace(definition.name, without, recipe_too).at(definition.name_span))
    space = Space(path, module, definition, base, dimensions, recipe, settings, sizes, session)
    first = elaborate(module, definition, space.own_settings, session, sizes, member=_defaults(dimensions))
    _refuse_errors(
        [found for found in first.diagnostics if found.span is None or found.span.file.is_setting or found.code == "E0607"]
    )
    return space


def _refuse_errors(found: Sequence[Diagnostic]) -> None:
    """Raise `SpecError` with the errors among some diagnostics, if there are any."""
    wrong = [one for one in found if one.is_error]
    if wrong:
        raise SpecError(*wrong)


def _defaults(dimensions: Sequence[Dimension]) -> dict[str, Any]:
    return {dimension.name: dimension.domain.default for dimension in dimensions}


def _of_recipe(settings: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix("train."): text for name, text in settings.items() if name.startswith("train.")}


def _dimensions(base: Base, settings: Mapping[str, str], session: Session) -> tuple[Dimension, ...]:
    """Return the dimensions of a network. Raise `SpecError` E0414 if a domain is none."""
    evaluator, found = Evaluator(session), []
    for parameter in base.open:
        if parameter.domain is not None and parameter.name not in settings:
            domain = domain_of(evaluator, parameter.name, parameter.domain, base.module)
            if not isinstance(domain, Unknown):
                found.append(Dimension(parameter.name, domain, " ".join(parameter.domain.span.text.split())))
    return tuple(found)


def alias_text(space: Space, texts: Mapping[str, str], claims: Mapping[str, int], name: str = "best") -> str:
    """Return the alias of a member: `network best = net(24, 4, silu) expect macs == 16_589_040`.

    Values are given by position as far as the parameters stand in this order, and else by name.
    """
    values = {**space.own_settings, **texts}
    written, by_position = [], isinstance(space.definition, ast.Network)
    for parameter in space.base.open:
        if parameter.name not in values:
            by_position = False
        elif by_position:
            written.append(values[parameter.name])
        else:
            written.append(f"{parameter.name} = {values[parameter.name]}")
    arguments = f"({', '.join(written)})" if written else ""
    expected = "".join(f" expect {key} == {value:_}" for key, value in claims.items())
    return f"network {name} = {space.name}{arguments}{expected}"
