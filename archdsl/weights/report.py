"""Reports on loading weights: how many tensors fit, and for each other one where and why it does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from archdsl.diagnostics import Diagnostic, Mark, Severity, codes, printable, render_text
from archdsl.html_page import html_table
from archdsl.ir import FlatNode, Graph, Usage, flatten, state, tensor_key
from archdsl.source import Span
from archdsl.weights import Channels, MatchBy
from archdsl.weights.match import Fit, Mismatch, Reason, Shape, match, without_spoiled
from archdsl.weights.of_graph import holds_positions
from archdsl.weights.stored import StoredWeights, unreadable
from archdsl.weights.unwrap import listed

_MOST_PLACES = 12
_IN_A_MARK = 2
_MOST_ROWS = 100


@dataclass(frozen=True, repr=False)
class WeightsReport:
    """A report on a file of weights and a network. Its string form is the output of the command line.

    `loaded` are the keys of the network with a matching tensor; `problems` are the other tensors of the network and the file.
    """

    network: str
    file: str
    fit: Fit
    size: int
    """The number of tensors in the network."""
    places: Mapping[str, Span]
    by: MatchBy = "name"
    alternative: str | None = None
    """The suggested fix."""
    done: bool = False
    """Whether the tensors were loaded into a module."""
    converted: tuple[str, ...] = ()

    @property
    def loaded(self) -> tuple[str, ...]:
        """The keys of the network with a matching tensor in the file."""
        return tuple(self.fit.pairs)

    @property
    def problems(self) -> tuple[Mismatch, ...]:
        """The tensors that are not loaded, with reasons."""
        return self.fit.problems

    @property
    def ok(self) -> bool:
        """Whether everything fits, except permitted omissions."""
        return not self.fit.problems and not self.fit.useless

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes about removed wrappers and prefixes, omitted heads, and conversions."""
        left = self.fit.heads_left
        heads = (f"not in the file, and left as initialized: {listed(left)} of the heads",) if left else ()
        return self.fit.notes + heads + self.converted

    def summary(self) -> str:
        """Return a summary in one sentence."""
        if self.ok:
            return f"{self.file}: {len(self.loaded):,} tensors {self._verb} `{self.network}`"
        if self._misplaced is not None:
            return f"{self.file} does not fit `{self.network}` by position: {_misplaced(self._misplaced)}"
        counts = "; ".join(_counted(reason, list(found)) for reason, found in self._by_reason())
        return (
            f"{self.file} does not {'wholly ' if self.done else ''}fit `{self.network}`: "
            f"{len(self.loaded):,} of the network's {self.size:,} tensors {self._verb}; {counts}"
        )

    @property
    def _verb(self) -> str:
        return "are loaded" if self.done and not self.ok else "loaded into" if self.done else "fit"

    @property
    def _misplaced(self) -> Mismatch | None:
        return next((problem for problem in self.problems if problem.reason is Reason.ORDER), None)

    def _by_reason(self) -> Iterable[tuple[Reason, Iterable[Mismatch]]]:
        return groupby(sorted(self.problems, key=lambda p: list(Reason).index(p.reason)), key=lambda p: p.reason)

    def diagnostic(self, severity: Severity = Severity.ERROR) -> Diagnostic:
        """Return E0905, which marks the layers of the tensors that do not fit; as a warning, of those that were skipped."""
        marks = self._marks()
        outside = [problem.stored for problem in self.problems if problem.reason is Reason.UNEXPECTED and problem.stored]
        found = codes.outputs.WeightsMisfit(
            self.summary(), tuple(marks[:_MOST_PLACES]), len(marks) - _MOST_PLACES, listed(outside) if outside else None,
            self.notes, self.alternative,
        )  # fmt: skip
        return found.at(marks[0].span if marks else None).with_severity(severity)

    def _marks(self) -> list[Mark]:
        """Return a mark for each place in the spec, in the order of the file."""
        by_place: dict[Span, list[Mismatch]] = {}
        for problem in self.problems:
            place = self.places.get(problem.key or "")
            if place is not None:
                by_place.setdefault(place, []).append(problem)
        found = sorted(by_place.items(), key=lambda item: (item[0].file.name, item[0].start))
        return [Mark(place, _at_one_place(problems)) for place, problems in found]

    def as_data(self) -> dict[str, Any]:
        """Return all tensors as plain data for JSON."""
        return {
            "file": self.file, "fits": self.ok, "loaded": dict(self.fit.pairs), "notes": list(self.notes),
            "problems": [_problem_data(problem) for problem in self.problems],
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<weights report: {self.summary()}>"

    def _repr_html_(self) -> str:
        """Return the report for notebooks: a table of what does not fit, up to a number of rows."""
        shown = self.problems[:_MOST_ROWS]
        rows = [
            (problem.reason.value, problem.key or "", _shape(problem.wanted) if problem.key else "",
             problem.stored or "", _shape(problem.found.shape) if problem.found is not None else "")
            for problem in shown
        ]  # fmt: skip
        if len(self.problems) > len(shown):
            rows.append((f"and {len(self.problems) - len(shown):,} more", "", "", "", ""))
        caption = "; ".join([self.summary(), *self.notes, *([self.alternative] if self.alternative else [])])
        head = ("reason", "key in the network", "shape", "key in the file", "shape in the file") if rows else ()
        return html_table(caption, head, rows)

    def __str__(self) -> str:
        if self.ok:
            return "\n".join(printable(line) for line in [self.summary(), *(f"  {note}" for note in self.notes)])
        return render_text([self.diagnostic(Severity.ERROR if self.fit.useless else Severity.WARNING)], color=False)


def _owners(graph: Graph) -> dict[str, FlatNode]:
    """Return the op of each tensor of the `state_dict`; of those that share it, one that always runs, if any does."""
    found: dict[str, FlatNode] = {}
    for flat in flatten(graph).nodes:
        if flat.node.module is None:
            continue
        shapes = flat.node.input_shapes
        for name in (*flat.op.parameters(*shapes), *flat.op.buffers(*shapes)):
            key = tensor_key(flat.path, name)
            if key not in found or found[key].usage is not Usage.ALWAYS:
                found[key] = flat
    return found


def report_on(
    graph: Graph,
    stored: StoredWeights,
    *,
    wanted: Mapping[str, Shape] | None = None,
    by: MatchBy = "name",
    without_heads: bool = False,
    prefix: str | None = None,
    channels: Channels | None = None,
) -> WeightsReport:
    """Return a report on how stored weights match a network; `wanted` replaces the keys and shapes of the graph.

    Raises `SpecError` E0906 for a mapping by position where the file keeps none.
    """
    whole = state(graph)
    wanted = whole if wanted is None else wanted
    if by == "order" and not stored.ordered:
        why = "is a safetensors file, which keeps its tensors by name: there is no order to go by"
        raise unreadable(stored.name, why, "save the state_dict with torch.save, or rename its keys")
    owners = _owners(graph)
    nodes = {key: owners.get(key) for key in whole | dict(wanted)}
    heads = {key for key, node in nodes.items() if node is not None and node.usage is Usage.TRAINING}
    idle = {key for key, node in nodes.items() if node is not None and node.usage is not Usage.ALWAYS}
    first = _first_convolution(graph)
    fit = match(
        wanted, stored, by=by, optional=heads if without_heads else (), spare=idle - set(wanted), prefix=prefix,
        adaptable=first if channels is not None else None,
        integers={key for key, node in nodes.items() if node is not None and holds_positions(key, node)},
        loose={key for key, node in nodes.items() if node is not None and node.op.loose_axes},
    )  # fmt: skip
    fit = without_spoiled(replace(fit, notes=stored.notes + fit.notes), wanted, stored)
    if first is not None and first in fit.pairs and stored.entries[fit.pairs[first]].shape != wanted[first]:
        before, after = stored.entries[fit.pairs[first]].shape[1], wanted[first][1]
        fit = replace(
            fit,
            adapted={first: channels or "sum"},
            notes=(*fit.notes, f"`{first}` adapted from {before} to {after} input channels: {channels}"),
        )
    places = {key: flat.node.span for key, flat in nodes.items() if flat is not None and flat.node.span is not None}
    alternative = _alternative(fit, wanted, stored, by, heads)
    if channels is None and any(problem.key == first and problem.reason is Reason.SHAPE for problem in fit.problems):
        adapting = (
            '`--weights-channels sum` (`channels="sum"`) adapts the first convolution to the network\'s number of input channels'
        )
        alternative = adapting if len(fit.problems) == 1 else f"{alternative}; {adapting}"
    return WeightsReport(graph.name, stored.name, fit, len(wanted), places, by, alternative)


def _first_convolution(graph: Graph) -> str | None:
    """Return the key of the first weight after an input, if its input channels can be adapted; else None."""
    from_input = set(range(len(graph.inputs)))
    for flat in flatten(graph).nodes:
        if not flat.inputs or flat.inputs[0] not in from_input:
            continue
        parameters = flat.op.parameters(*flat.node.input_shapes)
        if len(parameters.get("weight", ())) > 2:
            return f"{flat.path}.weight" if getattr(flat.op, "groups", 1) == 1 else None
        if not parameters:
            from_input.update(flat.outputs)
    return None


def _alternative(fit: Fit, wanted: Mapping[str, Shape], stored: StoredWeights, by: MatchBy, heads: set[str]) -> str | None:
    """Return the suggested fix; None if there is none."""
    if not fit.problems and not fit.useless:
        return None
    if fit.problems and all(problem.reason is Reason.VALUES for problem in fit.problems):
        help = "take weights from before the training diverged"
        return (
            help
            if not fit.pairs
            else f"{help}; `--weights-partial` (`partial=True`) leaves these tensors as they are initialized"
        )
    if all(problem.reason is Reason.MISSING and problem.key in heads for problem in fit.problems):
        return "`--weights-without-heads` (`without_heads=True`) leaves heads that the file does not have as they are initialized"
    if by == "name" and stored.ordered and not match(wanted, stored, by="order", optional=heads).problems:
        return 'the shapes agree in order: `--weights-map order` (`by="order"`) goes by position in place of names'
    if by == "order" and fit.useless:
        return "layers in another order cannot go by position: give the tensors the names that the network has"
    if 2 * len(fit.pairs) < len(wanted):
        return "these are weights of another network, or under other names: `archdsl check` shows the network's layers"
    return "`--weights-partial` (`partial=True`) loads what fits, and leaves the rest as it is initialized"


def _counted(reason: Reason, problems: list[Mismatch]) -> str:
    n = len(problems)
    verbs = ("has", "is") if n == 1 else ("have", "are")
    said = {
        Reason.SHAPE: f"{verbs[0]} another shape",
        Reason.DTYPE: f"{verbs[0]} another kind of number",
        Reason.MISSING: f"{verbs[1]} missing from the file",
        Reason.UNEXPECTED: f"{verbs[1]} in the file alone",
        Reason.VALUES: f"{'holds' if n == 1 else 'hold'} numbers that are not finite",
    }
    return f"{n:,} {said[reason]}"


def _misplaced(problem: Mismatch) -> str:
    """Return the text for the first position at which the orders differ."""
    if problem.stored is None:
        return f"the file ends where the network has `{problem.key}` {_shape(problem.wanted)}"
    stored = f"`{problem.stored}` {_found_shape(problem)}"
    if problem.key is None:
        return f"the network has no more tensors where the file has {stored}"
    return f"they part where the network has `{problem.key}` {_shape(problem.wanted)} and the file {stored}"


def _at_one_place(problems: list[Mismatch]) -> str:
    phrases = []
    for reason, found in groupby(problems, key=lambda p: p.reason):
        same = list(found)
        keys = listed((problem.key or "" for problem in same), _IN_A_MARK)
        first, found_first = same[0], same[0].found
        if reason is Reason.MISSING:
            phrases.append(f"{keys} not in the file")
        elif found_first is None:
            phrases.append(f"{keys} here, and nothing more in the file")
        elif reason is Reason.ORDER:
            phrases.append(f"{keys} here, `{first.stored}` in the file")
        elif reason is Reason.VALUES:
            phrases += [_spoiled(problem) for problem in same[:_IN_A_MARK]]
            phrases += [f"and in {len(same) - _IN_A_MARK:,} more tensors"] if len(same) > _IN_A_MARK else []
        elif reason is Reason.DTYPE:
            phrases.append(f"{keys} {found_first.dtype} in the file")
        else:
            phrases += [f"`{p.key}` is {_shape(p.wanted)}, in the file {_found_shape(p)}" for p in same[:_IN_A_MARK]]
            phrases += [f"{len(same) - _IN_A_MARK:,} more like `{first.key}`"] if len(same) > _IN_A_MARK else []
    return "; ".join(phrases)


def _spoiled(problem: Mismatch) -> str:
    numbers = f"{problem.spoiled:,} numbers" if problem.spoiled > 1 else "a number"
    return f"`{problem.key}` has {numbers} in the file that {'are' if problem.spoiled > 1 else 'is'} NaN, infinite or too large"


def _shape(shape: Shape | None) -> str:
    return str(list(shape)) if shape is not None else "[]"


def _found_shape(problem: Mismatch) -> str:
    return _shape(problem.found.shape if problem.found is not None else None)


def _problem_data(problem: Mismatch) -> dict[str, Any]:
    return {
        "reason": problem.reason.value, "key": problem.key, "in_file": problem.stored,
        "shape": list(problem.wanted) if problem.wanted is not None else None,
        "shape_in_file": list(problem.found.shape) if problem.found is not None else None,
        "dtype_in_file": problem.found.dtype if problem.found is not None else None,
        "not_finite": problem.spoiled,
    }  # fmt: skip
