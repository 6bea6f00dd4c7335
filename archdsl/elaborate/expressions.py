"""Expressions to values. Nothing is executed but arithmetic and the pure functions of `values.FUNCTIONS`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archdsl.diagnostics import SpecError, codes, did_you_mean
from archdsl.diagnostics.suggest import same_name
from archdsl.elaborate import budget
from archdsl.elaborate.arithmetic import COMPARE, arithmetic, compare, part_of, power
from archdsl.elaborate.budget import Budget
from archdsl.elaborate.comprehensions import comprehension, range_of
from archdsl.elaborate.declared import DeclaredModule, OutOfReach
from archdsl.elaborate.file_constants import FileConstants
from archdsl.elaborate.fixed_arguments import fix_arguments
from archdsl.elaborate.functions import call_builtin, call_function
from archdsl.elaborate.name_errors import NameErrors
from archdsl.elaborate.paths import Paths
from archdsl.elaborate.values import (
    FUNCTIONS,
    NO_INPUT,
    SIZE_ATTRIBUTES,
    UNKNOWN,
    Callee,
    Environment,
    Family,
    Function,
    Module,
    Several,
    Unknown,
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
        self.paths = Paths(self.evaluate, self._unread, self.limits.nesting)
        self.unread = False
        """Whether something was asked for that an error in its definition hides."""
        self.constants = FileConstants(self)
        self.examined = set[ast.Let | ast.Constant]()  # the functions with no mistakes that any call has
        self._by_type: dict[type, Callable[[Any, Environment], Any]] = {
            ast.Literal: lambda e, s: e.value,  # in parentheses
            ast.Unread: lambda e, s: UNKNOWN,
            ast.Missing: lambda e, s: UNKNOWN,
            ast.Parenthesized: self._parenthesized,
            ast.Name: self._name,
            ast.ListExpr: self._list,
            ast.Chain: self._chain,
            ast.Unary: self._unary,
            ast.Choice: self._choice,
            ast.RangeExpr: lambda e, s: range_of(self, e, s),
            ast.Comprehension: lambda e, s: comprehension(self, e, s),
            ast.Attribute: self.paths.else_by(self._attribute),
            ast.Index: self.paths.else_by(self._index),
            ast.CallExpr: self._call,
            ast.Domain: _misplaced_domain,
        }

    def evaluate(self, expression: ast.Expr, env: Environment) -> Any:
        """Return the value of an expression. Raise `SpecError` if it has none."""
        if expression.__class__ is ast.Literal:  # a third of all expressions
            return expression.value
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

    @property
    def depth_left(self) -> int:
        """How deeply expressions may be nested in the one that is being evaluated."""
        return self.limits.nesting - self._depth

    def evaluate_apart(self, expression: ast.Expr, env: Environment) -> Any:
        """Return the value of an expression that is no part of the one that is being evaluated."""
        outer, self._depth = self._depth, 0
        try:
            return self.evaluate(expression, env)
        finally:
            self._depth = outer

    def _charge_for(self, value: Any, span: Span) -> None:
        """Count what it takes to go through a value that was computed, or is compared."""
        if value.__class__ is int or value.__class__ is float:
            return
        if value.__class__ is tuple:
            self.budget.charge(within(nested, value, self.limits, span), span)
        elif isinstance(value, SymbolicSize):
            self.budget.charge(budget.OPEN * value.numbers, span)

    def truth(self, expression: ast.Expr, env: Environment) -> bool | Unknown:
        """Return the value of a condition. Raise `SpecError` if it is no bool."""
        value = self.evaluate(expression, env)
        if isinstance(value, bool | Unknown):
            return value
        raise SpecError(codes.arguments.NotACondition(value).at(expression.span))

    def count(self, expression: ast.Expr, env: Environment, what: str) -> int | Unknown:
        """Return a whole number of at least 0. Raise `SpecError` if the value is none."""
        value = self.whole(expression, env, what)
        if isinstance(value, int) and value < 0:
            raise SpecError(codes.ranges.NegativeCount(what, value).at(expression.span))
        return value

    def whole(self, expression: ast.Expr, env: Environment, what: str) -> int | Unknown:
        """Return a whole number. Raise `SpecError` if the value is none."""
        value = self.evaluate(expression, env)
        if isinstance(value, Unknown):
            return value
        if isinstance(value, float):
            raise SpecError(codes.whole_numbers.FloatAsWhole(what, value).at(expression.span))
        if isinstance(value, SymbolicSize):
            raise open_where_fixed(what, value, expression.span)
        if isinstance(value, bool) or not isinstance(value, int):
            raise SpecError(codes.arguments.NotAnInt(what, value).at(expression.span))
        return value

    # -- names --

    def _name(self, e: ast.Name, env: Environment) -> Any:
        value = env.find(e.id)
        if value.__class__ is int or value.__class__ is float:
            return value
        value = self.named(e, env)
        if value is Unknown:
            raise self.name_errors.name(
                e, env, [*env.visible(), *env.module.definitions, *env.module.imports, *Op.registry.names()]
            )
        return self._no_function(value, e)

    @staticmethod
    def _no_function(value: Any, e: ast.Expr) -> Any:
        if value.__class__ is Function:
            raise SpecError(codes.names.FunctionAsValue(e.span.text).at(e.span))
        return value

    def named(self, e: ast.Name, env: Environment) -> Any:
        """Return what a name means, or the class `Unknown` itself if it means nothing."""
        value = env.find(e.id)
        if value is NO_INPUT:
            raise SpecError(codes.structure.XBeforeInput().at(e.span))
        if value.__class__ is OutOfReach:
            raise SpecError(codes.modules.ValueOutside(e.id, value.module).at(e.span))
        if value.__class__ is Several:
            raise value.read(e.span)
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
        if (defined := module.definitions.get(name)) is not None:
            return self._defined(defined, module)
        if (op := Op.registry.get(name)) is not None and op.called:
            return Callee(op)
        if name in module.imports:
            return module.imports[name]
        if (initializer := Initializer.registry.get(name)) is not None:
            return Callee(initializer)
        return None

    def keeps_its_name(self, name: str, module: Module) -> bool:
        """Return whether a label of a name is a key alone: what can be called keeps its name, a constant does not."""
        defined = self.definition(name, module)
        constant = isinstance(module.definitions.get(name), ast.Constant)
        return defined is not None and (not constant or isinstance(defined, Callee | Function))

    def _defined(self, definition: ast.Definition, module: Module) -> Any:
        """Return what a definition of a file means as a value."""
        return self.constants.value(definition, module) if isinstance(definition, ast.Constant) else Callee(definition, module)

    # -- operators --

    def _parenthesized(self, e: ast.Parenthesized, env: Environment) -> Any:
        inner = ast.bare(e)
        return self._by_type[inner.__class__](inner, env)

    def _list(self, e: ast.ListExpr, env: Environment) -> Any:
        items = tuple(self.evaluate(item, env) for item in e.items)
        return UNKNOWN if UNKNOWN in items else self.checked(items, e.span)

    def checked(self, items: tuple[Any, ...], span: Span) -> tuple[Any, ...]:
        """Return a list, if it is not too large with the lists in it."""
        if any(isinstance(item, tuple) for item in items):
            self.budget.charge(within(nested, items, self.limits, span), span)
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
        return self.comparison(e, env)[0]

    def comparison(self, e: ast.Chain, env: Environment) -> tuple[bool | Unknown, list[Any]]:
        """Return whether `a < b < c` holds, and the values that decided it, up to the first that does not fit."""
        values = [self.evaluate(e.operands[0], env)]
        for sign, operand in zip(e.operators, e.operands[1:], strict=True):
            left, right = values[-1], self.evaluate(operand, env)
            values.append(right)
            if left is UNKNOWN or right is UNKNOWN:
                return UNKNOWN, values
            self._charge_for(left, e.span)
            self._charge_for(right, e.span)
            if not compare(sign, left, right, e.span):
                return False, values
        return True, values

    def _power(self, e: ast.Chain, env: Environment) -> Any:
        base, exponent = (self.evaluate(operand, env) for operand in e.operands)
        return UNKNOWN if base is UNKNOWN or exponent is UNKNOWN else power(base, exponent, e, self.limits)

    def _unary(self, e: ast.Unary, env: Environment) -> Any:
        if e.operator == "not":
            value = self.truth(e.operand, env)
            return value if value is UNKNOWN else not value
        value = self.evaluate(e.operand, env)
        if value is UNKNOWN:
            return value
        if isinstance(value, float):
            return -value if e.operator == "-" else value
        return arithmetic(e.operator, 0, value, e, e.operand, self.limits)

    def _choice(self, e: ast.Choice, env: Environment) -> Any:
        condition = self.truth(e.condition, env)
        if condition is UNKNOWN:
            return UNKNOWN
        return self.evaluate(e.then if condition else e.other, env)

    # -- access and calls --

    def _attribute(self, e: ast.Attribute, env: Environment) -> Any:
        return self._no_function(self._member(e, env), e)

    def _member(self, e: ast.Attribute, env: Environment) -> Any:
        """Return a size of a value, or what an import defines."""
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
            return self._defined(found, base)
        if not isinstance(base, Value):
            raise SpecError(codes.expressions.WithoutSizes(e.name, base).at(e.span))
        size = size_attribute(base, e.name)
        if size is None:
            if e.name in SIZE_ATTRIBUTES:
                raise SpecError(codes.expressions.OtherRankSize(e.name, base.shape).at(e.span))
            place = e.span._replace(start=e.span.end - len(e.name))
            op = same_name(e.name, Op.registry.names())
            of_x = isinstance(e.base, ast.Name) and e.base.id == "x"
            raise SpecError(codes.expressions.UnknownSize(e.name, SIZE_ATTRIBUTES, place, op, of_x).at(e.span))
        return size

    def _index(self, e: ast.Index, env: Environment) -> Any:
        base, index = self.evaluate(e.base, env), self.evaluate(e.index, env)
        if base is UNKNOWN or index is UNKNOWN:
            return UNKNOWN
        if isinstance(index, range) and isinstance(base, tuple | range):
            self.budget.charge(len(base) if isinstance(base, tuple) else 0, e.span)
            return part_of(base, index, e.index.span)
        if isinstance(base, Family):
            return self.paths.member(base, index, e, env)
        if isinstance(index, bool) or not isinstance(index, int):
            kind = codes.whole_numbers.FloatAsWhole if isinstance(index, float) else codes.arguments.NotAnInt
            raise SpecError(kind("an index", index).at(e.index.span))
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
                return call_builtin(self, e, name.id, env)  # and `max(axis = -1)` is the op with arguments
        callee = self._callee(e.callee, env)
        if callee is UNKNOWN:
            return UNKNOWN
        if isinstance(callee, Function):
            return call_function(self, callee, e, env)
        if isinstance(callee, DeclaredModule):
            if not e.arguments:
                return callee
            only = e.arguments[0].value if len(e.arguments) == 1 and e.arguments[0].name is None else None
            flows = only is not None and isinstance(self.evaluate(only, env), Value)
            found = codes.modules.Arguments(callee.name, e.callee.span, only.span.text if flows and only is not None else None)
            raise SpecError(found.at(e.span))
        if not isinstance(callee, Callee):
            raise SpecError(codes.expressions.NotCallable(e.callee.span.text, callee).at(e.span))
        return fix_arguments(self, callee, e.arguments, env)

    def _callee(self, e: ast.Expr, env: Environment) -> Any:
        """Return what is called."""
        e = ast.bare(e)
        if not isinstance(e, ast.Name):
            return self._member(e, env) if isinstance(e, ast.Attribute) else self.evaluate(e, env)
        value = self.named(e, env)
        if value is Unknown:
            known = [*env.visible(), *env.module.definitions, *env.module.imports, *Op.registry.names()]
            known += [*Initializer.registry.names(), *FUNCTIONS, "0..n"]
            raise self.name_errors.name(e, env, known)
        return value


def _misplaced_domain(e: ast.Domain, env: Environment) -> Any:
    """Raise `SpecError`: the domains of a recipe are replaced before it is evaluated."""
    raise SpecError(codes.spaces.DomainElsewhere("an argument").at(e.span))
