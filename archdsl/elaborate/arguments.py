"""From a callee with arguments to an op, or to the parameters of a block."""

from __future__ import annotations

import types
import typing
from typing import Any, TypeVar

from archdsl.diagnostics import Diagnostic, SpecError, codes, merged
from archdsl.elaborate import budget
from archdsl.elaborate.bound_parameters import bound_parameters, parameters_given
from archdsl.elaborate.expressions import Evaluator
from archdsl.elaborate.parameters import header, positional_parameters
from archdsl.elaborate.values import (
    FUNCTIONS,
    UNKNOWN,
    Bound,
    Callee,
    Environment,
    Family,
    Module,
    Unknown,
    bounded,
    length,
    open_where_fixed,
    within,
)
from archdsl.ir.core import Value
from archdsl.limits import FLOAT
from archdsl.ops import Op
from archdsl.registry import Registered, signature
from archdsl.shapes import SymbolicSize
from archdsl.source import Span
from archdsl.syntax import nodes as ast

_Registered = TypeVar("_Registered", bound=Registered)
_PLAIN = frozenset({int, float, bool, str})


class ArgumentBinder:
    """Binds arguments. Equal calls give one op object, so that what is derived from it is derived once."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._made: dict[Any, Registered] = {}

    def declared(self, callee: Callee, span: Span) -> tuple[Registered, tuple[Value, ...]] | Unknown:
        """Return the op or other declared thing, with the values of the network among its arguments."""
        cls = callee.target
        assert isinstance(cls, type)
        bound, wrong = self._by_name(callee, span) if callee.positional or callee.keywords else ({}, [])
        if wrong and issubclass(cls, Op) and cls.operands:
            raise merged(wrong)
        if any(b.value is UNKNOWN for b in bound.values()):
            if wrong:
                raise merged(wrong)
            return UNKNOWN
        operands, hidden = _values_and_sizes(cls, bound, span) if issubclass(cls, Op) else ([], {})
        values = {name: self._plain(cls, name, b) for name, b in bound.items() if name in cls.fields} | hidden
        try:
            made = self.make(cls, values, span)
        except SpecError as error:
            given_wrongly = bool(wrong)  # under a name that is wrong, a missing argument may be given
            wrong += [
                _misfit(cls, found, bound, span)
                for found in error.diagnostics
                if not (given_wrongly and isinstance(found, codes.arguments.MissingArgument | codes.ranges.RefusedArguments))
            ]
        if wrong:
            raise merged(wrong)
        return made, tuple(operands)

    def make(self, cls: type[_Registered], values: dict[str, Any], span: Span) -> _Registered:
        """Return an instance with these arguments. Raise `SpecError` if they do not fit."""
        key = (cls, tuple((name, identity(value)) for name, value in values.items()))
        made = self._made.get(key)
        if made is None:
            self._evaluator.budget.charge(budget.ANEW, span)
            made = self._made[key] = cls.create(values)
        return made  # type: ignore[return-value]

    def _by_name(self, callee: Callee, call: Span) -> tuple[dict[str, Bound], list[SpecError]]:
        """Return the arguments by name, and what is wrong with the names of others."""
        cls = callee.target
        assert isinstance(cls, type)
        order = positional_parameters(cls)
        if len(callee.positional) > len(order):
            raise _too_many(callee, len(order), signature(cls), call)
        bound = dict(zip(order, callee.positional, strict=False))
        wrong: list[SpecError] = []
        by_name = issubclass(cls, Op) and cls.sizes_by_name
        for name in cls.by_name if issubclass(cls, Op) else ():
            if name in bound:
                wrong.append(SpecError(codes.calls.GivenByPosition(cls.name, name).at(bound[name].span)))
        for name, argument in (callee.keywords or {}).items():
            if name not in order and not by_name:
                unknown = codes.names.UnknownParameter(cls.name, name, tuple(order), signature(cls), _value_text(argument.span))
                wrong.append(SpecError(unknown.at(argument.span)))
            elif name in bound:
                wrong.append(SpecError(codes.arguments.GivenTwice(name, by_position=True).at(argument.span)))
            else:
                bound[name] = argument
        return bound, wrong

    def _plain(self, cls: type[Registered], name: str, bound: Bound) -> Any:
        """Return the value as the model takes it: a list as a tuple, a call of a declared thing as that thing."""
        value = bound.value
        if isinstance(value, Callee) and isinstance(value.target, type) and _takes(cls.fields[name].annotation, value.target):
            made = self.declared(value, bound.span)
            return made if isinstance(made, Unknown) else made[0]
        if isinstance(value, range) and _takes(cls.fields[name].annotation, range):
            return value
        if isinstance(value, tuple | range):
            self._evaluator.budget.charge(budget.EXPRESSION * min(length(value), self._evaluator.limits.list_items), bound.span)
        return tuple(within(bounded, value, self._evaluator.limits, bound.span)) if isinstance(value, range) else value

    def block(self, callee: Callee, span: Span, env: Environment) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the parameters of a block or network by name: all of them, and those that were given.

        `env` is a fresh environment of the definition's module; it ends up with all parameters.
        """
        definition = callee.target
        assert isinstance(definition, ast.Block | ast.Network)
        if len(callee.positional) > len(definition.parameters):
            raise _too_many(callee, len(definition.parameters), header(definition), None)
        given = parameters_given(definition, callee.positional, callee.keywords or {})
        values = bound_parameters(self._evaluator, definition, given, span, env)
        return values, {name: bound.value for name, bound in given.items()}


