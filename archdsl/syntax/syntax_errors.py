"""The sentences for the mistakes that people make in syntax.

Each mistake is one function of the situation; the first that knows it speaks. The last resort names
what was found and what could have stood there.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from archdsl.source import Span
from archdsl.syntax.call_errors import body, call_style, range_, tuple_
from archdsl.syntax.error_context import KEYWORDS, WORDS, ErrorContext, SyntaxFault

_OPENING = {"LPAR": ("(", ")"), "LSQB": ("[", "]"), "LBRACE": ("{", "}")}
_STATEMENTS = {
    "output": "an output has a label: `output name: ...`", "aux": "a head has a label: `aux name: ...`",
    "input": "an input has a name and a shape: `input image [3, 32, 32]`",
}  # fmt: skip
"""Words that begin a statement with a label or name of its own, and how."""


_DEFINING = {"block": "a block", "network": "a network", "import": "an import", "train": "a recipe"}
"""The words that begin what stands at the top level of a file."""


_AFTER_A_COMMA = {
    "input": "`where` follows the sizes without a comma",
    "expect": "what a claim means is said in a comment: `# ...`",
    "let": "a list stands in square brackets: `let sizes = [16, 32]`",
}
"""What may be meant by a comma in a statement, by its first word."""


def _unclosed_string(s: ErrorContext) -> SyntaxFault | None:
    if s.token.type != "UNCLOSED_STRING":
        return None
    return SyntaxFault("E0103", s.span, "this string is not closed on its line", 'end it with `"`')


def _strange_character(s: ErrorContext) -> SyntaxFault | None:
    if s.token.type != "STRANGE":
        return None
    character = str(s.token)
    quotes = {"'": '"', "\u201c": '"', "\u201d": '"', "\u2018": '"', "\u2019": '"'}
    if character in quotes:
        return SyntaxFault("E0104", s.span, f"`{character}` does not begin a string", 'strings stand in `"double quotes"`')
    known = {"\u00d7": "write `x` in a comment, or `*`", "→": "write `->`", "&": "write `and`", "|": "write `or`",
             "?": "write `a if condition else b`", "!": "write `not`, or `!=`", "@": "there are no decorators", "\\": "a line goes on inside `( )` and around `->`"}  # fmt: skip
    name = f"`{character}`" if character.isprintable() else f"the character U+{ord(character):04X}"
    return SyntaxFault("E0104", s.span, f"{name} has no meaning here", known.get(character))


def _python(s: ErrorContext) -> SyntaxFault | None:
    """A line written as in Python."""
    words = {
        "def": "a block is written `block name(parameters) { ... }`",
        "class": "a network is written `network name(parameters) { ... }`",
        "return": "the value of a body is the value of its last statement",
        "from": 'definitions come in with `import "file.arch" as name`',
        "elif": "write `else if`",
        "while": "loops are `repeat n { ... }` and `for i in 0..n { ... }`",
        "self": "there is no `self`: write the op or block by its name",
        "lambda": "an op or a block is a value: pass it by its name",
        "assert": "a claim is written `expect`",
        "const": "write `let name = value`",
        "var": "write `let name = value`",
    }
    starts = s.first_on_line or str(s.token) == "elif"
    for word, span in ((s.previous, s.previous_span), (s.token if starts else None, s.span)):
        if word is not None and span is not None and word.type == "NAME" and str(word) in words:
            return SyntaxFault(
                "E0106",
                span,
                f"`{word}` is not a word of this language",
                words[str(word)],
                keep=word is s.token and not s.first_on_line,
            )
    return None


def _operator(s: ErrorContext) -> SyntaxFault | None:
    """`a + b` for tensors, `conv(8, 3) => relu`, `// a comment`."""
    if s.token.type == "EQUAL" and s.after.startswith(">"):
        return SyntaxFault(
            "E0105", Span(s.span.file, s.span.start, s.span.end + 1), "`=>` does not join stages", "write `->`", keep=False
        )
    if str(s.token) == "*" and str(s.previous) == "*" and s.previous_span is not None and s.previous_span.end == s.span.start:
        return SyntaxFault(
            "E0105",
            Span(s.span.file, s.previous_span.start, s.span.end),
            "`**` is no operator",
            "a power is written `^`",
            keep=False,
        )
    ends = "_SEP" in s.expected or s.first_on_line
    if s.token.type == "FACTOR" and str(s.token) == "//" and ends:
        return SyntaxFault("E0105", s.span, "`//` does not begin a comment", "write `#`", keep=False)
    join = {"+": "add", "*": "mul"}.get(str(s.token))
    right = re.match(r"\s*(\w+)[ \t]*([#;}]|->|$)", s.after)
    if join is None or "ARROW" not in s.expected or s.previous is None or s.previous.type != "NAME":
        return None
    sides = f"{s.previous}; {right[1]}" if right is not None else "...; ..."
    return SyntaxFault("E0105", s.span, f"`{s.token}` does not join tensors", f"write `{join} {{ {sides} }}`", keep=False)


def _unclosed_bracket(s: ErrorContext) -> SyntaxFault | None:
    """The file ended, or a new statement began, inside brackets."""
    if s.opened is None or s.opened_span is None:
        return None
    sign, closing = _OPENING[s.opened.type]
    starts_statement = (
        str(s.token) in KEYWORDS and s.first_on_line and str(s.token) not in {"if", "else", "for", "and", "or", "not", "in"}
    )
    definition = str(s.token) in _DEFINING and s.first_on_line and not s.within
    inside = s.opened.type != "LBRACE"
    if (
        s.token.type == "$END"
        or (inside and (starts_statement or s.first_on_line or s.token.type in ("RBRACE", "LBRACE", "ARROW")))
        or definition
    ):
        if not inside and s.outdented_span is not None and s.outdented_span.start > s.opened_span.start:
            return SyntaxFault(
                "E0102", s.outdented_span, "this `{` is never closed: the next `}` stands further left, where it closes what is around",
                "write `}` where it ends", keep=False,
            )  # fmt: skip
        where = "the file ends" if s.token.type == "$END" else f"{s.found} begins something new"
        return SyntaxFault(
            "E0102", s.opened_span, f"this `{sign}` is never closed: {where} before its `{closing}`",
            f"write `{closing}` where it ends", ((s.span, "still open here"),) if s.token.type != "$END" else (),
        )  # fmt: skip
    return None


def _wrong_closing(s: ErrorContext) -> SyntaxFault | None:
    """A closing bracket that nothing opened, or that closes another kind."""
    closers = {closing: kind for kind, (_, closing) in _OPENING.items()}
    if str(s.token) not in closers or s.closes_something:
        return None
    if s.opened is None or s.opened_span is None:
        return SyntaxFault("E0102", s.span, f"this `{s.token}` closes nothing: every bracket before it is closed", "delete it")
    sign, closing = _OPENING[s.opened.type]
    if closing == str(s.token):
        return None
    return SyntaxFault(
        "E0102", s.span, f"`{s.token}` does not close `{sign}`", f"write `{closing}` first", ((s.opened_span, "opened here"),)
    )


def _assignment(s: ErrorContext) -> SyntaxFault | None:
    """`conv1 = conv(64, 7)` for a label, `n = 3` for a constant, `stride: 2` for an argument."""
    inside = s.opened is not None and s.opened.type == "LPAR"
    if s.token.type == "COLON" and inside:
        return SyntaxFault(
            "E0105", s.span, "`:` does not pass an argument", f"write `=`: `{s.previous} = ...`", instead=("EQUAL", "=")
        )
    if s.token.type == "COLON" and s.expected == {"EQUAL"}:
        if re.search(r"\blet\s+\w+\s*$", s.before):
            return SyntaxFault("E0105", s.span, "a constant has no type", f"write `let {s.previous} = ...`", keep=False)
        return SyntaxFault("E0105", s.span, "`:` does not set a key", f"write `{s.previous} = ...`", instead=("EQUAL", "="))
    if s.token.type != "EQUAL" or inside:
        return None
    if "COMPARE" in s.expected:
        return SyntaxFault("E0105", s.span, "`=` does not compare", "write `==`", instead=("COMPARE", "=="))
    name = s.previous if s.previous is not None and s.previous.type == "NAME" else "name"
    path = re.search(r"[\w.]*\s*$", s.before)
    assert path is not None  # it may be empty
    if path[0].startswith("self."):
        start = s.span.start - len(path[0])
        place = Span(s.span.file, start, start + len("self"))
        return SyntaxFault(
            "E0106", place, "`self` is not a word of this language", f"a label names a stage: `{name}: ...`", keep=False
        )
    if name == "x":
        return SyntaxFault(
            "E0105",
            s.span,
            "`=` does not set `x`: each stage changes it by itself",
            "write the stage alone: `conv(64, 7)`",
            keep=False,
        )
    if re.match(r"[\d\[\"(+-]|(true|false|none|not)\b", s.after.strip()) or "COLON" not in s.expected:
        return SyntaxFault("E0105", s.span, "`=` alone does not set a constant", f"write `let {name} = ...`", keep=False)
    return SyntaxFault(
        "E0105",
        s.span,
        "`=` does not label a stage",
        f"a label takes a colon: `{name}: ...`; a constant is `let {name} = ...`",
        instead=("COLON", ":") if "." not in path[0] else None,
        keep="." not in path[0],
    )


def _nested(s: ErrorContext) -> SyntaxFault | None:
    """A definition or recipe inside a body, or a label called like one."""
    if str(s.token) not in _DEFINING or s.opened is None or s.opened.type != "LBRACE":
        return None
    if re.match(r"\s*:", s.after):
        return SyntaxFault("E0107", s.span, *_no_label(str(s.token)), instead=("NAME", f"{s.token}1"))
    if not s.first_on_line or not s.within:
        return None
    what = _DEFINING[str(s.token)]
    return SyntaxFault(
        "E0101",
        s.span,
        f"{what} stands at the top level of a file, and not inside a definition",
        "move it out, in front of what it stands in or behind it",
    )


def _no_label(word: str) -> tuple[str, str]:
    """That a keyword is no label, and what to do."""
    help = f'choose another name, such as `{word}1`; as a key alone it stands in quotes: `"{word}": ...`'
    return f"`{word}` is a word of the language and cannot be a label", help


def _keyword(s: ErrorContext) -> SyntaxFault | None:
    """A keyword where a name has to stand."""
    if s.token.type == "COLON" and s.previous is not None and s.previous_span is not None and str(s.previous) in KEYWORDS:
        meant = _STATEMENTS.get(str(s.previous))
        message, help = _no_label(str(s.previous))
        return SyntaxFault("E0107", s.previous_span, message, meant or help, keep=meant is None)
    wants_name = "NAME" in s.expected and not {"LET", "SKIP", "LSQB"} & s.expected
    if str(s.token) in KEYWORDS and wants_name and not s.first_on_line:
        return SyntaxFault(
            "E0107",
            s.span,
            f"`{s.token}` is a word of the language and cannot be a name",
            f"choose another name, such as `{s.token}1`",
        )
    return None


def _missing_name(s: ErrorContext) -> SyntaxFault | None:
    """`import "a.arch"` without `as`, `input image (3, 32, 32)`, `aux head(10)` without a label, a body left out."""
    if s.expected == {"AS"}:
        return SyntaxFault(
            "E0101", s.span, f"an import needs a name, and {s.found} stands here", 'write `import "file.arch" as name`'
        )
    if s.in_input and s.expected <= {"NAME", "COLON", "LSQB"}:
        return SyntaxFault(
            "E0101",
            s.span,
            f"an input's shape follows its name in square brackets, and {s.found} stands here",
            "write `input image [3, 32, 32]`",
        )
    if s.expected == {"COLON"} or s.expected == {"COLON", "LSQB"}:
        return SyntaxFault(
            "E0101",
            s.span,
            f"a head and an output need a label, and {s.found} stands here",
            "write `aux name: ...` or `output name: ...`",
        )
    if s.expected == {"IN", "COMMA"}:
        return SyntaxFault(
            "E0101", s.span, f"`for` needs `in` and what to go through; {s.found} stands here", "write `for i in 0..n { ... }`"
        )
    return None


def _path(s: ErrorContext) -> SyntaxFault | None:
    """`data = ./flowers` in a recipe."""
    begun = re.search(r"\bdata\s*=\s*([^\s\"'#;,}()=]*)$", s.before)
    rest = re.match(r"[^\s\"'#;,}()]*", s.span.text + s.after)
    if begun is None or rest is None or not re.search(r"[./~\\]", path := begun[1] + rest[0]):
        return None
    place = Span(s.span.file, s.span.start - len(begun[1]), s.span.start + len(rest[0]))
    return SyntaxFault("E0101", place, "a path stands in quotes", 'write `data = "' + path.replace("\\", "/") + '"`', keep=False)


def _expected(s: ErrorContext) -> SyntaxFault:
    """The last resort: what was found, and what could have stood there."""
    at = s.span
    message = f"{s.found} comes too early" if s.found.startswith("the") else f"unexpected {s.found}"
    if s.first_on_line and s.previous_span is not None and s.token.type == "$END":
        at = s.previous_span
    wanted = _summary(s.expected)
    if wanted:
        message += f"; expected {wanted}"
    if s.token.type == "COMMA" and "_SEP" in s.expected and "ARROW" not in s.expected:
        last = re.match(r"\s*(#|$)", s.after) is not None
        word, *_ = re.split(r"[;{}]", s.before)[-1].split() or [""]
        if word in _AFTER_A_COMMA:
            return SyntaxFault("E0101", at, message, _AFTER_A_COMMA[word], keep=False)
        parted = "keys stand on lines of their own or are parted by `;`"
        return SyntaxFault("E0101", at, message, parted, instead=("_SEP", ";") if not last else None)
    help = None
    if {"_SEP", "ARROW"} <= s.expected and s.token.type not in ("$END", "_SEP"):
        help = "statements stand on lines of their own or are parted by `;`; stages are joined by `->`"
    elif s.token.type in ("NAME", "_SEP", "RBRACE") and "LBRACE" in s.expected and "SKIP" not in s.expected:
        help = "a body stands in braces, and they open on the same line: `{ ... }`"
    return SyntaxFault("E0101", at, message, help)


def _summary(expected: frozenset[str]) -> str:
    """What could have stood there, in at most a few words."""
    if {"LET", "SKIP"} <= expected:
        return "a statement"
    if {"BLOCK", "NETWORK"} <= expected:
        return "`block`, `network`, `import` or `train`"
    if {"SKIP", "REPEAT"} <= expected:
        return "a stage"
    words = []
    if "_SEP" in expected:
        expected &= {"_SEP", "ARROW", "RBRACE", "VIA", "ELSE"}
    if {"NAME", "INT", "LPAR"} <= expected:
        words.append("an expression")
        expected -= {"NAME", "INT", "FLOAT", "STRING", "LPAR", "LSQB", "TRUE", "FALSE", "NONE", "SIGN", "NOT", "INIT"}
    if {"COMPARE", "SIGN", "FACTOR"} & expected and len(expected) > 3:
        expected -= {"COMPARE", "SIGN", "FACTOR", "CIRCUMFLEX", "IF", "AND", "OR", "RANGE", "LSQB", "LPAR", "DOT"}
    words += sorted({WORDS.get(kind, f"`{kind.lower()}`") for kind in expected} - {"`error`", "`error_item`"})
    return ", ".join(words[:-1]) + f" or {words[-1]}" if len(words) > 1 else words[0] if words else ""


_MISTAKES: tuple[Callable[[ErrorContext], SyntaxFault | None], ...] = (
    _unclosed_string,
    _path,
    _strange_character,
    _python,
    _operator,
    tuple_,
    _nested,
    _keyword,
    _unclosed_bracket,
    _wrong_closing,
    _missing_name,
    range_,
    _assignment,
    call_style,
    body,
)


def explain(situation: ErrorContext) -> SyntaxFault:
    """The sentence for a situation."""
    for mistake in _MISTAKES:
        fault = mistake(situation)
        if fault is not None:
            return fault
    return _expected(situation)
