"""Compare the module that archdsl builds with the interpreter: keys, counts, values, gradients, refused inputs."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from itertools import product
from typing import Any

import torch
import torch._dynamo  # PyTorch imports it, for seconds, at the first dispatch mode: here once, not in each child process
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.ir import state
from tests.attack import network
from tests.attack.exports import compare_export
from tests.attack.numbers import close
from tests.attack.places import BATCH, Modules
from tests.attack.program import Program
from tests.attack.values import Refused, evaluate
from tests.attack.verdicts import Point, Report

GRADIENT_TOLERANCE = 1e-4  # normalizations over few, nearly equal values magnify rounding
MOST_NUMBERS = 2_000_000  # of all values of a run together, so that no program takes long


def compare_modules(
    program: Program, found: archdsl.Network, points: list[Point], report: Report, chance: random.Random, export: bool
) -> None:
    """Compare what archdsl builds with what the interpreter makes, at some of the sizes that work and some that do not."""
    working = [point for point in points if point.works and point.run and _numbers(point.run) < MOST_NUMBERS]
    if not working:
        return
    survey = working[0].run
    assert survey is not None
    own = Modules(unbiased=survey.unbiased())
    network.shape_run(program, own, working[0].sizes)
    module = found.build(dtype=torch.float64)
    report.counts["modules"] += 1
    if not _compare_keys(found, module, own, report):
        return
    _share_weights(module, own, chance.randrange(2**31))
    for point in chance.sample(working, min(2, len(working))):
        _compare_formula(found, point, report)
        for training in (False, True):
            _compare_run(program, module, own, point, training, report, chance.randrange(2**31))
    _compare_flops(found, program, working[0], report)
    module.eval()
    _check_refusals(program, module, points, report, chance)
    if export:
        compare_export(program, found, module, working, report, chance)


def _numbers(run: network.Run) -> int:
    return sum(value.tensor.numel() for value in run.machine.nodes)


# Keys and counts ------------------------------------------------------------------------------------------------------


def _compare_keys(found: archdsl.Network, module: nn.Module, own: Modules, report: Report) -> bool:
    theirs = {key: tuple(tensor.shape) for key, tensor in module.state_dict().items()}
    ours = {key: tuple(tensor.shape) for key, tensor in own.tensors().items()}
    if theirs != ours:
        kind = "bias" if {key.rpartition(".")[2] for key in theirs.keys() ^ ours.keys()} == {"bias"} else "keys"
        report.differ(kind, f"archdsl alone {_less(theirs, ours)}, interpreter alone {_less(ours, theirs)}")
    if {key: tuple(shape) for key, shape in state(found.graph).items()} != theirs:
        report.differ("state()", f"{_less(theirs, dict(state(found.graph)))} are missing")
    built = sum(parameter.numel() for parameter in module.parameters())
    if not built == found.table().params == sum(t.numel() for t in own.tensors().values() if isinstance(t, nn.Parameter)):
        report.differ("params", f"table {found.table().params}, built {built}")
    return theirs == ours


def _less(some: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    return sorted(f"{key} {shape}" for key, shape in some.items() if others.get(key) != shape)[:6]


def _compare_formula(found: archdsl.Network, point: Point, report: Report) -> None:
    """Compare the formula of multiply-accumulates, where there is one, at one assignment of sizes."""
    macs, run = found.table().macs, point.run
    if macs is None or run is None:
        return
    text = re.sub(r",(?=\d{3})", "", str(macs)).replace("^", "**")
    if "..." in text:
        return
    names = {"floor": math.floor, "ceil": math.ceil, "max": max, "min": min}
    value = eval(text, names, dict(point.sizes))
    report.counts["MAC formulas"] += 1
    if value != run.macs():
        report.differ("MACs", f"archdsl {macs} = {value} at {point.sizes}, interpreter {run.macs()}")


def _compare_flops(found: archdsl.Network, program: Program, point: Point, report: Report) -> None:
    """Compare the interpreter's multiply-accumulates with what PyTorch counts of the built module."""
    if point.run is None or report.counts["sizes"] % 3:
        return
    meta = found.build(device="meta").eval().requires_grad_(False)  # the counter wants no gradients of what no input makes
    tensors = network.make_inputs(program, point.sizes, batch=1)
    inputs = [tensor.to("meta", torch.float32 if tensor.is_floating_point() else None) for tensor in tensors.values()]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        meta(*inputs)
    report.counts["FLOPs"] += 1
    if counter.get_total_flops() != 2 * point.run.macs():
        report.differ("MACs measured", f"PyTorch {counter.get_total_flops() / 2}, interpreter {point.run.macs()}")


