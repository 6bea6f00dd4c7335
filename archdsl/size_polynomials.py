"""Polynomials of symbolic sizes: exact sums of products of quasi-linear functions, such as `floor(H/16)*floor(W/16) + 1`.

A polynomial is kept as integer multiples of products. A function can be written in several ways, since the factors are not
independent: `H = floor(H/2) + ceil(H/2)`. Two polynomials are equal if they are the same function, which `_is_zero` decides
for their difference. Results that are constant, or quasi-linear in one symbol, become an integer or a `LinearSize`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from itertools import combinations
from math import gcd, lcm, prod
from typing import Any, TypeAlias
from zlib import crc32

from archdsl.session import Session
from archdsl.shapes import Dim, LinearSize, SizeError, SymbolicSize
from archdsl.size_formulas import formula
from archdsl.size_pieces import Factors, pieces

Terms: TypeAlias = dict[Factors, int]
"""Products of factors, sorted, with their coefficients. A factor is primitive: its values have no common divisor."""

_MOST_TERMS = 100
MOST_FACTORS = 16


class SizePolynomial(SymbolicSize):
    """A function that is neither constant nor quasi-linear in one symbol. The operators make it."""

    __slots__ = ("_hash", "session", "symbols", "terms", "text")
    symbols: tuple[str, ...]

    def __init__(self, terms: Terms, session: Session, text: str | None = None) -> None:
        self.terms = terms
        self.session = session
        self.text = text
        self.symbols = _symbols(terms)
        self._hash: int | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return SizePolynomial, (self.terms, self.session, self.text)

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same function."""
        if self is other:
            return True
        if not isinstance(other, SizePolynomial):
            return NotImplemented
        if self.terms == other.terms:
            return True
        return hash(self) == hash(other) and _is_zero(_joined(self.terms, other.terms, -1))

    def __hash__(self) -> int:
        """Return the hash of the value at a point far out, which equal functions share."""
        if self._hash is None:
            self._hash = hash(self.value(_far(self.symbols)))
        return self._hash

    def __repr__(self) -> str:
        return str(self)

    @property
    def numbers(self) -> int:
        """How many integers represent the function."""
        return sum(1 + sum(len(factor.offsets) for factor in factors) for factors in self.terms)

    def value(self, at: Mapping[str, int]) -> int:
        """Return the value at these sizes."""
        return _value(self.terms, at)

    def with_text(self, text: str) -> SizePolynomial:
        """Return the same function with another printed form."""
        return SizePolynomial(self.terms, self.session, text)

    def __add__(self, other: Dim) -> Dim:
        """Return the sum with another size."""
        return total(self, other) if isinstance(other, int | SymbolicSize) else NotImplemented

    __radd__ = __add__

    def __mul__(self, factor: Dim) -> Dim:
        """Return the product with another size."""
        return product(self, factor) if isinstance(factor, int | SymbolicSize) else NotImplemented

    __rmul__ = __mul__

    def __floordiv__(self, divisor: Dim) -> Dim:
        """Return the floor of the quotient, if it has a formula."""
        return quotient(self, divisor)

    def __str__(self) -> str:
        """Return the function as a formula, such as `H*W` or `2*floor(H/2)*W + 1`."""
        return self.text if self.text is not None else formula(self.terms)


def total(left: Dim, right: Dim) -> Dim:
    """Return a sum."""
    return _reduced(_joined(terms_of(left), terms_of(right)), _session(left, right))


def product(left: Dim, right: Dim) -> Dim:
    """Return a product."""
    pairs = [
        (a * b, tuple(sorted((*mine, *theirs), key=_order)))
        for mine, a in _whole(left).items()
        for theirs, b in _whole(right).items()
    ]
    if any(len(factors) > MOST_FACTORS for _, factors in pairs):
        raise SizeError(f"a product of more than {MOST_FACTORS} symbolic sizes has no formula here")
    return _reduced(_collected(pairs), _session(left, right))


def quotient(size: Dim, divisor: Dim) -> Dim:
    """Return the floor of a quotient. Raise `SizeError` unless the divisor divides all but a quasi-linear part."""
    if isinstance(divisor, int):
        if divisor <= 0:
            raise SizeError("a symbolic size can be divided by a positive integer only")
        return _by_integer(size, divisor)
    far = _far({*_symbols(terms_of(size)), *divisor.symbols})
    whole, rest = divmod(_value(terms_of(size), far), divisor.value(far) or 1)
    if rest == 0 and size == whole * divisor:
        return whole
    found = size
    for factors, coefficient in _whole(divisor).items() if len(_whole(divisor)) == 1 else ():
        found = reduce(_by_factor, factors, _by_integer(size, coefficient)) if coefficient > 0 else found
        if not isinstance(found, int) and found * divisor == size:
            return found
    raise SizeError(f"{size} divided by {divisor} is not a whole number for every size")


