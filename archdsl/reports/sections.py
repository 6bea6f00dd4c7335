"""The sections of a report: what the facts mean, in words and tables. `docs/reports.md` explains each one, with its source."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from archdsl.analysis.receptive_field import field_text
from archdsl.reports.curve import Curve
from archdsl.reports.document import Document, Part, Section, Table
from archdsl.reports.facts import Facts
from archdsl.reports.field_section import receptive_field
from archdsl.reports.memory import Peak, human, shown_bytes
from archdsl.reports.wording import LISTED, kept_text, number, picked, ratio, share, size_text, variance_text
from archdsl.shapes import Dim, SizeError, format_shape


def document(facts: Facts) -> Document:
    """Return the report."""
    graph = facts.graph
    inputs = ", ".join(f"`{value.name}` {format_shape(value.shape)}" for value in graph.inputs)
    lead = " ".join(filter(None, [graph.doc.strip().partition("\n")[0].strip().rstrip(".") + "." if graph.doc.strip() else ""]))
    about = f"{lead} Inputs: {inputs}." if len(graph.inputs) != 1 else f"{lead} Input: {inputs}."
    sections = [
        Section("Cost", list(_cost(facts))),
        Section("Memory", list(_memory(facts))),
        Section("Receptive field", list(receptive_field(facts))),
        Section("Paths", list(_paths(facts))),
        Section("Expected variance", list(_variance(facts))),
        Section("Savings", list(_savings(facts))),
        Section("Layers", [_groups(facts), _layers(facts)]),
    ]
    return Document(f"Report on {graph.name}", about.strip(), [section for section in sections if section.parts])


def _cost(facts: Facts) -> Iterator[Part]:
    counts, valid = facts.counts, facts.graph.valid_sizes
    heads = counts.params - counts.params_eval
    rows = [["parameters", f"{counts.params:,}", ""]]
    if heads:
        rows.append(["parameters without heads", f"{counts.params_eval:,}", "auxiliary heads exist in training only"])
    macs = "unknown" if counts.macs is None else size_text(counts.macs, valid)
    flops = "unknown" if counts.macs is None else size_text(2 * counts.macs, valid)
    rows.append(["MACs", macs, "multiply-accumulates of convolutions and matrix products, one example, evaluation"])
    rows.append(["FLOPs", flops, "2 per MAC, as torch.utils.flop_counter counts them; other ops count as 0"])
    rows.append(["depth", str(counts.depth), "convolutions and dense layers on the longest path"])
    yield Table(("", "", ""), rows, "<><")


def _memory(facts: Facts) -> Iterator[Part]:
    memory, valid = facts.memory, facts.graph.valid_sizes
    rows = [["parameters and buffers", human(memory.parameters), f"{memory.parameters:,} bytes"]]
    if memory.kept is not None:
        each = shown_bytes(memory.kept.of_example, valid)
        rows.append(["kept for the backward pass", each, "for each example, the result included"])
    for name, peak in (("peak of inference", memory.inference), ("peak of a training step", memory.training)):
        rows += _peak_rows(name, peak)
    yield Table(("", "", ""), rows, "<><")
    if memory.inference is not None or memory.training is not None:
        yield (
            "Peaks are bytes of all tensors at once, in 32 bits, as a tracker of storages measures them on PyTorch's `meta` "
            "device: parameters, buffers, inputs, activations and gradients. The state of an optimizer, the workspace of kernels "
            "and what an allocator reserves come on top; Adam keeps two more numbers for each parameter."
        )
    if memory.unknown:
        ops = ", ".join(f"`{name}`" for name in memory.unknown)
        what = "peaks are" if memory.inference is None and memory.training is None else "the other peak is"
        yield f"The {what} unknown: the memory of {ops} is not modelled."
    if memory.curve and memory.training is not None:
        step = f"a training step of {memory.training.batch} examples"
        caption = f"Memory over {step}: the forward pass fills it, the backward pass frees it."
        yield Curve(caption, [float(value) for value in memory.curve], "allocations in order", human)


def _peak_rows(name: str, peak: Peak | None) -> list[list[str]]:
    if peak is None:
        return [[name, "unknown", ""]]
    batch = "one example" if peak.batch == 1 else f"{peak.batch} examples"
    if peak.value is not None:
        formula = f"; {peak.formulas[0]} bytes for N examples" if peak.formulas and peak.batch > 1 else ""
        return [[name, human(peak.value), f"{peak.value:,} bytes, {batch}, {peak.where}{formula}"]]
    rows = [[name, "", f"{peak.formulas[0]} bytes, {batch}, {peak.where}"]]
    return rows + [["or, if that is more", "", f"{formula} bytes"] for formula in peak.formulas[1:]]


def _paths(facts: Facts) -> Iterator[Part]:
    paths = facts.paths
    if paths is None or paths.layers.total < 2:
        return
    blocks = paths.blocks
    if blocks is not None:
        low, high = blocks.middle()
        yield (
            f"{number(blocks.total)} paths lead through {paths.joins} residual blocks. Their mean length is {blocks.mean:.1f} "
            f"blocks; nine in ten go through {low} to {high} of them, and "
            f"{share(blocks.share(low, high))} of all paths have such a length."
        )
        each = sorted(set(paths.in_each))
        if len(each) == 1:
            part = share(each[0] * 10**9 // blocks.total / 10**9)
            yield f"Each block is in {number(each[0])} of these paths, {part}: without it, the others remain."
        rows = [
            [str(blocks.least + i), number(count), share(count * 10**9 // blocks.total / 10**9)]
            for i, count in enumerate(blocks.counts)
        ]
        yield Table(("blocks", "paths", "share"), _near_mean(rows, blocks.mean - blocks.least), ">>>", "Paths by length.")
        curve = [count * 10**9 // blocks.total / 10**9 for count in blocks.counts]
        yield Curve(
            "Share of the paths by length in blocks.", curve, f"{blocks.least} to {blocks.longest} blocks", share, linear=True
        )
    else:
        layers = paths.layers
        low, high = layers.middle()
        if layers.least == layers.longest:
            yield f"{number(layers.total)} paths lead from the input to the result, each through {low} layers with weights."
            return
        yield (
            f"{number(layers.total)} paths lead from the input to the result, through {layers.least} to {layers.longest} "
            f"convolutions and dense layers; the mean is {layers.mean:.1f}, and nine in ten have {low} to {high}."
        )


def _near_mean(rows: list[list[str]], mean: float) -> list[list[str]]:
    """Return the rows around the mean."""
    if len(rows) <= LISTED + 1:
        return rows
    start = min(max(round(mean) - LISTED // 2, 0), len(rows) - LISTED - 1)
    return rows[start : start + LISTED + 1]


def _variance(facts: Facts) -> Iterator[Part]:
    main = [layer for layer in facts.layers if layer.part == "main"]
    known = [layer for layer in main if layer.moments is not None]
    if not known:
        return
    sums = [layer for layer in known if layer.node.op.name == "add" and layer.node.op.number is None]  # type: ignore[attr-defined]
    words = (
        "For inputs of mean 0 and variance 1, the initialization and normalization of the network lead to these variances, in "
        "training mode before the first step. Sums are taken as uncorrelated, and numbers as normally distributed."
    )
    lost = next((layer for layer in main if layer.moments is None), None)
    if lost is not None:
        words += f" From `{lost.name}` (`{lost.op}`) on they are unknown where they depend on it."
    yield words
    chosen = sums if len(sums) > 1 else [layer for layer in known if layer.node.op.weight_layer]
    what = "Variance behind each sum." if len(sums) > 1 else "Variance behind each layer."
    rows = [[layer.name if layer.node.path == "" or len(sums) < 2 else layer.node.path, variance_text(layer)] for layer in chosen]
    yield Table(("layer", "variance"), picked(rows), "<>", what)
    values = [None if layer.moments is None else layer.moments.variance for layer in main]
    yield Curve("Expected variance by depth.", values, "ops in order", lambda value: f"{value:.3g}")


def _savings(facts: Facts) -> Iterator[Part]:
    if not facts.savings:
        return
    rows = []
    for one, count in facts.savings:
        macs, replaced = one.macs, one.macs_replaced
        rows.append(
            [str(count), one.form, one.replaces, f"{one.params:,}", f"{one.params_replaced:,}",
             ratio(one.params, one.params_replaced),
             _macs(facts, macs), _macs(facts, replaced), ratio(macs, replaced)]
        )  # fmt: skip
    titles = ("", "form", "in place of", "params", "instead of", "", "MACs", "instead of", "")
    yield Table(
        titles, rows, "><<>>>>>>", "Weights and MACs of cheaper forms, and those of the plain convolutions that they replace."
    )


def _macs(facts: Facts, macs: Dim | None) -> str:
    return "symbolic" if macs is None else size_text(macs, facts.graph.valid_sizes)


def _groups(facts: Facts) -> Table:
    rows = []
    for group, members in groupby(enumerate(facts.layers), key=lambda pair: pair[1].group):
        numbered = list(members)
        layers = [layer for _, layer in numbered]
        last = layers[-1]
        macs: Dim | None = 0
        for layer in layers:
            try:
                macs = None if macs is None or layer.macs is None else macs + layer.macs
            except SizeError:
                macs = None
        part = "" if any(layer.part == "main" for layer in layers) else last.part
        rows.append(
            [last.name if len(layers) == 1 else group or layers[0].name, part, str(len(layers)), format_shape(last.node.shape),
             f"{sum([layer.params for layer in layers]):,}", _macs(facts, macs),
             kept_text(facts, [i for i, _ in numbered]), field_text(last.field.first), variance_text(last)]
        )  # fmt: skip
    titles = ("part", "", "ops", "output", "params", "MACs", "kept", "field", "variance")
    return Table(titles, rows, "<<><>>>>>", "Parts in order; `kept` is memory for the backward pass, for each example.")


def _layers(facts: Facts) -> Table:
    rows = []
    for i, layer in enumerate(facts.layers):
        part, params = "" if layer.part == "main" else layer.part, f"{layer.params:,}" if layer.params else ""
        macs = _macs(facts, layer.macs) if layer.macs != 0 else ""
        known = [kept_text(facts, [i]), field_text(layer.field.first), variance_text(layer)]
        rows.append([layer.name, part, layer.op, format_shape(layer.node.shape), params, macs, *known])
    titles = ("layer", "", "op", "output", "params", "MACs", "kept", "field", "variance")
    return Table(titles, rows, "<<<<>>>>>", f"All {len(rows)} ops", long=True)
