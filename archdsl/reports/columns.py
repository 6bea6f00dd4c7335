"""Facts of a report as columns of the layer table that `check` prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from archdsl.analysis import Row, Table
from archdsl.analysis.receptive_field import field_text, per_axis
from archdsl.ir import Graph
from archdsl.reports.data import axis_data
from archdsl.reports.facts import Facts, Layer, facts_of
from archdsl.reports.wording import kept_text, number, size_text


class Column(NamedTuple):
    """A column: its title, what it is, its text for one run of a layer, and its value for JSON."""

    title: str
    about: str
    text: Callable[[Facts, int], str]
    value: Callable[[Facts, int], Any]


class Columns(NamedTuple):
    """The texts of some columns for the rows of a table, and their values for JSON."""

    titles: tuple[str, ...]
    texts: list[list[str]]
    values: list[dict[str, Any]]


def columns(graph: Graph, table: Table, names: Sequence[str]) -> Columns:
    """Return columns of a layer table by their names. A row that stands for several layers has the values from first to last."""
    facts = facts_of(graph)
    chosen = [COLUMNS[name] for name in names]
    texts = [[_range(column, facts, row) for column in chosen] for row in table.rows]
    values = [{name: [COLUMNS[name].value(facts, run) for run in row.runs] for name in names} for row in table.rows]
    return Columns(tuple([column.title for column in chosen]), texts, values)


def _range(column: Column, facts: Facts, row: Row) -> str:
    """Return the text of a row: one value, or the first and the last one of those that it stands for."""
    found = [column.text(facts, run) for run in row.runs]
    if not found:
        return ""
    return found[0] if found[0] == found[-1] else f"{found[0]} to {found[-1]}"


def _layer(facts: Facts, run: int) -> Layer:
    return facts.layers[run]


def _flops(facts: Facts, run: int) -> str:
    macs = _layer(facts, run).macs
    return "symbolic" if macs is None else "" if macs == 0 else size_text(2 * macs, facts.graph.valid_sizes)


def _jump(facts: Facts, run: int) -> str:
    axes = _layer(facts, run).field.first
    return per_axis(["" if axis.jump is None else number(axis.jump) for axis in axes]) if axes else ""


def _start(facts: Facts, run: int) -> str:
    axes = _layer(facts, run).field.first
    return per_axis(["" if axis.center is None else number(axis.center) for axis in axes]) if axes else ""


def _new_from(facts: Facts, run: int) -> str:
    found = _layer(facts, run).field.new_from
    return "" if found is None else f"{found:,}"


def _variance(facts: Facts, run: int) -> str:
    moments = _layer(facts, run).moments
    return "?" if moments is None else f"{moments.variance:.3g}"


def _fields(facts: Facts, run: int) -> Any:
    return [axis_data(axis) for axis in _layer(facts, run).field.first]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float) else str(value)


def _kept(facts: Facts, run: int) -> Any:
    kept = facts.memory.kept_by.get(run)
    return None if kept is None else _plain(kept.of_example)


def _flops_value(facts: Facts, run: int) -> Any:
    macs = _layer(facts, run).macs
    return None if macs is None else _plain(2 * macs)


COLUMNS: Final[Mapping[str, Column]] = {
    "flops": Column("FLOPs", "two for each MAC", _flops, _flops_value),
    "kept": Column("kept", "memory for the backward pass, for each example", lambda facts, run: kept_text(facts, [run]), _kept),
    "field": Column("field", "receptive field, by the path that sees the most",
                    lambda facts, run: field_text(_layer(facts, run).field.first), _fields),
    "jump": Column("jump", "distance between the fields of neighbouring positions", _jump,
                   lambda facts, run: _jump(facts, run) or None),
    "start": Column("start", "middle of the field of the first position", _start, lambda facts, run: _start(facts, run) or None),
    "new-from": Column("new from", "input size from which the layer sees more than its input", _new_from,
                       lambda facts, run: _layer(facts, run).field.new_from),
    "variance": Column("variance", "expected variance at initialization", _variance,
                       lambda facts, run: None if (m := _layer(facts, run).moments) is None else m.variance),
}  # fmt: skip
"""By the name that `check --columns` takes. A test compares this with the option, which imports nothing of it."""
