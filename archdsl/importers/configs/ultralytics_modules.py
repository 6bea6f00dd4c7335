"""Modules of Ultralytics: what each class of `ultralytics.nn.modules` computes, with the keys of its `state_dict`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

from archdsl.importers.configs.layers import Layers, bn_args, conv_args, pool_args
from archdsl.importers.model import Apply, Origin, Value
from archdsl.importers.template_names import CLASSES

_ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "SiLU": ("silu", {}), "ReLU": ("relu", {}), "LeakyReLU": ("leaky_relu", {"slope": 0.01}), "Mish": ("mish", {}),
    "Hardswish": ("hardswish", {}), "GELU": ("gelu", {"approximate": None}), "ReLU6": ("relu6", {}), "Sigmoid": ("sigmoid", {}),
    "ELU": ("elu", {"alpha": 1.0}), "SELU": ("selu", {}), "Tanh": ("tanh", {}), "Identity": ("", {}),
}  # fmt: skip


@dataclass
class Modules:
    """Adds modules to the layers. `act` is the activation of all convolutions."""

    layers: Layers
    act: tuple[str, dict[str, Any]]
    classes: int
    legacy: bool = True
    """Whether heads score classes with full convolutions, as before YOLO11."""

    # -- convolutions --

    def conv(
        self, path: str, x: Value, out: int, k: int = 1, s: int = 1, p: Any = None, g: int = 1, d: int = 1, act: bool = True,
        name: str = "Conv",
    ) -> Value:  # fmt: skip
        """A convolution with batch norm and activation."""
        pad = (d * (k - 1) + 1) // 2 if p is None else p
        with self.layers.call(path, Origin(name, unit=True)):
            found = self.layers.op("conv", conv_args(out, k, s, pad, d, g, False), x, key=f"{path}.conv")
            sizes = [(n + 2 * pad - d * (k - 1) - 1) // s + 1 for n in x.shape[1:]]
            self.layers.claims(found, (out, *sizes), out * (x.shape[0] // g) * k * k)
            found = self.norm(f"{path}.bn", found)
            return self.activated(found) if act else found

    def norm(self, path: str, x: Value) -> Value:
        """Batch norm with the settings of `initialize_weights`."""
        found = self.layers.op("bn", bn_args(1e-3, 0.03), x, key=path)
        self.layers.claims(found, x.shape, 2 * x.shape[0])
        return found

    def activated(self, x: Value) -> Value:
        """The activation of the file."""
        op, args = self.act
        return self.layers.op(op, args, x) if op else x

    def plain(self, path: str, x: Value, out: int, k: int = 1, bias: bool = True, classes: bool = False) -> Value:
        """A convolution alone; with `classes`, its number of outputs is that of the classes."""
        found = self.layers.op("conv", conv_args(out, k, 1, k // 2, 1, 1, bias), x, key=path)
        self.layers.claims(found, (out, *x.shape[1:]), out * (x.shape[0] * k * k + bias))
        if classes and isinstance(found.producer, Apply):
            found.producer.args["out"] = CLASSES
        return found

    def depthwise(self, path: str, x: Value, out: int, k: int = 1, s: int = 1, d: int = 1, act: bool = True) -> Value:
        """A convolution with as many groups as possible."""
        return self.conv(path, x, out, k, s, None, gcd(x.shape[0], out), d, act, "DWConv")

    def ghost(self, path: str, x: Value, out: int, k: int = 1, s: int = 1, g: int = 1, act: bool = True) -> Value:
        """Half of the channels by a convolution, and half from these by a cheap one."""
        with self.layers.call(path, Origin("GhostConv")):
            y = self.conv(f"{path}.cv1", x, out // 2, k, s, None, g, act=act)
            return self.concat(y, self.conv(f"{path}.cv2", y, out // 2, 5, 1, None, out // 2, act=act))

    def focus(self, path: str, x: Value, out: int, k: int = 1, s: int = 1, p: Any = None, g: int = 1, act: bool = True) -> Value:
        """Every second row and column, four times, as channels."""
        with self.layers.call(path, Origin("Focus")):
            parts = []
            for column in (0, 1):
                for row in (0, 1):
                    rows = self.layers.op("slice", {"part": range(row, x.shape[1], 2), "axis": 1}, x)
                    parts.append(self.layers.op("slice", {"part": range(column, x.shape[2], 2), "axis": 2}, rows))
            return self.conv(f"{path}.conv", self.concat(*parts), out, k, s, p, g, act=act)

    # -- blocks --

    def bottleneck(
        self, path: str, x: Value, out: int, shortcut: bool = True, g: int = 1, k: Sequence[int] = (3, 3), e: float = 0.5
    ) -> Value:
        """Two convolutions with a residual connection."""
        with self.layers.call(path, Origin("Bottleneck", {"shortcut": shortcut})):
            y = self.conv(f"{path}.cv1", x, int(out * e), k[0])
            y = self.conv(f"{path}.cv2", y, out, k[1], g=g)
            return self.layers.op("add", {}, x, y) if shortcut and x.shape[0] == out else y

    def c3(
        self, path: str, x: Value, out: int, n: int = 1, shortcut: bool = True, g: int = 1, e: float = 0.5,
        k: Sequence[int] = (1, 3), name: str = "C3",
    ) -> Value:  # fmt: skip
        """Bottlenecks on one of two halves."""
        hidden = int(out * e)
        with self.layers.call(path, Origin(name, {"out": out, "n": n, "shortcut": shortcut})):
            y = self.conv(f"{path}.cv1", x, hidden)
            for at in range(n):
                y = self.bottleneck(f"{path}.m.{at}", y, hidden, shortcut, g, k, 1.0)
            other = self.conv(f"{path}.cv2", x, hidden)
            return self.conv(f"{path}.cv3", self.concat(y, other), out)

    def c2f(self, path: str, x: Value, out: int, n: int = 1, shortcut: bool = False, g: int = 1, e: float = 0.5) -> Value:
        """Bottlenecks one after another on one half; the result has every step."""
        hidden = int(out * e)
        return self._c2f("C2f", path, x, out, n, hidden, lambda at, y: self.bottleneck(at, y, hidden, shortcut, g, (3, 3), 1.0),
                         {"out": out, "n": n, "shortcut": shortcut})  # fmt: skip

    def c3k2(
        self, path: str, x: Value, out: int, n: int = 1, c3k: bool = False, e: float = 0.5, g: int = 1, shortcut: bool = True
    ) -> Value:
        """As `C2f`, with smaller bottlenecks, or with whole `C3` modules."""
        hidden = int(out * e)

        def step(at: str, y: Value) -> Value:
            if c3k:
                return self.c3(at, y, hidden, 2, shortcut, g, 0.5, (3, 3), "C3k")
            return self.bottleneck(at, y, hidden, shortcut, g)

        return self._c2f("C3k2", path, x, out, n, hidden, step, {"out": out, "hidden": hidden, "n": n, "nested": c3k})

    def _c2f(
        self, name: str, path: str, x: Value, out: int, n: int, hidden: int, step: Callable[[str, Value], Value],
        arguments: dict[str, Any],
    ) -> Value:  # fmt: skip
        with self.layers.call(path, Origin(name, arguments)):
            both = self.conv(f"{path}.cv1", x, 2 * hidden)
            steps = self.layers.split(both, 2)
            for at in range(n):
                steps.append(step(f"{path}.m.{at}", steps[-1]))
            return self.conv(f"{path}.cv2", self.concat(*steps), out)

    def csp(self, path: str, x: Value, out: int, n: int = 1, shortcut: bool = True, g: int = 1, e: float = 0.5) -> Value:
        """`BottleneckCSP` of the first versions."""
        hidden = int(out * e)
        with self.layers.call(path, Origin("BottleneckCSP", {"out": out, "n": n, "shortcut": shortcut})):
            y = self.conv(f"{path}.cv1", x, hidden)
            for at in range(n):
                y = self.bottleneck(f"{path}.m.{at}", y, hidden, shortcut, g, (1, 3), 1.0)
            y = self.plain(f"{path}.cv3", y, hidden, bias=False)
            other = self.plain(f"{path}.cv2", x, hidden, bias=False)
            both = self.activated(self.norm(f"{path}.bn", self.concat(y, other)))
            return self.conv(f"{path}.cv4", both, out)

    def sppf(self, path: str, x: Value, out: int, k: int = 5) -> Value:
        """Maxima of growing windows, by the same pool three times."""
        hidden = x.shape[0] // 2
        with self.layers.call(path, Origin("SPPF")):
            pooled = [self.conv(f"{path}.cv1", x, hidden)]
            for _ in range(3):
                pooled.append(self.layers.op("maxpool", pool_args(k, 1, k // 2), pooled[-1]))
            return self.conv(f"{path}.cv2", self.concat(*pooled), out)

    def spp(self, path: str, x: Value, out: int, k: Sequence[int] = (5, 9, 13)) -> Value:
        """Maxima of several windows."""
        hidden = x.shape[0] // 2
        with self.layers.call(path, Origin("SPP")):
            y = self.conv(f"{path}.cv1", x, hidden)
            pooled = [y, *(self.layers.op("maxpool", pool_args(n, 1, n // 2), y) for n in k)]
            return self.conv(f"{path}.cv2", self.concat(*pooled), out)

    def concat(self, *values: Value) -> Value:
        """A concatenation of channels."""
        return self.layers.op("concat", {"axis": 0}, *values)

    # -- heads --

    def widths_of_head(self, levels: Sequence[Value]) -> tuple[int, int]:
        """Return the channels before the distances, and before the scores."""
        channels = levels[0].shape[0]
        return max(channels // 4, 64), max(channels, min(self.classes, 100))

    def detect(self, path: str, levels: Sequence[Value]) -> list[Value]:
        """The head of YOLOv8: for each level the distributions of four distances, and the scores of the classes."""
        narrow, wide = self.widths_of_head(levels)
        found = []
        with self.layers.call(path, Origin("")):
            for at, level in enumerate(levels):
                with self.layers.call(f"{path}.cv2.{at}", Origin("", container=True)):
                    box = self.conv(f"{path}.cv2.{at}.1", self.conv(f"{path}.cv2.{at}.0", level, narrow, 3), narrow, 3)
                    box = self.plain(f"{path}.cv2.{at}.2", box, 64)
                with self.layers.call(f"{path}.cv3.{at}", Origin("", container=True)):
                    scores = self._scores(f"{path}.cv3.{at}", level, wide)
                    scores = self.plain(f"{path}.cv3.{at}.2", scores, self.classes, classes=True)
                found.append(self.concat(box, scores))
        return found

    def _scores(self, path: str, x: Value, wide: int) -> Value:
        if self.legacy:
            return self.conv(f"{path}.1", self.conv(f"{path}.0", x, wide, 3), wide, 3)
        for at in (0, 1):
            with self.layers.call(f"{path}.{at}", Origin("", container=True)):
                x = self.conv(f"{path}.{at}.1", self.depthwise(f"{path}.{at}.0", x, x.shape[0], 3), wide)
        return x

    def detect_by_anchors(self, path: str, levels: Sequence[Value], anchors: int) -> list[Value]:
        """The head of YOLOv5: for each level and anchor a box, a confidence, and the scores of the classes."""
        with self.layers.call(path, Origin("")):
            return [self.plain(f"{path}.m.{at}", level, anchors * (self.classes + 5)) for at, level in enumerate(levels)]

    def classify(self, path: str, x: Value, out: int, k: int = 1, s: int = 1) -> Value:
        """The head of a classifier."""
        with self.layers.call(path, Origin("Classify")):
            y = self.conv(f"{path}.conv", x, 1280, k, s)
            y = self.layers.op("flatten", {}, self.layers.op("gap", {}, y))
            found = self.layers.op("linear", {"out": out, "bias": True, "axis": None}, y, key=f"{path}.linear")
            self.layers.claims(found, (out,), 1281 * out)
            return found


def activation(text: str) -> tuple[str, dict[str, Any]] | None:
    """Return the op of an activation such as `nn.LeakyReLU(0.1)`; None if it is not known."""
    name, _, rest = text.removeprefix("torch.").removeprefix("nn.").partition("(")
    found = _ACTIVATIONS.get(name.strip())
    given = rest.rstrip(") ").replace("negative_slope=", "").replace("inplace=True", "").strip(", ")
    if found is None or (given and name != "LeakyReLU"):
        return None
    try:
        return (found[0], {"slope": float(given)}) if given else found
    except ValueError:
        return None
