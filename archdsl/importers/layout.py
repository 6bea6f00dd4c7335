"""Lines of text as a person breaks them: a layer with its normalization and activation on one line, braces where they fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

WIDTH = 110
_INLINE = 104


@dataclass(eq=False)
class Line:
    """One stage, or the name of a value."""

    text: str
    label: str | None = None
    heavy: bool = False
    kind: str = "stage"

    @property
    def starts(self) -> bool:
        """Whether what follows is joined by an arrow: behind a named value, and behind a constant without a name."""
        return self.kind == "start" or (self.kind == "source" and self.label is None)

    def lines(self) -> int:
        """Return the number of lines that it takes."""
        return 1


@dataclass(eq=False)
class Braces:
    """Statements in braces: a group, a join, a loop, a condition. `tail` is `via` or `else`, with statements of its own."""

    head: str
    children: list[Text]
    tail: str = ""
    others: list[Text] = field(default_factory=list)
    labelled: bool = False
    branches: bool = False

    def lines(self) -> int:
        """Return the number of lines that it takes."""
        return len(layout([self], 1))


Text: TypeAlias = "Line | Braces"


def layout(texts: list[Text], indent: int, branches: bool = False) -> list[str]:
    """Return statements as lines, indented. `branches` are those of a join, each on a line of its own."""
    lines = _Lines(texts, "  " * indent, branches)
    for text in texts:
        if isinstance(text, Line):
            lines.stage(text)
        else:
            lines.braces(text, indent)
    lines.flush()
    return lines.found


class _Lines:
    """The lines so far, and the one that is being filled."""

    def __init__(self, texts: list[Text], margin: str, branches: bool) -> None:
        self.margin, self.branches = margin, branches
        self.found: list[str] = []
        self._current, self._heavy = "", False
        self._last: Line | None = None
        first = next((text for text in texts if isinstance(text, Line)), None)
        self._norm_first = first is not None and first is texts[0] and _is_norm(first)

    def flush(self) -> None:
        """End the line."""
        if self._current:
            self.found.append(self.margin + self._current)
        self._current, self._heavy, self._last = "", False, None

    def stage(self, text: Line) -> None:
        """Add a stage to the line, or begin one with it."""
        if text.kind == "comment":
            self.flush()
            self.found.append(self.margin + text.text)
            return
        last = self._last
        if last is not None and last.starts and text.kind in ("stage", "split") and not self.branches:
            if text.label is not None:
                self._current = self._current.removesuffix(last.text) + f"{text.label}: {last.text} -> {text.text}"
            else:
                self._current += f" -> {text.text}"
            self._heavy, self._last = text.heavy, text
            return
        joint = " -> " if _flows(last, text) else "; "
        if self._current and not self.branches and not self._breaks(text) and self._fits(text, joint + _line(text)):
            self._current += joint + _line(text)
        else:
            self.flush()
            self._current = _line(text)
        self._heavy, self._last = self._heavy or text.heavy, text

    def braces(self, text: Braces, indent: int) -> None:
        """Add a statement with braces, on one line if a person would write it so."""
        inline = one_line(text)
        starting = self._last is not None and self._last.starts and not self.branches and not text.labelled
        starting = starting and not text.head.startswith(("for ", "repeat ", "if "))
        if starting and inline is not None and len(self.margin + self._current + inline) < WIDTH:
            self._current += f" -> {inline}"
            self.flush()
            return
        self.flush()
        if inline is not None and len(self.margin + inline) <= _INLINE:
            self.found.append(self.margin + inline)
        else:
            self.found += _block(text, indent)

    def _breaks(self, text: Line) -> bool:
        """Whether a person begins a line here: with each layer, or with each norm if norms come before layers."""
        if self._norm_first and _is_norm(text):
            return self._heavy
        if self._norm_first and self._last is not None and not self._last.heavy:
            return False
        return self._heavy and text.heavy

    def _fits(self, text: Line, added: str) -> bool:
        """Whether a stage can follow on the same line."""
        last = self._last
        ended = last is not None and last.kind in ("mark", "claim", "standalone")
        head = text.label is not None and text.text.startswith("linear(")
        return (
            text.kind not in ("start", "claim") and not ended and not head and len(self.margin + self._current + added) <= WIDTH
        )


def _block(text: Braces, indent: int) -> list[str]:
    margin = "  " * indent
    if text.labelled and len(text.children) == 1 and isinstance(text.children[0], Braces) and not text.children[0].labelled:
        only = text.children[0]  # `layer1: for ... {`
        if only.head and not only.branches:
            merged = Braces(f"{text.head} {only.head}", only.children, only.tail, only.others)
            return _block(merged, indent)
    opened = f"{text.head} {{" if text.head else "{"
    lines = [margin + opened, *layout(text.children, indent + 1, text.branches)]
    if text.tail:
        inner = one_line(Braces(text.tail, text.others))
        if inner is not None and len(margin) + 2 + len(inner) <= WIDTH:
            return [*lines, f"{margin}}} {inner}"]
        lines += [f"{margin}}} {text.tail} {{", *layout(text.others, indent + 1)]
    return [*lines, margin + "}"]


def _line(text: Line) -> str:
    if text.kind == "start" or text.label is None:
        return text.text
    return f"{text.label}: {text.text}"


def _is_norm(text: Line) -> bool:
    return text.text.partition("(")[0] in ("bn", "ln", "gn", "instance_norm", "rms_norm", "frozen_bn")


def _flows(last: Line | None, text: Line) -> bool:
    """Whether an arrow joins two stages: neither has a label."""
    return (
        last is not None
        and last.label is None
        and text.label is None
        and last.kind in ("stage", "start")
        and text.kind == "stage"
    )


def one_line(text: Text) -> str | None:
    """Return a statement on one line; None if a person would break it."""
    if isinstance(text, Line):
        return None if text.kind == "comment" else _line(text)
    if _is_long(text):
        return None
    parts = _parts(text)
    if parts is None:
        return None
    inside = "; ".join(parts)
    if text.labelled and len(parts) == 1 and not text.tail and _is_pipeline(text.children, text.head):
        return f"{text.head} {inside}"
    head = f"{text.head} " if text.head else ""
    shown = f"{head}{{ {inside} }}" if inside else f"{head}{{ }}"
    if text.tail:
        tail = one_line(Braces(text.tail, text.others))
        if tail is None:
            return None
        shown += f" {tail}"
    return shown if len(shown) <= _INLINE else None


def _is_long(text: Braces) -> bool:
    """Whether braces hold more than a person would write on one line."""
    inner = sum(isinstance(child, Braces) for child in text.children)
    return inner > (2 if text.branches else 1) or _depth(text) > 3 or _heavy(text.children) > (6 if text.branches else 3)


def _parts(text: Braces) -> list[str] | None:
    """Return the statements in braces, with arrows between stages; None if one does not fit on a line."""
    parts: list[str] = []
    last: Line | None = None
    for child in text.children:
        shown = one_line(child)
        if shown is None:
            return None
        started = last is not None and last.starts and not text.branches
        if started and isinstance(child, Line) and child.label is not None:
            parts[-1] = parts[-1].removesuffix(last.text) + f"{child.label}: {last.text} -> {child.text}"  # type: ignore[union-attr]
        elif (started and not (isinstance(child, Braces) and child.labelled)) or (
            parts and not text.branches and isinstance(child, Line) and _flows(last, child)
        ):
            parts[-1] += f" -> {shown}"
        else:
            parts.append(shown)
        last = child if isinstance(child, Line) else None
    return parts


def _is_pipeline(children: list[Text], head: str) -> bool:
    """Whether a labelled group needs no braces: two stages or more in a row, or a loop."""
    if len(children) == 1 and isinstance(children[0], Braces):
        return children[0].head.startswith(("for ", "repeat ", "if "))
    if len(children) == 1 and isinstance(children[0], Line) and head.startswith(("aux ", "output ", "module ")):
        return children[0].label is None and children[0].kind == "stage"
    return len(children) > 1 and all(isinstance(c, Line) and c.label is None and c.kind == "stage" for c in children)


def _heavy(texts: list[Text]) -> int:
    return sum(text.heavy if isinstance(text, Line) else _heavy(text.children) + _heavy(text.others) for text in texts)


def _depth(text: Text) -> int:
    return 0 if isinstance(text, Line) else 1 + max(map(_depth, [*text.children, *text.others]), default=0)
