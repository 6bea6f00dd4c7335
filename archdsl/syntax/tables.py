"""The grammar's lexer, rules and parse table: lark makes them from `arch.lark`, and a file keeps them for later commands.

    python -m archdsl.syntax.tables    writes grammars/arch.json and arch.gbnf; needed after a change of the grammar

To read them takes a hundredth of the time that making them does, and does not import lark. The file says which grammar it was
made from. If the grammar is another, the tables are made anew, in memory.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from archdsl.resources import resource_folder
from archdsl.syntax.tokens import Lexer
from archdsl.syntax.tree_builder import TreeBuilder

if TYPE_CHECKING:
    from lark.common import LexerConf

_FILE: Final = "arch.json"
_STARTS: Final = ("expr", "spec")


class Reduction(NamedTuple):
    """A rule as the parser applies it: `build` makes the value of `origin` from those of `size` symbols."""

    origin: str
    size: int
    build: Callable[[list[Any]], Any]
    passes_on: bool
    """Whether it has one symbol, and its value is that of the symbol."""


class Tables(NamedTuple):
    """What the parser needs of the grammar."""

    lexer: Lexer
    reductions: Sequence[Reduction]
    states: Sequence[Mapping[str, int]]
    """What each state does before a symbol: a state to go to, or `~n` for the reduction number n."""
    starts: Mapping[str, tuple[int, int]]
    """The first and the last state of each start rule."""


def load_tables(builder: TreeBuilder, grammar: str | None = None) -> Tables:
    """Return the tables of a grammar, by default that of the language, with the builder's methods as callbacks."""
    grammar = grammar_text() if grammar is None else grammar
    return _with_callbacks(kept_tables(origin(grammar)) or make_tables(grammar), builder)


def grammar_text() -> str:
    """The grammar's source."""
    return (resource_folder("grammars") / "arch.lark").read_text(encoding="utf-8")


def origin(grammar: str) -> int:
    """What tables depend on: a checksum of the grammar."""
    return zlib.crc32(grammar.encode())


def kept_tables(wanted: int) -> dict[str, Any] | None:
    """The tables that were made from this; none where there are others, or none."""
    path = resource_folder("grammars") / _FILE
    if not path.is_file():
        return None
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept if kept["origin"] == wanted else None


# Making them ----------------------------------------------------------------------------------------------------------


def make_tables(grammar: str, *, strict: bool = False) -> dict[str, Any]:
    """The tables of a grammar, as the file has them. `strict` refuses ambiguous terminals; it needs `interegular`.

    lark numbers rules and states as it meets them in sets. Here rules are in the order of their names, and states in that in
    which a walk from the start meets them, so that a grammar has one text.
    """
    from lark import Lark  # here: it is only needed where the grammar has changed
    from lark.parsers.lalr_analysis import Shift

    from archdsl.syntax.newlines import Newlines

    made = Lark(
        grammar, parser="lalr", lexer="basic", start=list(_STARTS), keep_all_tokens=True, maybe_placeholders=False, strict=strict,
        postlex=Newlines(),  # it keeps the terminals that no rule takes
    )  # fmt: skip
    rules = sorted(made.rules, key=lambda rule: (rule.origin.name, rule.order))
    numbers = {rule: number for number, rule in enumerate(rules)}
    table = made.parser.parser._parse_table
    found = [table.start_states[start] for start in _STARTS]
    for state in found:  # it grows
        found += [to for _, (action, to) in sorted(table.states[state].items()) if action is Shift and to not in found]
    return {
        "origin": origin(grammar),
        "lexer": _lexer(made.lexer_conf),
        "rules": [
            [rule.origin.name, " ".join(symbol.name for symbol in rule.expansion), rule.alias, rule.options.expand1]
            for rule in rules
        ],
        "starts": {start: [found.index(table.start_states[start]), found.index(table.end_states[start])] for start in _STARTS},
        "states": [
            {symbol: found.index(to) if action is Shift else ~numbers[to] for symbol, (action, to) in table.states[state].items()}
            for state in found
        ],
    }


def _lexer(conf: LexerConf) -> dict[str, Any]:
    """The arguments of `Lexer`: the alternatives in the order in which lark tries them, and the words that are no names."""
    from lark.lexer import BasicLexer

    lexer = BasicLexer(conf)
    (alternatives,) = lexer.scanner._mres
    (words,) = lexer.callback["NAME"].scanner._mres  # type: ignore[attr-defined]
    texts = {terminal.name: terminal.pattern.value for terminal in lexer.terminals if terminal.name in words.groupindex}
    return {
        "pattern": alternatives.pattern,
        "keywords": {text: name for name, text in sorted(texts.items())},
        "ignored": sorted(lexer.ignore_types),
    }


def text_of(tables: dict[str, Any]) -> str:
    """What the file holds: a line for each rule and state, so that a change of the grammar has a readable difference."""

    def written(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"), sort_keys=True)

    def listed(name: str) -> str:
        return f'"{name}":[\n' + ",\n".join(map(written, tables[name])) + "\n]"

    rest = written({name: tables[name] for name in ("lexer", "origin", "starts")})
    return rest[:-1] + ",\n" + listed("rules") + ",\n" + listed("states") + "}\n"


# Reading them ---------------------------------------------------------------------------------------------------------


def _with_callbacks(kept: dict[str, Any], builder: TreeBuilder) -> Tables:
    lexer = Lexer(**kept["lexer"])
    lexer.callbacks = {"COMMENT": builder.comment, "NAME": builder.keyword}
    starts = {start: (first, last) for start, (first, last) in kept["starts"].items()}
    return Tables(lexer, [_reduction(builder, *rule) for rule in kept["rules"]], kept["states"], starts)


def _reduction(builder: TreeBuilder, origin: str, symbols: str, alias: str | None, expand: bool) -> Reduction:
    """A rule with the builder's method of its name.

    lark writes `x*` as a rule whose name begins with `_`. Its value is a list, which takes the place of the symbol in other
    rules. `expand` says that a value which is alone stands for the rule itself.
    """
    parts = symbols.split()
    alone = expand and not alias
    if alone and len(parts) == 1:
        return Reduction(origin, 1, itemgetter(0), passes_on=True)
    method = _as_they_are if origin.startswith("_") else getattr(builder, alias or origin)
    lists = [number for number, name in enumerate(parts) if name.startswith("_") and not name.isupper()]

    def build(children: list[Any]) -> Any:
        children = _spliced(children, lists)
        return children[0] if alone and len(children) == 1 else method(children)

    return Reduction(origin, len(parts), build if lists else method, passes_on=False)


def _as_they_are(children: list[Any]) -> list[Any]:
    return children


def _spliced(children: list[Any], lists: Sequence[int]) -> list[Any]:
    """The children with the items of lists in their place. A list that comes first grows, so that long lists take linear time."""
    found: list[Any] = []
    for number, child in enumerate(children):
        if number not in lists:
            found.append(child)
        elif found:
            found += child
        else:
            found = child
    return found


def generated() -> dict[str, str]:
    """What the generated files of the grammar hold."""
    from archdsl.syntax.gbnf import gbnf  # here: it reads the tables

    tables = make_tables(grammar_text())
    return {_FILE: text_of(tables), "arch.gbnf": gbnf(tables)}


if __name__ == "__main__":
    for name, text in generated().items():
        (resource_folder("grammars") / name).write_text(text, encoding="utf-8")
