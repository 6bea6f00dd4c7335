"""An interpreter of the language on plain PyTorch: what a program computes at given sizes.

It follows docs/language.md alone and shares no code with archdsl. Running a program gives its results, or raises
`Refused`; on the way it makes the modules, under the keys that the page's rules give them.
"""

from __future__ import annotations

import copy
import inspect
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from tests.attack import operations, rearranging, resizing, sources
from tests.attack.checks import Open, Result, count
from tests.attack.places import Modules, Site, bind
from tests.attack.program import (
    Apply,
    Argument,
    Block,
    Expect,
    Expression,
    For,
    Group,
    Head,
    If,
    Join,
    Label,
    Let,
    Literal,
    Module,
    OpValue,
    Pipeline,
    Program,
    Repeat,
    Size,
    Skip,
    Stage,
    Statement,
    Take,
    Unpack,
)
from tests.attack.values import AXIS_NAMES, Refused, Several, Value, constants_of, evaluate, let_value, members

PARAMETERS = {name: list(inspect.signature(function).parameters)[2:] for name, function in operations.OPS.items()}


WITHOUT_INPUT = tuple(sources.SOURCES)
OPERANDS_ALONE = ("matmul", "attend")


@dataclass
class Frame:
    """The names that one pair of braces makes visible; the braces of control forms pass families on to those around."""

    names: dict[str, Any]
    control: bool = False
    deeper: set[str] = field(default_factory=set)
    """Names of labels in a labelled loop or `if`, which are parts of that scope."""


@dataclass(eq=False)
class Declared:
    """A module: its path, and the place where it is declared."""

    path: str
    scope: str
    stages: Sequence[Stage]
    names: dict[str, Any]
    calls: tuple[str, ...]


def copied(named: Any) -> Any:
    """Return a family with its own members, and anything else as it is."""
    return {index: copied(member) for index, member in named.items()} if isinstance(named, dict) else named


