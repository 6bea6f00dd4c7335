"""Expressions to values. Nothing is executed but arithmetic and the pure functions of `values.FUNCTIONS`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from math import isfinite
from typing import Any

from archdsl.diagnostics import SpecError, codes, did_you_mean
from archdsl.elaborate import budget
from archdsl.elaborate.arithmetic import COMPARE, arithmetic, compare, part_of
from archdsl.elaborate.budget import Budget
from archdsl.elaborate.name_errors import NameErrors
from archdsl.elaborate.parameters import names_it_takes, parameter_names, what_it_takes
from archdsl.elaborate.values import (
    FUNCTIONS,
    ITERATING,
    NO_INPUT,
    SIZE_ATTRIBUTES,
    UNKNOWN,
    Bound,
    Callee,
    Environment,
    Family,
    Module,
    Unknown,
    bounded,
    length,
    nested,
    open_where_fixed,
    size_attribute,
    within,
)
from archdsl.initializers import Initializer
from archdsl.ir.core import Value
from archdsl.ops import Op
from archdsl.session import Session
from archdsl.shapes import SymbolicSize
from archdsl.source import Span
from archdsl.syntax import nodes as ast


class Evaluator:
    """Evaluates expressions in an environment."""

    def __init__(self, session: Session, work: Budget | None = None) -> None:
        self.session = session
        self.limits = session.limits
        self.budget = work or Budget(session.limits)
        self._depth = 0
        self.undecided: Span | None = None
        """The first expression that was unknown. An error has to say why: see `Elaboration.undecided`."""
        self.name_errors = NameErrors()
        self.unread = False
        """Whether something was asked for that an error in its definition hides."""
        self._by_type: dict[type, Callable[[Any, Environment], Any]] = {
            ast.Literal: lambda e, s: e.value,
            ast.Unread: lambda e, s: UNKNOWN,
            ast.Missing: lambda e, s: UNKNOWN,
            ast.Parenthesized: self._parenthesized,
            ast.Name: self._name,
            ast.ListExpr: self._list,
            ast.Chain: self._chain,
            ast.Unary: self._unary,
            ast.Choice: self._choice,
            ast.RangeExpr: self._range,
            ast.Attribute: self._attribute,
            ast.Index: self._index,
            ast.CallExpr: self._call,
        }

    def evaluate(self, expression: ast.Expr, env: Environment) -> Any:
        """Return the value of an expression. Raise `SpecError` if it has none."""
        self._depth += 1
        try:
            work = self.budget
            work.spent += budget.EXPRESSION
            if work.spent > work.limit:
                work.charge(0, expression.span)
            if self._depth > self.limits.nesting:
                raise SpecError(codes.syntax.ExpressionTooDeep(self.limits.nesting).at(expression.span))
            value = self._by_type[expression.__class__](expression, env)
            if value is UNKNOWN and self.undecided is None:
                self.undecided = expression.span
            return value
        finally:
            self._depth -= 1

    def _charge_for(self, value: Any, span: Span) -> None:
        """Count what it takes to go through a value that was computed, or is compared."""
        if value.__class__ is tuple:
            self.budget.charge(within(nested, value, self.limits, span), span)
        elif value.__class__ is not int and isinstance(value, SymbolicSize):
            self.budget.charge(budget.OPEN * value.numbers, span)

    def truth(self, expression: ast.Expr, env: Environment) -> bool | Unknown:
        """Return the value of a condition. Raise `SpecError` if it is no bool."""
        value = self.evaluate(expression, env)
        if isinstance(value, bool | Unknown):
            return value
        raise SpecError(codes.arguments.NotACondition(value).at(expression.span))

    def count(self, expression: ast.Expr, env: Environment, what: str) -> int | Unknown:
        """Return a whole number of at least 0. Raise `SpecError` if the value is none."""
        value = self._whole(expression, env, what)
        if isinstance(value, int) and value < 0:
            raise SpecError(codes.ranges.NegativeCount(what, value).at(expression.span))
        return value

    def _whole(self, expression: ast.Expr, env: Environment, what: str) -> int | Unknown:
        """Return a whole number. Raise `SpecError` if the value is none."""
        value = self.evaluate(expression, env)
        if isinstance(value, Unknown):
            return value
        if isinstance(value, float):
            raise SpecError(codes.arguments.FloatAsWhole(what, value).at(expression.span))
        if isinstance(value, SymbolicSize):
            raise open_where_fixed(what, value, expression.span)
        if isinstance(value, bool) or not isinstance(value, int):
            raise SpecError(codes.arguments.NotAnInt(what, value).at(expression.span))
        return value

    # -- names --

    def _name(self, e: ast.Name, env: Environment) -> Any:
        value = self.named(e, env)
        if value is Unknown:
            raise self.name_errors.name(
                e, env, [*env.visible(), *env.module.definitions, *env.module.imports, *Op.registry.names()]
            )
        return value

    def named(self, e: ast.Name, env: Environment) -> Any:
        """Return what a name means, or the class `Unknown` itself if it means nothing."""
        value = env.find(e.id)
        if value is NO_INPUT:
            raise SpecError(codes.structure.XBeforeInput().at(e.span))
        if value is not Unknown:
            return value
        defined = self.definition(e.id, env.module)
        if defined is None:
            return self._unread() if env.damaged or env.module.file.hidden else Unknown
        return defined

    def _unread(self) -> Unknown:
        """Return the value of what a syntax error may hide."""
        self.unread = True
        return UNKNOWN

    def definition(self, name: str, module: Module) -> Any:
        """Return a block or network of the module, an op, an import or an initializer; None if none has the name."""
        if module.unclear and name in module.unclear:
            return self._unread()
        if name in module.definitions:
            return Callee(module.definitions[name], module)
        if (op := Op.registry.get(name)) is not None and op.called:
            return Callee(op)
        if name in module.imports:
            return module.imports[name]
        if (initializer := Initializer.registry.get(name)) is not None:
            return Callee(initializer)
        return None

    # -- operators --

    def _parenthesized(self, e: ast.Parenthesized, env: Environment) -> Any:
        inner = ast.bare(e)
        return self._by_type[inner.__class__](inner, env)

    def _list(self, e: ast.ListExpr, env: Environment) -> Any:
        items = tuple(self.evaluate(item, env) for item in e.items)
        if UNKNOWN in items:
            return UNKNOWN
        if any(isinstance(item, tuple) for item in items):
            self.budget.charge(within(nested, items, self.limits, e.span), e.span)
        return items

    def _chain(self, e: ast.Chain, env: Environment) -> Any:
        first = e.operators[0]
        if first in ("and", "or"):
            return self._logical(e, env, stop=first == "or")
        if first in COMPARE:
            return self._comparison(e, env)
        if first == "^":
            return self._power(e, env)
        value = self.evaluate(e.operands[0], env)
        for sign, operand in zip(e.operators, e.operands[1:], strict=True):
            right = self.evaluate(operand, env)
            if value is UNKNOWN or right is UNKNOWN:
                value = UNKNOWN
            else:
                value = arithmetic(sign, value, right, e, operand, self.limits)
                self._charge_for(value, e.span)
        return value

    def _logical(self, e: ast.Chain, env: Environment, stop: bool) -> bool | Unknown:
        for operand in e.operands:
            value = self.truth(operand, env)
            if value is UNKNOWN or value is stop:
                return value
        return not stop

    def _comparison(self, e: ast.Chain, env: Environment) -> bool | Unknown:
        left = self.evaluate(e.operands[0], env)
        for sign, operand in zip(e.operators, e.operands[1:], strict=True):
            right = self.evaluate(operand, env)
            if isinstance(left, Unknown) or isinstance(right, Unknown):
                return UNKNOWN
            self._charge_for(left, e.span)
            self._charge_for(right, e.span)
            if not compare(sign, left, right, e.span):
                return False
            left = right
        return True

    def _power(self, e: ast.Chain, env: Environment) -> Any:
        base, exponent = (self.evaluate(operand, env) for operand in e.operands)
        if base is UNKNOWN or exponent is UNKNOWN:
            return UNKNOWN
        if (
            isinstance(base, int)
            and isinstance(exponent, int)
            and abs(base) > 1
            and exponent * base.bit_length() > 2 * self.limits.integer_bits
        ):
            raise SpecError(codes.expressions.IntegerTooLarge(f"`{base}^{exponent}`", self.limits.integer_bits).at(e.span))
        return arithmetic("^", base, exponent, e, e.operands[1], self.limits)

    def _unary(self, e: ast.Unary, env: Environment) -> Any:
        if e.operator == "not":
            value = self.truth(e.operand, env)
            return value if value is UNKNOWN else not value
        value = self.evaluate(e.operand, env)
        if value is UNKNOWN:
            return value
        return (
            arithmetic(e.operator, 0, value, e, e.operand, self.limits)
            if not isinstance(value, float)
            else (-value if e.operator == "-" else value)
        )

    def _choice(self, e: ast.Choice, env: Environment) -> Any:
        condition = self.truth(e.condition, env)
        if condition is UNKNOWN:
            return UNKNOWN
        return self.evaluate(e.then if condition else e.other, env)

    def _range(self, e: ast.RangeExpr, env: Environment) -> Any:
        start, stop = self._whole(e.start, env, "the start of a range"), self._whole(e.stop, env, "the end of a range")
        if isinstance(start, Unknown) or isinstance(stop, Unknown):
            return UNKNOWN
        return range(start, stop)

    # -- access and calls --

    def _attribute(self, e: ast.Attribute, env: Environment) -> Any:
        base = self.evaluate(e.base, env)
        if base is UNKNOWN or not e.name:  # the name is missing
            return UNKNOWN
        if isinstance(base, Module):
            found = base.definitions.get(e.name)
            if found is None and (base.file.hidden or e.name in base.unclear):
                return self._unread()
            if found is None:
                near = did_you_mean(e.name, base.definitions)
                raise SpecError(codes.names.NotInImport(e.base.span.text, e.name, near).at(e.span))
            return Callee(found, base)
        if not isinstance(base, Value):
            raise SpecError(codes.expressions.WithoutSizes(e.name, base).at(e.span))
        size = size_attribute(base, e.name)
        if size is None:
            if e.name in SIZE_ATTRIBUTES:
                raise SpecError(codes.expressions.OtherRankSize(e.name, base.shape).at(e.span))
            place = e.span._replace(start=e.span.end - len(e.name))
            raise SpecError(codes.expressions.UnknownSize(e.name, SIZE_ATTRIBUTES, place).at(e.span))
        return size

    def _index(self, e: ast.Index, env: Environment) -> Any:
        base, index = self.evaluate(e.base, env), self.evaluate(e.index, env)
        if base is UNKNOWN or index is UNKNOWN:
            return UNKNOWN
        if isinstance(index, range) and isinstance(base, tuple | range):
            self.budget.charge(len(base) if isinstance(base, tuple) else 0, e.span)
            return part_of(base, index, e.index.span)
        if isinstance(index, bool) or not isinstance(index, int):
            kind = codes.arguments.FloatAsWhole if isinstance(index, float) else codes.arguments.NotAnInt
            raise SpecError(kind("an index", index).at(e.index.span))
        if isinstance(base, Family):
            if index in base:
                return base[index]
            if base.partial or env.damaged:
                return self._unread()
            known = list(islice(base, 8))
            raise SpecError(codes.keys.NoSuchElement(e.base.span.text, index, known).at(e.span))
        if not isinstance(base, tuple | range | str):
            raise SpecError(codes.expressions.WithoutElements(base).at(e.span))
        if not -length(base) <= index < length(base):
            raise SpecError(codes.expressions.IndexOutOfRange(index, length(base)).at(e.index.span))
        return base[index]

    def _call(self, e: ast.CallExpr, env: Environment) -> Any:
        name = ast.bare(e.callee)
        if isinstance(name, ast.Name) and name.id in FUNCTIONS and env.find(name.id) is Unknown:
            op = Op.registry.get(name.id)
            if op is None or not any(argument.name in op.fields for argument in e.arguments):
                return self._function(e, name.id, env)  # and `max(axis = -1)` is the op with arguments
        callee = self._callee(e.callee, env)
        if callee is UNKNOWN:
            return UNKNOWN
        if not isinstance(callee, Callee):
            raise SpecError(codes.expressions.NotCallable(e.callee.span.text, callee).at(e.span))
        return self.partial(callee, e.arguments, env)

    def stage(self, e: ast.Expr, env: Environment) -> Any:
        """Return the value of an expression in the place of a stage, where a name that is also a function means the op."""
        name = ast.bare(e.callee) if isinstance(e, ast.CallExpr) else None
        if isinstance(e, ast.CallExpr) and isinstance(name, ast.Name) and name.id in FUNCTIONS and name.id in Op.registry:
            callee = self.named(name, env)
            if isinstance(callee, Callee):
                return self.partial(callee, e.arguments, env)
        return self.evaluate(e, env)

    def _callee(self, e: ast.Expr, env: Environment) -> Any:
        """Return what is called."""
        e = ast.bare(e)
        if not isinstance(e, ast.Name):
            return self.evaluate(e, env)
        value = self.named(e, env)
        if value is Unknown:
            known = [*env.visible(), *env.module.definitions, *env.module.imports, *Op.registry.names()]
            known += [*Initializer.registry.names(), *FUNCTIONS, "0..n"]
            raise self.name_errors.name(e, env, known)
        return value

    def _function(self, e: ast.CallExpr, name: str, env: Environment) -> Any:
        for argument in e.arguments:
            if argument.name is not None:
                prefix = argument.span._replace(end=argument.value.span.start)
                raise SpecError(codes.names.NamedArgument(name, prefix).at(argument.span))
        values = [self.evaluate(argument.value, env) for argument in e.arguments]
        if UNKNOWN in values:
            return UNKNOWN
        self.budget.charge(
            sum(min(length(value), self.limits.list_items) for value in values if isinstance(value, tuple | range)), e.span
        )
        if name in ITERATING and len(values) == 1 and isinstance(values[0], tuple | range):
            within(bounded, values[0], self.limits, e.span)
        try:
            result = FUNCTIONS[name](*values)
            if isinstance(result, float) and not isfinite(result):
                raise SpecError(codes.expressions.ResultTooLarge(e.span.text))
            return result
        except SpecError as error:
            raise error.at(e.span) from None
        except TypeError:
            raise SpecError(codes.arguments.WrongNumberOfArguments(name, len(values)).at(e.span)) from None
        except (OverflowError, ValueError) as error:
            raise SpecError(codes.expressions.NoFunctionValue(name, str(error)).at(e.span)) from None

    def partial(self, callee: Callee, arguments: tuple[ast.Argument, ...], env: Environment) -> Callee:
        """Return the callee with more arguments fixed; they are checked when it is applied."""
        if not arguments:
            return callee
        positional, keywords = list(callee.positional), dict(callee.keywords or {})
        for argument in arguments:
            value = self.argument(callee, argument, len(positional), env)
            if argument.name is None:
                if keywords and not callee.keywords:
                    raise SpecError(codes.arguments.PositionAfterName().at(argument.span))
                positional.append(Bound(value, argument.span))
            elif argument.name in keywords:
                raise SpecError(codes.arguments.GivenTwice(argument.name).at(argument.span))
            else:
                keywords[argument.name] = Bound(value, argument.span)
        made = Callee(callee.target, callee.module, tuple(positional), keywords)
        self.budget.charge(within(nested, made, self.limits, arguments[0].span), arguments[0].span)
        return made

    def argument(self, callee: Callee, argument: ast.Argument, position: int, env: Environment) -> Any:
        """Return the value of an argument; a bare word that the op's parameter knows, such as `same`, is that word."""
        value = ast.bare(argument.value)
        if not isinstance(value, ast.Name) or env.find(value.id) is not Unknown:
            return self.evaluate(value, env)
        target = callee.target
        order = parameter_names(target)
        name = argument.name or (order[position] if position < len(order) else "")
        if isinstance(target, type) and name in target.fields and value.id in target.words(name):
            return value.id
        takes = what_it_takes(target, name)
        if takes is not None and self.named(value, env) is Unknown:
            if (name, value.id) == ("pad", "same"):
                takes += ": half of the window, such as `pad = 1` for a window of 3"
            raise self.name_errors.name(value, env, [*env.visible(), *names_it_takes(target, name, env.module)], takes)
        return self.evaluate(value, env)
