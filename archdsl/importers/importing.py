"""Import models: trace them, write the text, and prove that it is the same network."""

from __future__ import annotations

import datetime
import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from archdsl import __version__
from archdsl.diagnostics import SpecError, codes
from archdsl.file_io import write_file
from archdsl.importers.load_module import Loaded, load_module
from archdsl.importers.model import Call, Model, applications, walk
from archdsl.importers.naming import can_name_a_value
from archdsl.importers.network_text import spec_text
from archdsl.importers.open_sizes import declare, open_shapes, refused, undecided
from archdsl.importers.proof import Report, prove
from archdsl.importers.trace import BATCH, model_of_program, trace
from archdsl.loading import loads


@dataclass
class Imported:
    """An imported text, with a report for each of its networks."""

    text: str
    names: list[str]
    reports: dict[str, Report] = field(default_factory=dict)
    partial: bool = False
    modules: list[nn.Module] = field(default_factory=list)

    @property
    def proved(self) -> bool:
        """Whether every network is that of its model."""
        return bool(self.reports) and all(report.proved for report in self.reports.values()) and not self.partial

    def __str__(self) -> str:
        return self.text

    def marked(self) -> str:
        """Return the text; its first line says so if it is not proved."""
        if self.proved:
            return self.text
        if self.partial:
            return "# PARTIAL: comments stand for operations that the language cannot express.\n" + self.text
        differences = [difference for report in self.reports.values() for difference in report.differences]
        return f"# UNPROVED: {'; '.join(differences)}.\n" + self.text

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write the weights of the model as safetensors, with the keys of the network. Raise `SpecError` for several models."""
        from safetensors.torch import save

        if len(self.modules) != 1:
            raise SpecError(codes.importing.BadAddress(", ".join(self.names), "a file holds the weights of one model alone"))
        tensors = {key: value.detach().contiguous().clone() for key, value in self.modules[0].state_dict().items()}
        write_file(Path(path), save(tensors))

    def require_proved(self) -> Imported:
        """Return the same; raise `SpecError` E1205 if a network is not that of its model."""
        for name, report in self.reports.items():
            if not report.proved:
                raise SpecError(codes.importing.TextDisagrees(name, tuple(report.differences)))
        return self


def from_module(
    module: nn.Module, example: Tensor | Sequence[Tensor] | Sequence[int], *, name: str | None = None, unproved: bool = False,
    partial: bool = False,
    fixed: bool = False,
) -> Imported:  # fmt: skip
    """Return the spec of a module that computes on inputs like the example: tensors with a batch axis, or a shape without it.

    Sizes of inputs are symbolic where the network works at others, unless they shall be `fixed`.
    The text is proved to be the module: its keys, shapes, counts and results are compared. Raise `SpecError` E1202 to E1205 if
    the module cannot be traced or expressed, or if the text does not agree with it; the latter not if `unproved`.
    """
    shown = name or type(module).__name__
    found = import_loaded(
        [Loaded(module, shown, {}, f"a module of the class {type(module).__name__}")], example, partial=partial, fixed=fixed
    )
    return found if unproved or partial else found.require_proved()


def import_address(
    address: str, *, call: str | None = None, sizes: Sequence[tuple[int, ...]] = ((3, 224, 224),), partial: bool = False,
    fixed: bool = False,
) -> Imported:  # fmt: skip
    """Return the spec of the models at an address, `package.module:name`. This imports and runs their Python."""
    return import_loaded(load_module(address, call), sizes, partial=partial, fixed=fixed)


def import_loaded(loaded: Sequence[Loaded], example: Any, *, partial: bool = False, fixed: bool = False) -> Imported:
    """Return the spec of modules, with a proof for each.

    The sizes of images, volumes, signals and tokens are symbolic if the compiler can decide which are valid, the models take
    others, and the proof holds at them. Else, and if they shall be `fixed`, they are those of the example.
    """
    inputs = list(loaded[0].inputs or _inputs(example))
    names = [_network_name(one.name) for one in loaded]
    models = [traced(one, inputs, name, partial=partial) for one, name in zip(loaded, names, strict=True)]
    header = _header([one.source for one in loaded], [note for one in loaded for note in one.notes])
    if any(_is_partial(model) for model in models):
        return Imported(_text(models, header), names, partial=True, modules=[one.module for one in loaded])
    return proved(loaded, models, inputs, header, fixed=fixed)


def proved(
    loaded: Sequence[Loaded], models: Sequence[Model], inputs: Sequence[Tensor], header: Sequence[str], *, fixed: bool = False
) -> Imported:
    """Return the text of models with a proof for each; its sizes are symbolic if that can be, unless they shall be `fixed`."""
    names = [model.name for model in models]
    why = None
    fixed = fixed or any(one.fixed or "other sizes" not in one.modes for one in loaded)
    for shape in () if fixed else open_shapes([value for model in models for value in model.main.inputs]):
        declare(models, shape)
        reason = undecided(_text(models, header), names, inputs, shape)
        reason = reason or next((said for one in loaded if (said := refused(one.module, inputs, shape)) is not None), None)
        if reason is None:
            imported = _proved(loaded, models, names, inputs, header)
            if imported.proved:
                return imported
            reason = next(difference for report in imported.reports.values() for difference in report.differences)
        why = why or reason
    declare(models, None)
    return _proved(loaded, models, names, inputs, header, why_fixed=why)


def _proved(
    loaded: Sequence[Loaded], models: Sequence[Model], names: Sequence[str], inputs: Sequence[Tensor], header: Sequence[str],
    *, why_fixed: str | None = None,
) -> Imported:  # fmt: skip
    """Return the text of models, and the comparison of each with its module. The header says why sizes are fixed."""
    text = _text(models, header)
    imported = Imported(text, list(names), modules=[one.module for one in loaded])
    for one, model, name in zip(loaded, models, names, strict=True):
        report = prove(one.module, text, name, inputs, _fields(model), modes=one.modes, whole=one.inputs is not None)
        if one.also is not None and report.proved:
            built = loads(text, name).build(check_sizes=False)
            built.load_state_dict(one.module.state_dict())
            one.also(report, built.eval())
        imported.reports[name] = report
    elsewhere = next((difference for report in imported.reports.values() for difference in report.elsewhere), None)
    why = f"the text is the model at this size alone: {elsewhere}" if elsewhere else ""
    why = why or (f"the sizes of the input are fixed: {why_fixed}" if why_fixed else "")
    claims = {name: report.claims for name, report in imported.reports.items() if report.proved}
    imported.text = _text(models, [*header, *_as_lines([why] if why else []), *_macs(claims, models, inputs)], claims)
    return imported


def _text(models: Sequence[Model], header: Sequence[str], claims: dict[str, dict[str, int]] | None = None) -> str:
    for model in models:  # what statements note about a model is theirs alone
        for call in _calls(model):
            call.block = None
    return spec_text(models, header, claims=claims)


def _macs(claims: dict[str, dict[str, int]], models: Sequence[Model], inputs: Sequence[Tensor]) -> list[str]:
    """Return lines that tell the MACs at the size of the example, where a claim would have to hold at all sizes."""
    if not models[0].is_open:
        return []
    counts = {name: claim.pop("macs") for name, claim in claims.items() if "macs" in claim}
    size = ", ".join("x".join(map(str, tensor.shape[1:])) for tensor in inputs)
    shown = [f"{macs:_} for {name}" if len(models) > 1 else f"{macs:_}" for name, macs in counts.items()]
    return _as_lines([f"MACs at {size}: {', '.join(shown)}"] if counts else [])


_GENERAL = (708, 354)
"""Sides of images which are odd behind patches of 4 or 2, and when they are halved, and then no multiples of usual windows."""


def traced(one: Loaded, inputs: Sequence[Tensor], name: str, *, partial: bool = False) -> Model:
    """Return the model of a module for inputs of given sizes.

    Attention in windows neither pads nor shifts at some sizes, and differs from block to block. Such a model is traced at a size
    at which it does everything, if it takes that.
    """
    if one.program is not None:
        return model_of_program(one.module, one.program, inputs, name, partial=partial)
    model = trace(one.module, inputs, name, one.arguments, partial=partial, follow=lambda main: not _is_in_windows(main))
    if len(inputs) != 1 or inputs[0].dim() != 4 or not _is_in_windows(model.main):
        return model
    found = None
    for side in _GENERAL:
        try:
            found = trace(one.module, [torch.zeros(*inputs[0].shape[:2], side, side)], name, one.arguments, partial=partial)
        except SpecError:
            continue
        found.main.inputs[0].shape = tuple(inputs[0].shape[1:])
        found.at_size = False
        if any(node.op == "pad_to" for node in applications(found.main)):
            break
    return found or model


def _is_in_windows(main: Call) -> bool:
    """Whether a model pads or shifts for attention in windows."""
    return any(node.op in ("pad_to", "roll", "window_shift", "window_mask") for node in applications(main))


def _calls(model: Model) -> list[Any]:
    return [node for node in walk(model.main) if isinstance(node, Call)]


def _is_partial(model: Model) -> bool:
    return any(node.op == "UNKNOWN" for node in applications(model.main))


def _inputs(example: Any) -> list[Tensor]:
    """Return tensors with a batch of two for an example: tensors, a shape, or several shapes."""
    generator = torch.Generator().manual_seed(0)
    if isinstance(example, Tensor):
        return [_batch(example)]
    items = list(example)
    if items and all(isinstance(item, int) for item in items):
        items = [tuple(items)]
    return [_batch(item) if isinstance(item, Tensor) else torch.randn((BATCH, *item), generator=generator) for item in items]


def _batch(tensor: Tensor) -> Tensor:
    return tensor if tensor.shape[0] > 1 else torch.cat([tensor] * BATCH)


def _network_name(name: str) -> str:
    return name if can_name_a_value(name) else f"{name}_net"


def _fields(model: Model) -> dict[str, str]:
    """Return the names of the model's results by the labels of the network's: heads are called like their modules."""
    parts = [node for node in model.main.body if isinstance(node, Call)]
    labels = {value: call.path for call in parts for value in call.outputs if value in model.heads.values()}
    found = {labels.get(value, name): name for name, value in model.heads.items()}
    first = next(iter(model.outputs), None)
    return {**found, **({"main": first} if first is not None else {}), **{name: name for name in model.outputs}}


def _header(sources: Sequence[str], notes: Sequence[str] = ()) -> list[str]:
    today = datetime.date.today().isoformat()
    first, *others = dict.fromkeys(sources)
    names = "".join(f", {source.partition(' ')[0].rpartition(':')[2]}" for source in others)
    where, space, version = first.partition(" ")
    return [
        f"Imported from {where}{names}{space}{version}",
        f"on {today} by archdsl {__version__}; only the structure is taken over.",
        *_as_lines(notes),
    ]


def _as_lines(notes: Sequence[str]) -> list[str]:
    return [line for note in dict.fromkeys(notes) for line in textwrap.wrap(f"{note[0].upper()}{note[1:]}.", 125)]