def _by_integer(size: Dim, divisor: int) -> Dim:
    if not isinstance(size, SizePolynomial):
        return size // divisor
    exact = {factors: c // divisor for factors, c in size.terms.items() if c % divisor == 0}
    rest = _reduced({factors: c for factors, c in size.terms.items() if c % divisor}, size.session)
    if isinstance(rest, SizePolynomial):
        raise SizeError(f"{size} divided by {divisor} is not a whole number for every size, and rounded it has no formula")
    return _reduced(exact, size.session) + rest // divisor


def _by_factor(size: Dim, factor: LinearSize) -> Dim:
    """Return the quotient by a primitive factor that each product has; the rest is left out, and so the result wrong."""
    pairs = []
    for factors, coefficient in _whole(size).items():
        left = list(factors)
        if factor in left:
            left.remove(factor)
            pairs.append((coefficient, tuple(left)))
    return _reduced(_collected(pairs), factor.session)


def terms_of(size: Dim) -> Terms:
    """Return a size as multiples of products; the constant is a term of its own."""
    if isinstance(size, SizePolynomial):
        return size.terms
    return _collected([(1, (size,))] if isinstance(size, LinearSize) else [(size, ())] if isinstance(size, int) else [])


def _whole(size: Dim) -> Terms:
    """Return the same, with a quasi-linear function as one term, so that products stay short: `(H + 1)*W`."""
    if not isinstance(size, LinearSize):
        return terms_of(size)
    content, factor = primitive(size)
    return {(factor,): content}


def _collected(pairs: Iterable[tuple[int, Factors]]) -> Terms:
    """Add up multiples of products. Quasi-linear terms of a symbol become one, without a constant."""
    terms: Terms = {}
    linear: dict[str, Dim] = {}
    for coefficient, factors in pairs:
        if len(factors) == 1:
            symbol = factors[0].symbol
            linear[symbol] = linear.get(symbol, 0) + coefficient * factors[0]
        else:
            terms[factors] = terms.get(factors, 0) + coefficient
    constant = terms.pop((), 0)
    for part in linear.values():
        if isinstance(part, LinearSize):
            constant += part.offsets[0]
            varying = part - part.offsets[0]
            assert isinstance(varying, LinearSize)
            content, factor = primitive(varying)
            terms[(factor,)] = content
        else:
            assert isinstance(part, int)
            constant += part
    terms[()] = constant
    kept = sorted((factors for factors, coefficient in terms.items() if coefficient), key=_term_order)
    if len(kept) > _MOST_TERMS:
        raise SizeError(f"a sum of more than {_MOST_TERMS} products of symbolic sizes has no formula here")
    return {factors: terms[factors] for factors in kept}


def _joined(left: Terms, right: Terms, sign: int = 1) -> Terms:
    """Return the sum of terms, or their difference."""
    pairs = [(c, factors) for factors, c in left.items()] + [(sign * c, factors) for factors, c in right.items()]
    return _collected(pairs)


def primitive(size: LinearSize) -> tuple[int, LinearSize]:
    """Return the common divisor of all values, and the function without it, which grows."""
    content = gcd(size.slope, *size.offsets)
    if (size.slope or next(offset for offset in size.offsets if offset)) < 0:
        content = -content
    if content == 1:
        return 1, size
    offsets = tuple([offset // content for offset in size.offsets])
    return content, LinearSize(size.symbol, size.slope // content, offsets, session=size.session)


def _reduced(terms: Terms, session: Session) -> Dim:
    """Return the function of these terms in its simplest form."""
    if any(c < 0 for factors, c in terms.items() if factors) and any(len(factors) > 1 for factors in terms):
        terms = _expanded(terms)
    top = max(map(len, terms), default=0)
    symbols = _symbols(terms)
    if top <= 1 and len(symbols) <= 1:
        return sum([c * prod(factors, start=1) for factors, c in terms.items()])
    grows = all(c > 0 and all(factor.slope > 0 for factor in factors) for factors, c in terms.items() if factors)
    if top > 1 and not grows and _maybe_linear(terms, symbols):
        for symbol in symbols:
            linear = _linear(terms, symbol, session)
            if linear is not None and _is_zero(_joined(terms, terms_of(linear), -1)):
                return linear
    return SizePolynomial(terms, session)


def _expanded(terms: Terms) -> Terms:
    """Multiply out the constants of factors: a difference may then cancel."""
    pairs: list[tuple[int, Factors]] = []
    for factors, c in terms.items():
        products: list[tuple[int, Factors]] = [(c, ())]
        for factor in factors:
            varying = factor - factor.offsets[0]
            assert isinstance(varying, LinearSize)
            content, rest = primitive(varying)
            parts = [(content, (rest,)), (factor.offsets[0], ())]
            products = [(a * b, (*some, *more)) for a, some in products for b, more in parts if b]
            if len(products) + len(pairs) > 16 * _MOST_TERMS:
                raise SizeError("a difference of products of symbolic sizes has too many terms")
        pairs += products
    return _collected([(c, tuple(sorted(factors, key=_order))) for c, factors in pairs])


def _maybe_linear(terms: Terms, symbols: Sequence[str]) -> bool:
    """Return false if differences far out show that a function is not quasi-linear in one symbol, or constant."""
    far = _far(symbols)
    for one, other in combinations(symbols, 2):
        corners = [(far[one] + i, far[other] + j) for i in (0, 1009) for j in (0, 2003)]
        a, b, c, d = [_value(terms, {**far, one: x, other: y}) for x, y in corners]
        if a + d != b + c:
            return False
    if len(symbols) > 1:
        return True
    (symbol,) = symbols
    step = lcm(*[len(factor.offsets) for factors in terms for factor in factors])
    a, b, c = [_value(terms, {symbol: far[symbol] + i * step}) for i in range(3)]
    return a + c == 2 * b


def _linear(terms: Terms, symbol: str, session: Session) -> Dim | None:
    """Return the function of one symbol where the others are one, if it is quasi-linear."""
    fixed = [
        (c * prod(f.at(1) for f in factors if f.symbol != symbol), tuple([f for f in factors if f.symbol == symbol]))
        for factors, c in terms.items()
    ]
    table = pieces(fixed, symbol)
    slopes = {tuple(polynomial[1:2]) + tuple(c for c in polynomial[2:] if c) for polynomial in table}
    slope = next(iter(slopes))
    if len(slopes) > 1 or len(slope) > 1:
        return None
    zero = LinearSize(symbol, 0, (0,), session=session)
    return zero._canonical(slope[0] if slope else 0, [polynomial[0] for polynomial in table])


def _is_zero(terms: Terms) -> bool:
    """Return whether a function is zero everywhere.

    Write it as a sum of `u_i(n) * rest_i`, in which n is one symbol and no `rest_i` has it. The functions `u_i` are rows of
    coefficients (see `pieces`). The sum is zero if and only if each column of these coefficients makes a combination of
    the `rest_i` that is zero, which is a question with one symbol less. Independent columns suffice.
    """
    symbols = _symbols(terms)
    if not symbols:
        return not any(terms.values())
    if _value(terms, _far(symbols)):
        return False
    symbol = symbols[0]
    groups: dict[Factors, list[tuple[int, Factors]]] = {}
    for factors, c in terms.items():
        rest = tuple([factor for factor in factors if factor.symbol != symbol])
        groups.setdefault(rest, []).append((c, tuple([factor for factor in factors if factor.symbol == symbol])))
    aligned = [(0, factors) for pairs in groups.values() for _, factors in pairs]  # for one period and one degree
    rows = [[c for row in pieces([*pairs, *aligned], symbol) for c in row] for pairs in groups.values()]
    return all(
        _is_zero(_collected([(c, rest) for c, rest in zip(column, groups, strict=True) if c]))
        for column in _independent(dict.fromkeys(zip(*rows, strict=True)))
    )


def _independent(columns: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return columns that span all of them, by elimination."""
    found: list[tuple[int, ...]] = []
    echelon: list[tuple[int, list[Fraction]]] = []
    for column in columns:
        left = [Fraction(c) for c in column]
        for pivot, row in echelon:
            if left[pivot]:
                times = left[pivot] / row[pivot]
                left = [a - times * b for a, b in zip(left, row, strict=True)]
        first = next((i for i, c in enumerate(left) if c), None)
        if first is not None:
            echelon.append((first, left))
            found.append(column)
            if len(found) == len(column):
                break
    return found


def _order(factor: LinearSize) -> tuple[Any, ...]:
    return factor.symbol, len(factor.offsets), factor.slope, factor.offsets


def _term_order(factors: Factors) -> tuple[Any, ...]:
    return -len(factors), [_order(factor) for factor in factors]


def _symbols(terms: Terms) -> tuple[str, ...]:
    return tuple(sorted({factor.symbol for factors in terms for factor in factors}))


def _value(terms: Terms, at: Mapping[str, int]) -> int:
    return sum([c * prod([factor.at(at[factor.symbol]) for factor in factors]) for factors, c in terms.items()])


def _far(symbols: Iterable[str]) -> dict[str, int]:
    """Return a size far out for each symbol, always the same."""
    return {symbol: 1_000_003 + crc32(symbol.encode()) for symbol in symbols}


def _session(left: Dim, right: Dim) -> Session:
    symbolic = left if isinstance(left, SymbolicSize) else right
    assert isinstance(symbolic, SymbolicSize)
    return symbolic.session
