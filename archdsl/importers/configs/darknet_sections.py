"""The sections of a Darknet `.cfg` file: `[kind]`, followed by lines `key=value`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NoReturn

from archdsl.diagnostics import SpecError, codes
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.source import SourceFile, Span

DARKNET = "Darknet .cfg"
HEADS = {
    "yolo": "boxes by anchors", "gaussian_yolo": "boxes by anchors", "region": "boxes by anchors", "detection": "boxes by cells",
}  # fmt: skip
"""Sections that decode what a detector computes, with what they make of it."""
RECURRENT = ("rnn", "gru", "lstm", "crnn", "conv_lstm")
LACKING = {
    "normalization": "Darknet's normalization over channels, whose windows differ at the edges, cannot be expressed",
    "lrn": "Darknet's normalization over channels, whose windows differ at the edges, cannot be expressed",
    "iseg": "the decoding of instances cannot be expressed",
    "reorg3d": "AlexeyAB's `[reorg3d]` cannot be expressed", "reorg_old": "AlexeyAB's `[reorg_old]` cannot be expressed",
    "local_avgpool": "an average over windows with Darknet's padding cannot be expressed",
    "contrastive": "a contrastive loss cannot be expressed", "implicit_add": "learned constants cannot be expressed",
    "implicit_mul": "learned constants cannot be expressed", "shift_channels": "learned constants cannot be expressed",
    "control_channels": "learned constants cannot be expressed",
}  # fmt: skip
"""Why the language lacks a section."""
_HIGHEST = 2**31 - 1


@dataclass(eq=False)
class Section:
    """A section with its options; each has its text and its place. `index` counts the layers, as `route` does."""

    kind: str
    span: Span
    index: int
    options: dict[str, tuple[str, Span]] = field(default_factory=dict)
    _read: set[str] = field(default_factory=set)

    @property
    def where(self) -> str:
        """How messages call it."""
        return f"[{self.kind}]" + (f" (layer {self.index})" if self.index >= 0 else "")

    def invalid(self, key: str, reason: str, help: str | None = None) -> NoReturn:
        """Raise `SpecError` E1211 about an option."""
        span = self.options[key][1] if key in self.options else self.span
        raise SpecError(codes.configs.InvalidConfig(DARKNET, reason, self.where, help).at(span))

    def has(self, key: str) -> bool:
        """Whether an option is given."""
        return key in self.options

    def text(self, key: str, default: str) -> str:
        """Return an option as text."""
        self._read.add(key)
        return self.options[key][0] if key in self.options else default

    def number(self, key: str, default: int, least: int = 0) -> int:
        """Return an option as an integer. Raise `SpecError` if it is none, or below `least`."""
        text = self.text(key, str(default))
        try:
            value = int(text)
        except ValueError:
            self.invalid(key, f"`{key}` is `{_short(text)}`, and must be an integer")
        if not least <= value <= _HIGHEST:
            self.invalid(key, f"`{key}` is {_short(text)}, and must be at least {least}" + (
                "" if value < least else f" and at most {_HIGHEST}"))  # fmt: skip
        return value

    def real(self, key: str, default: float) -> float:
        """Return an option as a number. Raise `SpecError` if it is none."""
        text = self.text(key, str(default))
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self.invalid(key, f"`{key}` is `{_short(text)}`, and must be a number")
        return value

    def numbers(self, key: str) -> list[int]:
        """Return an option as a list of integers, separated by commas. Raise `SpecError` if it is missing or no list."""
        text = self.text(key, "")
        if not text:
            self.invalid(key, f"`{key}` is missing")
        try:
            return [int(part) for part in text.split(",")]
        except ValueError:
            self.invalid(key, f"`{key}` is `{_short(text)}`, and must be integers with commas between them")

    def without(self, features: Iterable[str]) -> str | None:
        """Return the first of some options that is given and not 0; None if there is none."""
        found = None
        for key in features:
            if self.text(key, "0") not in ("0", "0.0", "", "none") and found is None:
                found = key
        return found

    def finish(self, also: Iterable[str] = ()) -> None:
        """Raise `SpecError` if there are options that nothing reads: Darknet ignores them, such as a misspelled `filter=32`."""
        known = self._read | set(also)
        for key in self.options:
            if key not in known:
                self.invalid(key, f"unknown option `{key}`", did_you_mean(key, sorted(known)))


def read_sections(source: SourceFile) -> list[Section]:
    """Return the sections of a file, the first of which is `[net]`. Raise `SpecError` E1211 with the line if it is none."""
    found: list[Section] = []
    at = 0
    for line in source.text.split("\n"):
        start, at = at, at + len(line) + 1
        text = line.strip()
        span = Span(source, start + len(line) - len(line.lstrip()), start + len(line.rstrip()))
        if not text or text[0] in "#;":
            continue
        if text[0] == "[":
            match = re.fullmatch(r"\[\s*([\w-]+)\s*\]", text)
            if match is None:
                _invalid(span, f"`{_short(text)}` is no section: a name in brackets was expected, such as `[convolutional]`")
            found.append(Section(match[1].lower(), span, len(found) - 1))
            continue
        key, equals, value = re.sub(r"[ \t\r]", "", text).partition("=")
        if not found:
            _invalid(span, f"`{_short(text)}` stands before the first section, which is `[net]`")
        if not equals or not key:
            _invalid(span, f"`{_short(text)}` is no option: `key=value` was expected")
        found[-1].options.setdefault(key, (value, span))  # Darknet takes the first of two
    _check_order(found, source)
    return found


def _check_order(found: list[Section], source: SourceFile) -> None:
    """Raise `SpecError` E1211 if the first section, and it alone, is not `[net]`."""
    if not found:
        _invalid(Span(source, 0, 0), "the file has no section")
    if found[0].kind not in ("net", "network"):
        _invalid(found[0].span, f"the first section is `[{found[0].kind}]`, and must be `[net]`")
    again = next((section for section in found[1:] if section.kind in ("net", "network")), None)
    if again is not None:
        _invalid(again.span, "a second `[net]`: a file describes one network")
    if len(found) == 1:
        _invalid(found[0].span, "the network has no layers: the file ends after `[net]`")


def _invalid(span: Span, reason: str) -> NoReturn:
    raise SpecError(codes.configs.InvalidConfig(DARKNET, reason).at(span))


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
