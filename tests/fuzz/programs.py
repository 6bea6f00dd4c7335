"""Random networks whose sizes may be open: every op that changes a size, every join, blocks, loops and conditions.

They are valid by syntax, names and channels, and sensible more often than not; whether the sizes fit is left to chance.
A reader of a program knows nothing about sizes: what the checker says of them is compared with PyTorch, not with this file.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

NEUTRAL = (
    "relu",
    "bn",
    "gn(1)",
    "gn(2)",
    "ln",
    "instance_norm",
    "lrn(3)",
    "dropout(0.1)",
    "sigmoid",
    "softmax",
    "droppath(0.1)",
    "layer_scale(0.1)",
)
WIDTHS = (2, 4)


@dataclass
class Body:
    """Where a statement stands: channels, axes and rough size of `x`, and the values in sight with theirs."""

    channels: int
    axes: int
    rough: float
    values: dict[str, tuple[int, int, float]] = field(default_factory=dict)
    depth: int = 0
    loop: bool = False


class Program:
    """One program: `text` is its source, `symbols` the sizes it leaves open (none where `fixed`)."""

    def __init__(self, random: Random, *, fixed: bool = False) -> None:
        self._random = random
        self._fixed = fixed
        self._labels = 0
        self._blocks: list[tuple[str, int, float]] = []
        self.axes = random.choice((1,) * 13 + (2,) * 6 + (3,))
        self.symbols: list[str] = []
        blocks = [self._block(i) for i in range(random.choice((0, 0, 0, 1, 2)))]
        uncalled = [self._uncalled()] if self._chance(0.1) else []
        self.text = "\n".join([*blocks, *uncalled, *self._network()]) + "\n"

    # -- chance --

    def _chance(self, p: float) -> bool:
        return self._random.random() < p

    def _number(self, low: int, high: int, axes: int = 1) -> str:
        """A number, or now and then a list with one for each axis."""
        if self._chance(0.8):
            return str(self._random.randint(low, high))
        return "[" + ", ".join(str(self._random.randint(low, high)) for _ in range(axes)) + "]"

    # -- definitions --

    def _network(self) -> list[str]:
        pick = self._random
        channels = pick.choice((1, 2, 3, 4)) if self._chance(0.3) else 2
        if self._fixed:
            names = [str(pick.choice((1, 2, 3, 5, 8, 13, 16, 24, 31, 32, 48))) for _ in range(self.axes)]
        else:
            names = pick.choice(
                (["H", "W", "D"], ["H", "W", "D"], ["N", "N", "N"], ["H", str(pick.choice((1, 7, 16, 32))), "W"])
            )[: self.axes]
        self.symbols = list(dict.fromkeys(n for n in names if n.isalpha()))
        lines = [
            f"  input image [{channels}, {', '.join(names)}]" + (self._where() if self._chance(0.2) and self.symbols else "")
        ]
        body = Body(channels, self.axes, 64.0)
        if self._chance(0.2):
            change, rough = pick.choice(
                (("{}", 64.0), ("2 * {}", 128.0), ("{} - 3", 61.0), ("{} // 2", 32.0), ("{} + 1", 65.0), ("({} + 1) // 2", 32.0))
            )
            lines.append(f"  input other [{channels}, {', '.join(change.format(n) for n in names)}]")
            body.values["other"] = (channels, self.axes, rough)
        lines += self._unet(body) if self._chance(0.25) else self._statements(body, pick.choice((1, 2, 2, 3, 3, 4, 6)))
        lines += self._ending(body)
        return ["network net {", *lines, "}"]

    def _where(self) -> str:
        def one() -> str:
            name, m = self._random.choice(self.symbols), self._random.choice((2, 3, 4, 8, 16, 32))
            return self._random.choice((f"{name} % {m} == 0", f"{name} >= {m}", f"{name} % {m} != 1", f"{name} > {m}",
                                        f"{name} // {m} >= 2",
                                        f"{name} == {m}", f"not {name} < {m}", f"({name} % {m} == 0 or {name} == 5)",
                                        f"3 <= {name} <= {5 * m}",
                                        f"{name} % {m} <= 1"))  # fmt: skip

        return " where " + " and ".join(one() for _ in range(self._random.randint(1, 2)))

    def _block(self, number: int) -> str:
        """A block that works for any channels; its width and stride are parameters."""
        name, axes = f"unit{number}", self.axes
        stride = self._chance(0.5)
        body = Body(0, axes, 64.0, depth=1)
        inner = self._random.choice((
            ["conv(w, 3, s) -> bn -> relu", "conv(w, 3)"],
            [f"skip {{ conv(w, 3, s); {self._keep(body)} }} via {{ if s != 1 or x.c != w {{ conv(w, 1, s) }} }}"],
            [f"skip {{ {self._shrink(body)}; conv(w, 1) }} via {{ {self._shrink(body)}; conv(w, 1) }}"],
            ["concat { conv(w // 2, 3, s); conv(w - w // 2, 1, s) }"],
            ["concat { conv(w // 2, 3, s); { maxpool(3, stride = s, pad = 1); conv(w - w // 2, 1) } }", self._keep(body)],
            [f"let c = x.c; a: {self._keep(body)}; conv(w, 1, s); if s == 1 and c == w {{ add {{ x; a }} }}"],
            ["depthwise(3, s); conv(w, 1)", "mul { x; { gap; conv(w, 1); sigmoid } }"],
        ))  # fmt: skip
        self._blocks.append((name, 2 if stride else 1, 2.0 if stride else 1.0))
        return "\n".join([f"block {name}(w, s = {2 if stride else 1}) {{", *(f"  {line}" for line in inner), "}"])

    def _uncalled(self) -> str:
        """A block that nothing calls: what depends on its parameters is unknown, and says nothing of the network."""
        body = self._random.choice((
            "if p { a: conv(2, 3) } else { a: conv(4, 1) }",
            "repeat p { a: relu; concat { if p > 2 { b: relu } else { b: bn } } }",
            "conv(2, 3); expect params == 7 and depth == p",
            "for i in 0..p { e[i]: conv(x.c, 3); expect x.c == 3 }; add { e[0]; e[p - 1]; x }",
            "if x.h == 3 { aux a: conv(1, 1) } else { aux a: conv(2, 1) }",
        ))  # fmt: skip
        return f"block uncalled(p) {{ {body} }}"

    def _ending(self, body: Body) -> list[str]:
        pick, lines = self._random, []
        if self._chance(0.1):
            lines.append(f"  output more: {self._random.choice(('conv(1, 1)', 'maxpool(2)', 'gap'))}")
        if self._chance(0.1):
            lines.append("  aux head: { avgpool_to(2); flatten; linear(3) }")
        if self._chance(0.3):
            to = pick.choice(("gap", "gap", "avgpool_to(2)", "maxpool_to(3)"))
            after = f" -> conv(3, {pick.randint(1, 4)}, pad = {pick.randint(0, 1)})" if self._chance(0.3) else ""
            lines.append(f"  {to}{after}; {pick.choice(('flatten', 'reshape([-1])'))}; linear(3)")
        return lines

    # -- statements --

    def _statements(self, body: Body, count: int) -> list[str]:
        return ["  " * (body.depth + 1) + line for _ in range(count) for line in self._statement(body)]

    def _statement(self, body: Body) -> list[str]:
        kinds = [self._pipeline] * 4 + [self._compared]
        if body.depth < 3:
            kinds += [self._skip, self._skip, self._concat, self._add, self._mul, self._loop, self._group, self._parallel]
        kinds += [self._use] * 3 if self._usable(body) else []
        kinds += [self._call] * 2 if self._blocks else []
        return self._random.choice(kinds)(body)

    def _compared(self, body: Body) -> list[str]:
        """A condition on sizes that is decided, open as they may be."""
        sizes = ("x.h", "x.w") if body.axes == 2 else ("x.l",) if body.axes == 1 else ("x.d", "x.h", "x.w")
        listed = ", ".join(sizes)
        condition, holds = self._random.choice((
            (f"x.shape == [x.c, {listed}]", True), (f"x.shape != [x.c + 1, {listed}]", True),
            (f"x.shape == [x.c, {listed}, 1]", False),
            (f"[{sizes[0]}] == [{sizes[0]}, 1]", False), (f"2 * {sizes[-1]} != 2 * {sizes[-1]} + 1", True),
        ))  # fmt: skip
        then, other = ("relu", "flatten") if holds else ("flatten", "relu")
        return [f"if {condition} {{ {then} }} else {{ {other} }}"]

    def _pipeline(self, body: Body) -> list[str]:
        if self._chance(0.08):
            return [self._turned(body)]
        stages = [self._op(body) for _ in range(self._random.randint(1, 2))]
        return [self._labelled(body, " -> ".join(stages))]

    def _labelled(self, body: Body, stage: str, chance: float = 0.4) -> str:
        if body.loop or not self._chance(chance):
            return stage
        self._labels += 1
        name = f"v{self._labels}"
        body.values[name] = (body.channels, body.axes, body.rough)
        return f"{name}: {stage}"

    def _op(self, body: Body) -> str:
        if self._chance(0.25):
            return self._neutral(body)
        if self._chance(0.15):
            return self._keep(body)
        if body.rough < 6:
            return self._grow(body)
        if body.rough > 200:
            return self._shrink(body)
        return self._random.choice((self._shrink, self._shrink, self._grow, self._trim, self._trim, self._conv, self._conv))(body)

    def _neutral(self, body: Body) -> str:
        op = self._random.choice(NEUTRAL)
        return "gn(1)" if op == "gn(2)" and body.channels % 2 else op

    def _keep(self, body: Body) -> str:
        """An op that keeps the shape, whatever the channels."""
        return self._random.choice(("depthwise(3)", "depthwise(5)", "maxpool(3, stride = 1, pad = 1)",
                                    "avgpool(3, stride = 1, pad = 1)", "relu",
                                    "pad(1) -> maxpool(3, stride = 1)", "maxpool(2, stride = 1) -> pad(before = 0, after = 1)",
                                    "lppool(1)",
                                    "pad(2, mode = reflect) -> avgpool(5, stride = 1)",
                                    "pad(1, mode = circular) -> maxpool(3, stride = 1)",
                                    "maxpool(3, stride = 1, pad = 1, ceil = true)", "upsample(2) -> maxpool(2)"))  # fmt: skip

    def _shrink(self, body: Body) -> str:
        pick = self._random
        stride = pick.choice((2, 2, 2, 2, 3, 4))
        body.rough /= stride
        k = pick.randint(1, 5)
        pad = pick.randint(0, k // 2)
        ceil = pick.choice(("", "", ", ceil = true"))
        dilation = f", dilation = {pick.randint(1, 3)}" if self._chance(0.2) else ""
        odd = pick.choice((1, 3, 5))
        return pick.choice((f"maxpool({stride})", f"maxpool({k}, stride = {stride}, pad = {pad}{ceil}{dilation})",
                            f"avgpool({k}, stride = {stride}, pad = {pad}{ceil})",
                            f"lppool({stride}{ceil})", f"lppool({k}, stride = {stride}{ceil})",
                            f"depthwise({odd}, stride = {stride})",
                            f"avgpool({stride}{ceil})", f"maxpool({stride}{ceil})",
                            f"maxpool({self._number(1, 3, body.axes)})"))  # fmt: skip

    def _grow(self, body: Body) -> str:
        pick = self._random
        scale = pick.choice((2, 2, 2, 3, 4))
        body.rough *= scale
        if body.axes == 2 and scale == 2 and self._chance(0.2):
            width = body.channels = pick.choice(WIDTHS)
            return f"conv({4 * width}, 3) -> pixel_shuffle(2)"
        if self._chance(0.4):
            mode = pick.choice(("", "", "", "", "", "", ", mode = linear", ", mode = linear, align_corners = true"))
            return f"upsample({scale}{mode})"
        body.channels = pick.choice(WIDTHS)
        k, pad, extra = pick.randint(1, 5), pick.randint(0, 2), pick.choice((0, 0, 1))
        options = "".join(
            (
                f", pad = {pad}" if pad else "",
                f", output_pad = {extra}" if extra else "",
                ", dilation = 2" if self._chance(0.1) else "",
            )
        )
        return pick.choice(
            (
                f"upconv({body.channels}, {scale})",
                f"upconv({body.channels}, {k}, {scale}{options})",
                f"upconv({body.channels}, 4, 2, pad = 1)",
            )
        )

    def _trim(self, body: Body) -> str:
        """An op that changes the size by a little."""
        pick = self._random
        k = pick.randint(1, 5)
        sides = f"before = {self._number(0, 3, body.axes)}, after = {self._number(0, 3, body.axes)}"
        mode = pick.choice(("", ", mode = reflect", ", mode = replicate", ", mode = circular", ", value = 1.0"))
        return pick.choice((f"pad({sides}{mode})", f"pad({self._number(1, 4, body.axes)}{mode})", f"maxpool({k}, stride = 1)",
                            f"avgpool({k}, stride = 1, ceil = true)", f"maxpool({k}, stride = 1, dilation = 2)",
                            f"conv({self._width(body)}, {k}, pad = {pick.randint(0, 3)})"))  # fmt: skip

    def _width(self, body: Body) -> int:
        body.channels = self._random.choice(WIDTHS)
        return body.channels

    def _conv(self, body: Body) -> str:
        pick, before = self._random, body.channels
        out = self._width(body)
        groups = ", groups = 2" if before % 2 == 0 and self._chance(0.2) else ""
        if self._chance(0.2):
            return f"bottleneck({out})"
        if self._chance(0.15) and before % 2 == 0:
            return f"conv({out}, 1) -> channel_shuffle(2)"
        stride = pick.choice((1, 1, 1, 2, 2, 3))
        body.rough /= stride
        dilation = f", dilation = {pick.randint(1, 3)}" if self._chance(0.2) else ""
        step = f", {stride}" if stride > 1 else ""
        if self._chance(0.6):
            return f"conv({out}, {pick.choice((1, 3, 3, 5, 7))}{step}{dilation}{groups})"
        return f"conv({out}, {self._number(1, 6, body.axes)}{step}, pad = {self._number(0, 3, body.axes)}{dilation}{groups})"

    def _turned(self, body: Body) -> str:
        """Axes cut or in another order."""
        pick, axis = self._random, self._random.randint(1, body.axes)
        if self._chance(0.3):
            start, length = pick.randint(0, 5), pick.randint(1, 6)
            return f"slice({start}..{start + length}, axis = {pick.choice((axis, axis, axis - body.axes - 1))})"
        if self._chance(0.2):
            body.channels, before = max(1, body.channels // 2), body.channels
            return f"slice({before - body.channels}..{before})"
        if body.axes == 2 and self._chance(0.3):
            return pick.choice(
                (
                    "permute([1, 2, 0]) -> relu -> permute([2, 0, 1])",
                    "transpose(0, 2) -> relu -> transpose(0, 2)",
                    "permute([0, 2, 1])",
                )
            )
        if body.axes > 1 and self._chance(0.5):
            return f"transpose({axis}, {pick.randint(1, body.axes)})"
        return pick.choice(("avgpool_to(7)", "maxpool_to(4)", "gap")) if self._chance(0.2) else "relu"

    # -- joins and bodies --

    def _inside(self, body: Body, count: int, *, loop: bool = False) -> tuple[list[str], Body]:
        inner = replace(body, values=dict(body.values), depth=body.depth + 1, loop=body.loop or loop)
        return self._statements(inner, count), inner

    def _restoring(self, body: Body, count: int, *, loop: bool = False) -> list[str]:
        """Statements that end with the channels, and often the size, that they began with."""
        indent = "  " * (body.depth + 2)
        if self._chance(0.5):
            lines = [indent + self._keep(body) for _ in range(self._random.randint(1, 2))]
            return [*lines, f"{indent}conv({body.channels}, 3)"] if body.channels else lines
        if self._chance(0.4):
            inner = replace(body, depth=body.depth + 1)
            lines = [indent + self._shrink(inner), indent + self._grow(inner)]
        else:
            lines, inner = self._inside(body, count, loop=loop)
        return lines if inner.channels == body.channels else [*lines, f"{indent}conv({body.channels}, 1)"]

    def _skip(self, body: Body) -> list[str]:
        option = self._random.choice(("", "", "(drop = 0.2)", "(scale = 0.5)"))
        lines = self._restoring(body, self._random.randint(1, 2))
        if self._chance(0.6):
            return [f"skip{option} {{", *lines, "}"]
        via = self._restoring(body, 1)
        return [f"skip{option} {{", *lines, "} via {", *via, "}"]

    def _branches(self, body: Body, *, widths: bool) -> tuple[list[str], int]:
        """Branches in braces, maybe `x` and values in sight, and their channels together."""
        lines: list[str] = ["  x"] if self._chance(0.4) else []
        total = body.channels * len(lines)
        for _ in range(self._random.randint(1, 2)):
            if widths and self._chance(0.5):
                inner_lines, inner = self._inside(body, 1)
            else:
                inner_lines, inner = self._restoring(body, 1), body
            lines += ["  {", *inner_lines, "  }"]
            total += inner.channels
        usable = [name for name in self._usable(body) if widths or body.values[name][0] == body.channels]
        if usable and self._chance(0.4):
            name = self._random.choice(usable)
            lines.append(f"  {name}")
            total += body.values[name][0]
        return lines, total

    def _concat(self, body: Body) -> list[str]:
        if self._chance(0.15):
            axis = self._random.randint(1, body.axes)
            lines, _ = self._branches(body, widths=False)
            return [f"concat(axis = {axis}) {{", *lines, "}"]
        lines, body.channels = self._branches(body, widths=True)
        head = self._labelled(body, "concat {", 0.2)
        return [head, *lines, "}"]

    def _add(self, body: Body) -> list[str]:
        lines, _ = self._branches(body, widths=False)
        return [f"{self._random.choice(('add', 'add', 'shake'))} {{", *lines, "}"]

    def _mul(self, body: Body) -> list[str]:
        gate = self._random.choice(("gap; {}; sigmoid", "slice(0..1, axis = 1); {}", "maxpool(2); {}", "avgpool_to(1); {}; relu"))
        lines, _ = self._branches(body, widths=False)
        return ["mul {", *lines, *([f"  {{ {gate.format(f'conv({body.channels}, 1)')} }}"] if self._chance(0.7) else []), "}"]

    def _parallel(self, body: Body) -> list[str]:
        """Two ways to halve a size, or to shrink and grow, which agree for some sizes."""
        one, two = replace(body), replace(body)
        first, second = self._shrink(one), self._shrink(two)
        if self._chance(0.3):
            first, second = f"{first} -> {self._grow(one)}", "relu"
        body.rough, channels = one.rough, one.channels + two.channels
        if self._chance(0.5):
            body.channels = channels
            return [f"concat {{ {{ {first} }}; {{ {second} }} }}"]
        width = self._width(body)
        return [f"add {{ {{ {first} -> conv({width}, 1) }}; {{ {second} -> conv({width}, 1) }} }}"]

    def _loop(self, body: Body) -> list[str]:
        lines = self._restoring(body, 1, loop=True)
        return [self._random.choice(("repeat 2 {", "repeat 3 {", "for i in 0..2 {", "for i, n in [1, 2] {")), *lines, "}"]

    def _group(self, body: Body) -> list[str]:
        lines, inner = self._inside(body, self._random.randint(1, 2))
        body.channels, body.rough = inner.channels, inner.rough
        return [self._labelled(body, "{", 0.6), *lines, "}"]

    def _call(self, body: Body) -> list[str]:
        name, _, factor = self._random.choice(self._blocks)
        body.channels, body.rough = self._random.choice(WIDTHS), body.rough / factor
        step = self._random.choice(("", "", ", s = 1", ", 2"))
        return [self._labelled(body, f"{name}({body.channels}{step})")]

    def _usable(self, body: Body) -> list[str]:
        close = [name for name, (_, axes, rough) in body.values.items() if axes == body.axes and 0.8 < rough / body.rough < 1.25]
        return close if close or self._chance(0.8) else [name for name, (_, axes, _) in body.values.items() if axes == body.axes]

    def _use(self, body: Body) -> list[str]:
        """A value in sight beside `x`, brought to its size or not."""
        name = self._random.choice(self._usable(body) or list(body.values))
        width = body.values[name][0]
        how = self._random.randrange(6)
        if how == 0:
            return [f"crop_like({name})"]
        if how == 1:
            return [f"resize_like({name}{self._random.choice(('', '', '', ', mode = linear'))})"]
        if how == 2:
            body.channels += width
            return (
                [f"concat {{ {name}; crop_like({name}) }}"] if self._chance(0.5) else [f"concat {{ {name} -> crop_like(x); x }}"]
            )
        if how == 3:
            body.channels = width
            return [f"add {{ {name}; conv({width}, 1) }}"]
        if how == 4:
            body.channels, _, body.rough = body.values[name]
            return [f"{name} -> {self._keep(body)}"]
        body.channels += width
        return [f"concat {{ x; {name} }}"]

    def _unet(self, body: Body) -> list[str]:
        """Down and up again, with a join at each level."""
        pick = self._random
        levels = pick.randint(1, 4)
        down, up = pick.choice((("maxpool(2)", "upconv(4, 2)"), ("maxpool(2)", "upconv(4, 2, stride = 2)"),
                          ("conv(4, 3, 2)", "upsample(2)"),
                                ("maxpool(3, stride = 2, pad = 1)", "upconv(4, 3, 2, pad = 1, output_pad = 1)"),
                                ("maxpool(2, ceil = true)", "upsample(2)"),
                                ("avgpool(3)", "upconv(4, 3)"),
                                ("conv(4, 4, 2, pad = 1)", "upconv(4, 4, 2, pad = 1)")))  # fmt: skip
        pad = pick.choice(("", "", ", pad = 0"))
        join = pick.choice(("concat { enc[level]; x }", "concat { enc[level]; x }", "concat { enc[level] -> crop_like(x); x }",
                            "resize_like(enc[level])",
                            "add { enc[level]; conv(4, 1) }", "concat { enc[level]; resize_like(enc[level]) }",
                            "crop_like(enc[level])"))  # fmt: skip
        body.channels = 4
        return [f"  let depth = {levels}", f"  enc[0]: conv(4, 3{pad})", "  for i in 1..depth + 1 {", f"    {down}",
                f"    enc[i]: conv(4, 3{pad}) -> relu", "  }",
                "  for i in 1..depth + 1 {", "    let level = depth - i", f"    {up}; {join}", f"    dec[level]: conv(4, 3{pad})",
                "  }"]  # fmt: skip
