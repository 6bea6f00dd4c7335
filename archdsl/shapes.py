"""Sizes and shapes: integers, and exact functions of symbolic sizes.

A dimension is `int | SymbolicSize`, and both have the same operators, so that a shape rule such as
`(n + 2 * pad - dilation * (k - 1) - 1) // stride + 1` is written once. A symbolic size is a `LinearSize`, or a sum of
products of several of them (`size_polynomials.py`).

A `LinearSize` is quasi-linear in one symbol: it has a period `P`, an integer `slope` and `P` integer
offsets, and its value at `n = P * q + r` (with `0 <= r < P`) is `slope * q + offsets[r]`. The form is
closed under what convolutional networks do to a size:

* `f + g`, `f + k`, `k * f`: over the least common multiple of the periods, slopes and offsets add;
* `f // c`: over the period `P * k` with `k = c / gcd(c, slope)` the slope `slope * k` is divisible
  by `c`, and so the floor of the sum is the sum of a whole number and the floor of an offset.

Kept at its smallest period the form is unique, so equality of functions is equality of tuples. These
are the quasi-polynomials of degree one of Ehrhart's theory (Stanley, Enumerative Combinatorics 1, 4.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import chain, pairwise
from math import gcd, lcm, prod
from typing import Any, Literal, TypeAlias

from archdsl.frozen_record import record
from archdsl.limits import remedy
from archdsl.session import Session


class SizeError(Exception):
    """An operation that has no exact result, or a question that cannot be decided; the message says which."""


class SymbolicSize:
    """An exact function of one or more symbolic sizes, with the operators of an integer: the base of its two forms."""

    __slots__ = ()
    type_name = "a symbolic size"
    session: Session

    @property
    def symbols(self) -> tuple[str, ...]:
        """The symbols that occur in the function."""
        raise NotImplementedError

    @property
    def numbers(self) -> int:
        """How many integers represent the function."""
        raise NotImplementedError

    def value(self, at: Mapping[str, int]) -> int:
        """Return the value at these sizes."""
        raise NotImplementedError

    def with_text(self, text: str) -> SymbolicSize:
        """Return the same function with another printed form."""
        raise NotImplementedError

    def __add__(self, other: Dim) -> Dim:
        raise NotImplementedError

    __radd__ = __add__

    def __mul__(self, factor: Dim) -> Dim:
        raise NotImplementedError

    __rmul__ = __mul__

    def __floordiv__(self, divisor: Dim) -> Dim:
        raise NotImplementedError

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: Dim) -> Dim:
        return self + -other

    def __rsub__(self, other: Dim) -> Dim:
        return -self + other

    def __rfloordiv__(self, other: Dim) -> Dim:
        raise SizeError(f"a quotient by {self} is not a whole number for every size")

    def __mod__(self, divisor: Dim) -> Dim:
        return self - self // divisor * divisor

    def __rmod__(self, other: Dim) -> Dim:
        raise SizeError(f"a remainder by {self} has no formula")

    def __pow__(self, exponent: int) -> Dim:
        return prod([self] * exponent, start=1)


@record
class LinearSize(SymbolicSize):
    """A quasi-linear function of one symbolic size. Build one with `symbolic_size` and the operators.

    `text` is its printed form, if that is simpler than the formula for all sizes. A size carries its session,
    whose limits and caches the operators use, since they take no further argument.
    """

    symbol: str
    slope: int
    offsets: tuple[int, ...]
    text: str | None = field(default=None, compare=False, repr=False)
    session: Session = field(default_factory=Session, compare=False, repr=False)
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.symbol, self.slope, self.offsets)))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if other.__class__ is not LinearSize:
            return NotImplemented
        assert isinstance(other, LinearSize)
        return self.offsets == other.offsets and self.slope == other.slope and self.symbol == other.symbol

    def __hash__(self) -> int:
        """Return the hash of the function, computed once: shapes are hashed at each op."""
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        # rebuilt from its fields: another process hashes strings otherwise
        return LinearSize, (self.symbol, self.slope, self.offsets, self.text, self.session)

    def __repr__(self) -> str:
        return str(self)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The one symbol."""
        return (self.symbol,)

    @property
    def numbers(self) -> int:
        """How many offsets there are."""
        return len(self.offsets)

    @property
    def is_symbol(self) -> bool:
        """Whether it is the symbol itself."""
        return self.slope == 1 and self.offsets == (0,)

    def value(self, at: Mapping[str, int]) -> int:
        """Return the value at these sizes."""
        return self.at(at[self.symbol])

    def with_text(self, text: str) -> LinearSize:
        """Return the same function with another printed form."""
        return LinearSize(self.symbol, self.slope, self.offsets, text, self.session)

    def at(self, n: int) -> int:
        """Return the value at `n`."""
        q, r = divmod(n, len(self.offsets))
        return self.slope * q + self.offsets[r]

    def _at_period(self, period: int) -> tuple[int, list[int]]:
        """Return slope and offsets over a multiple of the period."""
        times = period // len(self.offsets)
        return self.slope * times, [self.slope * t + o for t in range(times) for o in self.offsets]

    def _bounded(self, period: int) -> int:
        if period > self.session.limits.period:
            message = (
                f"sizes repeat only after {period:,} values of {self.symbol}, over the limit of {self.session.limits.period:,}"
            )
            raise SizeError(f"{message}; {remedy('period')}")
        return period

    def _made(self, slope: int, offsets: list[int]) -> LinearSize:
        return LinearSize(self.symbol, slope, tuple(offsets), session=self.session)

    def _canonical(self, slope: int, offsets: list[int]) -> Dim:
        """Return the same function at its smallest period; an integer if it is constant.

        A period is one of the steps from each value to the next; the function over a period of P grows by the slope.
        """
        length = len(offsets)
        if length > 1:
            steps = [b - a for a, b in pairwise(offsets)]
            period = smallest_period([*steps, offsets[0] + slope - offsets[-1]])
            if period < length:
                slope, offsets = slope * period // length, offsets[:period]
        if slope == 0 and len(offsets) == 1:
            return offsets[0]
        return self._made(slope, offsets)

    def __add__(self, other: Dim) -> Dim:
        """Return the sum with another size."""
        if isinstance(other, int):
            return self._made(self.slope, [o + other for o in self.offsets]) if other else self
        if not isinstance(other, LinearSize):
            return NotImplemented
        if other.symbol != self.symbol:
            return _polynomials().total(self, other)  # type: ignore[no-any-return]
        period = self._bounded(lcm(len(self.offsets), len(other.offsets)))
        (a, mine), (b, theirs) = self._at_period(period), other._at_period(period)
        return self._canonical(a + b, [m + t for m, t in zip(mine, theirs, strict=True)])

    __radd__ = __add__

    def __mul__(self, factor: Dim) -> Dim:
        """Return the product with another size."""
        if isinstance(factor, int):
            return self._canonical(self.slope * factor, [o * factor for o in self.offsets])
        return _polynomials().product(self, factor) if isinstance(factor, LinearSize) else NotImplemented

    __rmul__ = __mul__

    def __floordiv__(self, divisor: Dim) -> Dim:
        """Return the floor of the quotient by a positive integer, or the exact quotient by a function that divides it."""
        if not isinstance(divisor, int):
            return _polynomials().quotient(self, divisor)  # type: ignore[no-any-return]
        if divisor <= 0:
            raise SizeError("a symbolic size can be divided by a positive integer only")
        times = divisor // gcd(divisor, self.slope)
        period = self._bounded(times * len(self.offsets))
        slope, offsets = self._at_period(period)
        return self._canonical(slope // divisor, [o // divisor for o in offsets])

    def __str__(self) -> str:
        """Return the function as a formula, such as `H/16`, `floor(H/2)` or `2*floor(H/2) + 1`."""
        if self.text is not None:
            return self.text
        return self.session.cached(_formula_text, self.symbol, self.slope, self.offsets)


def _polynomials() -> Any:
    """Return the module for what is not quasi-linear in one symbol."""
    from archdsl import size_polynomials  # here: it builds on this module, and most networks need none of it

    return size_polynomials


Dim: TypeAlias = int | SymbolicSize
Shape: TypeAlias = tuple[Dim, ...]
"""Channels first, without the batch dimension."""
Stretch: TypeAlias = Literal["left", "either"] | None
"""Which of two sizes that meet may be one instead of equal: the left one, either one, or none. The result has the right one."""


def value_at(size: Dim, at: Mapping[str, int]) -> int:
    """Return the number that a size is at the given sizes of the input."""
    return size if isinstance(size, int) else size.value(at)


def symbolic_size(symbol: str, session: Session | None = None) -> LinearSize:
    """Return a symbolic size: the identity function of its symbol. Sizes computed from it obey the limits of the session."""
    return LinearSize(symbol, 1, (0,), session=session or Session())


def symbols_of(*sizes: Dim) -> tuple[str, ...]:
    """Return the symbols of some sizes."""
    found = chain.from_iterable(size.symbols for size in sizes if isinstance(size, SymbolicSize))
    return tuple(dict.fromkeys(found))


def numel(shape: Iterable[Dim]) -> Dim:
    """Return the number of elements of a shape."""
    return prod(shape, start=1)


def format_shape(shape: Shape) -> str:
    """Return a shape as in messages and tables: `[64, 56, 56]`."""
    return "[" + ", ".join(str(size) for size in shape) + "]"


def smallest_period(values: Sequence[object]) -> int:
    """Return the smallest divisor of the length after which the values repeat.

    The periods that divide a length are closed under the greatest common divisor, so that leaving out one prime
    factor after another, as long as they still repeat, finds the smallest.
    """
    period = len(values)
    for prime in _primes(period):
        while period % prime == 0 and values[period // prime : period] == values[: period - period // prime]:
            period //= prime
    return period


def _primes(number: int) -> Iterator[int]:
    """Yield the prime factors, each once."""
    factor = 2
    while factor * factor <= number:
        if number % factor == 0:
            yield factor
            while number % factor == 0:
                number //= factor
        factor += 1
    if number > 1:
        yield number


def _formula_text(symbol: str, slope: int, offsets: tuple[int, ...]) -> str:
    """Return the formula for all sizes."""
    base, period = offsets[0], len(offsets)
    common = gcd(slope, *[o - base for o in offsets])
    inner = _formula(symbol, slope // common, [(o - base) // common for o in offsets])
    if inner is None:
        pieces = ", ".join(map(str, offsets[:8]))
        return f"{slope}*floor({symbol}/{period}) + [{pieces}{', ...' if period > 8 else ''}][{symbol} % {period}]"
    text, absorbed = inner
    shift = base - absorbed * common
    text = f"{common}*{text}" if common != 1 else text
    return text + (f" + {shift}" if shift > 0 else f" - {-shift}" if shift < 0 else "")


def _formula(symbol: str, slope: int, offsets: list[int]) -> tuple[str, int] | None:
    """Return `floor((slope * n + b) / P)` if some b gives these offsets, with the constant it adds at n = 0; else None."""
    period = len(offsets)
    if period == 1:
        return (symbol if slope == 1 else f"{slope}*{symbol}"), 0
    ahead = [period * o - slope * r for r, o in enumerate(offsets)]
    low, high = max(ahead), min(ahead) + period
    if low >= high:
        return None
    top = symbol if slope == 1 else f"{slope}*{symbol}"
    if low <= 0 < high:
        return f"floor({top}/{period})", 0
    if slope == 1 and low <= period - 1 < high:
        return f"ceil({top}/{period})", 0
    return f"floor(({top} + {low})/{period})" if low > 0 else f"floor(({top} - {-low})/{period})", 0
