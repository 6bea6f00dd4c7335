"""The parts of a scene: the words on them, and the facts that the page shows of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from archdsl.analysis import Costs, describe
from archdsl.backends.diagram.contents import Card
from archdsl.backends.diagram.model import Detail
from archdsl.backends.diagram.op_text import op_part, shape_text
from archdsl.backends.viewer.model import Kind, Line, Link, Part, Scene, Step, Word
from archdsl.ir import Call, Failure, Node, OpNode, Result, Usage, Value, less
from archdsl.literals import show
from archdsl.ops.join import Join
from archdsl.shapes import Dim, SizeError
from archdsl.source import Span

_LONGEST_LINE = 160
"""Characters of a line of the source."""


def op_part_of(node: OpNode, costs: Costs, detail: Detail, *, shared: bool) -> Part:
    """Return an op."""
    op, cost = node.op, costs.of(node)
    part = op_part(node, detail, [node])
    kind, words = Kind.CARD, (Word(part.text, part.main),)
    if isinstance(op, Join) and op.joins_branches:
        kind = Kind.JOIN if op.glyph is not None else Kind.BAR
        words = (Word(op.glyph, main=True),) if op.glyph is not None else words
    macs = cost.macs if node.usage is not Usage.NEVER else 0
    return Part(
        kind, words, op.category, spec=describe(op), path=(_step(node),), params=cost.params, macs=macs,
        takes=_texts(node.inputs), makes=_texts(node.outputs), usage=node.usage, shared=shared, line=_line(node.span),
    )  # fmt: skip


def card_part(ops: Sequence[Part], card: Card, scene: int) -> Part:
    """Return ops that share a card."""
    main = next((op for op, node in zip(ops, card, strict=True) if node.op.weight_layer), ops[0])
    params, macs, count = _totals(ops)
    return replace(
        main, words=tuple([word for op in ops for word in op.words]), spec=" -> ".join([op.spec for op in ops]), scene=scene,
        takes=ops[0].takes, makes=ops[-1].makes, params=params, macs=macs, ops=count, beside=True,
        maker=ops[-1].first,
    )  # fmt: skip


def call_part(call: Call, number: int, scene: Scene, costs: Costs, *, shared: bool) -> Part:
    """Return a call. If there is a single part in the function, the call is drawn as this part."""
    callee, step = call.callee, _step(call)
    labelled = call.module is not None and call.module.labelled
    if (only := _only(scene)) is not None:
        path, last = (step, *only.path), ".".join([name for name in (step.name, only.last) if name]) if only.last else ""
        words = _title(path, only.block, labelled=labelled) if only.kind is Kind.FRAME else only.words
        usage, shared = less(only.usage, call.usage), shared or only.shared
        return replace(only, words=words, path=path, last=last, usage=usage, shared=shared)
    block = callee.name if callee.kind == "block" or not step.name else ""
    _, macs, count = _totals(scene.parts)
    return Part(
        Kind.FRAME, _title((step,), block, labelled=labelled), block=block, spec=_written(call), doc=callee.doc, scene=number,
        path=(step,), takes=_texts(call.inputs), makes=_texts(call.outputs), params=costs.params(callee)[0], macs=macs,
        usage=call.usage, shared=shared, line=_line(call.span), ops=count, maker=_maker(scene),
    )  # fmt: skip


def _title(path: tuple[Step, ...], block: str, *, labelled: bool) -> tuple[Word, ...]:
    """Return the words on a frame: the label and the block, or the block and a key that is only a position."""
    name = Word(".".join([step.name for step in path if step.name]), main=labelled)
    words = (name, Word(block, main=not labelled))
    return tuple([word for word in (words if labelled else words[::-1]) if word.text])


def family_part(name: str, number: int, scene: Scene, takes: Sequence[Value], makes: Sequence[Value]) -> Part:
    """Return the members of an indexed family, which have a scene of their own."""
    parts = scene.parts
    params, macs, count = _totals(parts)
    usage = parts[0].usage if len({part.usage for part in parts}) == 1 else Usage.ALWAYS
    return Part(
        Kind.FRAME, (Word(name, main=True),), scene=number, path=(Step(0, name),), takes=_texts(takes), makes=_texts(makes),
        params=params, macs=macs, usage=usage, line=parts[0].line, ops=count, beside=True, maker=_maker(scene),
    )  # fmt: skip


def input_part(value: Value) -> Part:
    """Return an input of the network."""
    word = Word(value.name or "input", main=True)
    return Part(Kind.INPUT, (word,), spec="input", makes=_texts([value]), line=_line(value.span), ops=0)


def result_part(result: Result, value: Value) -> Part:
    """Return an end of the network: its result, a further output, or an auxiliary head."""
    words = {"main": "output", "output": f"output {result.name}", "head": f"{result.name} loss × {result.weight:g}"}
    usage = Usage.TRAINING if result.kind == "head" else Usage.ALWAYS
    word = Word(words[result.kind], main=True)
    return Part(Kind.END, (word,), takes=_texts([value]), usage=usage, line=_line(result.span), ops=0)


def failure_part(failure: Failure) -> Part:
    """Return what could not be applied."""
    words = (Word(failure.what, main=True), Word(" and ".join(_texts(failure.inputs))))
    return Part(Kind.FAILURE, words, takes=_texts(failure.inputs), line=_line(failure.span), ops=0)


def _maker(scene: Scene) -> int | None:
    """Return which op of a scene makes its first output; None if that comes in, or if there is none."""
    source = next((link.source for link in scene.links if link.target == len(scene.parts)), -1)
    if source < 0:
        return None
    part = scene.parts[source]
    return None if part.maker is None else part.first + (part.times - 1) * part.ops + part.maker


def _only(scene: Scene) -> Part | None:
    """Return the part of a scene that has one alone, which takes and returns what the scene does."""
    if len(scene.parts) != 1 or scene.parts[0].kind is Kind.FAILURE:
        return None
    (part,) = scene.parts
    ends = [Link(-1 - i, 0, 0, i) for i in range(scene.inputs)] + [Link(0, i, 1 + i, 0) for i in range(scene.outputs)]
    return part if scene.links == ends and len(part.makes) == scene.outputs else None


def _totals(parts: Iterable[Part]) -> tuple[int, Dim | None, int]:
    """Return parameters, MACs and ops of some parts together.

    Parameters of a shared module count once. MACs are those in evaluation, unless all of it is for training.
    """
    parts = list(parts)
    shared = {part.path: part.params for part in parts if part.shared}
    params = sum([part.params * part.times for part in parts if not part.shared]) + sum(shared.values())
    counted = [part for part in parts if part.usage is Usage.ALWAYS] or parts
    macs: Dim | None = 0
    for part in counted:
        macs = _sum(macs, part.macs, part.times)
    return params, macs, sum([part.ops * part.times for part in parts])


def _sum(one: Dim | None, other: Dim | None, times: int) -> Dim | None:
    if one is None or other is None:
        return None
    try:
        return one + times * other if other != 0 else one
    except SizeError:
        return None


def _step(node: Node) -> Step:
    """Return the way from the function to the module of a node."""
    return Step(node.module.levels, ".".join(node.module.key)) if node.module is not None else Step()


def _written(call: Call) -> str:
    """Return a call as a spec writes it."""
    arguments = ", ".join([f"{name} = {show(value)}" for name, value in call.given.items()])
    return f"{call.callee.name}({arguments})" if call.callee.kind == "block" else ""


def _texts(values: Iterable[Value]) -> tuple[str, ...]:
    """Return the shapes of some values."""
    return tuple([shape_text(value.shape) for value in values])


def _line(span: Span | None) -> Line | None:
    if span is None:
        return None
    number, _ = span.line_column
    text = span.file.line_text(number).strip()
    return Line(Path(span.file.name).name, number, text if len(text) <= _LONGEST_LINE else text[: _LONGEST_LINE - 1] + "…")
