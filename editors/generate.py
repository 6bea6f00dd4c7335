"""Write the editors' grammars from the language's grammar and the registries: `python editors/generate.py`, or `make docs`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from archdsl.elaborate.declarations import METRICS
from archdsl.elaborate.parameters import KINDS
from archdsl.elaborate.values import FUNCTIONS
from archdsl.initializers import Initializer
from archdsl.ops import Op
from archdsl.ops.join import joins
from archdsl.syntax.error_context import KEYWORDS
from archdsl.syntax.tables import grammar_text
from editors.lezer import lezer, words_module

TEXTMATE = Path(__file__).parent / "vscode" / "syntaxes" / "arch.tmLanguage.json"
CODEMIRROR = Path(__file__).parent / "codemirror" / "src"
_CONSTANTS = frozenset({"true", "false", "none"})
_OPERATORS = frozenset({"and", "or", "not", "in"})
_DECLARE = frozenset({"block", "network", "let", "module", "input", "output", "aux", "import", "train", "init"})
_NAME = "[A-Za-z_][A-Za-z0-9_]*"


def keywords() -> set[str]:
    """Return the words of the grammar, which the file itself lists, and those that a name becomes in some places."""
    terminals = re.findall(r'^([A-Z]+): "([a-z]+)"$', grammar_text(), re.MULTILINE)
    found = {word for kind, word in terminals if kind == word.upper()}
    assert found == KEYWORDS
    return found | {"by", "module"}


def textmate() -> dict[str, Any]:
    """Return the TextMate grammar. Semantic tokens of the language server refine it."""
    words = keywords()
    rules = [
        _rule("comment.line.documentation.arch", "##.*$"),
        _rule("comment.line.number-sign.arch", "#.*$"),
        {"name": "string.quoted.double.arch", "begin": '"', "end": '"|$', "patterns": [
            _rule("constant.character.escape.arch", r"\\."),
            {"name": "meta.template.arch", "begin": r"\{", "end": r"\}|(?=\")", "patterns": [{"include": "#expression"}]},
        ]},
        {"match": rf"\b(block|network|let|import|as)\s+({_NAME})",
         "captures": {"1": {"name": "storage.type.arch"}, "2": {"name": "entity.name.function.arch"}}},
        _rule("storage.type.arch", _words(_DECLARE & words)),
        _rule("keyword.control.arch", _words(words - _DECLARE - _CONSTANTS - _OPERATORS)),
        _rule("keyword.control.join.arch", rf"{_words(joins())}(?=\s*[({{])"),
        {"match": rf"({_NAME})\s*:\s*({'|'.join(KINDS)})\b(?=\s*[,)=])",
         "captures": {"1": {"name": "variable.parameter.arch"}, "2": {"name": "storage.type.arch"}}},
        {"match": rf"({_NAME})(?=\s*(\[[^\]]*\]\s*)?:)", "captures": {"1": {"name": "entity.name.tag.arch"}}},
        {"match": rf"({_NAME})\s*(?==(?!=))", "captures": {"1": {"name": "variable.parameter.arch"}}},
        _rule("keyword.operator.arrow.arch", "->"),
        {"include": "#expression"},
        _rule("support.function.arch", rf"(?<!\.){_words(_ops())}"),
        _rule("support.type.arch", _words(rule.name for rule in Initializer.registry)),
    ]  # fmt: skip
    expression = [
        _rule("constant.numeric.arch", r"\b[0-9][0-9_]*(\.[0-9][0-9_]*)?([eE][+-]?[0-9]+)?\b"),
        _rule("constant.language.arch", _words(_CONSTANTS)),
        _rule("keyword.operator.logical.arch", _words(_OPERATORS)),
        _rule("variable.language.arch", rf"\bx\b|{_words(METRICS)}"),
        _rule("support.function.builtin.arch", rf"{_words(FUNCTIONS)}(?=\s*\()"),
        _rule("keyword.operator.arch", r"\.\.|==|!=|<=|>=|<|>|//|[+\-*/%^]"),
    ]
    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "archdsl",
        "scopeName": "source.arch",
        "fileTypes": ["arch"],
        "patterns": rules,
        "repository": {"expression": {"patterns": expression}},
    }


def _rule(name: str, match: str) -> dict[str, Any]:
    return {"name": name, "match": match}


def _words(words: Any) -> str:
    """Return the expression for any of some words."""
    return rf"\b({'|'.join(sorted(words))})\b"


def files() -> dict[Path, str]:
    """Return what each generated file holds."""
    return {
        TEXTMATE: json.dumps(textmate(), indent=2, ensure_ascii=False) + "\n",
        CODEMIRROR / "arch.grammar": lezer(grammar_text(), keywords()),
        CODEMIRROR / "words.js": words_module(
            keywords=keywords(),
            joins=(name for name, join in joins().items() if not join.called),
            calledJoins=(name for name, join in joins().items() if join.called),
            ops=_ops(),
        ),
    }


def _ops() -> list[str]:
    """Return the ops that specs call by name."""
    return sorted(op.name for op in Op.registry if op.called and op.name != "input")


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
