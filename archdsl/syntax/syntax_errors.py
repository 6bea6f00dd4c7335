"""The mistakes that people make in syntax.

Each mistake is one function of the context; the first that knows it speaks. The last resort names
what was found and what could have stood there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from archdsl.diagnostics import Edit, codes
from archdsl.ops.join import joins
from archdsl.source import Span
from archdsl.syntax.call_errors import (
    body_after_call,
    list_with_for,
    pipeline_as_argument,
    range_with_colon,
    round_list,
    unquoted_path,
    without_braces,
    without_parentheses,
)
from archdsl.syntax.definition_habits import DEFINITION_HABITS
from archdsl.syntax.error_context import (
    NEAR,
    ErrorContext,
    SyntaxFinding,
    adjacent,
    balanced,
    expected_in_words,
    finding,
    is_word,
    other_form,
)
from archdsl.syntax.habit_errors import (
    join_of_another_library,
    label_behind_arrow,
    number_without_digit,
    outside_definitions,
    returned,
    two_indices,
)
from archdsl.syntax.missing_parts import missing_part
from archdsl.syntax.newlines import CLOSES
from archdsl.syntax.statement_habits import STATEMENT_HABITS
from archdsl.syntax.tokens import Token

_SIGNS: Final = {"LPAR": "(", "LSQB": "[", "LBRACE": "{", "RPAR": ")", "RSQB": "]", "RBRACE": "}"}
_STATEMENTS: Final = {
    "output": "an output has a label: `output name: ...`", "aux": "a head has a label: `aux name: ...`",
    "input": "an input has a name and a shape: `input image [3, 32, 32]`",
}  # fmt: skip
"""Words that begin a statement with a label or name of its own, and how."""
_DEFINING: Final = {"block": "a block", "network": "a network", "import": "an import", "train": "a recipe"}
"""The words that begin what stands at the top level of a file."""
_AFTER_A_COMMA: Final = {
    "input": "`where` follows the sizes without a comma",
    "expect": "what a claim means is said in a comment: `# ...`",
    "let": "a list stands in square brackets: `let sizes = [16, 32]`",
}
"""What may be meant by a comma in a statement, by its first word."""
_QUOTES: Final = {"'": "'", "\u201c": "\u201d", "\u201d": "\u201d", "\u2018": "\u2019", "\u2019": "\u2019"}
"""Quotes of other languages, with those that end a string."""
_SIGN_WORDS: Final = {"→": "->", "&": "and", "|": "or"}
_WORDS_OF_OTHERS: Final = {
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
    "try": "a spec has no exceptions: `expect` states what has to hold",
    "switch": "write `if a { ... } else if b { ... }`",
    "match": "write `if a { ... } else if b { ... }`",
    "loop": "loops are `repeat n { ... }` and `for i in 0..n { ... }`",
    "do": "loops are `repeat n { ... }` and `for i in 0..n { ... }`",
    "foreach": "loops are `for v in list { ... }`",
    "unless": "write `if not a { ... }`",
    "with": "braces group statements: `{ ... }`",
    "fn": "a block is written `block name(parameters) { ... }`",
    "func": "a block is written `block name(parameters) { ... }`",
    "function": "a block is written `block name(parameters) { ... }`",
}
_SAME_WORD: Final = {"elif": "else if", "assert": "expect", "const": "let", "var": "let"}
_LITERALS: Final = frozenset({"INT", "FLOAT", "LSQB", "STRING", "LPAR", "SIGN", "TRUE", "FALSE", "NONE", "NOT", "ARROW"})
"""What a value begins with that is no stage."""


def _unclosed_string(s: ErrorContext) -> SyntaxFinding | None:
    if s.token.type != "UNCLOSED_STRING":
        return None
    end = s.span.start + len(s.span.text.rstrip())
    return finding(codes.syntax.UnclosedString(Span(s.span.file, end, end)), s.span)


def _strange_character(s: ErrorContext) -> SyntaxFinding | None:
    if s.token.type != "STRANGE":
        return None
    character = str(s.token)
    edits: tuple[Edit, ...] = ()
    if character in _QUOTES:
        end = next((token for token in s.line_after if str(token) == _QUOTES[character]), None)
        inside = s.line_after[: s.line_after.index(end)] if end is not None else ()
        sure = end is not None and not any('"' in str(token) for token in inside)
        edits = (Edit(s.span, '"'), Edit(s.span_of(end), '"')) if sure and end is not None else ()
        return finding(codes.slips.OtherQuotes(character, edits), s.span)
    if character in _SIGN_WORDS:
        doubled = s.line_after and str(s.line_after[0]) == character and adjacent(s.token, s.line_after[0])
        place = s.span_of(s.token, s.line_after[0]) if doubled else s.span
        edits = (Edit(place, f" {_SIGN_WORDS[character]} "),)
    return finding(codes.slips.StrangeCharacter(character, edits), s.span)


def _word_of_others(s: ErrorContext) -> SyntaxFinding | None:
    """A line written as in Python."""
    starts = s.first_on_line or str(s.token) == "elif"
    for word in (s.previous, s.token if starts else None):
        if word is not None and word.type == "NAME" and str(word) in _WORDS_OF_OTHERS:
            place = s.span_of(word)
            same = _SAME_WORD.get(str(word))
            if same == "let" and not (word is s.previous and s.line_after and s.line_after[0].type == "EQUAL"):
                same = None
            edit = Edit(place, same) if same is not None else None
            if str(word) == "return" and word is s.previous and (found := returned(s, place)) is not None:
                return found
            return finding(codes.slips.OtherWord(str(word), _WORDS_OF_OTHERS[str(word)], edit), place)
    return None


def _operator(s: ErrorContext) -> SyntaxFinding | None:
    """`a + b` for tensors, `conv(8, 3) => relu`, `// a comment`."""
    following = s.line_after[0] if s.line_after else None
    if s.token.type == "EQUAL" and following is not None and str(following) == ">" and adjacent(s.token, following):
        place = s.span_of(s.token, following)
        return finding(codes.slips.OtherSign("=>", "does not join stages", "->", place), place)
    if str(s.token) == "*" and s.previous is not None and str(s.previous) == "*" and adjacent(s.previous, s.token):
        place = s.span_of(s.previous, s.token)
        return finding(codes.slips.OtherSign("**", "is no operator", "^", place, "a power is written `^`"), place)
    if s.token.type == "FACTOR" and str(s.token) == "//" and ("_SEP" in s.expected or s.first_on_line):
        sure = not any(token.type in _SIGNS for token in s.line_after)
        return finding(codes.slips.OtherSign("//", "does not begin a comment", "#", s.span, sure=sure), s.span)
    join = next((name for name, op in joins().items() if op.operator == str(s.token)), None)
    if join is None or "ARROW" not in s.expected or s.previous is None or s.previous.type != "NAME":
        return None
    alone = following is not None and (is_word(following) or following.type in ("INT", "FLOAT")) and (
        len(s.line_after) == 1 or s.line_after[1].type in ("SEMICOLON", "RBRACE", "ARROW")
    )  # fmt: skip
    if alone and following is not None and following.type in ("INT", "FLOAT"):
        begin = "" if str(s.previous) == "x" else f"{s.previous} -> "
        written = f"{begin}{'scale' if join == 'mul' else join}({following})"
    else:
        written = f"{join} {{ {s.previous}; {following} }}" if alone else f"{join} {{ ...; ... }}"
    return finding(codes.slips.JoinByOperator(str(s.token), written), s.span)


_ENDS = ("LBRACE", "RBRACE", "SEMICOLON", "ARROW", "COLON")
"""Tokens behind which a stage begins."""


def _unclosed_bracket(s: ErrorContext) -> SyntaxFinding | None:
    """The file ended, or a new statement began, inside brackets."""
    if s.opened is None:
        return None
    inside = s.opened.type != "LBRACE"
    begins_line = {"if", "else", "for", "and", "or", "not", "in"}
    starts_statement = s.is_keyword(s.token) and s.first_on_line and str(s.token) not in begins_line
    definition = str(s.token) in _DEFINING and s.first_on_line and not s.within
    ends = s.first_on_line or s.token.type in ("RBRACE", "LBRACE", "ARROW")
    if s.token.type != "$END" and not definition and not (inside and (starts_statement or ends)):
        return None
    place, closing = s.span_of(s.opened), _SIGNS[CLOSES[s.opened.type]]
    if not inside and s.outdented_span is not None and s.outdented_span.start > place.start:
        return finding(codes.syntax.Outdented(), s.outdented_span)
    last = s.previous or s.opened
    alone = len(s.open) == 1 if definition or s.token.type == "$END" else s.open_brackets == 1
    complete = CLOSES[s.opened.type] in s.expected or (not inside and "LET" in s.expected)
    sure = alone and complete and (not inside or last.line == s.opened.line)
    sure = sure and not _is_ambiguous(s, s.opened) and not (inside and _follows_nothing(s, s.opened))
    at = s.behind(last) if last.type != "_SEP" else s.span_of(last)._replace(end=last.start_pos)
    edit = Edit(at, closing if inside else f"\n{closing}")
    end = s.token.type == "$END"
    return finding(
        codes.syntax.Unclosed(str(s.opened), closing, None if end else s.found, None if end else s.span, edit, sure), place
    )


def _follows_nothing(s: ErrorContext, opened: Token) -> bool:
    """Return whether more than the bracket is missing: a brace follows a call, or neither body nor value follows parameters."""
    assert opened.start_pos is not None
    start = s.span.file.text.rfind("\n", 0, opened.start_pos) + 1
    before = s.lex(start, opened.start_pos)
    if s.token.type != "LBRACE":
        return [token.type for token in before[-2:-1]] in (["LET"], ["BLOCK"], ["NETWORK"])
    last = max((i for i, token in enumerate(before) if token.type in _ENDS), default=-1)
    takes_body = any(s.is_keyword(token) or str(token) in joins() for token in before[last + 1 :])
    return before[-1:] != [] and before[-1].type == "NAME" and not takes_body


def _is_ambiguous(s: ErrorContext, opened: Token) -> bool:
    """Return whether a missing bracket may belong elsewhere.

    That is if the rest of the line, or the first token of the next, closes the one that is open, if nothing follows, or if
    a brace follows to which no keyword belongs.
    """
    if s.token.type == "LBRACE" and not any(map(s.is_keyword, s.statement_before)):
        return True
    if s.token.type == "ARROW" and (len(s.open) == 1 or not s.line_after or s.line_after[0].type == "ARROW"):
        return True
    if str(s.token) in _DEFINING and not (s.line_after and s.line_after[0].type in ("NAME", "STRING", "LBRACE")):
        return True
    following = s.lex(s.span.end, min(len(s.span.file.text), s.span.end + NEAR))
    below = next((token for token in following[len(s.line_after) :] if token.type != "NEWLINE"), None)
    depth = 0
    for token in (*s.line_after, *([below] if below is not None and below.type != "RBRACE" else [])):
        depth += (token.type == opened.type) - (token.type == CLOSES[opened.type])
        if depth < 0:
            return True
    return False


def _wrong_closing(s: ErrorContext) -> SyntaxFinding | None:
    """A closing bracket that nothing opened, or that closes another kind."""
    if s.token.type not in CLOSES.values() or s.closes_something:
        return None
    if s.opened is None:
        return finding(codes.syntax.ClosesNothing(str(s.token), Edit(s.span, "")), s.span)
    closing = CLOSES[s.opened.type]
    if closing == s.token.type:
        return None
    edit = Edit(s.span._replace(end=s.span.start), _SIGNS[closing])
    return finding(codes.syntax.ClosesAnother(str(s.token), s.span_of(s.opened), _SIGNS[closing], edit), s.span)


def _assignment(s: ErrorContext) -> SyntaxFinding | None:
    """`conv1 = conv(64, 7)` for a label, `n = 3` for a constant, `stride: 2` for an argument."""
    inside = s.opened is not None and s.opened.type == "LPAR"
    if s.token.type == "COLON" and inside:
        written, sure = f"write `=`: `{s.previous} = ...`", "EQUAL" in s.expected
        error = codes.slips.OtherSign(":", "does not pass an argument", "=", s.span, written, sure)
        return finding(error, s.span, ("EQUAL", "="))
    if s.token.type == "COLON" and "EQUAL" in s.expected <= {"EQUAL", "LPAR", "IN"}:
        if len(s.line_before) > 1 and s.line_before[-2].type == "LET":
            return other_form(s, "a constant has no type", f"write `let {s.previous} = ...`")
        error = codes.slips.OtherSign(":", "does not set a key", "=", s.span, f"write `{s.previous} = ...`")
        return finding(error, s.span, ("EQUAL", "="))
    if s.token.type != "EQUAL" or inside:
        return None
    if "COMPARE" in s.expected:
        sure = any(token.type in ("EXPECT", "IF", "WHERE") for token in s.statement_before)
        error = codes.slips.OtherSign("=", "does not compare", "==", s.span, sure=sure)
        return finding(error, s.span, ("COMPARE", "=="))
    return _name_assigned(s)


def _name_assigned(s: ErrorContext) -> SyntaxFinding | None:
    """`=` behind a name or a path."""
    name = s.previous if s.previous is not None and s.previous.type == "NAME" else "name"
    path: list[Token] = []
    for token in reversed(s.line_before):
        if not (is_word(token) or token.type == "DOT") or (path and not adjacent(token, path[0])):
            break
        path.insert(0, token)
    dotted = any(token.type == "DOT" for token in path)
    if len(path) > 1 and str(path[0]) == "self" and path[1].type == "DOT":
        return finding(codes.slips.OtherWord("self", f"a label names a stage: `{name}: ...`"), s.span_of(path[0]))
    if name == "x":
        text = "`=` does not set `x`: each stage changes it by itself"
        return other_form(s, text, "write the stage alone: `conv(64, 7)`")
    if (s.line_after and s.line_after[0].type in _LITERALS) or "COLON" not in s.expected:
        alone = len(s.statement_before) == 1 and s.statement_before[0].type == "NAME"
        start = s.statement_before[0].start_pos if alone else 0
        edit = Edit(Span(s.span.file, start, start), "let ") if alone and balanced(s.line_after) else None
        return finding(codes.slips.MissingLet(str(name), edit), s.span)
    written = f"a label takes a colon: `{name}: ...`; a constant is `let {name} = ...`"
    error = codes.slips.OtherSign("=", "does not label a stage", ":", s.span, written, sure=False)
    return finding(error, s.span, None if dotted else ("COLON", ":"))


def _nested(s: ErrorContext) -> SyntaxFinding | None:
    """A definition or recipe inside a body, or a label called like one."""
    if str(s.token) not in _DEFINING or s.opened is None or s.opened.type != "LBRACE":
        return None
    if s.line_after and s.line_after[0].type == "COLON":
        return finding(codes.slips.KeywordAsName(str(s.token), True, s.span), s.span, ("NAME", f"{s.token}1"))
    if not s.first_on_line or not s.within:
        return None
    return finding(codes.syntax.Misplaced(_DEFINING[str(s.token)]), s.span)


def _keyword(s: ErrorContext) -> SyntaxFinding | None:
    """A keyword where a name has to stand."""
    if s.token.type == "COLON" and s.previous is not None and s.is_keyword(s.previous):
        place = s.span_of(s.previous)
        return finding(codes.slips.KeywordAsName(str(s.previous), True, place, _STATEMENTS.get(str(s.previous))), place)
    wants_name = "NAME" in s.expected and not {"LET", "SKIP", "LSQB"} & s.expected
    if s.is_keyword(s.token) and wants_name and not s.first_on_line:
        return finding(codes.slips.KeywordAsName(str(s.token), False, s.span), s.span)
    return None


def _expected(s: ErrorContext) -> SyntaxFinding:
    """The last resort: what was found, and what could have stood there."""
    at = s.span
    if s.first_on_line and s.previous is not None and s.token.type == "$END":
        at = s.span_of(s.previous)
    wanted, edit, instead = expected_in_words(s.expected), None, None
    help = None
    if s.token.type == "COMMA" and "_SEP" in s.expected and "ARROW" not in s.expected:
        word = str(s.statement_before[0]) if s.statement_before else ""
        help = _AFTER_A_COMMA.get(word)
        if help is None:
            help = "keys stand on lines of their own or are parted by `;`"
            instead = ("_SEP", ";") if s.line_after else None
            edit = Edit(s.span, ";" if s.line_after else "") if s.opened is not None else None
    elif s.token.type == "WHERE" and s.first_on_line:
        help = "a condition stands at the end of the line of its input: `input image [3, H, W] where H % 2 == 0`"
    elif {"_SEP", "ARROW"} <= s.expected and s.token.type not in ("$END", "_SEP"):
        help = "statements stand on lines of their own or are parted by `;`; stages are joined by `->`"
    elif s.token.type in ("NAME", "_SEP", "RBRACE") and "LBRACE" in s.expected and "SKIP" not in s.expected:
        help = "a body stands in braces, and they open on the same line: `{ ... }`"
    return finding(codes.syntax.Unexpected(s.found, wanted, help, edit), at, instead)


_MISTAKES: Final[tuple[Callable[[ErrorContext], SyntaxFinding | None], ...]] = (
    _unclosed_string,
    unquoted_path,
    *STATEMENT_HABITS,
    *DEFINITION_HABITS,
    _strange_character,
    _word_of_others,
    number_without_digit,
    label_behind_arrow,
    join_of_another_library,
    two_indices,
    outside_definitions,
    _operator,
    round_list,
    _nested,
    _keyword,
    pipeline_as_argument,
    _unclosed_bracket,
    _wrong_closing,
    missing_part,
    range_with_colon,
    list_with_for,
    _assignment,
    without_parentheses,
    without_braces,
    body_after_call,
)


def explain(context: ErrorContext) -> SyntaxFinding:
    """Return the error of a context."""
    for mistake in _MISTAKES:
        found = mistake(context)
        if found is not None:
            return found
    return _expected(context)