def _value_text(argument: Span) -> str:
    """Return the value of an argument by name, as it is written."""
    return argument.text.partition("=")[2].strip()


def _too_many(callee: Callee, most: int, signature: str, call: Span | None) -> SpecError:
    """Return the error for more arguments by position than a callee takes; for `relu(conv(16, 3))` with the stages in a row."""
    extra, given = callee.positional[most], len(callee.positional)
    if isinstance(extra.value, Callee | Value) and not most and isinstance(callee.target, type):
        whole = call if given == 1 and not callee.keywords else None
        as_argument = codes.arguments.StageAsArgument(callee.name, most, given, signature, extra.span.text, whole)
        return SpecError(as_argument.at(extra.span))
    if most == 1 and isinstance(callee.target, type) and all(isinstance(bound.value, int) for bound in callee.positional):
        name = callee.target.parameters_in_order()[0]
        if _takes_list(callee.target.fields[name].annotation):
            items = ", ".join(bound.span.text for bound in callee.positional)
            place = callee.positional[0].span._replace(end=callee.positional[-1].span.end)
            found = codes.ranges.ListInParts(callee.name, most, given, signature, name, items, place)
            return SpecError(found.at(extra.span))
    return SpecError(codes.arguments.TooManyArguments(callee.name, most, given, signature).at(extra.span))


def _takes_list(annotation: Any) -> bool:
    return typing.get_origin(annotation) is tuple or any(map(_takes_list, typing.get_args(annotation)))


def _misfit(cls: type[Registered], found: Diagnostic, bound: dict[str, Bound], span: Span) -> SpecError:
    """Return what is wrong with an argument, at its place."""
    place = bound[found.argument].span if found.argument in bound else span
    given = bound[found.argument].value if found.argument in bound else ()
    if any(isinstance(part, SymbolicSize) for part in (given if isinstance(given, tuple) else (given,))):
        return open_where_fixed(f"`{found.argument}` of `{cls.name}`", given, place)
    if isinstance(given, Callee) and given.name in FUNCTIONS and not given.arguments:
        return SpecError(codes.names.FunctionAsValue(given.name).at(place))
    return SpecError(found.at(place))


def no_stage(value: Any, call: ast.Expr, evaluator: Evaluator, env: Environment) -> SpecError:
    """Return the error for something in the place of a stage that is none, with a remedy if it is close to one."""
    text = call.span.text
    if isinstance(value, Family):
        return SpecError(codes.expressions.FamilyAsStage(text, max(value, default=0)).at(call.span))
    blocks: list[str] = []
    callee = None
    if isinstance(value, Module):
        blocks = [name for name, found in value.definitions.items() if isinstance(found, ast.Block)]
    elif isinstance(value, str) and evaluator.definition(value, env.module) is not None:
        callee = value
    return SpecError(codes.expressions.NotAStage(text, value, blocks, callee).at(call.span))


class KnownOps:
    """The ops that calls in the files of one program gave. Elaborations of the same program, one after another, may share it."""

    _MOST = 20_000
    """How many ops are kept; a search space may have any number."""

    def __init__(self) -> None:
        self.made_once: set[int] = set()
        self.plans: dict[int, tuple[tuple[ast.Expr, ...], dict[Any, Op]]] = {}
        self._count = 0

    def keep(self, call: ast.Expr, expressions: tuple[ast.Expr, ...], key: Any, op: Op) -> None:
        """Remember the op of a call."""
        self._count += 1
        if self._count > self._MOST:
            self.plans.clear()
            self._count = 1
        self.plans.setdefault(id(call), (expressions, {}))[1][key] = op


