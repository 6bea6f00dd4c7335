"""The memory of a network as a report says it: peaks for a batch, as formulas, and what is kept for the backward pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from archdsl.ir import FlatGraph, Graph
from archdsl.shapes import Dim, SizeError, SymbolicSize
from archdsl.sizes import SizeSet, nearest, simplified

if TYPE_CHECKING:
    from archdsl.backends.torch.memory.trace import Bytes, Trace


class Peak(NamedTuple):
    """The most bytes at once, for a batch. `value` is None for symbolic sizes, for which `formulas` are: the largest counts.

    `where` is the path of the op that runs then, or says that it is the backward pass.
    """

    batch: int
    value: int | None
    formulas: tuple[str, ...]
    where: str


class MemoryFacts(NamedTuple):
    """The memory of a network. A part is None if it is unknown: `unknown` names the ops that are not modelled."""

    parameters: int
    """Bytes of parameters and buffers."""
    inference: Peak | None
    training: Peak | None
    kept: Bytes | None
    """What the forward pass of training leaves, the result included, and parameters and inputs not."""
    kept_by: dict[int, Bytes]
    """That, by the number of the op that made it, in the order of `archdsl.ir.flatten`."""
    curve: tuple[int, ...]
    """Bytes over the events of a training step, for fixed sizes."""
    unknown: tuple[str, ...]


_SAMPLES: Final = (1, 8, 16, 32, 64, 128, 224, 320, 512, 640, 1024, 4096)
"""Sizes at which the formula that is largest is looked for, where sizes are symbolic."""
_FOLLOWING: Final = frozenset({
    "permute", "transpose", "rearrange", "mha", "ln", "rms_norm", "attend", "roll", "window_shift", "split", "slice", "rel_bias",
})  # fmt: skip
"""Ops after which a batch of one may need fewer copies: an axis of size one is in order anywhere."""


def memory_facts(graph: Graph, flat: FlatGraph, batch: int) -> MemoryFacts:
    """Return the memory of inference on one example, and of a training step on a batch."""
    from archdsl.backends.torch.memory.measure import measured  # here: it needs the module that is emitted

    found = measured(graph)
    single = found.inference
    if any(node.op.name in _FOLLOWING for function in graph.functions() for node in function.ops):
        single = measured(graph, batch=1, training=False).inference
    unknown = tuple(dict.fromkeys(trace for trace in (single, found.training) if isinstance(trace, str)))
    inference = None if isinstance(single, str) else _peak(graph, single, 1)
    trace = found.training
    parameters = found.parameters
    if isinstance(trace, str) or batch < 2:
        return MemoryFacts(parameters, inference, None, None, {}, (), unknown)
    made = trace.live(trace.forward, trace.start)
    try:
        kept: Bytes | None = trace.sum_of(made)
    except SizeError:
        kept = None
    numbers = _numbers(flat, trace)
    parts = trace.made_by(made) if kept is not None else []
    kept_by = {numbers[step]: trace.sum_of(own) for step, own in parts if step in numbers}
    curve = _curve(trace, batch) if not graph.symbols else ()
    return MemoryFacts(parameters, inference, _peak(graph, trace, batch), kept, kept_by, curve, unknown)


def _numbers(flat: FlatGraph, trace: Trace) -> dict[int, int]:
    """Return the number of the op for each step of a trace; both are in the order of the network, and some ops are no step."""
    found, position = {}, 0
    for number, step in enumerate(trace.steps):
        while position < len(flat.nodes) and (flat.nodes[position].path, flat.nodes[position].op.name) != (step.path, step.op):
            position += 1
        if position == len(flat.nodes):
            break
        found[number] = position
        position += 1
    return found


def _peak(graph: Graph, trace: Trace, batch: int) -> Peak | None:
    if not graph.symbols:
        value, event = trace.peak(batch)
        bytes = trace.at(event)
        formula = (_formula(bytes, graph.valid_sizes),) if bytes.of_example else ()
        return Peak(batch, value, formula, _where(trace, event))
    events: dict[int, None] = {}
    for sizes in reversed(samples(graph)):
        events.setdefault(trace.peak(batch, sizes)[1])
    try:
        formulas = dict.fromkeys(_total(trace.at(event), batch, graph.valid_sizes) for event in events)
    except SizeError:
        return None
    return Peak(batch, None, tuple(formulas), _where(trace, next(iter(events))))


def samples(graph: Graph) -> list[dict[str, int]]:
    """Return some valid symbolic sizes, from small to large."""
    found = []
    for sample in _SAMPLES:
        at = {symbol: _near(graph.valid_sizes.get(symbol), sample) for symbol in graph.symbols}
        found.append({symbol: size for symbol, size in at.items() if size is not None})
    return [at for i, at in enumerate(found) if len(at) == len(graph.symbols) and at not in found[:i]]


def _near(sizes: SizeSet | None, size: int) -> int | None:
    return size if sizes is None else nearest(sizes, size)


def _where(trace: Trace, event: int) -> str:
    if event > trace.forward:
        return "in the backward pass"
    for step in trace.steps:
        if step.before < event <= step.after:
            return f"in `{step.op}` of `{step.path}`" if step.path else f"in `{step.op}`"
    return "in the forward pass" if event > trace.start else "before the first op"


def _curve(trace: Trace, batch: int) -> tuple[int, ...]:
    known = [0, *trace.numbers(batch)]
    live, found = 0, list[int]()
    for event, number in enumerate(trace.events, 1):
        live += known[number] if number > 0 else -known[trace.events[-number - 1]]
        if event >= trace.start:
            found.append(live)
    return tuple(found)


def _formula(bytes: Bytes, valid: Mapping[str, SizeSet]) -> str:
    return f"{_shown(bytes.fixed, valid)} + {_shown(bytes.of_example, valid)} * N"


def _total(bytes: Bytes, batch: int, valid: Mapping[str, SizeSet]) -> str:
    return _shown(bytes.fixed + bytes.of_example * batch, valid)


def _shown(size: Dim, valid: Mapping[str, SizeSet]) -> str:
    return f"{size:,}" if isinstance(size, int) else simplified(size, valid)


def shown_bytes(size: Dim, valid: Mapping[str, SizeSet]) -> str:
    """Return a number of bytes as text: a formula, or a number with its unit."""
    if isinstance(size, SymbolicSize):
        return f"{simplified(size, valid)} bytes"
    return human(size)


def human(size: float) -> str:
    """Return bytes with a unit that keeps the number short: powers of 1,024."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1024
    raise AssertionError
