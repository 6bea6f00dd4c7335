"""Files of other programs that are given as a spec, told by how they begin."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_ARCH: Final = re.compile(
    r'^[ \t]*(?:(?:network|block)[ \t]+\w+[^\n]*[{=]|import[ \t]+"|train[ \t]*\{|let[ \t]+\w+[^\n]*=|module[ \t]+\w+[^\n]*:)',
    re.MULTILINE,
)
"""What only a spec contains, be it with habits of another language around it."""
_COMMENT: Final = re.compile(r"\s*(?:#(?!include|!)|//|;|--)")
_MAGIC: Final = (
    (re.compile(rb"PK\x03\x04"), "a ZIP archive"),
    (re.compile(rb"\x80[\x02-\x05]"), "a pickle, such as an old PyTorch checkpoint"),
    (re.compile(rb"\x08[\x01-\x20][\x12\x1a\x3a\x42]", re.DOTALL), "an ONNX model"),
    (re.compile(rb"\x89HDF\r\n\x1a\n"), "an HDF5 file, such as weights of Keras"),
    (re.compile(rb".{3}[\x00].{4}\{\s*\"", re.DOTALL), "a safetensors file"),
    (re.compile(rb".{4}TFL3", re.DOTALL), "a TensorFlow Lite model"),
    (re.compile(rb"\x93NUMPY"), "a NumPy array"),
    (re.compile(rb"\x1f\x8b"), "a gzip archive"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8|RIFF.{4}WEBP", re.DOTALL), "an image"),
    (re.compile(rb"%PDF"), "a PDF document"),
)
_IN_ZIP: Final = (
    (b"data.pkl", "a PyTorch checkpoint"),
    (b"model.weights.h5", "a Keras model"),
    (b".npy", "a NumPy archive"),
)
"""What a ZIP archive is, by the names in its first bytes."""
WEIGHTS: Final = frozenset({"a PyTorch checkpoint", "a pickle, such as an old PyTorch checkpoint", "a safetensors file"})
"""Kinds of files with weights that `--weights` reads."""

IMPORTED: Final = frozenset({"a Darknet .cfg file", "a Keras model as JSON", "a Caffe prototxt file", "an Ultralytics YAML file"})
"""Kinds of text files that `archdsl import` reads."""


def binary_format(data: bytes) -> str | None:
    """Return what a file is by its first bytes, with an article; None if it may be text."""
    found = next((kind for magic, kind in _MAGIC if magic.match(data)), None)
    if found == "a ZIP archive":
        return next((kind for name, kind in _IN_ZIP if name in data[:4096]), found)
    return found


class OtherFormat(NamedTuple):
    """A text in a format of another program: what it is, an example of what to write instead, and its first line."""

    kind: str
    example: str
    start: int
    end: int


_NEAR: Final = 200
_PRINTED: Final = "a PyTorch module as it is printed"
_STAGES: Final = "`conv(16, 3) -> bn -> relu`"
_KINDS: Final = (
    (r"\[(?:net|network|convolutional|yolo|maxpool|shortcut|route)\]", "a Darknet .cfg file",
        "a `[convolutional]` section with batch norm is `conv(32, 3) -> bn -> leaky_relu(0.1)`, `[shortcut]` is `skip { ... }`"),
    (r"\[[\w.\"-]+\]\s*(?:$|#)", "an INI or TOML file", f"layers are stages: {_STAGES}"),
    (r'\{\s*"(?:class_name|config|module|keras_version|registered_name)"', "a Keras model as JSON",
        "`Conv2D(32, 3)` is `conv(32, 3, pad = 0)`, `Dense(10)` is `linear(10)`"),
    (r'\{\s*"(?:cells|nbformat)', "a Jupyter notebook", f"layers are stages: {_STAGES}"),
    (r'[{\[]\s*(?:"|\{|\[|\]|\}|$)', "a JSON file", f"layers are stages: {_STAGES}"),
    (r"(?:name|ir_version|producer_name|opset_import)\s*[:{]\s*(?:\"onnx|\d)", "an ONNX model as text",
        f"layers are stages: {_STAGES}"),
    (r'(?:name\s*:\s*"|layers?\s*\{|input(?:_dim|_shape|_param)?\s*[:{]|force_backward|net\s*:\s*"|base_lr\s*:)',
        "a Caffe prototxt file",
        "a `Convolution` layer with `num_output: 16` and `kernel_size: 3` is `conv(16, 3, pad = 0)`; `Eltwise` is `add { ... }`"),
    (r"node\s*\{", "a TensorFlow graph as text", f"layers are stages: {_STAGES}"),
    (r"(?:nc|backbone|head|depth_multiple|width_multiple|scales)\s*:", "an Ultralytics YAML file",
        "`[-1, 1, Conv, [64, 3, 2]]` is `conv(64, 3, stride = 2) -> bn -> silu`, `Concat` is `concat { ... }`"),
    (r"---\s*$|[\w.\"'-]+\s*:(?:\s|$)(?!.*->)", "a YAML file", f"layers are stages: {_STAGES}"),
    (r"<(?:\?xml|!DOCTYPE|net\b|html|\w+[ >])", "an XML or HTML file", f"layers are stages: {_STAGES}"),
    (r"(?:strict\s+)?(?:di)?graph\b[^\n]*\{|flowchart\b", "a drawing of a graph", f"layers are stages: {_STAGES}"),
    (r"\w+\(\s*$", _PRINTED, "`Conv2d(3, 16, kernel_size=(3, 3))` is `conv(16, 3, pad = 0)`"),
    (r"#include\b", "a C or C++ file", f"layers are stages: {_STAGES}"),
    (r"(?:local\s+\w+\s*=\s*)?require\b", "a Lua file", "`SpatialConvolution(3, 16, 3, 3)` is `conv(16, 3, pad = 0)`"),
    (r"version https://git-lfs", "a Git LFS pointer", "fetch the file that it stands for: `git lfs pull`"),
)  # fmt: skip
"""For each format: how its first line begins, what it is, and what to write instead. The first that fits is taken."""
_PYTHON: Final = re.compile(
    r"(?:#!.*python|import\s+[\w.]+|from\s+[\w.]+\s+import\b|class\s+\w+.*:\s*$|(?:async\s+)?def\s+\w+\s*\(|@\w+|if\s+__name__\b"
    r"|r?\"\"\"|'''|[\w.]+\s*=\s*(?:\w+\.)*[A-Z]\w*\(|\w+\.(?:add|append|compile|fit)\()",
)
_PYTHON_EXAMPLE: Final = "`nn.Conv2d(3, 16, 3, padding=1)` is `conv(16, 3)`, and a class of modules is a `block` or `network`"


def text_format(text: str) -> OtherFormat | None:
    """Return what a text is that is no spec, by its first line that is no comment; None if it is not known."""
    if _ARCH.search(text):
        return None
    start = 0
    for line in text.splitlines(keepends=True):
        if line.strip() and not _COMMENT.match(line):
            break
        start += len(line)
    else:
        return None
    first = line.strip()
    start += len(line) - len(line.lstrip())
    end = start + len(first)
    if _PYTHON.match(first) is not None:
        return OtherFormat("a Python file", _PYTHON_EXAMPLE, start, end)
    begins = text[start : start + _NEAR] if first.startswith("{") else first
    for beginning, kind, example in _KINDS:
        if re.match(beginning, begins) and (kind != _PRINTED or re.search(r"^\s*\(\w+\): \w+", text, re.MULTILINE)):
            return OtherFormat(kind, example, start, end)
    return None
