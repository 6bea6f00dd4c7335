"""The constants and functions of files. They may use each other in any order, but not in a circle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.elaborate.evaluates import Evaluates
from archdsl.elaborate.functions import make_function
from archdsl.elaborate.values import UNKNOWN, Environment, Module
from archdsl.syntax import nodes as ast
from archdsl.syntax.free_names import free_names


class FileConstants:
    """The values of constants, each found when it is first asked for. An error in one is raised once; it is then unknown."""

    def __init__(self, evaluator: Evaluates) -> None:
        self._evaluator = evaluator
        self._values: dict[ast.Constant, Any] = {}
        self._errors: dict[ast.Constant, SpecError] = {}

    def value(self, definition: ast.Constant, module: Module) -> Any:
        """Return the value of a constant, or the function. Raise `SpecError` if it has none."""
        if definition not in self._values:
            self._find(definition, module)
        error = self._errors.pop(definition, None)
        if error is not None:
            raise error
        return self._values[definition]

    def _find(self, wanted: ast.Constant, module: Module) -> None:
        """Find a value after those that it is made of, so that a long chain of constants is no deep expression."""
        pending = [wanted]
        while pending:
            definition = pending[-1]
            needed = [] if definition in self._values else [
                other for other in used_constants(definition, module) if other not in self._values
            ]  # fmt: skip
            if needed:
                pending += needed
                continue
            pending.pop()
            if definition in self._values:
                continue
            try:
                self._values[definition] = self._made(definition, module)
            except SpecError as error:
                self._values[definition], self._errors[definition] = UNKNOWN, error

    def _made(self, definition: ast.Constant, module: Module) -> Any:
        damage = module.file.damage
        if damage is not None and damage.blurs(definition.span.start):
            self._evaluator.unread = True
            return UNKNOWN
        env = Environment(None, module)
        if definition.parameters is not None:
            return make_function(self._evaluator, definition, env)
        return self._evaluator.evaluate_apart(definition.value, env)


def used_constants(definition: ast.Constant, module: Module) -> Iterator[ast.Constant]:
    """Yield the constants of the file that one uses, as far as they can be used."""
    for name in free_names(definition):
        other = module.definitions.get(name)
        if isinstance(other, ast.Constant) and name not in module.unclear:
            yield other


def refuse_circles(module: Module) -> list[Diagnostic]:
    """Return an error for each circle of constants. Those in it are then unclear."""
    found: list[Diagnostic] = []
    finished: set[str] = set()
    for start in [name for name, definition in module.definitions.items() if isinstance(definition, ast.Constant)]:
        path: list[tuple[str, Iterator[ast.Constant]]] = []
        following: ast.Constant | None = _constant(module, start)
        while True:
            if following is not None and following.name in (name for name, _ in path):
                chain = [name for name, _ in path]
                found.append(_circle(module, [*chain[chain.index(following.name) :], following.name]))
            elif following is not None and following.name not in finished and following.name not in module.unclear:
                path.append((following.name, used_constants(following, module)))
            if not path:
                break
            following = next(path[-1][1], None)
            if following is None:
                finished.add(path.pop()[0])
    return found


def _constant(module: Module, name: str) -> ast.Constant:
    definition = module.definitions[name]
    assert isinstance(definition, ast.Constant)
    return definition


def _circle(module: Module, chain: list[str]) -> Diagnostic:
    module.unclear.update(chain)
    first = _constant(module, chain[0])
    return codes.reuse.DefinedByItself(chain, first.parameters is not None).at(first.name_span)
