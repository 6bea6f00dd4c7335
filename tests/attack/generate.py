"""Random programs: mostly valid ones, some nearly so.

A program is grown statement by statement. The interpreter runs each new statement at once, at sizes that stand for the
open ones, so that the next one can be chosen for the value that it meets; a statement that is refused is taken back, except
for the few that make a program nearly valid.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from tests.attack import constructs, network, token_constructs
from tests.attack.arguments import Leaves
from tests.attack.blocks import Blocks, Body
from tests.attack.families import dense, unet
from tests.attack.inputs import make_head
from tests.attack.interpret import Declared, Machine
from tests.attack.places import Modules
from tests.attack.program import (
    Apply,
    Argument,
    Binary,
    Call,
    Choice,
    Comprehension,
    Expect,
    Expression,
    For,
    Group,
    Head,
    If,
    Item,
    Join,
    Label,
    Let,
    ListOf,
    Literal,
    Module,
    Name,
    OpValue,
    Pipeline,
    Program,
    Range,
    Repeat,
    Size,
    Skip,
    Stage,
    Statement,
    Take,
)
from tests.attack.values import Closure, Refused, Value

DEEPEST = 3
MOST_ELEMENTS = 40_000  # of one example, at the sizes that programs are grown with


def generate(seed: int, *, fixed: bool = False, careless: float | None = None, statements: int = 7) -> Program:
    """Return the program of a seed.

    With `fixed`, no size is open. `careless` is the share of statements that stay although they are refused; if it is left
    out, most programs have none. `statements` is the most that the network has outside of braces.
    """
    return _Grower(random.Random(seed), fixed, careless, statements).program()


class _Grower:
    """Grows one program."""

    def __init__(self, chance: random.Random, fixed: bool, careless: float | None, statements: int) -> None:
        self.random = chance
        self.fixed = fixed
        self.statements = statements
        self.leaves = Leaves(chance)
        self.blocks = Blocks(self.leaves, self.grow)
        self.fresh = 0
        # The share of statements that stay although they are refused.
        self.careless = 0.3 if chance.random() < 0.12 else 0.0
        if careless is not None:
            self.careless = careless

    def maybe(self, probability: float) -> bool:
        return self.random.random() < probability

    def name(self, stem: str) -> str:
        self.fresh += 1
        return f"{stem}{self.fresh}"

    # The whole --------------------------------------------------------------------------------------------------------

    def program(self) -> Program:
        """Return a program that has at least one op."""
        head, nominal = make_head(self.random, fixed=self.fixed)
        head = replace(head, blocks=constructs.BLOCKS)
        with torch.no_grad():
            head = replace(head, constants=self.constants())
            machine, values = network.start(head, Modules(), network.make_inputs(head, nominal))
            x = next(iter(values.values()))
            opening: Body = ()
            if head.inputs[-1].mask and not x.integers:
                alone = len(x.shape) == 2 and head.inputs[-1].sizes[0] == Literal(1)
                if alone and self.maybe(0.6):
                    opening = (Pipeline((token_constructs.seen(self.leaves, self.name, x, "m"),)),)
                else:
                    opening = (Pipeline((token_constructs.masked(self.leaves, "m"),)),)
                x = machine.run(opening, x, "")
            body, machine, x = self.grow(machine, x, "", self.random.randint(2, self.statements), 0, heads=True)
            body = opening + body + self.take_up(head, machine, x)
        style = self.random.choice((0, self.random.randrange(1, 1_000_000)))
        blocks = tuple(self.blocks.defined)
        written = repr((body, blocks))
        blocks = (*(block for block in constructs.BLOCKS if f"name='{block.name}'" in written), *blocks)
        return replace(head, body=body, blocks=blocks, style=style)

    def constants(self) -> tuple[Let, ...]:
        """Return constants of the file, in any order."""
        if self.maybe(0.7):
            return ()
        lets = [
            Let("k1", Literal(self.leaves.width())),
            Let("k2", Binary("*", Name("k1"), Literal(self.random.randint(1, 2)))),
            Let("k3", Binary("+", Binary("*", Name("v"), Literal(2)), Name("k2")), ("v",)),
            Let("k4", Call("k3", (Name("k1"),))),
        ]
        if self.maybe(0.5):
            stage = self.leaves.activation()
            lets.append(Let("bend", OpValue(stage.name, stage.arguments)))
        self.random.shuffle(lets)
        return tuple(lets)

    def take_up(self, head: Program, machine: Machine, x: Value) -> Body:
        """Return a join with the other inputs, which ends many programs of several inputs."""
        used = {id(parent) for value in x.ancestors() for parent in (value, *value.parents)}
        others = [each for each in head.inputs[1:] if not each.integers and not each.mask]
        rest = [each for each in others if id(machine.visible()[each.name]) not in used]
        if not rest or self.maybe(0.3):
            return ()
        branches = tuple(Pipeline((Take(Name(each.name)), *self.narrowed(len(each.sizes)))) for each in rest)
        return (Pipeline((*self.narrowed(len(x.shape)), Join("concat", (Pipeline((Take(Name("x")),)), *branches)))),)

    def narrowed(self, rank: int) -> tuple[Stage, ...]:
        return (Apply("gap"), Apply("flatten")) if rank > 1 else ()

    def grow(
        self, machine: Machine, x: Value, scope: str, statements: int, depth: int, heads: bool = False
    ) -> tuple[Body, Machine, Value]:
        """Return a body of new statements, and the machine and the value after it."""
        body: Body = ()
        for _ in range(statements):
            for _ in range(4):
                self.leaves.names = {k: v for k, v in machine.visible().items() if isinstance(v, int | Closure)}
                statement = None
                try:
                    statement = self.statement(machine, x, scope, depth, heads)
                    trial = machine.copy()
                    result = trial.statement(statement, x, scope)
                except Refused:
                    if statement and depth == 0 and self.maybe(self.careless):
                        body += (statement,)
                    continue
                if result.tensor[0].numel() <= MOST_ELEMENTS:
                    body, machine, x = (*body, statement), trial, result
                    break
        return body, machine, x

    # Statements -------------------------------------------------------------------------------------------------------

    def statement(self, machine: Machine, x: Value, scope: str, depth: int, heads: bool) -> Statement:
        """Return a statement that probably works on `x`."""
        roll = self.random.random()
        if heads and roll < 0.06 and not x.integers:
            return self.scope(machine, x, scope, depth) if self.maybe(0.2) else self.head(machine, x, scope, depth)
        if roll < 0.1 and self.maybe(0.3):
            seen = Size("x", "rank") if self.maybe(0.3) else self.leaves.number(self.random.randint(1, 6), x)
            return Let(self.name("g"), Binary("+", Binary("*", Name("v"), Literal(2)), seen), ("v",))
        if roll < 0.1:
            return Let(self.name("n"), self.leaves.number(self.random.randint(1, 6), x))
        if roll < 0.12 and not x.integers:
            return self.expect(x)
        if roll < 0.14 and depth < 2:
            return self.module(machine, x, depth)
        if roll < 0.17:
            return Pipeline((Take(Name("x")),), Label(self.name("v")))
        if roll < 0.2:
            return self.taken(machine)
        stages = self.stages(machine, x, scope, depth)
        return Pipeline(stages, self.label(machine) if self.maybe(0.4) else None)

    def label(self, machine: Machine) -> Label:
        """Return a label: a name, a text, or a member of a family."""
        roll = self.random.random()
        counters = [name for name, held in machine.visible().items() if type(held) is int and name.startswith("i")]
        if counters and len(machine.frames) > 1 and machine.frames[-1].control:
            return Label(self.name("e") if roll < 0.9 else "e", Name(self.random.choice(counters)), text=roll < 0.2)
        if roll < 0.1:
            return Label(self.name("t"), text=True)
        if roll < 0.15:
            return Label("e", Literal(self.random.randrange(4)))
        if self.maybe(0.1):
            return Label(self.name(self.random.choice(("_l", "1x", "block1-"))), text=True)
        return Label(self.name("l"))

    def module(self, machine: Machine, x: Value, depth: int) -> Statement:
        """Return a module with a body that works on `x`."""
        trial = machine.copy()
        names = {name: held for name, held in machine.visible().items() if isinstance(held, int | Declared)}
        trial.frames = []  # a module sees no values of the place where it is declared
        with trial.braces(names):
            body = self.grow(trial, x, "module.", self.random.randint(1, 2), depth + 1)[0]
        plain = [stage for each in body if isinstance(each, Pipeline) for stage in each.stages]
        known = self.declared(machine)
        values = any(isinstance(stage, Take) and stage.value not in known for stage in plain[1:])  # only the first may be one
        stages = tuple(plain) if len(plain) > 1 and not values and self.maybe(0.3) else (Group(body),)
        if self.maybe(0.3):
            stages = (self.leaves.any_op(x, []),)
        label = Label("m", Literal(self.random.randrange(3))) if self.maybe(0.2) else Label(self.name("m"))
        return Module(label, stages)

    def declared(self, machine: Machine) -> list[Name | Item]:
        """Return the names of the modules that are visible."""
        found: list[Name | Item] = []
        for name, held in machine.visible().items():
            if isinstance(held, Declared):
                found.append(Name(name))
            elif isinstance(held, dict):
                found += [Item(Name(name), Literal(at)) for at, value in held.items() if isinstance(value, Declared)]
        return found

    def used(self, machine: Machine) -> tuple[Stage, ...]:
        """Return one or two runs of modules; none if there are no modules."""
        found = self.declared(machine)
        return tuple(Take(self.random.choice(found)) for _ in range(self.random.randint(1, 2))) if found else ()

    def expect(self, x: Value) -> Statement:
        """Return a claim that holds."""
        names = {0: "", 1: "c", 2: "cl", 3: "chw", 4: "cdhw"}[len(x.shape)] if len(x.shape) < 5 else ""
        at = self.random.randrange(max(1, len(names)))
        if not names or x.open[at]:
            return Expect(Binary("==", Size("x", "rank"), Literal(len(x.shape))))
        return Expect(Binary("==", Size("x", names[at]), Literal(x.shape[at])))

    def taken(self, machine: Machine) -> Statement:
        """Return a statement that goes on from another value."""
        values = self.values(machine)
        if not values:
            raise Refused("nothing to take")
        return Pipeline((Take(self.random.choice([tree for tree, _ in values])),))

    def values(self, machine: Machine) -> list[tuple[Name | Item, Value]]:
        """Return the values that have a name here."""
        found: list[tuple[Name | Item, Value]] = []
        for name, held in machine.visible().items():
            if isinstance(held, Value):
                found.append((Name(name), held))
            elif isinstance(held, dict):
                found += [(Item(Name(name), Literal(index)), value) for index, value in held.items() if isinstance(value, Value)]
        return found

    def likes(self, machine: Machine, x: Value) -> list[Expression]:
        """Return names of values with as many axes as `x`."""
        return [tree for tree, value in self.values(machine) if len(value.shape) == len(x.shape) and value is not x]

    def head(self, machine: Machine, x: Value, scope: str, depth: int) -> Statement:
        """Return a head or an output."""
        kind = self.random.choice(("aux", "output"))
        if self.maybe(0.3):
            stages: tuple[Stage, ...] = (Take(Name("x")),)
        elif self.maybe(0.5):
            stages = (Group(self.body(machine, x, scope + "head.", 2, depth)),)
        else:
            stages = (*self.narrowed(len(x.shape)), self.leaves.call("linear", [Literal(3)]))
        weight = 0.3 if kind == "aux" and self.maybe(0.5) else None
        if self.maybe(0.2):
            return Head(kind, self.name("g"), stages, weight, self.random.randrange(3))
        return Head(kind, self.name("h"), stages, weight)

    def scope(self, machine: Machine, x: Value, scope: str, depth: int) -> Statement:
        """Return a labelled group that has a head or an output, which is called like its label alone."""
        trial = machine.copy()
        with trial.braces():
            body, trial, value = self.grow(trial, x, "scope.", 1, depth + 1)
            head = self.head(trial, value, "scope.", depth + 1)
        return Pipeline((Group((*body, head)),), Label(self.name("scope")))

    def body(self, machine: Machine, x: Value, scope: str, most: int, depth: int) -> Body:
        """Return a body grown from `x`; the machine stays as it is."""
        trial = machine.copy()
        with trial.braces():
            return self.grow(trial, x, scope, self.random.randint(1, most), depth + 1)[0]

    # Stages -----------------------------------------------------------------------------------------------------------

    def stages(self, machine: Machine, x: Value, scope: str, depth: int) -> tuple[Stage, ...]:
        """Return the stages of one pipeline."""
        runs = self.used(machine) if self.maybe(0.4) else ()
        if runs:
            return (*runs, *(self.ops(machine, x, 1) if self.maybe(0.3) else ()))
        if x.integers and len(x.shape) == 1 and x.tensor.dtype == torch.long and self.maybe(0.6):
            return (constructs.tied(self.leaves, self.name, x),)
        if x.integers or depth >= DEEPEST or self.maybe(0.5):
            return self.ops(machine, x, self.random.choice((1, 1, 2, 3)))
        forms: list[Callable[[Machine, Value, str, int], tuple[Stage, ...]]] = [
            self.skip, self.skip, self.skip, self.join, self.join, self.join, self.block, self.block, self.group,
            self.repeat, self.loop, self.conditional, self.halved, self.gate, self.levels,
        ]  # fmt: skip
        if self.maybe(0.35):
            return self.construct(x)
        return self.random.choice(forms)(machine, x, scope, depth)

    def construct(self, x: Value) -> tuple[Stage, ...]:
        """Return a template around several values, products, tokens or parameters."""
        rank = len(x.shape)
        made: list[Callable[..., Stage]] = [constructs.split, constructs.listed, constructs.parameter, constructs.quotient]
        if rank in (2, 3, 4):
            made += [
                constructs.grid, constructs.reuse, constructs.merged, constructs.halves, constructs.unpooled,
                token_constructs.product, token_constructs.tokens, token_constructs.crossed, token_constructs.asked,
                token_constructs.positions,
            ]  # fmt: skip
        if rank == 3:
            made += [token_constructs.windowed] * 2
        if rank > 4 or self.maybe(0.1):
            return constructs.roots(self.leaves, self.name, x)
        return (self.random.choice(made)(self.leaves, self.name, x),)

    def ops(self, machine: Machine, x: Value, number: int) -> tuple[Stage, ...]:
        """Return plain ops, one after the other."""
        trial = machine.copy()
        stages: tuple[Stage, ...] = ()
        held = isinstance(machine.constants.get("bend"), OpValue)
        for _ in range(number):
            stage = Apply("bend") if held and self.maybe(0.1) and not x.integers else self.leaves.any_op(x, self.likes(trial, x))
            stages += (stage,)
            if number > 1:
                x = trial.stage(stage, x, "trial.")
        return stages

    def block(self, machine: Machine, x: Value, scope: str, depth: int) -> tuple[Stage, ...]:
        return self.blocks.call(machine, x, depth)

    def group(self, machine: Machine, x: Value, scope: str, depth: int) -> tuple[Stage, ...]:
        return (Group(self.body(machine, x, scope, 3, depth)),)

    def repeat(self, machine: Machine, x: Value, scope: str, depth: int) -> tuple[Stage, ...]:
        return (Repeat(self.leaves.number(self.random.randint(0, 3)), _runs(self.body(machine, x, scope, 2, depth))),)

    def loop(self, machine: Machine, x: Value, scope: str, depth: int) -> tuple[Stage, ...]:
        """Return a loop over a range or a list."""
        rounds = self.random.randint(1, 3)
        counter = self.name("i")
        item, over = counter, [*range(rounds)]
        tree: Expression = Range(Literal(0), self.leaves.number(rounds))
        position, parts = None, ()
        if self.maybe(0.2):
            tree = Call("reversed", (tree,))
        elif self.maybe(0.2):
            tree = Range(Literal(0), Literal(2 * rounds), Literal(2))
        elif self.maybe(0.2):
            rows = tuple(ListOf((Literal(self.leaves.width()), Literal(at))) for at in range(rounds))
            tree, item, parts = ListOf(rows), self.name("w"), (counter,)
        elif self.maybe(0.4):
            over = [self.leaves.width() for _ in range(rounds)]
            tree = ListOf(tuple(map(Literal, over)))
            item, position = self.name("w"), counter
        if not parts and self.maybe(0.15):
            tree = Comprehension(Name("v"), "v", tree if not isinstance(tree, Choice) else ListOf((tree,)))
        first = next(iter(self.evaluated(machine, tree)))
        trial = machine.copy()
        with trial.braces(dict(zip((item, *parts), first, strict=True)) if parts else {counter: 0, item: first}, control=True):
            body = self.grow(trial, x, scope, self.random.randint(1, 2), depth + 1)[0]
        return (For(item, tree, _runs(body), position, parts),)

    def evaluated(self, machine: Machine, tree: Expression) -> list[Any]:
        """Return the elements of a list that is not empty."""
        return list(machine.evaluate(tree)) or [0]

    def conditional(self, machine: Machine, x: Value, scope: str, depth: int) -> tuple[Stage, ...]:
        """Return an `if`; the side that does not run is grown as well."""
        bodies = [self.body(machine, x, scope, 2, depth) for _ in range(2)]
        axis = "c" if len(x.shape) in (2, 3, 4) and not x.open[0] else "rank"
        channels = x.shape[0] if axis == "c" else len(x.shape)
        condition = Binary(self.random.choice(("<", ">=", "==", "!=")), Size("x", axis), Literal(channels))
        return (If(condition, bodies[0], bodies[1] if self.maybe(0.6) else ()),)

    def halved(self, machine: Machine, x: Value, scope: str, depth: int) -> tuple[Stage, ...]:
        """Return a skip or concat around a path that goes down and up again, as in a U-Net."""
        if len(x.shape) < 2:
            return self.ops(machine, x, 1)
        r = self.random.choice((2, 2, 3, 4))
        pool = self.random.choice(("maxpool", "avgpool", "lppool"))
        down: Stage = self.leaves.call(pool, [Literal(r)], ceil=Literal(True) if self.maybe(0.3) else None)
        if self.maybe(0.4):
            down = self.leaves.call("conv", [Literal(x.shape[0]), Literal(3)], stride=Literal(r))
        up: Stage = self.leaves.call("upsample", [Literal(r)])
        if self.maybe(0.4):
            up = self.leaves.call("upconv", [Literal(x.shape[0]), Literal(r)])
        middle = self.ops(machine, x, 1) if self.maybe(0.3) else ()
        path = Pipeline((down, *middle, up))
        if self.maybe(0.6):
            return (Skip((path,)),)
        return (Join(self.random.choice(("concat", "add", "mul")), (path, Pipeline((Take(Name("x")),)))),)

    def levels(self, machine: Machine, x: Value, scope: str, depth: int) -> tuple[Stage, ...]:
        """Return layers that refer to a family of labels."""
        if len(x.shape) < 2:
            return self.ops(machine, x, 1)
        family = self.name("f")
        return (unet(self.leaves, family, self.leaves.width()) if self.maybe(0.6) else dense(self.leaves, family),)

    def gate(self, machine: Machine, x: Value, scope: str, depth: int) -> tuple[Stage, ...]:
        """Return squeeze and excitation."""
        if len(x.shape) < 2:
            return self.ops(machine, x, 1)
        inner = Pipeline((Apply("gap"), self.leaves.call("conv", [Literal(x.shape[0]), Literal(1)]), Apply("sigmoid")))
        return (Join("mul", (Pipeline((Take(Name("x")),)), inner)),)

    # Skips and joins --------------------------------------------------------------------------------------------------

    def skip(self, machine: Machine, x: Value, scope: str, depth: int) -> tuple[Stage, ...]:
        """Return a skip whose sides mostly have one shape."""
        option: dict[str, float] = {}
        if self.maybe(0.25):
            option["drop"] = self.random.choice((0.0, 1.0, 0.0, 0.5))
        if self.maybe(0.25):
            option["scale"] = self.random.choice((0.5, 2.0, 0.17))
        via: Body | None = None
        if self.maybe(0.4) and len(x.shape) > 1:
            step, out = self.random.choice((1, 2, 2, 3)), self.leaves.width()
            via = () if self.maybe(0.1) else (self.strided(out, step),)
            body = (self.strided(out, step), *self.body(machine, x, scope, 1, depth)) if self.maybe(0.2) else (
                self.strided(out, step),)  # fmt: skip
            return (Skip(body, via, **option),)
        trial = machine.copy()
        with trial.braces():
            body, trial, result = self.grow(trial, x, scope, self.random.randint(1, 3), depth + 1)
        when: Expression | None = None
        if self.maybe(0.3):
            when = Binary(self.random.choice(("==", "!=")), Size("x", "rank"), self.leaves.number(len(x.shape)))
        return (Skip(body + self.fitted(result, x), via, when=when, **option),)

    def strided(self, out: int, step: int) -> Statement:
        """Return one of several ways to go down by a step, which round differently."""
        if self.maybe(0.6):
            k = self.random.choice((1, 3, 3, 5))
            stage = self.leaves.call("conv", [Literal(out), Literal(k)], stride=Literal(step))
            return Pipeline((stage, Apply("bn")) if self.maybe(0.5) else (stage,))
        ceil = Literal(True) if self.maybe(0.5) else None
        pool = self.leaves.call(self.random.choice(("avgpool", "maxpool")), [Literal(step)], ceil=ceil)
        return Pipeline((pool, self.leaves.call("bottleneck", [Literal(out)])))

    def fitted(self, value: Value, target: Value, channels: bool = True) -> Body:
        """Return what brings a value to a target's shape, as far as names allow; at times nothing."""
        if value.shape == target.shape or len(value.shape) != len(target.shape) or self.maybe(0.1):
            return ()
        stages: list[Stage] = []
        if channels and value.shape[0] != target.shape[0]:
            if len(value.shape) > 1:
                stages.append(self.leaves.call("conv", [self.leaves.number(target.shape[0]), Literal(1)]))
            else:
                stages.append(self.leaves.call("linear", [Literal(target.shape[0])]))
        return (Pipeline(tuple(stages)),) if stages else ()

    def join(self, machine: Machine, x: Value, scope: str, depth: int) -> tuple[Stage, ...]:
        """Return a join of branches that mostly fit."""
        kind = self.random.choice(("concat", "add", "mul", "shake", "concat", "add", "sub", "min", "max"))
        axis = self.random.choice((0, -1)) if kind == "concat" and self.maybe(0.2) else None
        if kind == "shake" and self.maybe(0.7):
            return (Join(kind, (Pipeline((Take(Name("x")),)),) * 2),)
        trial = machine.copy()
        branches: Body = ()
        first: Value | None = None
        for _ in range(2 if kind == "sub" and self.maybe(0.95) else self.random.choice((1, 2, 2, 3))):
            branch: Body
            if self.maybe(0.3):
                branch, result = (), x
            else:
                with trial.braces():
                    branch, trial, result = self.grow(trial.copy(), x, scope, 1, depth + 1)
            if first is not None:
                branch += self.fitted(result, first, kind != "concat")
            first = first or result
            branches += (Pipeline((Take(Name("x")),)),) if not branch else (Pipeline((Group(branch),)),)
        known = [tree for tree, value in self.values(machine) if first is not None and value.shape[1:] == first.shape[1:]]
        if first is not None and kind in ("mul", "max") and self.maybe(0.3):
            shape = ListOf(
                tuple(Literal(first.shape[0] if at == 0 and not first.open[0] else 1) for at in range(len(first.shape)))
            )
            branches += (Pipeline((Apply("param", (Argument(None, shape),)),)),)
        if known and kind != "sub" and self.maybe(0.4):
            branches += (Pipeline((Take(self.random.choice(known)),)),)
        return (Join(kind, branches, axis),)


def _runs(body: Body) -> Body:
    """Return the body of a loop. Raise `Refused` if it only names a value, which is an error."""
    match body:
        case (Pipeline((Take(),), None),):
            raise Refused("a loop that runs nothing")
    return body