class OpCache:
    """The ops of calls made before with equal plain arguments, by the place of the call: loops ask for the same again.

    A call is remembered the second time: most calls in a long text are made once.
    """

    def __init__(self, evaluator: Evaluator, known: KnownOps) -> None:
        self._evaluator = evaluator
        self._known = known

    def find(self, call: ast.Expr, env: Environment) -> Op | None:
        """Return the op that this call gave before with these arguments; None if it has to be made."""
        plan = self._known.plans.get(id(call))
        if plan is None:
            return None
        target = self._target(call, env)
        if target is None:
            return None
        expressions, made = plan
        evaluate = self._evaluator.evaluate
        return made.get(
            (
                target,
                *[(value.__class__, value) for value in [evaluate(e, env) for e in expressions] if value.__class__ in _PLAIN],
            )
        )

    def keep(self, call: ast.Expr, env: Environment, op: Op) -> None:
        """Remember the op that a call gave, if its arguments are plain values."""
        if id(call) not in self._known.made_once:
            self._known.made_once.add(id(call))
            return
        target = self._target(call, env)
        arguments = call.arguments if isinstance(call, ast.CallExpr) else ()
        words = [value for value in (ast.bare(a.value) for a in arguments) if isinstance(value, ast.Name)]
        if target is None or any(env.find(word.id) is Unknown for word in words):
            return  # reached in another way, or a bare word such as `same` among its arguments
        values = [self._evaluator.evaluate(argument.value, env) for argument in arguments]
        if all(value.__class__ in _PLAIN for value in values):
            expressions = tuple([argument.value for argument in arguments])
            self._known.keep(call, expressions, (target, *[(value.__class__, value) for value in values]), op)

    @staticmethod
    def _target(call: ast.Expr, env: Environment) -> Any:
        """Return what a call's name leads to: an op by its own name, or the op that a parameter holds; None if neither."""
        name = ast.bare(call.callee if call.__class__ is ast.CallExpr else call)
        if name.__class__ is not ast.Name:
            return None
        value = env.find(name.id)
        if value is Unknown:
            return Unknown
        bare = value.__class__ is Callee and not value.positional and not value.keywords and isinstance(value.target, type)
        return value.target if bare else None


def read_options(
    evaluator: Evaluator,
    name: str,
    arguments: tuple[ast.Argument, ...],
    env: Environment,
    known: dict[str, Any],
    others: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the settings of a statement such as `skip(drop = 0.2)`, by name, with their defaults.

    `others` are those that the caller has read, for suggestions.
    """
    values = dict(known)
    for argument in arguments:
        if argument.name not in known:
            unknown = codes.names.UnknownOption(name, argument.name, (*known, *others), argument.value.span.text)
            raise SpecError(unknown.at(argument.span))
        value = values[argument.name] = evaluator.evaluate(argument.value, env)
        if isinstance(value, Unknown):
            continue
        if isinstance(known[argument.name], bool):
            if not isinstance(value, bool):
                raise SpecError(codes.arguments.WrongType(name, argument.name, value, expected="true or false").at(argument.span))
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SpecError(codes.arguments.WrongType(name, argument.name, value, expected="a number").at(argument.span))
        if abs(value) > FLOAT:
            relation, bound = ("at most", FLOAT) if value > 0 else ("at least", -FLOAT)
            beyond = codes.ranges.OutOfBounds(name, argument.name, value, relation=relation, bound=bound)
            raise SpecError(beyond.at(argument.span))
    return values


def _values_and_sizes(cls: type[Op], bound: dict[str, Bound], span: Span) -> tuple[list[Value], dict[str, Any]]:
    """Take the values of the network out of the arguments, and return them.

    Also return the fields that no call names: which of the values that may be left out there are, and the sizes of axes.
    """
    found = [_operand(cls, name, bound.pop(name, None), span) for name in cls.operands]
    present: list[str] = []
    for name in cls.optional_operands:
        argument = bound.pop(name, None)
        if argument is not None and argument.value is not None:
            found.append(_operand(cls, name, argument, span))
            present.append(name)
    others: dict[str, Any] = {"present": tuple(present)} if present else {}
    names = [name for name in bound if name not in cls.call_order()]
    if names:
        from archdsl.elaborate.axis_sizes import checked_size  # here: few ops take sizes by name

        others["sizes"] = tuple([(name, checked_size(cls, name, bound[name])) for name in names])
    return found, others


def _operand(cls: type[Op], name: str, bound: Bound | None, span: Span) -> Value:
    if bound is None:
        raise SpecError(codes.arguments.MissingOperand(cls.name, name, cls.operands).at(span))
    if not isinstance(bound.value, Value):
        text = bound.span.text.removeprefix(name).lstrip(" =")
        wrong = codes.arguments.NoOperand(
            cls.name, name, bound.value, expected="a value of the network", text=text, keeps_x=cls.takes_x
        )
        raise SpecError(wrong.at(bound.span))
    return bound.value


def identity(value: Any) -> Any:
    """Return a key that tells 1, 1.0 and true apart, which are equal in Python."""
    return (tuple, tuple(identity(item) for item in value)) if isinstance(value, tuple) else (value.__class__, value)


def _takes(annotation: Any, kind: type[Any]) -> bool:
    """Return whether a field with this annotation takes values of the kind."""
    if isinstance(annotation, type) and issubclass(kind, annotation):
        return True
    origin = typing.get_origin(annotation)
    return origin in (typing.Union, types.UnionType, typing.Annotated) and any(
        _takes(part, kind) for part in typing.get_args(annotation)
    )