# Values and gradients -------------------------------------------------------------------------------------------------


def _share_weights(module: nn.Module, own: Modules, seed: int) -> None:
    """Give both sides the same random weights: every layer matters, and no variance is negative."""
    generator = torch.Generator().manual_seed(seed)
    ours, theirs = own.tensors(), dict(module.state_dict(keep_vars=True))
    with torch.no_grad():
        for key, tensor in ours.items():
            if tensor.is_floating_point():
                fresh = torch.randn(tensor.shape, generator=generator, dtype=torch.float64) * 0.5
                tensor.copy_(fresh.abs() + 0.5 if key.endswith("running_var") else fresh)
            theirs[key].copy_(tensor)


def _compare_run(
    program: Program, module: nn.Module, own: Modules, point: Point, training: bool, report: Report, seed: int
) -> None:
    """Run both sides on one random input, forward and backward, and compare all results, gradients and buffers."""
    mode = "training" if training else "evaluation"
    tensors = network.make_inputs(program, point.sizes, seed)
    theirs, ours = _leaves(tensors), _leaves(tensors)
    module.train(training)
    own.train(training)
    _level(module, own)
    torch.manual_seed(seed)
    try:
        run = network.run(program, own, ours)
    except Refused as refused:
        return report.differ(f"PyTorch refuses in {mode}", f"{point.sizes}: {refused}")
    torch.manual_seed(seed)
    try:
        result = module(*theirs.values())
    except Exception as error:
        return report.differ(f"the module fails in {mode}", f"{point.sizes}: {type(error).__name__}: {error}")
    report.counts[f"runs in {mode}"] += 1
    expected = {name: value.tensor for name, value in run.results(training).items()}
    given = result._asdict() if hasattr(result, "_asdict") else {"main": result}
    if given.keys() != expected.keys():
        return report.differ("names of results", f"{mode}: archdsl {list(given)}, interpreter {list(expected)}")
    for name, tensor in expected.items():
        if given[name].shape != tensor.shape:
            return report.differ("shape of a result", f"{mode} {name}: {given[name].shape} and {tensor.shape}")
    if training and run.is_left_to_chance():
        report.counts["runs left to chance"] += 1
        return _backward(given, seed)
    for name, tensor in expected.items():
        if not close(given[name], tensor):
            return report.differ(f"values in {mode}", f"{name} at {point.sizes}: {_apart(given[name], tensor)}")
    _backward(given, seed)
    _backward(expected, seed)
    _compare_gradients(module, own, theirs, ours, mode, report)
    _compare_buffers(module, own, run, training, report)


def _level(module: nn.Module, own: Modules) -> None:
    """Forget gradients, and make buffers equal: what nothing depends on runs on one side alone."""
    ours = own.tensors()
    for tensor in [*module.parameters(), *ours.values()]:
        tensor.grad = None
    with torch.no_grad():
        for key, tensor in module.named_buffers():
            if key in ours:  # and no constant
                ours[key].copy_(tensor)


