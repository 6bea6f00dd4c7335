"""An LALR parse under way: the stack that lark's tables move.

An atom alone is an expression by eleven rules of one symbol each, which build nothing. lark takes them one by one; here the
end of such a run is looked up, with the step that follows, which takes half the time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from archdsl.syntax.tables import Tables
from archdsl.syntax.tokens import Token

_BELOW_START = -1


class _Step(NamedTuple):
    """What to do before a token: put `state` on top, and then push `shift`, or else apply a rule to the last `size` symbols."""

    state: int
    shift: int | None
    size: int = 0
    build: Callable[[list[Any]], Any] | None = None
    origin: str = ""


class ParseTables:
    """What the stack of one start rule needs of the tables, and the steps found so far."""

    def __init__(self, tables: Tables, start: str) -> None:
        self.states, self.reductions = tables.states, tables.reductions
        self.start, self.end = tables.starts[start]
        self.steps: dict[tuple[int, int, str], _Step | None] = {}

    def step(self, below: int, top: int, kind: str) -> _Step | None:
        """What the two states on top do before a token of a kind; none where it cannot follow."""
        state = top
        while (action := self.states[state].get(kind)) is not None and action < 0 and self.reductions[~action].passes_on:
            state = self.states[below][self.reductions[~action].origin]
        step = _Step(state, None) if state == self.end else None
        if action is not None and action >= 0:
            step = _Step(state, action)
        elif action is not None:
            rule = self.reductions[~action]
            step = _Step(state, None, rule.size, rule.build, rule.origin)
        self.steps[below, top, kind] = step
        return step


class ParserStack:
    """States, of which all but the first two belong to values."""

    __slots__ = ("states", "tables", "values")

    def __init__(self, tables: ParseTables) -> None:
        self.tables = tables
        self.states: list[int] = [_BELOW_START, tables.start]
        self.values: list[Any] = []

    def feed(self, token: Token) -> bool:
        """Take a token, after the rules that it completes; false where it cannot follow. Some rules are applied even then."""
        states, values, steps, kind = self.states, self.values, self.tables.steps, token.type
        while True:
            step = steps.get((states[-2], states[-1], kind)) or self.tables.step(states[-2], states[-1], kind)
            if step is None:
                if kind == "NAME" and token == "by" and self.accepts("BY"):  # a keyword behind a range alone
                    token.type = kind = "BY"
                    continue
                return False
            states[-1], shift, size, build, origin = step
            if shift is not None:
                states.append(shift)
                values.append(token)
                return True
            if build is None:  # all that was parsed is complete, and nothing can follow
                return False
            self._apply(size, build, origin)

    def finish(self, end: Token) -> bool:
        """Take the end of the text; false where something is missing before it. What was parsed is then the last value."""
        while self.states[-1] != self.tables.end:
            step = self.tables.step(self.states[-2], self.states[-1], end.type)
            if step is None:
                return False
            self.states[-1] = step.state
            if step.state != self.tables.end:
                self._apply(step.size, step.build, step.origin)
        return True

    def _apply(self, size: int, build: Any, origin: str) -> None:
        children: list[Any] = []
        if size:
            children = self.values[-size:]
            del self.values[-size:], self.states[-size:]
        self.values.append(build(children))
        self.states.append(self.tables.states[self.states[-1]][origin])

    def accepts(self, *kinds: str) -> bool:
        """Whether tokens of these kinds can follow, one after the other; nothing changes."""
        table, states = self.tables.states, self.states[:]
        for kind in kinds:
            while True:
                action = table[states[-1]].get(kind)
                if action is None:
                    return False
                if action >= 0:
                    states.append(action)
                    break
                rule = self.tables.reductions[~action]
                if rule.size:
                    del states[-rule.size :]
                states.append(table[states[-1]][rule.origin])
                if states[-1] == self.tables.end:
                    return True
        return True

    def acceptable(self) -> frozenset[str]:
        """The kinds of token that can follow."""
        return frozenset(kind for kind in self.tables.states[self.states[-1]] if kind.isupper() and self.accepts(kind))

    def pop(self) -> None:
        """Drop the last symbol."""
        self.states.pop()
        self.values.pop()
