"""The grammar as a parser, from tables that were made before: reading them takes a tenth of the time that making them does.

    python -m archdsl.syntax.tables    writes grammars/arch.json; needed after a change of the grammar

The tables say which grammar and which version of lark they were made from. Where either is another, they are
made anew, in memory.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import lark
from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

from archdsl.resources import resource_folder
from archdsl.syntax.newlines import Newlines
from archdsl.syntax.tree_builder import TreeBuilder

_TABLES = "arch.json"
_OURS = ("postlex", "transformer", "lexer_callbacks")
"""Options that are objects: given anew to whoever reads the tables."""


def grammar_text() -> str:
    """The grammar's source."""
    return (resource_folder("grammars") / "arch.lark").read_text(encoding="utf-8")


def make_lark(builder: TreeBuilder, newlines: Newlines, *, strict: bool = False) -> Lark:
    """The grammar as a parser. `strict` refuses ambiguous terminals; it needs `interegular` and tests use it."""
    grammar = grammar_text()
    kept = None if strict else _kept_tables(origin(grammar))
    if kept is None:
        return _construct(grammar, builder, newlines, strict=strict)
    # As in the parsers that `python -m lark.tools.standalone` writes.
    return Lark._load_from_dict(kept["data"], kept["memo"], **_options(builder, newlines))  # type: ignore[no-any-return, no-untyped-call]


def _construct(grammar: str, builder: TreeBuilder, newlines: Newlines, *, strict: bool = False) -> Lark:
    return Lark(
        grammar, parser="lalr", lexer="basic", start=["spec", "expr"], keep_all_tokens=True, maybe_placeholders=False,
        strict=strict, **_options(builder, newlines),
    )  # fmt: skip


def tables() -> str:
    """What the file of tables holds for the grammar as it is, on this version of lark."""
    grammar = grammar_text()
    parser = _construct(grammar, TreeBuilder(), Newlines())
    data, memo = parser.memo_serialize([TerminalDef, Rule])
    data["options"] = {key: value for key, value in data["options"].items() if key not in _OURS}
    return json.dumps({"origin": origin(grammar), "data": data, "memo": memo}, separators=(",", ":"), sort_keys=True) + "\n"


def _options(builder: TreeBuilder, newlines: Newlines) -> dict[str, Any]:
    return {"postlex": newlines, "transformer": builder, "lexer_callbacks": {"COMMENT": builder.comment, "NAME": builder.keyword}}


def origin(grammar: str) -> list[str]:
    """What tables depend on."""
    return [lark.__version__, hashlib.sha256(grammar.encode()).hexdigest()]


def _kept_tables(wanted: list[str]) -> dict[str, Any] | None:
    """The tables that were made from this; none where there are others, or none."""
    path = resource_folder("grammars") / _TABLES
    if not path.is_file():
        return None
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if kept["origin"] != wanted:
        return None
    parser = kept["data"]["parser"]["parser"]
    parser["states"] = {int(state): actions for state, actions in parser["states"].items()}  # JSON's keys are texts
    kept["memo"] = {int(key): value for key, value in kept["memo"].items()}
    return kept


if __name__ == "__main__":
    (resource_folder("grammars") / _TABLES).write_text(tables(), encoding="utf-8")
