"""The Lezer grammar, which CodeMirror reads, from the rules of `arch.lark`: `editors/generate.py` writes it.

A rule of lark becomes one of Lezer, and a node of the tree has the name of its rule or alias. Lezer keeps tokens in its tree.
Words and line ends come from `src/tokens.js`, since what they are depends on the text around them, and so do strings, in which
labels have expressions. What stands for an error in lark's rules is left out: Lezer goes on after errors in its own way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from lark import Token, Tree
from lark.grammar import NonTerminal, Terminal
from lark.load_grammar import load_grammar

_ERRORS: Final = {"ERROR", "ERROR_ITEM", "MISSING"}
_PATTERNS: Final = {
    r"[A-Za-z_][A-Za-z0-9_]*": None,  # src/tokens.js
    r"[0-9][0-9_]*": "digits",
    r"[0-9][0-9_]*(\.[0-9][0-9_]*([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)": 'digits ("." digits exponent? | exponent)',
    r'"(\\[^\n]|[^"\\\n])*"': None,  # src/tokens.js, as the next two
    r'"[^\n]*': None,
    r"\r?\n": None,
    r"[ \t\f]+": r"$[ \t\f]+",
    r"#[^\n]*": r'"#" ![\n]*',
    r".": None,  # an error
}
"""The patterns of terminals in Lezer's notation. A new one needs a line here."""
_ROLES: Final = {
    "import_": ["Definition"], "block": ["Definition"], "network": ["Definition"], "alias": ["Definition"],
    "constant": ["Definition"], "let": ["Definition"], "pattern": ["Definition"], "input": ["Definition", "Kind"],
    "parameter": ["Definition", "Kind"], "setting": ["Key"], "keyword_argument": ["Key"], "attribute": ["Member"],
}  # fmt: skip
"""What the names in a rule are, in their order: a node around each says it to the highlighter."""
_HEAD: Final = """\
// Generated from grammars/arch.lark by `python editors/generate.py`.

@top Spec { spec }
@top Expression { expr }
@skip { blank | lineEnd | Comment | DocComment }
"""
_TOKENS: Final = """\
name { Name | Op | Flow }
@skip {} {
  String { stringStart (Hole | stringText)* stringEnd }
}
Definition { name }
Key { name }
Kind { name }
Member { name }
Subscript { "[" expr "]" }

@external tokens strings from "./tokens.js" { stringStart, Hole, stringText, stringEnd }
@external tokens lineEnds from "./tokens.js" { separator, lineEnd }
@external tokens words from "./tokens.js" {
  Name, Op, Flow,
  %(words)s
}

@tokens {
  digits { $[0-9] $[0-9_]* }
  exponent { $[eE] $[+\\-]? $[0-9]+ }
  DocComment { "##" ![\\n]* }
%(tokens)s
  "(" ")" "[" "]" "{" "}" "," ":" "." "=" "^"
  @precedence { DocComment, Comment }
  @precedence { Float, Int }
}

@detectDelim
"""


