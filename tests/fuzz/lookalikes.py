"""Random networks of parts that are alike, or nearly: what a diagram may fold, and what it must not.

All values have four channels and one size, so that any two may be joined; programs are valid but for mistakes in this file.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

UNITS = (
    "relu", "bn", "conv(4, 3)", "conv(4, 1)", "conv(4, 3) -> bn -> relu", "bn -> relu -> conv(4, 3)", "relu -> relu",
    "dropout(0.1)", "dropout(0.2)",
    "droppath(0.1)", "maxpool(3, stride = 1, pad = 1)", "conv(6, 1) -> conv(4, 1)", "{ gap; conv(4, 1); upsample(8) }",
    "layer_scale(0.1)",
    "maxpool(2) -> upsample(2)", "conv(4, 3, groups = 2)", "relu -> bn -> relu -> bn -> relu -> bn -> relu -> bn -> relu",
)  # fmt: skip


class Lookalikes:
    """One program: `text` is its source."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._count = 0
        self._blocks: list[str] = []
        blocks = [self._block() for _ in range(random.choice((0, 0, 1, 1, 2)))]
        body = self._body(0, ["image"], random.choice((1, 1, 2, 2, 3)))
        ending = random.choice(("", "; gap; flatten; linear(3)"))
        self.text = "\n".join([*blocks, f"network net {{\n  input image [4, 8, 8]\n  {body}{ending}\n}}\n"])

    def _chance(self, p: float) -> bool:
        return self._random.random() < p

    def _name(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def _block(self) -> str:
        body = self._body(2, [], self._random.randint(1, 2))
        name = self._name("block")
        self._blocks.append(name)
        return f"block {name}(p = 0.1) {{ {body} }}"

    def _body(self, depth: int, seen: list[str], count: int) -> str:
        """Statements. `seen` are the labels in sight, to which they add theirs."""
        return "; ".join(self._statement(depth, seen) for _ in range(count))

    def _statement(self, depth: int, seen: list[str]) -> str:
        kinds: list[Callable[[int, list[str]], str]] = [self._unit] * 3
        if depth < 3:
            kinds += [self._loop, self._group, self._run, self._run, self._family, self._dense, self._chain, self._grow]
            kinds += [self._call] * 2 * bool(self._blocks)
        if depth < 4:
            kinds += [self._join, self._skip]
        if depth == 0:
            kinds += [self._end, self._run, self._run]
        return self._random.choice(kinds)(depth, seen)

    def _unit(self, depth: int, seen: list[str]) -> str:
        return self._random.choice(UNITS)

    def _call(self, depth: int, seen: list[str]) -> str:
        return self._random.choice(self._blocks) + self._random.choice(("", "", "(0.1)", "(0.3)"))

    def _join(self, depth: int, seen: list[str]) -> str:
        kind = self._random.choice(("add", "add", "mul", "shake", "concat", "concat"))
        parts = [self._operand(depth, seen) for _ in range(self._random.choice((1, 2, 2, 2, 3, 4)))]
        text = f"{kind} {{ {'; '.join(parts)} }}"
        return f"{{ {text} -> conv(4, 1) }}" if kind == "concat" else text

    def _operand(self, depth: int, seen: list[str]) -> str:
        if seen and self._chance(0.5):
            return self._random.choice(seen[-4:]) + self._random.choice(("", "", "", " -> relu"))
        return "x" if self._chance(0.4) else f"{{ {self._body(depth + 2, list(seen), self._random.randint(1, 2))} }}"

    def _skip(self, depth: int, seen: list[str]) -> str:
        drop = self._random.choice(("", "", "(drop = 0.1)", "(drop = 0.2)", "(scale = 0.5)"))
        via = self._random.choice(("", "", " via { conv(4, 1) }"))
        return f"skip{drop} {{ {self._body(depth + 1, list(seen), self._random.randint(1, 2))} }}{via}"

    def _group(self, depth: int, seen: list[str]) -> str:
        text = f"{{ {self._body(depth + 1, list(seen), self._random.randint(1, 2))} }}"
        if self._chance(0.3):
            return text
        name = self._name("g")
        seen.append(name)
        return f"{name}: {text}"

    def _loop(self, depth: int, seen: list[str]) -> str:
        body = self._body(3, list(seen), self._random.randint(1, 2))  # without labels, which each round would give again
        more = self._random.choice(
            (
                "",
                "",
                "",
                "; if i == 1 { relu }",
                "; if i % 2 == 0 { conv(4, 1) } else { conv(4, 3) }",
                "; skip(drop = i / 20) { conv(4, 3); bn }",
            )
        )
        return f"for i in 0..{self._random.choice((1, 2, 3, 4, 5))} {{ {body}{more} }}"

    def _run(self, depth: int, seen: list[str]) -> str:
        """Statements with labels, from one draft, of which some differ: in their last op, a source, the number of inputs."""
        draft, prefix = self._random.getrandbits(32), self._name("r")
        style = self._random.choice(("{}{}", '"{}_{}"'))
        texts = []
        random, first, most = self._random, self._count, self._count
        for i in range(random.choice((2, 2, 3, 4))):
            name = style.format(prefix, i)
            self._count = first  # the same labels inside
            self._random = Random(draft if self._chance(0.8) else draft + i + 1)
            around = seen[-1:] if self._random.random() < 0.5 else seen[:1]
            body = self._body(depth + 2, list(around), self._random.choice((1, 1, 2)))
            self._random, most = random, max(most, self._count)
            texts.append(f"{name}: {{ {body}{self._random.choice(('',) * 6 + ('; relu', '; add { x; x }'))} }}")
            if style[0] != '"':
                seen.append(name)
        self._count = most
        return "; ".join(texts)

    def _family(self, depth: int, seen: list[str]) -> str:
        name = self._name("f")
        count = self._random.randint(2, 4)
        body = self._body(depth + 1, list(seen), self._random.randint(1, 2))
        seen.append(f"{name}[{self._random.randrange(count)}]")
        return f"for i in 0..{count} {{ {name}[i]: {{ {body} }} }}"

    def _dense(self, depth: int, seen: list[str]) -> str:
        """Each part takes the values of all before it, or of some."""
        name, count = self._name("e"), self._random.randint(2, 5)
        first = self._random.choice(("0", "0", "max(0, i - 2)", "max(0, i - 1)", "i // 2", "i % 2 if i > 1 else 0"))
        join, after = self._random.choice(
            (("concat", "conv(4, 3)"), ("concat", "conv(4, 3) -> bn -> relu"), ("add", "relu"), ("add", "conv(4, 3)"))
        )
        own = self._random.choice(("", "", "x; "))
        seen.append(f"{name}[{self._random.randrange(count)}]")
        return (
            f"{name}[0]: conv(4, 3); for i in 1..{count} {{ {name}[i]: {{ {join} {{ {own}for j in {first}..i {{ {name}[j] }} "
            f"}}; {after} }} }}"
        )

    def _chain(self, depth: int, seen: list[str]) -> str:
        """Parts that each join the value of the one before, or of the one before that, with theirs."""
        name, count, back = self._name("c"), self._random.randint(3, 6), self._random.choice((1, 1, 2))
        source = self._random.choice((f"{name}[max(0, i - {back})]", f"{name}[0]", f"{name}[(i - 1) % {back}]"))
        return (
            f"{name}[0]: relu; for i in 1..{count} {{ {self._random.choice(UNITS)}; {name}[i]: {{ add {{ x; {source} }}; "
            f"conv(4, 3) }} }}"
        )

    def _grow(self, depth: int, seen: list[str]) -> str:
        growth = self._random.choice(("2", "3", "2 + i % 2", "i + 1"))
        inner = self._random.choice(("conv({}, 3)", "bn; relu; conv({}, 3)", "conv(8, 1); conv({}, 3)")).format(growth)
        label = self._random.choice(("", '"{}{{i}}": ', "{}[i]: ")).format(self._name("d"))
        return f"{{ for i in 0..{self._random.randint(2, 5)} {{ {label}{{ concat {{ x; {{ {inner} }} }} }} }}; conv(4, 1) }}"

    def _end(self, depth: int, seen: list[str]) -> str:
        """A head or a further output, of `x` or of a value in sight."""
        body = self._random.choice(("gap; flatten; linear(3)", "conv(1, 1)", *(f"{label} -> relu" for label in seen[-2:])))
        return f"{self._random.choice(('aux', 'aux', 'output'))} {self._name('h')}: {{ {body} }}"
