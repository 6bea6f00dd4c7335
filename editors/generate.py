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
from archdsl.resources import resource_folder
from archdsl.syntax.error_context import KEYWORDS

TEXTMATE = Path(__file__).parent / "vscode" / "syntaxes" / "arch.tmLanguage.json"
_CONSTANTS = frozenset({"true", "false", "none"})
_OPERATORS = frozenset({"and", "or", "not", "in"})
_DECLARE = frozenset({"block", "network", "let", "module", "input", "output", "aux", "import", "train", "init"})
_NAME = "[A-Za-z_][A-Za-z0-9_]*"


def keywords() -> set[str]:
    """Return the words of the grammar, which the file itself lists, and those that a name becomes in some places."""
    text = (resource_folder("grammars") / "arch.lark").read_text(encoding="utf-8")
    found = {word for kind, word in re.findall(r'^([A-Z]+): "([a-z]+)"$', text, re.MULTILINE) if kind == word.upper()}
    assert found == KEYWORDS
    return found | {"by", "module"}


def textmate() -> dict[str, Any]:
    """Return the TextMate grammar. Semantic tokens of the language server refine it."""
    words = keywords()
    ops = sorted(op.name for op in Op.registry if op.called and op.name != "input")
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
        _rule("support.function.arch", rf"(?<!\.){_words(ops)}"),
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
    return {TEXTMATE: json.dumps(textmate(), indent=2, ensure_ascii=False) + "\n"}


def main() -> None:
    """Write the files."""
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
