"""Errors for undefined names: a label that is out of scope, or a likely misspelling."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from archdsl.diagnostics import Diagnostic, SpecError, codes, did_you_mean
from archdsl.diagnostics.suggest import same_name
from archdsl.elaborate.values import FUNCTIONS, Environment
from archdsl.ops import Op
from archdsl.source import Span
from archdsl.syntax import nodes as ast

_PATH: Final = r"\w+(?:\.\w+)*"
_DEFINING = "a constant is defined by `let name = ...`, a parameter in the first line of its block or network"


class NameErrors:
    """Builds the errors for undefined names. Each place in the text is examined once, however often a loop comes by."""

    def __init__(self) -> None:
        self._labels = _Labels()
        self._said: dict[tuple[ast.Name, str], SpecError] = {}

    def name(self, e: ast.Name, env: Environment, known: Iterable[str], otherwise: str = _DEFINING) -> SpecError:
        """Return the error for an undefined name, with the label that is out of scope, or the most similar known name."""
        if (e, otherwise) not in self._said:
            self._said[e, otherwise] = self._name(e, env, known, otherwise)
        return self._said[e, otherwise]

    def stage(self, e: ast.Name, call: ast.Expr, env: Environment) -> SpecError:
        """Return the error for an undefined name in the place of a stage, or at the start of its path."""
        if e.id == "return":
            return SpecError(codes.names.ReturnAlone().at(e.span))
        of_another = _of_another_library(e, call)
        if of_another is not None and self._labels.around(env.module.file, e.id, e.span) is None:
            return SpecError(of_another)
        defined = env.module.definitions.get(e.id)
        if e.id in FUNCTIONS or (isinstance(defined, ast.Constant) and defined.parameters is not None):
            return SpecError(codes.expressions.FunctionAsStage(e.id).at(e.span))
        blocks = [name for name, definition in env.module.definitions.items() if isinstance(definition, ast.Block | ast.Constant)]
        known = [*env.visible(), *blocks, *env.module.imports, *Op.registry.names()]
        return self.name(e, env, known, "a stage is an op, a block or a label before it; `archdsl ops` lists the ops")

    def _name(self, e: ast.Name, env: Environment, known: Iterable[str], otherwise: str) -> SpecError:
        hidden = self._labels.around(env.module.file, e.id, e.span)
        if hidden is not None:
            label, later = hidden
            return SpecError(codes.keys.HiddenLabel(e.id, label.span, later).at(e.span))
        if e.id == "x":
            return SpecError(codes.names.FlowOutside().at(e.span))
        if e.id in FUNCTIONS:
            return SpecError(codes.names.FunctionAsValue(e.id).at(e.span))
        if (of_another := _of_another_library(e, None, alone=False)) is not None:
            return SpecError(of_another)
        python = e.id in {"True", "False", "None"}
        if (
            not python
            and otherwise == _DEFINING
            and any(e.id in op.words(name) for op in Op.registry for name in op.parameters_in_order())
        ):
            return SpecError(codes.names.UnquotedWord(e.id, None, otherwise).at(e.span))
        near = None if python else did_you_mean(e.id, known)
        return SpecError(codes.names.UndefinedName(e.id, near, otherwise).at(e.span))


def _of_another_library(e: ast.Name, call: ast.Expr | None, *, alone: bool = True) -> Diagnostic | None:
    """Return the error for a name such as `nn.Conv2d`, or `alone` such as `lstm`; None if it is none that is known."""
    from archdsl.diagnostics.foreign_names import ROOTS, foreign  # here: a spec without errors needs no names of others

    if not alone and e.id not in ROOTS:
        return None
    path = re.compile(_PATH).match(e.span.file.text, e.span.start)
    assert path is not None
    text = path[0]
    if "." not in text and e.id in ROOTS:
        return None
    arguments, whole = None, None
    if isinstance(call, ast.CallExpr):
        arguments, whole = [(argument.name, argument.value.span.text) for argument in call.arguments], call.span
    elif call is not None:
        whole = call.span
    known = Op.registry.names()
    found = foreign(text, arguments, known, lambda name: same_name(name, known))
    if found is None:
        return None
    place = e.span._replace(end=e.span.start + len(text))
    return codes.names.ForeignName(text, found.missing, found.advice, found.written, whole).at(place)


class _Labels:
    """The labels of definitions by name, gathered when first asked for."""

    def __init__(self) -> None:
        self._known: dict[int, dict[str | None, list[ast.Label]]] = {}

    def around(self, file: ast.File, name: str, use: Span) -> tuple[ast.Label, bool] | None:
        """Return a label of this name in the definition around a place, and whether it comes after it; None if there is none."""
        for definition in file.definitions:
            if definition.span.start <= use.start < definition.span.end:
                found = self._of(definition).get(name, [])
                after = [label for label in found if label.span.start > use.start]
                return (found[0], False) if found and not after else (after[0], True) if after else None
        return None

    def _of(self, definition: ast.Definition) -> dict[str | None, list[ast.Label]]:
        if id(definition) not in self._known:
            by_name = self._known[id(definition)] = {}
            for label in ast.walk(definition):
                if isinstance(label, ast.Label):
                    by_name.setdefault(label.name, []).append(label)
        return self._known[id(definition)]