def _leaves(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return copies that collect gradients."""
    return {name: t.clone().requires_grad_(t.is_floating_point()) for name, t in tensors.items()}


def _apart(one: torch.Tensor, other: torch.Tensor) -> str:
    return f"{float((one - other).detach().abs().nan_to_num(math.inf).max()):.3g} apart"


def _backward(results: Mapping[str, torch.Tensor], seed: int) -> None:
    """Run the backward pass of a random weighing of all results."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros((), dtype=torch.float64)
    for name in sorted(results):
        if results[name].is_floating_point():
            total = total + (results[name] * torch.randn(results[name].shape, generator=generator, dtype=torch.float64)).sum()
    if total.requires_grad:
        torch.autograd.backward(total)


def _compare_gradients(
    module: nn.Module,
    own: Modules,
    theirs: Mapping[str, torch.Tensor],
    ours: Mapping[str, torch.Tensor],
    mode: str,
    report: Report,
) -> None:
    given: dict[str, torch.Tensor] = {**theirs, **dict(module.named_parameters())}
    for key, tensor in {**ours, **own.tensors()}.items():
        if not tensor.requires_grad:
            continue
        report.counts["gradients"] += 1
        one, other = (torch.zeros_like(each) if each.grad is None else each.grad for each in (given[key], tensor))
        if not close(one, other, GRADIENT_TOLERANCE) and bool(other.isfinite().all()):
            report.differ(f"gradients in {mode}", f"{key}: {_apart(one, other)}")
            break


def _compare_buffers(module: nn.Module, own: Modules, run: network.Run, training: bool, report: Report) -> None:
    """Compare running statistics, of the ops that a result depends on."""
    live = {value.path for value in run.live(training)}
    given = dict(module.named_buffers())
    ours = own.tensors()
    for key, tensor in given.items():
        if key in ours and key.rpartition(".")[0] in live and not close(tensor.double(), ours[key].double()):
            report.differ("buffers", f"{key}: {_apart(tensor.double(), ours[key].double())}")
            break


# Refused inputs -------------------------------------------------------------------------------------------------------


class _Computation(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations that run."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operations += 1
        return function(*args, **(kwargs or {}))


def _check_refusals(program: Program, module: nn.Module, points: list[Point], report: Report, chance: random.Random) -> None:
    """Check that the module raises `ValueError`, before it computes anything, for inputs that archdsl promises to refuse."""
    failing = [point for point in points if not point.works]
    for point in chance.sample(failing, min(3, len(failing))):
        shapes = network.planned_shapes(program, point.sizes)
        if min(map(min, shapes.values())) >= 1:
            _expect_refusal(program, module, shapes, "a size that does not work is not refused", report)
    for point in [point for point in points if point.works][-1:]:
        for name, shape in network.input_shapes(program, point.sizes).items():
            for at, step in product(range(len(shape)), (1, -1)):
                _check_changed(program, module, point, (name, at, step), report)


def _check_changed(program: Program, module: nn.Module, point: Point, change: tuple[str, int, int], report: Report) -> None:
    """Check that the module refuses inputs of which one axis of one is longer or shorter than the others have it."""
    name, at, step = change
    shapes = network.input_shapes(program, point.sizes)
    changed = list(shapes[name])
    changed[at] += step
    shapes[name] = tuple(changed)
    if changed[at] >= 1 and not _explained(program, shapes):
        kind = "an unequal size is not refused" if network.is_open(program, name, at) else "a fixed axis is not compared"
        _expect_refusal(program, module, shapes, kind, report)


def _explained(program: Program, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Return whether inputs of these shapes follow from some sizes; each size of an input reads one symbolic size at most."""
    wanted = [(size, shapes[item.name][at]) for item in program.inputs for at, size in enumerate(item.sizes)]
    most = 6 * max(map(max, shapes.values())) + 12
    for symbol in (None, *program.symbols):
        reading = [each for each in wanted if network.symbols_in(each[0], program.symbols) == ({symbol} if symbol else set())]
        values = range(1, most) if symbol else (0,)
        if not any(all(evaluate(tree, {symbol or "": value}) == size for tree, size in reading) for value in values):
            return False
    return True


def _expect_refusal(
    program: Program, module: nn.Module, shapes: Mapping[str, tuple[int, ...]], kind: str, report: Report
) -> None:
    tensors = [
        torch.zeros(BATCH, *shapes[item.name], dtype=torch.bool if item.mask else torch.int64 if item.integers else torch.float64)
        for item in program.inputs
    ]
    if any(each.kind == kind for each in report.disagreements):
        return
    report.counts["refused inputs"] += 1
    with _Computation() as computation, torch.no_grad():
        try:
            module(*tensors)
        except ValueError as error:
            if computation.operations:
                report.differ(f"{kind} before computing", f"{dict(shapes)}: {error}")
        except Exception as error:
            report.differ(kind, f"{dict(shapes)}: {type(error).__name__}: {error}")
        else:
            report.differ(kind, dict(shapes))
