"""The grammar's lexer, rules and parse table: lark makes them from `arch.lark`, and a file keeps them for later commands.

    python -m archdsl.syntax.tables    writes grammars/arch.json; needed after a change of the grammar

To read them takes a hundredth of the time that making them does. The file says which grammar and which version of lark it was
made from. Where either is another, the tables are made anew, in memory.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import lark
from lark import Lark, Tree
from lark.common import LexerConf
from lark.grammar import NonTerminal, Rule, RuleOptions, Terminal
from lark.lexer import BasicLexer
from lark.parse_tree_builder import ParseTreeBuilder
from lark.parsers.lalr_analysis import Shift

from archdsl.resources import resource_folder
from archdsl.syntax.newlines import Newlines
from archdsl.syntax.tree_builder import TreeBuilder

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

    lexer: BasicLexer
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


def origin(grammar: str) -> list[str]:
    """What tables depend on."""
    return [lark.__version__, hashlib.sha256(grammar.encode()).hexdigest()]


def kept_tables(wanted: list[str]) -> dict[str, Any] | None:
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
    written: dict[str, Any] = conf.serialize()
    written["terminals"].sort(key=lambda terminal: terminal["name"])
    return written | {"ignore": sorted(written["ignore"])}


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
    rules = [
        Rule(NonTerminal(origin), [_symbol(name) for name in symbols.split()], 0, alias, RuleOptions(True, expand))
        for origin, symbols, alias, expand in kept["rules"]
    ]
    callbacks = ParseTreeBuilder(rules, Tree).create_callback(builder)  # type: ignore[no-untyped-call]
    reductions = [
        Reduction(
            rule.origin.name, size := len(rule.expansion), callbacks[rule],
            size == 1 and rule.options.expand1 and not rule.alias,
        )
        for rule in rules
    ]  # fmt: skip
    conf = LexerConf.deserialize(kept["lexer"], {})
    conf.re_module, conf.skip_validation = re, True
    conf.callbacks = {"COMMENT": builder.comment, "NAME": builder.keyword}
    starts = {start: (first, last) for start, (first, last) in kept["starts"].items()}
    return Tables(BasicLexer(conf), reductions, kept["states"], starts)


def _symbol(name: str) -> Terminal | NonTerminal:
    return Terminal(name) if name.isupper() else NonTerminal(name)


if __name__ == "__main__":
    (resource_folder("grammars") / _FILE).write_text(text_of(make_tables(grammar_text())), encoding="utf-8")