class Machine:
    """One run of a program, or a part of one: the generator stops a run anywhere and goes on from a copy."""

    def __init__(self, program: Program, modules: Modules) -> None:
        self.constants = constants_of(program.constants)
        self.blocks: dict[str, Block] = {block.name: block for block in program.blocks}
        self.modules = modules
        self.frames: list[Frame] = [Frame({})]
        self.positions: Counter[str] = Counter()
        self.taken: defaultdict[str, set[str]] = defaultdict(set)
        self.heads: dict[str, tuple[str, Value]] = {}
        self.nodes: list[Value] = []
        self.chances: list[tuple[Value, float]] = []
        self.calls: tuple[str, ...] = ()
        self.scope = ""
        self.batch = 1
        self.running: tuple[Declared, ...] = ()
        self.first: dict[Declared, list[object]] = {}
        """What the first use of each module applied."""
        self.ran: list[object] = []
        """What the module that runs has applied so far."""

    def copy(self) -> Machine:
        """Return a machine that goes on from here by itself."""
        other = copy.copy(self)
        other.blocks = dict(self.blocks)
        other.modules = replace(self.modules, by_path=dict(self.modules.by_path))
        other.frames = [Frame({k: copied(v) for k, v in each.names.items()}, each.control) for each in self.frames]
        other.positions = Counter(self.positions)
        other.taken = defaultdict(set, {scope: set(keys) for scope, keys in self.taken.items()})
        other.ran, other.first = list(self.ran), dict(self.first)
        other.heads, other.nodes, other.chances = dict(self.heads), list(self.nodes), list(self.chances)
        return other

    # Names ------------------------------------------------------------------------------------------------------------

    def visible(self) -> dict[str, Any]:
        """Return what names mean here."""
        merged: dict[str, Any] = dict(self.constants)
        for frame in self.frames:
            merged.update(frame.names)
        return merged

    def evaluate(self, tree: Expression, x: Value | None = None) -> Any:
        """Return what an expression is here."""
        names = self.visible()
        if x is not None:
            names["x"] = x
        return evaluate(tree, names)

    @contextmanager
    def braces(self, names: Mapping[str, Any] | None = None, control: bool = False) -> Iterator[Frame]:
        """Make labels visible until the closing brace."""
        frame = Frame(dict(names or {}), control)
        self.frames.append(frame)
        try:
            yield frame
        finally:
            self.frames.pop()

    def labels_frame(self) -> Frame:
        """Return the braces that a label belongs to: the innermost that are not those of a loop or `if`."""
        return next(each for each in reversed(self.frames) if not each.control)

    def bind(self, label: Label, value: Value | Declared) -> None:
        """Make a label the name of its value, or of a family of several values."""
        if label.text:
            return
        if isinstance(value, Several) and label.index is None:
            self.labels_frame().names[label.name] = dict(enumerate(value.values))
            return
        frame = self.labels_frame()
        if label.index is None:
            frame.names[label.name] = value
            return
        family = frame.names.setdefault(label.name, {})
        if not isinstance(family, dict):
            raise Refused(f"{label.name} is no family", "E0203", "E0206", "E0204")
        if label.second is not None:
            family, index = family.setdefault(self.evaluate(label.index), {}), label.second
            if not isinstance(family, dict):
                raise Refused(f"{label.name} has members of its own", "E0203", "E0206", "E0204")
            family[self.evaluate(index)] = value
        elif isinstance(family.get(self.evaluate(label.index)), dict):
            raise Refused(f"{label.name} has families for members", "E0203", "E0206", "E0204")
        else:
            family[self.evaluate(label.index)] = value

    def expose(self, label: Label | None, inner: Mapping[str, Any]) -> None:
        """Make the labels of a scope visible outside, by their paths."""
        if label is None or label.text or label.index is not None:
            return
        frame = self.labels_frame()
        frame.names |= {f"{label.name}.{name}": value for name, value in inner.items() if isinstance(value, Value | dict)}

    # Keys -------------------------------------------------------------------------------------------------------------

    def numbered(self, scope: str) -> str:
        """Return the path of a stage without a label: its position among all stages of the scope."""
        key = str(self.positions[scope])
        self.positions[scope] += 1
        return self.claim(scope, key)

    def labelled(self, scope: str, label: Label) -> str:
        """Return the path of a stage with a label; a family counts as one stage, at its first member."""
        if label.index is None or label.text:
            text = label.name if label.index is None else f"{label.name}{self.evaluate(label.index)}"
            self.positions[scope] += 1
            return self.claim(scope, text)
        family = f"{scope}{label.name}."
        if label.name not in self.taken[scope]:
            self.positions[scope] += 1
            self.taken[scope].add(label.name)
        elif family not in self.taken:
            raise Refused(f"two stages are called {label.name}", "E0203")
        member = str(self.evaluate(label.index))
        if label.second is None:
            return self.claim(family, member)
        within = f"{family}{member}."
        if member not in self.taken[family]:
            self.taken[family].add(member)
        elif within not in self.taken:
            raise Refused(f"two stages are called {family}{member}", "E0203")
        return self.claim(within, str(self.evaluate(label.second)))

    def claim(self, scope: str, key: str) -> str:
        """Return the path of a key, which may occur once in its scope."""
        if key in self.taken[scope]:
            raise Refused(f"two stages are called {scope}{key}", "E0203")
        self.taken[scope].add(key)
        return scope + key

    # Statements -------------------------------------------------------------------------------------------------------

    def run(self, statements: Sequence[Statement], x: Value, scope: str) -> Value:
        """Return what statements make of `x`."""
        for statement in statements:
            x = self.statement(statement, x, scope)
        return x

    def statement(self, statement: Statement, x: Value, scope: str) -> Value:
        """Return what one statement makes of `x`."""
        match statement:
            case Pipeline(stages, label):
                return self.pipeline(stages, label, x, scope)
            case Module(label, stages):
                self.declare(label, stages, scope)
            case Unpack(names, stages):
                return self.unpack(names, stages, x, scope)
            case Let(name):
                self.frames[-1].names[name] = let_value(statement, {**self.visible(), "x": x})
            case Head(kind, name, stages, _, index):
                value = self.pipeline(stages, Label(name, None if index is None else Literal(index)), x, scope)
                called = name if index is None else f"{name}{'_' if name[-1].isdigit() else ''}{index}"
                if called in self.heads:
                    raise Refused(f"two results are called {called}", "E0505", "E0203")
                self.heads[called] = (kind, value)
            case Expect(claim):
                if not self.evaluate(claim, x):
                    raise Refused("a claim does not hold", "E0701")
        return x

    def pipeline(self, stages: Sequence[Stage], label: Label | None, x: Value, scope: str) -> Value:
        """Return what stages make of `x`; on one stage a label names that stage, on several a group."""
        if label is None:
            for stage in stages:
                x = self.stage(stage, x, scope)
            return x
        match stages:
            case [Take(value)]:
                x = self.take(value, x, scope)
            case [Apply(name, arguments)] if name in WITHOUT_INPUT:
                self.bind(label, self.source(name, arguments, x, scope, label))
                return x
            case [Apply() as stage]:
                x = self.stage(stage, x, scope, self.labelled(scope, label), label)
            case [Take(value), Apply() as stage] if not isinstance(self.evaluate(value, x), Declared):
                x = self.stage(stage, self.take(value, x, scope), scope, self.labelled(scope, label), label)
            case _:
                inner = self.labelled(scope, label) + "."
                found: dict[str, Any] = {}
                for stage in stages:
                    if isinstance(stage, Group):
                        with self.braces() as frame:
                            x = self.run(stage.body, x, inner)
                        found |= {name: value for name, value in frame.names.items() if name not in frame.deeper}
                    else:
                        around = self.labels_frame()
                        before = set(around.names)
                        x = self.stage(stage, x, inner)
                        around.deeper |= around.names.keys() - before  # parts of this scope, not of the one around it
                        found |= {name: around.names[name] for name in around.names.keys() - before}
                self.expose(label, found)
        self.bind(label, x)
        return x

    def source(self, name: str, arguments: Sequence[Argument], x: Value, scope: str, label: Label | None) -> Value:
        """Return what an op makes that takes no input; its label is a key if the label names a tensor of the module."""
        given = bind(sources.PARAMETERS[name], arguments, lambda tree: self.evaluate(tree, x))
        if label is None:
            path = self.numbered(scope)
        elif sources.has_key(name, given):
            path = self.labelled(scope, label)
        else:
            self.positions[scope] += 1
            path = ""
        for key in sources.keys_beside(name, given):
            self.claim(scope, key)
        site = Site(self.modules, path, scope)
        with _torch_refuses(name):
            tensor, opened = sources.SOURCES[name](site, self.batch, **given)
        plain = {key: held for key, held in given.items() if not isinstance(held, Value)}
        self.ran.append((name, path, str(plain), tensor.shape))
        return self.made(name, tensor, opened, site.others, path if name == "param" else None)

    def unpack(self, names: Sequence[str], stages: Sequence[Stage], x: Value, scope: str) -> Value:
        """Bind names to the values of the last stage."""
        found = self.pipeline(stages, None, x, scope)
        if not isinstance(found, Several) or len(found.values) != len(names):
            raise Refused(f"{len(names)} names for other values", "E0213", "E0214", "E0215")
        for name, value in zip(names, found.values, strict=True):
            if name != "_":
                self.bind(Label(name), value)
        return found

    def stage(self, tree: Stage, x: Value, scope: str, path: str | None = None, label: Label | None = None) -> Value:
        """Return what one stage makes of `x`; `path` is set where a label names it."""
        self.scope = scope
        if isinstance(x, Several) and not (isinstance(tree, Take | Join) or _has_operands_alone(tree)):
            raise Refused("several values as one", "E0213", "E0214", "E0215")
        match tree:
            case Apply(name, arguments) if name in WITHOUT_INPUT:
                return self.source(name, arguments, x, scope, None)
            case Apply(name, arguments):
                return self.apply(OpValue(name, arguments), x, scope, path, label)
            case Take(value):
                return self.take(value, x, scope)
            case Group(body):
                with self.braces():
                    return self.run(body, x, scope)
            case Join(kind, branches, axis, broadcast):
                return self.join(kind, branches, axis or 0, x, scope, broadcast)
            case Skip():
                return self.skip(tree, x, scope)
            case Repeat() | For() | If():
                for statements, names in self.rounds(tree, x):
                    with self.braces(names, control=True):
                        x = self.run(statements, x, scope)
                return x
        raise TypeError(tree)

    def rounds(self, tree: Repeat | For | If, x: Value) -> Iterator[tuple[Sequence[Statement], dict[str, Any]]]:
        """Yield the bodies that a control form runs, with the names of each round."""
        match tree:
            case Repeat(times, body):
                for _ in range(count(self.evaluate(times, x), 0)):
                    yield body, {}
            case For(name, over, body, position, parts):
                items = self.evaluate(over, x)
                for at, item in enumerate(members(items) if isinstance(items, dict) else items):
                    bound = dict(zip((name, *parts), item, strict=True)) if parts else {name: item}
                    yield body, bound | ({position: at} if position else {})
            case If(condition, body, otherwise):
                yield (body if self.evaluate(condition, x) else otherwise), {}

    def take(self, value: Expression, x: Value, scope: str) -> Value:
        """Return a value by its name, or what a module makes of `x`."""
        found = self.evaluate(value, x)
        if isinstance(found, Declared):
            return self.run_module(found, x, scope)
        if not isinstance(found, Value) or isinstance(found, Several):
            raise Refused(f"{value} is no value", "E0408", "E0206", "E0201")
        return found

    # Modules ----------------------------------------------------------------------------------------------------------

    def declare(self, label: Label, stages: Sequence[Stage], scope: str) -> None:
        """Declare a module, which takes its key here, and sees constants and parameters but no values."""
        path = self.labelled(scope, label)
        names = {name: held for name, held in self.visible().items() if not isinstance(held, Value) and not _holds_values(held)}
        self.bind(label, Declared(path, scope, stages, names, self.calls))

    def run_module(self, module: Declared, x: Value, scope: str) -> Value:
        """Run a module from `x`. Another use has the same keys, and so the same weights."""
        if module in self.running:
            raise Refused("a module contains itself", "E0501")
        if not scope.startswith(module.scope):
            raise Refused("a module runs outside of the scope of its key", "E0206")
        inner = module.path + "."
        for known in (self.positions, self.taken):
            for path in [path for path in known if path.startswith(inner)]:
                del known[path]
        around = self.frames, self.calls, self.running, self.ran
        self.frames, self.calls, self.running, self.ran = [Frame(dict(module.names))], module.calls, (*self.running, module), []
        try:
            result = self.stages_of(module.stages, x, module.scope, module.path)
            ran = self.ran
        finally:
            self.frames, self.calls, self.running, self.ran = around
        if ran != self.first.setdefault(module, ran):
            raise Refused("a module has other layers or weights", "E0210")
        self.ran += ran
        if result is not x:
            result.homes += (scope,) if scope != module.scope else ()
            result.home = scope
        return result

    def stages_of(self, stages: Sequence[Stage], x: Value, scope: str, path: str) -> Value:
        """Return what stages make that go under a path: a single op or block, or several stages in a scope of their own."""
        match stages:
            case [Take(value)]:
                return self.take(value, x, scope)
            case [Apply() as stage]:
                return self.stage(stage, x, scope, path)
        for stage in stages:
            x = self.stage(stage, x, path + ".")
        return x

    def join(self, kind: str, statements: Sequence[Statement], axis: int, x: Value, scope: str, broadcast: bool) -> Value:
        """Return the branches, each a statement that starts from `x`, joined."""
        with self.braces():
            branches = list(self.branches(statements, x, scope))
        if not branches:
            raise Refused(f"{kind} of nothing", "E0506")
        self.ran.append((kind, len(branches)))
        code = "E0303" if kind == "concat" else "E0302"
        tensor, opened = operations.join(kind, branches, axis, self.modules.training, (code, "E0305"), broadcast)
        value = self.made(kind, tensor, opened, branches)
        if kind == "shake":
            same = all(branch is branches[0] for branch in branches)
            self.chances.append((value, 0.0 if same else 0.5))
        return value

    def branches(self, statements: Sequence[Statement], x: Value, scope: str) -> Iterator[Value]:
        """Yield the branches of a join; loops and `if` contribute those of their bodies."""
        for statement in statements:
            match statement:
                case Pipeline((Repeat() | For() | If() as control,), None):
                    for body, names in self.rounds(control, x):
                        with self.braces(names, control=True):
                            yield from self.branches(body, x, scope)
                case Head():
                    raise Refused("a head as a branch", "E0504")
                case Pipeline():
                    yield self.statement(statement, x, scope)
                case _:
                    self.statement(statement, x, scope)

    def skip(self, tree: Skip, x: Value, scope: str) -> Value:
        """Return body plus shortcut."""
        with self.braces():
            body = self.run(tree.body, x, scope)
        if tree.when is not None and not self.evaluate(tree.when, x):
            return body
        if body is x:
            raise Refused("the body of a skip does nothing", "E0506")
        if tree.scale is not None:
            body = self.hidden("scale", {"factor": tree.scale}, body)
        if tree.drop is not None:
            body = self.hidden("droppath", {"p": tree.drop}, body)
        with self.braces():
            other = self.run(tree.via or (), x, scope)
        tensor, opened = operations.join("add", [body, other], 0, self.modules.training, ("E0301", "E0305"))
        return self.made("add", tensor, opened, [body, other])

    # Ops --------------------------------------------------------------------------------------------------------------

    def apply(self, op: OpValue, x: Value, scope: str, path: str | None = None, label: Label | None = None) -> Value:
        """Apply an op, a block, a module, or what a parameter holds."""
        held = self.visible().get(op.name)
        if isinstance(held, OpValue):
            merged = (*(each for each in held.arguments if each.name not in {arg.name for arg in op.arguments}), *op.arguments)
            return self.apply(OpValue(held.name, merged), x, scope, path, label)
        if op.name == "unembed":  # it uses a module, whose declaration has the key
            path = path or ""
        path = self.numbered(scope) if path is None else path
        if op.name in self.blocks:
            return self.block(self.blocks[op.name], op.arguments, x, path, label)
        if op.name == "act":
            (argument,) = op.arguments
            activation = self.evaluate(argument.value, x)
            if not isinstance(activation, OpValue):
                raise Refused("act of no op", "E0401")
            return self.apply(activation, x, scope, path)
        if op.name == "split":
            given = bind(["parts", "axis"], op.arguments, lambda tree: self.evaluate(tree, x))
            return self.several(op.name, rearranging.split(x, **given), given, x, path)
        if op.name == "maxpool" and any(each.name == "indices" for each in op.arguments):
            given = bind([*PARAMETERS["maxpool"], "indices"], op.arguments, lambda tree: self.evaluate(tree, x))
            with _torch_refuses(op.name):
                found = self.several(op.name, resizing.places(Site(self.modules, path), x, **given), given, x, path)
            found.values[-1].positions_in = x.shape[1:]
            return found
        if op.name not in operations.OPS:
            raise Refused(f"nothing is called {op.name}", "E0201")
        if op.name == "rearrange":
            return self.op(op.name, self.pattern(op.arguments, x), x, path)
        arguments = bind(PARAMETERS[op.name], op.arguments, lambda tree: self.evaluate(tree, x))
        return self.op(op.name, arguments, x, path)

    def pattern(self, arguments: Sequence[Argument], x: Value) -> dict[str, Any]:
        """Return the arguments of a `rearrange`, whose sizes may be open ones of values that are visible."""
        names = {**self.visible(), "x": x}
        given = {each.name or "pattern": evaluate(each.value, names, symbolic=True) for each in arguments}
        read = {each.name: names[each.value.of] for each in arguments if isinstance(each.value, Size)}
        axes = {each.name: each.value.axis for each in arguments if isinstance(each.value, Size)}
        opened = {name: value.open[AXIS_NAMES[len(value.shape)].index(axes[name])] for name, value in read.items()}
        return {**given, "_opened": opened} if opened else given

    def several(self, name: str, parts: Sequence[Result], arguments: dict[str, Any], x: Value, path: str) -> Several:
        """Return the values that an op of several outputs gives."""
        self.ran.append((name, path, str(arguments), len(x.shape)))
        paths = [path, *[None] * (len(parts) - 1)]  # it is one layer
        return Several([self.made(name, *part, [x], at) for part, at in zip(parts, paths, strict=True)])

    def block(self, block: Block, arguments: Sequence[Argument], x: Value, path: str, label: Label | None) -> Value:
        """Run a block, which sees its parameters and nothing of the place that it is called from."""
        if block.name in self.calls:
            raise Refused("a block contains itself", "E0501")
        given = bind([each.name for each in block.parameters], arguments, lambda tree: self.evaluate(tree, x))
        for each in block.parameters:
            if each.name not in given:
                if each.default is None:
                    raise Refused(f"{each.name} is missing", "E0403")
                given[each.name] = evaluate(each.default, self.constants)
        inner = Frame(dict(given))
        around, self.frames, calls = self.frames, [inner], self.calls
        self.calls = (*calls, block.name)
        try:
            x = self.run(block.body, x, path + ".")
        finally:
            self.frames, self.calls = around, calls
        self.expose(label, {name: value for name, value in inner.names.items() if name not in given})
        return x

    def op(self, name: str, arguments: dict[str, Any], x: Value, path: str) -> Value:
        """Apply an op at its place."""
        plain = str({key: held for key, held in arguments.items() if not isinstance(held, Value)})
        self.ran.append((name, path, plain, x.shape if name in ("reshape", "slice", "pad_channels") else len(x.shape)))
        site = Site(self.modules, path)
        with _torch_refuses(name):
            tensor, opened = operations.OPS[name](site, x, **arguments)
        if path in self.modules.by_path:
            self.ran.append((path, x.shape[:1]))
        parents = site.others if name in OPERANDS_ALONE else [x, *site.others]
        value = self.made(name, tensor, opened, parents, site.path, operations.centers(name, arguments, x))
        value.macs = site.macs
        self.chances.extend((value, probability) for probability in site.chances)
        return value

    def hidden(self, name: str, arguments: dict[str, Any], x: Value) -> Value:
        """Apply an op that an option of `skip` stands for, and that has no position."""
        return self.op(name, arguments, x, "")

    def made(self, name: str, tensor: torch.Tensor, opened: Open, parents: Sequence[Value],
             path: str | None = None, centers: bool = False) -> Value:  # fmt: skip
        """Return the value that an op made, noted as a consumer of what it took."""
        if 0 in tensor.shape[1:]:
            raise Refused(f"{name} leaves {tuple(tensor.shape[1:])}", "E0304")
        for parent in parents:
            parent.consumers.append(centers)
            parent.within.append(self.scope.startswith(parent.home))
        value = Value(tensor, opened, name, tuple(parents), path)
        self.nodes.append(value)
        return value


@contextmanager
def _torch_refuses(name: str) -> Iterator[None]:
    """Turn errors of PyTorch, and wrong arguments, into refusals."""
    try:
        yield
    except TypeError as error:
        raise Refused(str(error), "E0202", "E0403", "E0404", "E0401") from error
    except (RuntimeError, ValueError, IndexError, NotImplementedError) as error:
        raise Refused(f"{name}: {error}") from error


def _has_operands_alone(tree: Stage) -> bool:
    return isinstance(tree, Apply) and tree.name in OPERANDS_ALONE


def _holds_values(held: Any) -> bool:
    return isinstance(held, dict) and any(isinstance(value, Value) for value in held.values())
