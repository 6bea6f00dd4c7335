"""Random programs, seeded, that are valid by construction: every way in which labels, values and joins can meet.

Channels are expressions of the language, always even, so that bodies of blocks work for any input; sizes are numbers
that the blocks keep, and the network halves now and then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

SAME = ("bn", "relu", "leaky_relu(0.1)", "elu", "sigmoid", "tanh", "silu", "gelu", "relu6", "prelu", "selu", "softplus", "ln",
        "gn(2)",
        "dropout(0.3)", "droppath(0.2)", "layer_scale(0.5)", "depthwise(3)", "maxpool(3, stride = 1, pad = 1)", "lrn(3)",
        "avgpool(3, stride = 1, pad = 1)", "softmax", "channel_shuffle(2)", "bn(affine = false)", "instance_norm",
        "hardswish")  # fmt: skip
"""Ops that keep the shape."""
LABELS = (
    "a",
    "b",
    "torch_",
    "nn",
    "F",
    "image",
    "y",
    "z",
    "x2",
    "range",
    "print",
    "super",
    "self",
    "Tensor",
    "stem",
    "y2",
    "Any",
)
INITIALIZERS = ("ones", "constant(0.5)", "normal(std = 0.2)", "zeros")


@dataclass
class Body:
    """What is known where a statement stands: the channels and size of `x`, the values in sight, and where it may put a head."""

    channels: str
    size: int
    values: dict[str, tuple[str, int]] = field(default_factory=dict)
    depth: int = 0
    heads: bool = False
    loop: bool = False


class Program:
    """One program. `text` is its source; `axes` how many spatial axes its tensors have."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._used: set[str] = set()
        self._blocks: list[str] = []
        self._headed: set[str] = set()
        self.axes = self._random.choice((1, 2, 2, 2, 2, 3))
        blocks = [self._block(i) for i in range(self._random.randint(1, 3))]
        self.text = "\n".join([*blocks, HEAD, self._network()])

    # -- definitions --

    def _block(self, number: int) -> str:
        name = f"unit{number}"
        body = Body("c0", 8, depth=1, heads=True)
        self._used = set()
        lines = [
            "  let c0 = x.c",
            *self._statements(body, self._random.randint(1, 4)),
            self._random.choice(
                ("  last: conv(w, k)", "  conv(w, k) -> f", "  if x.c != w { last: conv(w, 1) }", "  last: f -> conv(w, k) -> bn")
            ),
        ]
        self._blocks.append(name)
        if any(word in line for line in lines for word in ("aux(", "output ", *self._headed)):
            self._headed.add(name)
        return "\n".join([f"block {name}(w, k = 3, f: op = relu) {{", *lines, "}"])

    def _network(self) -> str:
        pick = self._random
        self._used = {"image", "other", "tokens"}
        size = pick.choice((8, 9, 12))
        axes = ", ".join([str(size)] * self.axes)
        body = Body("4", size, heads=True)
        if self.axes == 1 and pick.random() < 0.6:
            lines = [f"  input tokens: int [{size}]", "  embedding(11, 4)", "  permute([1, 0])"]
        else:
            lines = [f"  input image [4, {axes}]"]
        if pick.random() < 0.4:
            lines.append(f"  input other [4, {axes}]")
            body.values["other"] = ("4", size)
        lines += self._statements(body, pick.randint(3, 7))
        if pick.random() < 0.5:
            lines += ["  gap; flatten", pick.choice(("  linear(3)", "  fc: linear(3)"))]
        if pick.random() < 0.4:
            lines.append(
                f"  init {{ conv = {pick.choice(INITIALIZERS)}; bn = {pick.choice(('ones', 'constant(0.5)'))}; "
                f"linear = {pick.choice(INITIALIZERS)} }}"
            )
        return "\n".join(["network net {", *lines, "}"])

    # -- statements --

    def _statements(self, body: Body, count: int) -> list[str]:
        indent = "  " * (body.depth + 1 if body.depth else 1)
        return [indent + line for _ in range(count) for line in self._statement(body)]

    def _statement(self, body: Body) -> list[str]:
        kinds = [self._pipeline] * 5
        if body.depth < 3:
            kinds += [
                self._group,
                self._skip,
                self._skip,
                self._concat,
                self._mul,
                self._sum,
                self._loop,
                self._family,
                self._choice,
            ]
        kinds += [self._call] * 2 if self._callable(body) else []
        kinds += [self._use] * 2 if any(size == body.size for _, size in body.values.values()) else []
        kinds += [self._head, self._output] if body.heads and not body.loop else []
        kinds += [self._halve] if body.depth == 0 and body.size >= 8 else []
        return self._random.choice(kinds)(body)

    def _op(self, body: Body) -> str:
        if self._random.random() < 0.5:
            return self._random.choice(SAME)
        body.channels = self._random.choice(("4", "6", "8"))
        kernel = self._random.choice((1, 3, "3, bias = false", "1, init = constant(0.1)"))
        return f"conv({body.channels}, {kernel})" if self._random.random() < 0.8 else f"bottleneck({body.channels})"

    def _pipeline(self, body: Body) -> list[str]:
        ops = [self._op(body) for _ in range(self._random.randint(1, 4))]
        return [
            self._labelled(body, " -> ".join(ops) if self._random.random() < 0.7 or len(ops) == 1 else f"{{ {'; '.join(ops)} }}")
        ]

    def _labelled(self, body: Body, stage: str, chance: float = 0.5) -> str:
        """A stage, maybe with a label, whose value is then in sight."""
        if body.loop or self._random.random() > chance:
            return stage
        name = self._name(self._random.choice(LABELS))
        if self._random.random() < 0.2:
            return f'"{name}": {stage}'
        body.values[name] = (body.channels, body.size)
        return f"{name}: {stage}"

    def _name(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self._used:
            name, number = f"{wanted}{number}", number + 1
        self._used.add(name)
        return name

    def _inside(self, body: Body, count: int, *, keep: bool = False, heads: bool = False) -> tuple[list[str], Body]:
        """Statements in braces; with `keep` they end with the channels that they began with."""
        inner = replace(body, values=dict(body.values), depth=body.depth + 1, heads=heads)
        lines = self._statements(inner, count)
        if keep and inner.channels != body.channels:
            lines.append("  " * (inner.depth + 1) + f"conv({body.channels}, 1)")
            inner.channels = body.channels
        return lines, inner

    def _group(self, body: Body) -> list[str]:
        labelled = self._random.random() < 0.7 and not body.loop
        name = self._name("part") if labelled else ""
        lines, inner = self._inside(body, self._random.randint(1, 3), heads=body.heads)
        body.channels, body.size = inner.channels, inner.size
        if labelled:
            body.values[name] = (body.channels, body.size)
        return [f"{name}: {{" if labelled else "{", *lines, "}"]

    def _skip(self, body: Body) -> list[str]:
        options = self._random.choice(("", "", "(drop = 0.3)", "(scale = 0.5)", "(drop = 0.2, scale = 0.5)"))
        if self._random.random() < 0.5:
            lines, _ = self._inside(body, self._random.randint(1, 3), keep=True)
            return [f"skip{options} {{", *lines, "  " * (body.depth + 2) + "relu", "}"]
        lines, _ = self._inside(body, self._random.randint(1, 2))
        lines.append("  " * (body.depth + 2) + "conv(8, 1)")
        before, body.channels = body.channels, "8"
        via = f"conv(8, 1) -> bn{'' if before == '8' else ' -> relu'}"
        return [f"skip{options} {{", *lines, f"}} via {{ {via} }}"]

    def _branch(self, body: Body, *, keep: bool) -> tuple[list[str], str]:
        lines, inner = self._inside(body, 1, keep=keep)
        name = f"{self._name('branch')}: " if self._random.random() < 0.5 and not body.loop else ""
        return [f"  {name}{{", *lines, "  }"], inner.channels

    def _concat(self, body: Body) -> list[str]:
        found, widths = [], []
        for _ in range(self._random.randint(1, 3)):
            lines, width = self._branch(body, keep=False)
            found += lines
            widths.append(width)
        if self._random.random() < 0.5:
            found.append("  x")
            widths.append(body.channels)
        for name in [n for n, (_, size) in body.values.items() if size == body.size][:1]:
            found.append(f"  {name}")
            widths.append(body.values[name][0])
        body.channels = f"({' + '.join(widths)})"
        return [self._labelled(body, "concat {", 0.2), *found, "}"] if not body.loop else ["concat {", *found, "}"]

    def _sum(self, body: Body) -> list[str]:
        kind = self._random.choice(("add", "shake", "add"))
        found = [line for _ in range(self._random.randint(1, 3)) for line in self._branch(body, keep=True)[0]]
        return [f"{kind} {{", *found, *(["  x"] if self._random.random() < 0.5 else []), "}"]

    def _mul(self, body: Body) -> list[str]:
        return [f"mul {{ x; {{ gap; conv({body.channels}, 1); relu; conv({body.channels}, 1); sigmoid }} }}"]

    def _loop(self, body: Body) -> list[str]:
        lines, _ = self._inside(replace(body, loop=True), self._random.randint(1, 2), keep=True)
        kind = self._random.randrange(3)
        if kind == 0:
            return [f"repeat {self._random.randint(1, 4)} {{", *lines, "}"]
        if kind == 1 or body.loop:
            return ["for i in 0..2 {", *lines, "}"]
        name = self._name("stage")
        return ["for i, n in [1, 2, 1] {", f'  "{name}{{i + 1}}": for j in 0..n {{', *lines, "  }", "}"]

    def _family(self, body: Body) -> list[str]:
        """Members of a family in any order, and a use of one."""
        if body.loop:
            return self._pipeline(body)
        name = self._name("enc")
        indices = self._random.choice(([0, 1, 2], [2, 1, 0], [3, 1], [1, 0, 5], [0]))
        stage = self._random.choice(
            ("conv(8, 3)", "{ conv(8, 3); relu }", "conv(8, 3) -> bn", *(f"{b}(8)" for b in self._callable(body)))
        )
        body.channels = "8"
        between = self._random.choice(([], ["  relu"], ["  conv(8, 1)"]))
        for index in indices:
            body.values[f"{name}[{index}]"] = ("8", body.size)
        return [f"for i in {indices} {{", f"  {name}[i]: {stage}", *between, "}"]

    def _choice(self, body: Body) -> list[str]:
        first, _ = self._inside(body, 1, keep=True)
        second, _ = self._inside(body, 1, keep=True)
        return ["if x.c > 4 {", *first, "} else {", *second, "}"]

    def _call(self, body: Body) -> list[str]:
        block = self._random.choice(self._callable(body))
        width = self._random.choice(("4", "8", "6"))
        body.channels = width
        rest = self._random.choice(("", ", k = 1", ", 3", ", f = leaky_relu(0.1)", ", k = 1, f = bn"))
        stage = f"{block}({width}{rest})"
        return [f"{self._name('unit')}: {stage}" if block in self._headed else self._labelled(body, stage)]

    def _callable(self, body: Body) -> list[str]:
        """Blocks that may be called here; those with heads only where a head's name has labels alone."""
        return [block for block in self._blocks if block not in self._headed or (body.heads and not body.loop)]

    def _use(self, body: Body) -> list[str]:
        """A value of this size, beside `x` or in its place."""
        name = self._random.choice([name for name, (_, size) in body.values.items() if size == body.size])
        width = body.values[name][0]
        kind = self._random.randrange(4)
        if kind == 0:
            body.channels = width
            return [f"{name} -> {self._random.choice(SAME)}"]
        if kind == 1:
            body.channels = f"({body.channels} + {width})"
            return [f"concat {{ x; {name} }}"]
        if kind == 2:
            body.channels = width
            return [f"add {{ conv({width}, 3); {name} }}"]
        body.channels = width
        return [f"add {{ {name} -> relu; {{ conv({width}, 1); relu }}; {name} }}"]

    def _head(self, body: Body) -> list[str]:
        kind = self._random.choice(("ending(5)", "{ gap; flatten; linear(3) }", "gap -> flatten -> linear(2)", "relu"))
        return [f"aux(weight = 0.3) {self._name('head')}: {kind}"]

    def _output(self, body: Body) -> list[str]:
        return [
            f"output {self._name('mask')}: {self._random.choice(('conv(2, 1)', 'conv(2, 1) -> sigmoid', 'relu', 'ending(4)'))}"
        ]

    def _halve(self, body: Body) -> list[str]:
        body.size = (body.size + 1) // 2
        stage = self._random.choice(("maxpool(3, stride = 2, pad = 1)", f"conv({body.channels}, 3, stride = 2)"))
        return [self._labelled(body, stage)]


HEAD = """block ending(classes) {
  gap; flatten
  fc1: linear(6); relu; dropout(0.2)
  fc2: linear(classes)
}"""
