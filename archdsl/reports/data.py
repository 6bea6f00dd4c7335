"""The facts of a report as plain data, for JSON. A symbolic size is a formula, as a string; numbers of paths are exact."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from archdsl.analysis.path_lengths import Lengths
from archdsl.analysis.receptive_field import AxisField
from archdsl.reports.facts import Facts, Layer
from archdsl.reports.memory import Peak
from archdsl.shapes import Dim


def facts_data(facts: Facts) -> dict[str, Any]:
    """Return everything that a report knows."""
    counts, macs = facts.counts, facts.counts.macs
    return {
        "network": facts.graph.name,
        "inputs": {value.name: [_plain(size) for size in value.shape] for value in facts.graph.inputs},
        "params": counts.params,
        "params_eval": counts.params_eval,
        "macs": _plain(macs),
        "flops": None if macs is None else _plain(2 * macs),
        "depth": counts.depth,
        "memory": _memory(facts),
        "receptive_field": _receptive_field(facts),
        "dropped": [
            {"layer": one.node.path, "op": one.node.op.name, "axis": one.axis, "last": one.last, "always": one.always,
             "between": one.between}
            for one in facts.dropped
        ],
        "paths": _paths(facts),
        "savings": [
            {"kind": one.kind, "form": one.form, "replaces": one.replaces, "times": times, "layers": list(one.paths),
             "params": one.params,
             "params_replaced": one.params_replaced, "macs": _plain(one.macs), "macs_replaced": _plain(one.macs_replaced)}
            for one, times in facts.savings
        ],
        "layers": [_layer(facts, i, layer) for i, layer in enumerate(facts.layers)],
    }  # fmt: skip


def _memory(facts: Facts) -> dict[str, Any]:
    memory = facts.memory
    kept = None if memory.kept is None else {"fixed": _plain(memory.kept.fixed), "of_example": _plain(memory.kept.of_example)}
    return {
        "parameters": memory.parameters, "kept": kept, "inference": _peak(memory.inference), "training": _peak(memory.training),
        "unknown": list(memory.unknown),
    }  # fmt: skip


def _peak(peak: Peak | None) -> dict[str, Any] | None:
    return (
        None if peak is None else {"batch": peak.batch, "bytes": peak.value, "formulas": list(peak.formulas), "where": peak.where}
    )


def _receptive_field(facts: Facts) -> dict[str, Any]:
    largest, whole, lost = facts.field, facts.sees_all, facts.unfollowed
    return {
        "largest": None
        if largest is None
        else {"layer": largest.name, "axes": [axis_data(axis) for axis in largest.field.first]},
        "sees_all_from": None if whole is None else whole.name,
        "unknown_from": None if lost is None else lost.name,
        "windows": len(facts.windows),
        "unproductive": [layer.name for layer in facts.unproductive],
    }


def axis_data(axis: AxisField) -> dict[str, Any]:
    """Return the receptive field along one axis."""
    return {
        "size": axis.size, "jump": _fraction(axis.jump), "center": _fraction(axis.center), "least": axis.least, "all": axis.whole,
        "known": axis.known,
    }  # fmt: skip


def _fraction(value: Fraction | None) -> int | float | None:
    return None if value is None else value.numerator if value.denominator == 1 else float(value)


def _paths(facts: Facts) -> dict[str, Any] | None:
    paths = facts.paths
    if paths is None:
        return None
    blocks = None if paths.blocks is None else _lengths(paths.blocks)
    return {"layers": _lengths(paths.layers), "blocks": blocks, "joins": paths.joins, "in_each_block": list(paths.in_each)}


def _lengths(lengths: Lengths) -> dict[str, Any]:
    return {"least": lengths.least, "counts": list(lengths.counts), "total": lengths.total, "mean": lengths.mean}


def _layer(facts: Facts, number: int, layer: Layer) -> dict[str, Any]:
    kept, moments = facts.memory.kept_by.get(number), layer.moments
    return {
        "name": layer.node.path, "op": layer.op, "shape": [_plain(size) for size in layer.node.shape], "params": layer.params,
        "macs": _plain(layer.macs), "part": layer.part, "kept": None if kept is None else _plain(kept.of_example),
        "field": {str(number): [axis_data(axis) for axis in axes] for number, axes in layer.field.fields.items()},
        "new_from": layer.field.new_from, "new_from_least": layer.field.new_from_least,
        "mean": None if moments is None else moments.mean, "variance": None if moments is None else moments.variance,
    }  # fmt: skip


def _plain(value: Dim | None) -> int | str | None:
    return value if value is None or isinstance(value, int) else str(value)
