"""Random ops with random arguments, chosen for what stands in front of them: the leaves of generated programs."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.attack.network import LARGEST_TOKEN
from tests.attack.program import (
    Apply,
    Argument,
    Binary,
    Call,
    Choice,
    Comprehension,
    Expression,
    Item,
    ListOf,
    Literal,
    Name,
    OpValue,
    Range,
    Size,
    Unary,
    Word,
)
from tests.attack.values import Closure, Value, evaluate

ACTIVATIONS = ("relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "sigmoid", "tanh", "hardswish",
               "hardsigmoid", "softplus", "softmax", "log_softmax", "prelu")  # fmt: skip
NORMS = ("bn", "bn", "frozen_bn", "gn", "ln", "instance_norm", "lrn", "layer_scale", "rms_norm", "grn")
POOLS = ("maxpool", "avgpool", "lppool")


class Leaves:
    """Makes op stages; `names` are the constants that expressions may mention."""

    def __init__(self, chance: random.Random) -> None:
        self.random = chance
        self.names: Mapping[str, Any] = {}

    # Expressions ------------------------------------------------------------------------------------------------------

    def number(self, value: int, x: Value | None = None) -> Expression:
        """Return an expression that is `value`, mostly the number itself."""
        if self.random.random() > 0.15:
            return Literal(value)
        plain: list[Expression] = [
            Binary("+", Literal(value - 1), Literal(1)) if value else Literal(0),
            Binary("-", Literal(value + 3), Binary("-", Literal(5), Literal(2))),
            Binary("//", Binary("*", Literal(value), Literal(6)), Literal(6)),
            Call("max", (Literal(value), Literal(0))),
            Call("int", (Binary("/", Literal(2 * value), Literal(2)),)),
            Call("len", (ListOf(tuple(Literal(0) for _ in range(value))),)),
            Choice(Literal(value), Binary("and", Literal(True), Unary("not", Binary(">", Literal(1), Literal(2)))), Literal(99)),
            Binary("%", Literal(value + 128), Binary("^", Literal(2), Literal(7))) if value < 128 else Literal(value),
            Binary("+", Unary("-", Binary("^", Literal(2), Literal(2))), Literal(value + 4)),
        ]
        plain += [
            Item(Call("reversed", (Range(Literal(0), Literal(value + 1)),)), Literal(0)),
            Call("len", (Range(Literal(1), Literal(3 * value + 1), Literal(3)),)),
            Call(
                "sum", (Comprehension(Literal(1), "v", Range(Literal(-1), Literal(value)), Binary(">=", Name("v"), Literal(0))),)
            ),
        ]
        for name, held in self.names.items():
            if isinstance(held, Closure):
                call = Call(name, (Literal(1),))
                found = evaluate(call, self.names)
                plain += [Binary("+", call, Literal(value - found)) if value >= found else
                          Binary("-", call, Literal(found - value))] * 3  # fmt: skip
            if isinstance(held, int) and not isinstance(held, bool):
                plain += [Binary("+", Name(name), Literal(value - held)) if value >= held else
                          Binary("-", Name(name), Literal(held - value))] * 3  # fmt: skip
        if x is not None and not x.open[0] and len(x.shape) in (2, 3, 4) and value:
            here, channels = Size("x", "c"), x.shape[0]
            if channels % value == 0:
                plain += [Binary("//", here, Literal(channels // value))] * 3
            elif value % channels == 0:
                plain += [Binary("*", here, Literal(value // channels))] * 3
        return self.random.choice(plain)

    def each(self, value: int, axes: int, least: int = 0, most: int = 9) -> Expression:
        """Return a number for all axes, or a list that varies it by axis."""
        if self.random.random() > 0.2 or axes == 0:
            return self.number(value)
        return ListOf(tuple(Literal(min(most, max(least, value + self.random.choice((-1, 0, 0, 1))))) for _ in range(axes)))

    def maybe(self, probability: float) -> bool:
        """Return true with a probability."""
        return self.random.random() < probability

    def call(self, name: str, required: Sequence[Expression] = (), **options: Expression | None) -> Apply:
        """Return a stage; required arguments by position, options by name."""
        arguments = [Argument(None, value) for value in required]
        arguments += [Argument(option, value) for option, value in options.items() if value is not None]
        return Apply(name, tuple(arguments))

    def width(self) -> int:
        """Return a number of channels."""
        return self.random.choice((1, 2, 3, 4, 4, 6, 8))

    # Ops --------------------------------------------------------------------------------------------------------------

    def any_op(self, x: Value, likes: Sequence[Expression] = ()) -> Apply:
        """Return an op that probably works on `x`; `likes` are labels of values with as many axes."""
        if x.integers:
            return self.call("embedding", [Literal(LARGEST_TOKEN + 1 + self.random.randrange(3)), self.number(self.width())])
        axes = len(x.shape) - 1
        if axes < 0:  # a single number
            return self.activation()
        if axes == 0:
            return self.on_vector(x)
        kinds = ["convolution"] * 6 + ["pool"] * 6 + ["activation"] * 3 + ["norm"] * 3 + ["enlarge"] * 3 + ["shape"] * 3
        kinds += ["to"] + ["chance"] + ["arithmetic"] * 2 + (["like"] * 5 if likes else [])
        if axes > 3:
            kinds = ["activation", "arithmetic"]
        make: Callable[[Value, int, Sequence[Expression]], Apply] = getattr(self, "on_" + self.random.choice(kinds))
        return make(x, axes, likes)

    def on_vector(self, x: Value) -> Apply:
        """Return an op on features."""
        size = x.shape[0]
        fitting = [each for each in (1, 2, 3, 4) if size % each == 0]
        return self.random.choice(
            [
                self.call("linear", [self.number(self.width())], bias=Literal(False) if self.maybe(0.2) else None,
                          weight_norm=Literal(True) if self.maybe(0.1) else None,
                    transposed=Literal(True) if self.maybe(0.1) else None, init=self.start()),
                self.call("bn"),
                self.call("dropout", [self.probability()]),
                self.call("reshape", [ListOf((Literal(self.random.choice(fitting)), Literal(-1)))]),
                self.call("gn", [self.number(self.random.choice(fitting))]),
                self.call("pad_channels", [self.number(size + 2)]),
                self.activation(),
            ]
        )  # fmt: skip

    def window(self, most: int) -> tuple[int, int | None, int]:
        """Return window, stride and dilation, with strides over the window and wide dilations often."""
        k = self.random.choice((1, 2, 2, 3, 3, 3, 4, 5))
        stride = self.random.choice((None, None, 1, 1, 2, 2, 3, k + 1, k + 2))
        dilation = self.random.choice((1, 1, 1, 2, 2, 3, 5))
        while (k - 1) * dilation >= most and self.maybe(0.9):
            k, dilation = max(1, k - 1), 1
        return k, stride, dilation

    def on_convolution(self, x: Value, axes: int, likes: Sequence[Expression] = ()) -> Apply:
        """Return a convolution."""
        k, stride, dilation = self.window(min(x.shape[1:]) + 2)
        kind = self.random.choice(("conv", "conv", "conv", "bottleneck", "depthwise"))
        bias = Literal(self.maybe(0.5)) if self.maybe(0.2) else None
        normed = Literal(True) if self.maybe(0.08) else None
        if kind == "bottleneck":
            return self.call(kind, [self.number(self.width(), x)], bias=bias, weight_norm=normed)
        step = self.each(stride, axes, 1) if stride and self.maybe(0.6) else None
        if kind == "depthwise":
            odd = k if k % 2 or self.maybe(0.03) else k + 1
            return self.call(kind, [self.each(odd, 0)], stride=step, mult=Literal(2) if self.maybe(0.3) else None, bias=bias,
                             pad=Word("tf_same") if self.maybe(0.1) else None, weight_norm=normed)  # fmt: skip
        pad: Expression | None = None
        mode = Word(self.random.choice(("reflect", "replicate", "circular"))) if self.maybe(0.12) else None
        if self.maybe(0.1):
            pad = Word("tf_same")
        elif k % 2 == 0 or self.maybe(0.4):
            pad = self.each(self.random.choice((0, 0, 1, 2, k // 2)), axes)
        groups = self.random.choice((1, 1, 1, 2, x.shape[0]))
        out = self.width()
        out = -(-out // groups) * groups if self.maybe(0.95) else out
        gap = self.each(dilation, axes, 1) if dilation > 1 else None
        required = [self.number(out, x), self.each(k, axes, 1) if pad is not None else self.number(k)]
        mode = mode if pad not in (Word("tf_same"), Literal(0)) or self.maybe(0.1) else None
        return self.call("conv", required, stride=step, pad=pad, dilation=gap,
                         groups=self.number(groups, x) if groups > 1 else None, bias=bias, pad_mode=mode,
                         weight_norm=normed, init=self.start())  # fmt: skip

    def start(self) -> Expression | None:
        """Return an initializer, mostly none."""
        if self.maybe(0.95):
            return None
        return self.random.choice((OpValue("normal", (Argument("std", Literal(0.02)),)), OpValue("he"), OpValue("zeros")))

    def on_pool(self, x: Value, axes: int, likes: Sequence[Expression] = ()) -> Apply:
        """Return a pool, often with padding, rounding up, and dilation."""
        kind = self.random.choice(POOLS)
        k, stride, dilation = self.window(min(x.shape[1:]) + 1)
        ceil = Literal(True) if self.maybe(0.4) else None
        step = self.each(stride, axes, 1) if stride else None
        if kind == "lppool":
            power = Literal(self.random.choice((1.0, 2.0))) if self.maybe(0.3) else None
            return self.call(kind, [self.each(k, axes, 1)], p=power, stride=step, ceil=ceil)
        if self.maybe(0.08):
            same = Word("tf_same")
            counted = Literal(False) if kind == "avgpool" and self.maybe(0.5) else None
            wide = self.each(dilation, axes, 1) if kind == "maxpool" and dilation > 1 and self.maybe(0.1) else None
            return self.call(kind, [self.number(k)], stride=step, pad=same, count_pad=counted, dilation=wide)
        most = k // 2 if self.maybe(0.97) else k
        pad = self.each(self.random.randint(0, most), axes, 0, most) if self.maybe(0.5) else None
        if kind == "avgpool":
            counted = Literal(False) if self.maybe(0.3) else None
            return self.call(kind, [self.number(k)], stride=step, pad=pad, ceil=ceil, count_pad=counted)
        gap = self.each(dilation, axes, 1) if dilation > 1 else None
        return self.call(kind, [self.number(k)], stride=step, pad=pad, ceil=ceil, dilation=gap)

    def activation(self) -> Apply:
        """Return an activation."""
        name = self.random.choice(ACTIVATIONS)
        options: Mapping[str, Mapping[str, Expression]] = {}
        if self.maybe(0.5):
            options = {
                "leaky_relu": {"slope": Literal(0.1)},
                "elu": {"alpha": Literal(0.5)},
                "gelu": {"approximate": Word("tanh")},
                "softmax": {"axis": Literal(-1)},
                "log_softmax": {"axis": Literal(-1)},
                "softplus": {"beta": Literal(2.0)},
                "prelu": {"per_channel": Literal(True)},
            }
        return self.call(name, (), **options.get(name, {}))

    def on_activation(self, x: Value, axes: int, likes: Sequence[Expression] = ()) -> Apply:
        """Return an activation, at times through `act`."""
        stage = self.activation()
        return self.call("act", [OpValue(stage.name, stage.arguments)]) if self.maybe(0.15) else stage

    def on_norm(self, x: Value, axes: int, likes: Sequence[Expression] = ()) -> Apply:
        """Return a normalization."""
        name = self.random.choice(NORMS)
        options: Mapping[str, Mapping[str, Expression]] = {}
        if name == "gn":
            fitting = [each for each in (1, 2, 3, 4) if x.shape[0] % each == 0] or [1]
            plain = Literal(False) if self.maybe(0.2) else None
            return self.call(name, [self.number(self.random.choice(fitting), x)], affine=plain)
        if name == "lrn":
            return self.call(name, [self.number(self.random.choice((1, 2, 3, 5)))])
        if self.maybe(0.3):
            options = {
                "bn": {"affine": Literal(False)} if self.maybe(0.6) else {"eps": Literal(1e-3), "momentum": Literal(0.01)},
                "frozen_bn": {"eps": Literal(1e-3)},
                "ln": {"eps": Literal(1e-6), "axis": Literal(self.random.choice((0, -1)))},
                "instance_norm": {"affine": Literal(True)},
                "layer_scale": {"init": Literal(0.5), "flat": Literal(self.maybe(0.5))},
                "rms_norm": {"axis": Literal(self.random.choice((0, -1)))},
                "grn": {"axis": Literal(self.random.choice((0, -1)))},
            }
        return self.call(name, (), **options.get(name, {}))

    def on_enlarge(self, x: Value, axes: int, likes: Sequence[Expression] = ()) -> Apply:
        """Return an op that makes sizes larger."""
        choice = self.random.randrange(4 if max(x.shape[1:]) < 40 else 1)
        if choice == 0:
            k, stride, dilation = self.window(6)
            stride = stride or k
            groups = 2 if x.shape[0] % 2 == 0 and self.maybe(0.2) else 1
            return self.call(
                "upconv", [self.number(self.width() * groups, x), self.each(k, axes, 1)],
                stride=self.number(stride) if stride != k else None,
                pad=self.each(self.random.randint(0, k // 2), axes) if self.maybe(0.4) else None,
                output_pad=Literal(1) if self.maybe(0.3) else None, weight_norm=Literal(True) if self.maybe(0.05) else None,
                bias=Literal(self.maybe(0.5)) if self.maybe(0.1) else None,
                dilation=self.number(dilation) if dilation > 1 else None,
                groups=Literal(groups) if groups > 1 else None,
            )  # fmt: skip
        if choice == 1 and axes == 2 and x.shape[0] % 4 == 0:
            return self.call("pixel_shuffle", [Literal(2)])
        if choice == 2:
            amount = self.each(self.random.randint(0, 3), axes)
            mode = self.random.choice((None, "zeros", "reflect", "replicate", "circular"))
            word = None if mode is None else Word(mode)
            if self.maybe(0.3):
                return self.call("pad", before=amount, after=self.each(self.random.randint(0, 2), axes), mode=word)
            filling = Literal(1.5) if mode in (None, "zeros") and self.maybe(0.3) else None
            return self.call("pad", [amount], mode=word, value=filling)
        return self.call("upsample", [self.each(self.random.choice((1, 2, 2, 3)), axes, 1)], **self.interpolation(axes))

    def interpolation(self, axes: int) -> dict[str, Expression | None]:
        """Return the options of an interpolation."""
        mode = self.random.choice((None, "nearest", "linear", {1: "linear", 2: "bilinear", 3: "trilinear"}[axes], "bicubic"))
        if mode == "bicubic" and axes != 2 and self.maybe(0.9):
            mode = "linear"
        aligned = Literal(True) if mode not in (None, "nearest") and self.maybe(0.3) else None
        return {"mode": None if mode is None else Word(mode), "align_corners": aligned}

    def on_shape(self, x: Value, axes: int, likes: Sequence[Expression] = ()) -> Apply:
        """Return an op that rearranges."""
        channels = x.shape[0]
        choices = [
            self.call("roll", [Literal(self.random.randint(-3, 3))], axis=Literal(self.random.choice((0, 1, -1)))),
            self.call("blur_pool", [], k=self.number(self.random.choice((2, 3, 3, 5))) if self.maybe(0.3) else None,
                      stride=Literal(self.random.choice((1, 3))) if self.maybe(0.3) else None,
                      pad_mode=Word(self.random.choice(("zeros", "circular"))) if self.maybe(0.3) else None),
            self.call("pad_channels", [self.number(channels + self.random.randrange(3), x)]),
            self.call("scale", [Literal(self.random.choice((0.5, 2.0)))]),
            self.call("channel_shuffle", [Literal(2 if channels % 2 == 0 else 1)]),
            self.call("slice", [Range(Literal(0), self.number(max(1, channels - 1)))]),
            self.call("slice", [Range(Literal(1), Literal(min(4, max(2, min(x.shape[1:])))))], axis=Literal(-1)),
        ]  # fmt: skip
        if axes == 2:
            choices += self.windows()
        if any(x.open) and self.maybe(0.4):
            choices += [self.call("reshape", [ListOf((Literal(channels), Literal(-1)))]), self.call("flatten")]
        if axes > 1:
            choices.append(self.call("transpose", [Literal(1), Literal(2 if self.maybe(0.5) else -1)]))
        if not any(x.open):
            choices += [
                self.call("permute", [ListOf(tuple(Literal(at) for at in self.random.sample(range(axes + 1), axes + 1)))]),
                self.call("flatten"),
                self.call("linear", [self.number(self.width())], axis=Literal(-1) if axes > 1 else None),
            ]
        return self.random.choice(choices)

    def windows(self) -> list[Apply]:
        """Return ops on windows of an image."""
        stride = self.each(self.random.choice((1, 2, 3)), 2, 1) if self.maybe(0.5) else None
        return [
            self.call("pixel_unshuffle", [Literal(self.random.choice((1, 2, 2, 3)))]),
            self.call("unfold", [self.each(self.random.choice((1, 2, 3)), 2, 1)], stride=stride,
                      pad=self.number(self.random.choice((0, 1))) if self.maybe(0.4) else None,
                      dilation=Literal(2) if self.maybe(0.2) else None),
        ]  # fmt: skip

    def on_arithmetic(self, x: Value, axes: int, likes: Sequence[Expression] = ()) -> Apply:
        """Return an elementwise function, an op with a number, or a reduction."""
        number = Literal(self.random.choice((0.5, 1, 2, -0.25)))
        if self.maybe(0.5):
            calls = [
                self.call(self.random.choice(("abs", "sin", "cos", "exp"))),
                self.call("clamp", [Literal(-1), Literal(1)]),
                self.call("clamp", high=Literal(0.5)),
                self.call("pow", [Literal(self.random.choice((1, 2)))]),
            ]
            calls += [self.call(self.random.choice(("add", "sub", "div", "min", "max")), [number]) for _ in range(3)]
            return self.random.choice(calls)
        axis: Expression = Literal(self.random.choice((0, -1, axes)))
        both = self.maybe(0.2)
        if both:
            axis = ListOf((Literal(0), Literal(-1)))
        keep = Literal(True) if axes < (2 if both else 1) or self.maybe(0.7) else None  # something is left
        name = self.random.choice(("mean", "sum", "var", "norm", "min", "max"))
        biased = Literal(False) if name == "var" and self.maybe(0.5) else None
        power = Literal(1.0) if name == "norm" and self.maybe(0.3) else None
        return self.call(name, axis=axis, keep=keep, unbiased=biased, p=power)

    def on_to(self, x: Value, axes: int, likes: Sequence[Expression] = ()) -> Apply:
        """Return a pool to a fixed size."""
        if self.maybe(0.3):
            return self.call("gap")
        if self.maybe(0.3):
            bend = self.interpolation(axes)
            smooth = axes == 2 and bend["mode"] in (Word("bilinear"), Word("bicubic"))
            return self.call("resize", [self.each(self.random.choice((3, 5, 8)), axes, 1)], **bend,
                             antialias=Literal(True) if smooth and self.maybe(0.4) else None)  # fmt: skip
        return self.call(self.random.choice(("maxpool_to", "avgpool_to")), [self.each(self.random.choice((1, 2, 3, 7)), axes, 1)])

    def probability(self) -> Expression:
        """Return a probability, mostly one that leaves nothing to chance."""
        return Literal(self.random.choice((0.0, 1.0, 0.0, 1.0, 0.5)))

    def on_chance(self, x: Value, axes: int, likes: Sequence[Expression] = ()) -> Apply:
        """Return an op that is random in training."""
        name = self.random.choice(("dropout", "dropout2d", "droppath"))
        mode = Word("batch") if name == "droppath" and self.maybe(0.5) else None
        return self.call(name, [self.probability()], mode=mode)

    def on_like(self, x: Value, axes: int, likes: Sequence[Expression] = ()) -> Apply:
        """Return an op that brings `x` to the size of another value."""
        like = self.random.choice(list(likes))
        if self.maybe(0.5):
            kept = Word("start") if self.maybe(0.3) else None
            return self.call("crop_like", [like], keep=kept, axis=Literal(-1) if self.maybe(0.2) else None)
        return self.call("resize_like", [like], **self.interpolation(axes))