class _Grammar:
    """The rules of a grammar, which `text` writes in Lezer's notation."""

    def __init__(self, source: str, words: Iterable[str]) -> None:
        grammar, _ = load_grammar(source, "arch.lark", [], False)
        self.rules: dict[str, tuple[list[tuple[str | None, Any]], bool]] = {
            name: ([pair for pair in _alternatives(tree) if not _ERRORS & _terminals(pair[1])], options.expand1)
            for name, _, tree, options in grammar.rule_defs
        }
        self.words = {word.upper(): word for word in words} | {"JOIN": "join"}
        self.terminals = {name: tree for name, (tree, _) in grammar.term_defs if name not in self.words and tree is not None}
        self.nodes: dict[str, list[str]] = {}
        """The bodies of nodes by identifier. Two rules can have nodes of one name."""
        self.roles: Iterator[str] = iter(())

    def text(self) -> str:
        """Return the grammar."""
        rules = [f"{_camel(name, first=False)} {{ {self._rule(name)} }}" for name in self.rules if not self._is_node(name)]
        rules += [f"{_camel(name)} {{ {self._rule(name)} }}" for name in self.rules if self._is_node(name)]
        rules += [f"{name} {{ {' | '.join(bodies)} }}" for name, bodies in self.nodes.items()]
        tokens = [f"  {line}" for name, tree in self.terminals.items() if (line := self._terminal(name, tree))]
        words = ",\n  ".join(f"{word}Word[@name={word}]" for word in sorted(self.words.values()))
        return "\n".join([_HEAD, *rules, _TOKENS % {"words": words, "tokens": "\n".join(tokens)}])

    def _is_node(self, name: str) -> bool:
        """Return whether a rule is a node of the tree. The nodes of a rule with `?` or aliases are its alternatives."""
        alternatives, passes_on = self.rules[name]
        return name != "spec" and not passes_on and not any(alias for alias, _ in alternatives)

    def _rule(self, name: str) -> str:
        alternatives, passes_on = self.rules[name]
        if self._is_node(name) or name == "spec":
            return " | ".join(self._sequence(sequence, name) for _, sequence in alternatives)
        return " | ".join(dict.fromkeys(self._alternative(name, alias, sequence, passes_on) for alias, sequence in alternatives))

    def _alternative(self, rule: str, alias: str | None, sequence: Tree[Any], passes_on: bool) -> str:
        """Return an alternative of a rule that is no node: a node by its alias or the name of the rule, or what it passes on."""
        parts = sequence.children
        if len(parts) == 1 and (_is_terminal(parts[0]) or (alias is None and passes_on)):
            return self._sequence(sequence, alias or rule)
        if alias is None and passes_on and len(parts) == 2:  # `a (OP a)*`, or `a [OP a]`: a node if there is more than `a`
            first, rest = (self._part(part) for part in parts)
            more = rest[:-1] + "+" if rest.endswith("*") else rest[:-1]
            return f"{first} | {self._node(rule, rule, f'{first} {more}')}"
        return self._node(rule, alias or rule, self._sequence(sequence, alias or rule))

    def _node(self, rule: str, name: str, body: str) -> str:
        """Return the identifier of a node with this name, and note its body."""
        holders = {one for one, (pairs, _) in self.rules.items() for alias, _ in pairs if (alias or one) == name}
        own = _camel(name)
        identifier = own if rule == min(holders) else f"{_camel(name, first=False)}Of{_camel(rule)}[@name={own}]"
        self.nodes.setdefault(identifier, []).append(body)
        return identifier.partition("[")[0]

    def _sequence(self, sequence: Tree[Any], owner: str) -> str:
        self.roles = iter(_ROLES.get(owner, ()))
        parts = [self._part(part) for part in sequence.children]
        return " ".join(parts).replace(' "[" expr "]"', " Subscript") if len(parts) > 3 else " ".join(parts)

    def _part(self, part: Any) -> str:
        match part:
            case Tree("value", [NonTerminal(name=name)]):
                return _camel(name, first=self._is_node(name))
            case Tree("value", [Terminal(name=name)]):
                return self._token(name)
            case Tree("value", [Tree("literal", [text])]):
                return str(text)
            case Tree("expansions", [*alternatives]):
                inner = [" ".join(map(self._part, one.children)) for one in alternatives]
                return f"({' | '.join(inner)})"
            case Tree("maybe", [inner]):
                return f"{self._part(inner)}?"
            case Tree("expr", [inner, Token(value=times)]):
                return f"{self._part(inner)}{times}"
        raise NotImplementedError(part)

    def _token(self, name: str) -> str:
        if name == "NAME":
            return next(self.roles, "name")
        if name in self.words:
            return f"{self.words[name]}Word"
        return "separator" if name == "_SEP" else self._identifier(name)

    def _identifier(self, name: str) -> str:
        """Return the name of a token. A rule can have that of a terminal: `a..b` is a range, and `..` its sign."""
        pairs = [(alias or rule, one.children) for rule, (alternatives, _) in self.rules.items() for alias, one in alternatives]
        nodes = {node for node, parts in pairs if len(parts) > 1}
        return _camel(name.lower()) + ("Sign" if name.lower() in nodes else "")

    def _terminal(self, name: str, tree: Tree[Any]) -> str | None:
        """Return the line of a terminal; None if another file finds it."""
        literals = [str(leaf) for leaf in tree.scan_values(lambda leaf: isinstance(leaf, Token) and leaf.type != "OP")]
        if literals[0].startswith("/"):
            pattern = _PATTERNS[literals[0][1:-1]]
        else:
            pattern = None if name == "SEMICOLON" else " | ".join(literals)
        identifier = "blank" if name == "BLANK" else self._identifier(name)
        return f"{identifier} {{ {pattern} }}" if pattern is not None else None


def _alternatives(tree: Tree[Any]) -> Iterator[tuple[str | None, Tree[Any]]]:
    """Yield the alternatives of a rule with their aliases."""
    for one in tree.children:
        if one.data == "alias":
            sequence, alias = one.children
            yield alias.name, sequence
        else:
            yield None, one


def _terminals(tree: Tree[Any]) -> set[str]:
    return {leaf.name for leaf in tree.scan_values(lambda leaf: isinstance(leaf, Terminal))}


def _is_terminal(part: Tree[Any]) -> bool:
    return part.data == "value" and isinstance(part.children[0], Terminal)


def _camel(name: str, *, first: bool = True) -> str:
    words = name.strip("_").split("_")
    written = "".join(word.capitalize() for word in words)
    return written if first else words[0] + written[len(words[0]) :]


def lezer(source: str, words: Iterable[str]) -> str:
    """Return the grammar in Lezer's notation. `words` are the keywords."""
    return _Grammar(source, words).text()


def words_module(**lists: Iterable[str]) -> str:
    """Return a script with lists of words, each exported by its name."""
    lines = [f"export const {name} = {json.dumps(sorted(words))};\n" for name, words in lists.items()]
    return "// Generated from the registries by `python editors/generate.py`.\n\n" + "\n".join(lines)
