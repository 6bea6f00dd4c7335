"""Ultralytics YAML: a table of modules, each with its input, how often it is repeated, its class, and arguments.

`depth_multiple` and `width_multiple`, or a row of `scales`, change repetitions and channels, as `parse_model` of Ultralytics
does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

from archdsl.diagnostics.suggest import did_you_mean
from archdsl.importers.configs.layers import Layer, Layers
from archdsl.importers.configs.ultralytics_modules import Modules, activation
from archdsl.importers.configs.yaml_nodes import ULTRALYTICS, Item, invalid, read_yaml
from archdsl.importers.model import Scaling, Value
from archdsl.source import SourceFile

_SIZE = 640
"""The size of images for which Ultralytics trains detectors; classifiers have 224."""
_KNOWN = frozenset({
    "nc", "scales", "depth_multiple", "width_multiple", "max_channels", "activation", "backbone", "head", "anchors", "ch",
    "channels", "names", "kpt_shape", "scale", "reg_max", "end2end", "yaml_file",
})  # fmt: skip
_REPEATS = frozenset({"C3", "C2f", "C3k2", "BottleneckCSP"})
"""Classes that take the number of repetitions as an argument; others are put one after another."""
_NOT_READ = (
    "C1 C2 C2PSA C2fPSA C2fAttn C2fCIB C3TR C3Ghost C3x RepC3 PSA SCDown RepNCSPELAN4 ELAN1 ADown AConv SPPELAN CBLinear CBFuse"
    " HGStem HGBlock GhostBottleneck DWConvTranspose2d ConvTranspose RTDETRDecoder WorldDetect ImagePoolingAttn AIFI v10Detect"
    " Segment Pose OBB A2C2f TorchVision Index nn.ConvTranspose2d nn.BatchNorm2d Contract Expand CrossConv MixConv2d"
    " TransformerBlock"
).split()


def read_ultralytics(
    source: SourceFile, *, partial: bool = False, sizes: Sequence[tuple[int, ...]] = (), member: str | None = None
) -> Layers:
    """Return the layers of an Ultralytics file, at one of its scales.

    That is `member`, or the one that the file's name has (`yolov8s.yaml`), or else the first. Raise `SpecError` E1211 or E1212
    with the line.
    """
    root = read_yaml(source)
    scale = member or _scale_of(source, root.value.get("scales"))
    layers = _Reader(Layers(ULTRALYTICS, source, partial), root, sizes, scale).read()
    if scale is not None and member is None:
        others = ", ".join(root.value["scales"].value)
        layers.remarks.append(
            f"Its scale is `{scale}` of {others}: as for Ultralytics, the letter in the name `yolov8s.yaml` chooses"
        )
    return layers


def scales_of(source: SourceFile) -> list[str]:
    """Return the scales of a file whose name has none of them; none if it has one or no scale."""
    scales = read_yaml(source).value.get("scales")
    if scales is None or not isinstance(scales.value, dict) or len(scales.value) < 2 or _in_name(source, scales):
        return []
    return [scale for scale in scales.value if re.fullmatch(r"[a-z]", scale)]


def _in_name(source: SourceFile, scales: Item) -> str | None:
    """Return the scale in the name of a file; None if it has none."""
    match = re.search(r"yolo(?:e-)?v?\d+([a-z])(?![a-z])", Path(source.name).stem)
    return match[1] if match and match[1] in scales.value else None


def _scale_of(source: SourceFile, scales: Item | None) -> str | None:
    if scales is None:
        return None
    if not isinstance(scales.value, dict) or not scales.value:
        invalid(scales.span, "`scales` must be a mapping from a letter to depth, width and most channels")
    return _in_name(source, scales) or str(next(iter(scales.value)))


_FUNCTIONS = (
    "let wide(channels) = ceil(min(channels, most) * width / 8) * 8",
    "let repeats(n) = max(round(n * depth), 1)",
)
"""What `parse_model` of Ultralytics makes of the numbers of channels and repetitions in a file."""


class _Reader:
    def __init__(self, layers: Layers, root: Item, sizes: Sequence[tuple[int, ...]], scale: str | None) -> None:
        self.layers, self.root, self._sizes = layers, root, sizes
        self.top: dict[str, Item] = root.value
        for name, item in self.top.items():
            if name not in _KNOWN:
                invalid(item.span, f"unknown key `{name[:40]}`", help=did_you_mean(name, sorted(_KNOWN)))
        self.classes = int(self._number("nc", 80, 1))
        self.depth, self.width, self.most = self._scale(scale)
        self.anchors = self._anchors()
        self.layers.scaling = Scaling(
            "", {"depth": self.depth, "width": self.width, "most": self.most}, _FUNCTIONS
        )  # fmt: skip
        self.values: list[Value] = []
        self.unscaled: dict[Value, int] = {}
        self.results: list[Value] = []

    # -- the settings of the file --

    def _number(self, name: str, default: float, least: float = 0) -> float:
        item = self.top.get(name)
        if item is None:
            return default
        value = item.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 2**31:
            invalid(item.span, f"`{name}` is {str(value)[:40]}, and must be a number from {least} on")
        if name in ("nc", "ch", "channels") and not isinstance(value, int):
            invalid(item.span, f"`{name}` must be an integer")
        return value

    def _scale(self, wanted: str | None) -> tuple[float, float, float]:
        if wanted is None:
            return self._number("depth_multiple", 1.0), self._number("width_multiple", 1.0), float("inf")
        row = self.top["scales"].value[wanted]
        numbers = row.plain()
        fits = isinstance(numbers, list) and len(numbers) == 3
        if not fits or any(isinstance(n, bool) or not isinstance(n, int | float) or not 0 < n < 2**31 for n in numbers):
            invalid(row.span, f"the scale `{wanted[:40]}` must have three numbers: depth, width and most channels")
        self.chosen = wanted
        return numbers[0], numbers[1], numbers[2]

    chosen = ""

    def _anchors(self) -> int:
        """Return the number of anchors at each level; 0 without any."""
        item = self.top.get("anchors")
        if item is None:
            return 0
        if isinstance(item.value, int) and not isinstance(item.value, bool) and item.value > 0:
            return item.value
        first = item.value[0].value if isinstance(item.value, list) and item.value else None
        if not isinstance(first, list) or len(first) < 2 or len(first) % 2:
            invalid(item.span, "`anchors` must be lists of widths and heights")
        return len(first) // 2

    def _activation(self) -> tuple[str, dict[str, Any]]:
        item = self.top.get("activation")
        if item is None:
            return ("silu", {})
        found = activation(str(item.value))
        if found is None:
            invalid(item.span, f"the activation `{str(item.value)[:40]}` is not known")
        return found

    def _rows(self) -> list[Item]:
        found: list[Item] = []
        for name in ("backbone", "head"):
            item = self.top.get(name)
            if item is None or not isinstance(item.value, list) or (not item.value and name == "backbone"):
                reason = (
                    f"`{name}` is missing" if item is None else f"`{name}` must be a list of rows `[from, repeats, module, args]`"
                )
                invalid(item.span if item is not None else self.root.span, reason)
            found += item.value
        return found

    # -- the table --

    def read(self) -> Layers:
        layers = self.layers
        rows = self._rows()
        layers.title = ""
        channels = int(self._number("ch", self._number("channels", 3, 1), 1))
        classifier = any(isinstance(row.value, list) and len(row.value) == 4 and row.value[2].value == "Classify" for row in rows)
        size = 224 if classifier else _SIZE
        x = layers.input("image", self._sizes[0] if self._sizes else (channels, size, size))
        names = [row.value[2].value for row in rows if isinstance(row.value, list) and len(row.value) == 4]
        self.modules = Modules(layers, self._activation(), self.classes, not {"C3k2", "A2C2f", "C2fCIB"} & set(map(str, names)))
        for at, row in enumerate(rows):
            x = self._row(at, row, x)
            self.values.append(x)
            x.name = x.name or f"layer{at}"
        results = list(dict.fromkeys(self.results)) or [x]
        layers.main.outputs = [results[-1], *results[:-1]]
        return layers

    def _row(self, at: int, row: Item, x: Value) -> Value:
        layers = self.layers
        if not isinstance(row.value, list) or len(row.value) != 4:
            found = f"{len(row.value)} entries" if isinstance(row.value, list) else "no list"
            invalid(row.span, f"row {at} has {found}; a row is `[from, repeats, module, args]`")
        source, repeats, name, args = row.value
        layers.layer = Layer(f"row {at} ({str(name.value)[:40]})", row.span, f"layer{at}")
        if isinstance(repeats.value, bool) or not isinstance(repeats.value, int) or not 1 <= repeats.value <= 1000:
            layers.invalid("`repeats` must be an integer from 1 on", repeats.span)
        values = self._inputs(at, source, x)
        n = repeats.value
        if n > 1:
            n = self._term(f"repeats({n})", "count", max(round(n * self.depth), 1))
        kind = str(name.value)
        given = args.plain()
        if not isinstance(given, list):
            layers.invalid("`args` must be a list", args.span)
        given = [self._meant(argument) for argument in given]
        if kind in ("Detect", "Concat", "nn.Upsample", "Upsample"):
            return self._special(at, kind, given, values, args)
        build = _BUILDERS.get(kind)
        if build is None:
            if kind in _NOT_READ or "." in kind:
                return layers.refuse(f"the module `{kind[:40]}` cannot be read", *values)
            known = sorted({*_BUILDERS, *_NOT_READ, "Detect", "Concat", "nn.Upsample"})
            layers.invalid(f"Ultralytics has no module `{kind[:40]}`", name.span, did_you_mean(kind[:40], known))
        if len(values) != 1:
            layers.invalid(f"it takes one value, and `from` names {len(values)}", source.span)
        built = self._built(at, kind, build, given, values[0], n, args)
        self.unscaled[built] = given[0]
        return built

    def _inputs(self, at: int, source: Item, x: Value) -> list[Value]:
        numbers = source.plain() if isinstance(source.value, list) else [source.value]
        found = []
        for number in numbers:
            if isinstance(number, bool) or not isinstance(number, int):
                self.layers.invalid("`from` must be a number of a row, or a list of them", source.span)
            if number == -1:
                found.append(x)
                continue
            position = number + at if number < 0 else number
            if not 0 <= position < at:
                self.layers.invalid(f"`from` names row {number}, and the rows before it are 0 to {at - 1}", source.span)
            found.append(self.values[position])
        if not found:
            self.layers.invalid("`from` is empty", source.span)
        return found

    def _meant(self, argument: Any) -> Any:
        """Return what a word among the arguments stands for."""
        words = {"nc": self.classes, "anchors": "anchors", "None": None, "True": True, "False": False}
        return words.get(argument, argument) if isinstance(argument, str) else argument

    def _built(self, at: int, kind: str, build: Callable[..., Value], given: list[Any], x: Value, n: int, args: Item) -> Value:
        names, rest = _SIGNATURES[kind], list(given)
        if not rest or isinstance(rest[0], bool) or not isinstance(rest[0], int) or rest[0] < 1:
            self.layers.invalid("its first argument must be the number of output channels", args.span)
        out = rest.pop(0)
        if out != self.classes:
            out = self._term(f"wide({out})", "channels", ceil(min(out, self.most) * self.width / 8) * 8)
        if len(rest) > len(names):
            self.layers.invalid(f"it has {len(given)} arguments, and takes at most {len(names) + 1}", args.span)
        options = dict(zip(names, rest, strict=False))
        self._check(kind, options, args)
        if kind == "C3k2" and self.chosen and self.chosen in "mlx":
            options["c3k"] = True
        path = f"model.{at}"
        if kind in _REPEATS:
            return build(self.modules, path, x, out, n=n, **options)
        if n == 1:
            return build(self.modules, path, x, out, **options)
        for i in range(n):
            x = build(self.modules, f"{path}.{i}", x, out, **options)
        return x

    def _term(self, text: str, kind: str, value: int) -> int:
        """Note what a number that depends on the scale is; return it."""
        assert self.layers.scaling is not None
        self.layers.scaling.terms[text] = (kind, value)
        return value

    def _check(self, kind: str, options: Mapping[str, Any], args: Item) -> None:
        for name, value in options.items():
            if not _possible(kind, name, value):
                self.layers.invalid(f"its argument `{name}` is {str(value)[:40]}, which is not possible", args.span)

    def _special(self, at: int, kind: str, given: list[Any], values: list[Value], args: Item) -> Value:
        layers = self.layers
        if kind == "Concat":
            if given not in ([1], []):
                return layers.refuse("a concatenation along another axis than the channels cannot be expressed", *values)
            if len({value.shape[1:] for value in values}) > 1:
                layers.invalid(
                    f"its inputs differ in height or width: {' and '.join(str(list(value.shape)) for value in values)}"
                )
            return self.modules.concat(*values) if len(values) > 1 else values[0]
        if kind != "Detect":
            mode = given[2] if len(given) > 2 else "nearest"
            if len(given) < 2 or given[0] is not None or not isinstance(given[1], int) or mode not in ("nearest", "bilinear"):
                return layers.refuse(
                    "an `nn.Upsample` with a fixed size, or another mode than `nearest`, cannot be expressed", *values
                )
            return layers.op("upsample", {"scale": given[1], "mode": mode, "align_corners": False}, values[0])
        first = self.unscaled.get(values[0])
        if first is not None:
            narrow, wide = self.modules.widths_of_head(values)
            self._term(f"max(wide({first}) // 4, 64)", "channels", narrow)
            self._term(f"max(wide({first}), min(classes, 100))", "channels", wide)
        anchors = self.anchors if "anchors" in given else 0
        if any(isinstance(argument, list) for argument in given):
            anchors = len(next(argument for argument in given if isinstance(argument, list))[0]) // 2
        found = (
            self.modules.detect_by_anchors(f"model.{at}", values, anchors)
            if anchors
            else self.modules.detect(f"model.{at}", values)
        )
        self.results += found
        for level, value in zip(values, found, strict=True):
            stride = layers.main.inputs[0].shape[1] // max(level.shape[1], 1)
            layers.names[value] = f"p{max(stride, 1).bit_length() - 1}"
        layers.remarks.append("The network gives the values of each level; their decoding into boxes is left out")
        if not anchors:
            layers.main.origin = type(layers.main.origin)("", {"classes": self.classes}, flat=True)
        return found[-1]


def _possible(kind: str, name: str, value: Any) -> bool:
    """Whether an argument can have a value."""
    if name in ("shortcut", "act", "c3k"):
        return isinstance(value, bool)
    if name == "k" and kind in ("SPP", "Bottleneck"):
        windows = value if isinstance(value, list) else []
        return bool(windows) and all(_possible("", "k", n) for n in windows) and (kind == "SPP" or len(windows) == 2)
    if name == "p" and value is None:
        return True
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 < value <= 8 if name == "e" else isinstance(value, int) and value >= (0 if name == "p" else 1)


_BUILDERS: dict[str, Callable[..., Value]] = {
    "Conv": Modules.conv, "DWConv": Modules.depthwise, "GhostConv": Modules.ghost, "Focus": Modules.focus,
    "Bottleneck": Modules.bottleneck, "C3": Modules.c3, "C2f": Modules.c2f, "C3k2": Modules.c3k2, "BottleneckCSP": Modules.csp,
    "SPPF": Modules.sppf, "SPP": Modules.spp, "Classify": Modules.classify,
}  # fmt: skip
_SIGNATURES: dict[str, tuple[str, ...]] = {
    "Conv": ("k", "s", "p", "g", "d", "act"), "DWConv": ("k", "s", "d", "act"), "GhostConv": ("k", "s", "g", "act"),
    "Focus": ("k", "s", "p", "g", "act"), "Bottleneck": ("shortcut", "g", "k", "e"), "C3": ("shortcut", "g", "e"),
    "C2f": ("shortcut", "g", "e"), "C3k2": ("c3k", "e", "g", "shortcut"), "BottleneckCSP": ("shortcut", "g", "e"),
    "SPPF": ("k",), "SPP": ("k",), "Classify": ("k", "s"),
}  # fmt: skip
"""The parameters of each class behind the number of output channels and, for some, of repetitions."""
