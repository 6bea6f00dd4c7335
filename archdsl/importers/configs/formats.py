"""The formats of configuration files, told by the end of the name and by the content."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from archdsl.diagnostics import SpecError, codes
from archdsl.source import SourceFile
from archdsl.syntax.other_formats import text_format

if TYPE_CHECKING:
    from archdsl.importers.configs.layers import Layers

LARGEST: Final = 2_000_000
"""Bytes that a configuration file may have: the largest known ones, Keras files of deep networks, have one million."""


class ConfigFormat(NamedTuple):
    """A format: what its files are, the ends of their names, how their text begins, and its reader by module and name."""

    kind: str
    suffixes: tuple[str, ...]
    begins: re.Pattern[str]
    reader: tuple[str, str]
    program: str
    named: bool = True
    """Whether its layers have names of their own."""
    modules: bool = False
    """Whether its layers are modules already, so that none have to be found."""

    members: str = ""
    """The function in the module of the reader that names the networks of a file with several of one family."""

    def read(
        self, source: SourceFile, *, partial: bool = False, sizes: Sequence[tuple[int, ...]] = (), member: str | None = None
    ) -> Layers:
        """Return the layers of a text, or of a `member` of its family. The reader is imported now."""
        module, name = self.reader
        read: Callable[..., Layers] = getattr(import_module(module), name)
        options = {} if member is None else {"member": member}
        return read(source, partial=partial, sizes=sizes, **options)

    def family(self, source: SourceFile) -> list[str]:
        """Return the names of the networks of a text with several of one family; none if it has one."""
        if not self.members:
            return []
        members: Callable[[SourceFile], list[str]] = getattr(import_module(self.reader[0]), self.members)
        return members(source)


_PACKAGE = "archdsl.importers.configs"
FORMATS: Final = (
    ConfigFormat("a Darknet .cfg file", (".cfg",), re.compile(r"(?:\s|[#;][^\n]*\n)*\[\s*net(?:work)?\s*\]", re.IGNORECASE),
                 (f"{_PACKAGE}.darknet", "read_darknet"), "Darknet", named=False),
    ConfigFormat("a Caffe prototxt file", (".prototxt", ".pt.txt", ".pbtxt"),
                 re.compile(r"(?:\s|#[^\n]*\n)*(?:name\s*:\s*[\"']|layers?\s*\{|input\s*:|input_(?:dim|shape)\s*[:{]|state\s*\{)"),
                 (f"{_PACKAGE}.caffe", "read_caffe"), "Caffe"),
    ConfigFormat("a Keras model as JSON", (".json",), re.compile(r"\s*\{.{0,2000}\"class_name\"\s*:", re.DOTALL),
                 (f"{_PACKAGE}.keras", "read_keras"), "Keras"),
    ConfigFormat("an Ultralytics YAML file", (".yaml", ".yml"),
                 re.compile(r"(?:.*\n)*?(?:backbone|nc|depth_multiple|scales|head)\s*:"),
                 (f"{_PACKAGE}.ultralytics", "read_ultralytics"), "Ultralytics", modules=True, members="scales_of"),
)  # fmt: skip


def config_format(path: str, text: str) -> ConfigFormat | None:
    """Return the format of a text: of those whose content fits, the one for the end of the name; None if none fits."""
    beginning = text[:20_000]
    other = text_format(text)
    kind = other.kind if other is not None else ""
    fitting = [form for form in FORMATS if form.kind == kind or form.begins.match(beginning)]
    named = [form for form in FORMATS if path.lower().endswith(form.suffixes)]
    both = [form for form in fitting if form in named]
    return next(iter([*both, *fitting]), named[0] if named and not text.strip() else None)


def read_config_text(path: Path) -> SourceFile:
    """Return the text of a configuration file. Raise `SpecError` E1211 if it cannot be read, is too large, or is not text."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise SpecError(codes.configs.UnreadableConfig(str(path), error.strerror or str(error))) from None
    if len(data) > LARGEST:
        raise SpecError(codes.configs.UnreadableConfig(str(path), f"it has more than {LARGEST:,} bytes, and no such file has"))
    if b"\0" in data:
        raise SpecError(codes.configs.UnreadableConfig(str(path), "it is binary: it contains a zero byte"))
    try:
        return SourceFile(str(path), data.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = f"it is not UTF-8: line {line} has the byte 0x{data[error.start]:02x}"
        raise SpecError(codes.configs.UnreadableConfig(str(path), reason)) from None
