"""Random networks as trees, and many texts for each of them: what refactoring changes in a text, and not in a network."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple, TypeAlias


class Op(NamedTuple):
    """An op with its arguments by name, in positional order."""

    name: str
    arguments: tuple[tuple[str, object], ...] = ()


class Skip(NamedTuple):
    """A residual connection around a body."""

    body: tuple[Tree, ...]


class Branches(NamedTuple):
    """The sum of several bodies of the same input."""

    bodies: tuple[tuple[Tree, ...], ...]


class Repeat(NamedTuple):
    """A body several times."""

    times: int
    body: tuple[Tree, ...]


Tree: TypeAlias = "Op | Skip | Branches | Repeat"

_BIAS = ("bias", "true")
"""Given, since without it the op after a convolution decides."""
_OPS = (
    Op("conv", (("out", 8), ("k", 3), _BIAS)), Op("conv", (("out", 8), ("k", 1), _BIAS)),
    Op("conv", (("out", 8), ("k", 3), ("stride", 1), ("groups", 2), _BIAS)),
    Op("bn"), Op("relu"), Op("gelu"), Op("maxpool", (("k", 3), ("stride", 1), ("pad", 1))), Op("gn", (("groups", 2),)),
)  # fmt: skip


def random_tree(random: Random, depth: int = 3, length: int = 5) -> tuple[Tree, ...]:
    """Return a random body."""
    found: list[Tree] = []
    for _ in range(random.randint(1, length)):
        kind = random.random() if depth else 0.0
        if kind < 0.6:
            found.append(random.choice(_OPS))
        elif kind < 0.75:
            found.append(Skip(random_tree(random, depth - 1, 4)))
        elif kind < 0.85:
            found.append(Branches(tuple(random_tree(random, depth - 1, 3) for _ in range(random.randint(2, 3)))))
        else:
            found.append(Repeat(random.randint(2, 3), random_tree(random, depth - 1, 3)))
    return tuple(found)


def runs(trees: Sequence[Tree], times: int = 1) -> list[tuple[Tree, int]]:
    """Return each op in a body, in order, with how many times it runs."""
    found: list[tuple[Tree, int]] = []
    for tree in trees:
        if isinstance(tree, Op):
            found.append((tree, times))
        elif isinstance(tree, Branches):
            found += [one for body in tree.bodies for one in runs(body, times)]
        else:
            found += runs(tree.body, times * (tree.times if isinstance(tree, Repeat) else 1))
    return found


def replaced(trees: Sequence[Tree], place: int, by: tuple[Tree, ...]) -> tuple[Tree, ...]:
    """Return a body with other ops in the place of one, which is a position among those of `runs`."""
    found: list[Tree] = []
    for tree in trees:
        size = len(runs((tree,)))
        if not 0 <= place < size:
            found.append(tree)
        elif isinstance(tree, Op):
            found += by
        elif isinstance(tree, Branches):
            bodies, at = [], place
            for body in tree.bodies:
                bodies.append(replaced(body, at, by))
                at -= len(runs(body))
            found.append(Branches(tuple(bodies)))
        else:
            found.append(tree._replace(body=replaced(tree.body, place, by)))
        place -= size
    return tuple(found)


class Writer:
    """Writes a network with random labels, blocks, loops and orders of arguments."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._blocks: list[str] = []
        self._names = 0
        self._loops: list[str] = []
        """The variables of the loops around, in the block that is being written; empty for `repeat`, which has none."""

    def network(self, trees: Sequence[Tree]) -> str:
        """Return the text of a network."""
        body = self._body(trees)
        return "\n".join([*self._blocks, f"network net {{ input image [8, 6, 6]\n{body} }}"])

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}_{self._random.choice('abcdef')}{self._names}"

    def _body(self, trees: Sequence[Tree]) -> str:
        """Return the statements of a body, some of them in blocks of their own."""
        statements, at = list[str](), 0
        while at < len(trees):
            size = self._random.randint(1, len(trees) - at)
            if self._random.random() < 0.25:
                statements.append(self._labelled(self._block(trees[at : at + size])))
                at += size
            else:
                statements += self._statements(trees[at])
                at += 1
        return "\n".join(statements)

    def _block(self, trees: Sequence[Tree]) -> str:
        name = self._name("block")
        around, self._loops = self._loops, []
        body = self._body(trees)
        self._loops = around
        if self._random.random() < 0.5:
            self._blocks.append(f"block {name}(k) {{ {body} }}")
            return f"{name}({self._random.randint(1, 9)})"
        self._blocks.append(f"block {name} {{ {body} }}")
        return name

    def _labelled(self, stage: str) -> str:
        if self._random.random() > 0.3 or not all(self._loops):
            return stage
        name = self._name("label")
        return (
            f'"{name}_{"_".join(f"{{{variable}}}" for variable in self._loops)}": {stage}' if self._loops else f"{name}: {stage}"
        )

    def _statements(self, tree: Tree) -> list[str]:
        if isinstance(tree, Op):
            return [self._labelled(self._call(tree))]
        if isinstance(tree, Skip):
            return [f"skip {{ {self._body(tree.body)} }}"]
        if isinstance(tree, Branches):
            bodies = "\n".join(f"{{ {self._body(body)} }}" for body in tree.bodies)
            return [f"add {{ {bodies} }}"]
        way = self._random.randrange(3)
        if way == 0:
            return [self._body(tree.body) for _ in range(tree.times)]
        variable = self._name("i") if way == 1 else ""
        self._loops.append(variable)
        body = self._body(tree.body)
        self._loops.pop()
        loop = f"for {variable} in 0..{tree.times}" if variable else f"repeat {tree.times}"
        return [f"{loop} {{ {body} }}"]

    def _call(self, op: Op) -> str:
        arguments = list(op.arguments)
        split = self._random.randint(0, min(2, len(arguments)))  # further parameters have others between them
        by_name = [f"{name} = {value}" for name, value in arguments[split:]]
        self._random.shuffle(by_name)
        words = [*(str(value) for _, value in arguments[:split]), *by_name]
        return f"{op.name}({', '.join(words)})" if words else op.name
