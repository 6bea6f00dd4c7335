"""Validate checkpoints: a run resumes from a complete checkpoint or not at all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import lightning
from lightning.pytorch import Trainer
from torch import Tensor

from archdsl.diagnostics import SpecError, codes
from archdsl.train.running_sums import NAMES

if TYPE_CHECKING:
    from archdsl.train.task import Task

_HISTORY: Final = {
    "epoch": 1, "lr": 0.1, "train_objective": 0.1, "train_loss": 0.1, "train_accuracy": None, "val_loss": 0.1,
    "val_accuracy": None,
    "seconds": 0.1,
}  # fmt: skip
"""The structure of an epoch in the history; None allows any value."""
_PARTS: Final[dict[str, Any]] = {
    "state_dict": {}, "callbacks": {"Recorder": {"history": None}}, "optimizer_states": [None], "lr_schedulers": [], "sums": None,
    "loops": {"fit_loop": {}}, "pytorch-lightning_version": "", "epoch": 1, "global_step": 1,
    "archdsl": {"recipe": {}},
}  # fmt: skip
"""The structure that every checkpoint must have, as a minimum."""

_VERSION: Final = re.compile(r"[2-9]\d?(\.\d+)+((a|b|rc|\.post|\.dev)\d+)*(\+[a-z0-9.]+)?")


def damaged(path: Path, why: str) -> SpecError:
    """Return the error (E0903) for a checkpoint from which no run can go on."""
    return SpecError(codes.outputs.DamagedCheckpoint(str(path), why))


def check_parts(path: Path, checkpoint: dict[str, Any]) -> None:
    """Raise `SpecError` E0903 if a part of a checkpoint is missing or has a wrong type."""
    if "archdsl" not in checkpoint:
        raise SpecError(codes.outputs.ForeignCheckpoint(str(path)))
    _require_alike(path, checkpoint, _PARTS)
    if _VERSION.fullmatch(checkpoint["pytorch-lightning_version"]) is None:  # by which Lightning would rewrite it
        raise damaged(path, f"it is of Lightning {checkpoint['pytorch-lightning_version']!r}, with which archdsl does not train")
    rows = checkpoint["callbacks"]["Recorder"]["history"]
    if not isinstance(rows, list) or [row.get("epoch") if isinstance(row, dict) else None for row in rows] != list(
        range(1, len(rows) + 1)
    ):
        raise damaged(path, "the history of its epochs is something else")
    _require_alike(path, rows, [_HISTORY] * len(rows))
    if not all(isinstance(row[name], float | None) for row in rows for name in ("train_accuracy", "val_accuracy")):
        raise damaged(path, "the history of its epochs has an accuracy that is no number")
    strange = next(
        (key for key, value in checkpoint["state_dict"].items() if not (isinstance(key, str) and isinstance(value, Tensor))), None
    )
    if strange is not None:
        raise damaged(path, f"`{strange}` in `state_dict` is no tensor")


def check_fits(path: Path, checkpoint: dict[str, Any], trainer: Trainer, task: Task) -> None:
    """Raise `SpecError` E0903 if a checkpoint differs in structure from this run's, or its parts are from different steps."""
    optimizer = task.configure_optimizers()
    settings = optimizer.state_dict()["param_groups"]
    rows = checkpoint["callbacks"]["Recorder"]["history"]
    measured: dict[str, Any] = {f"val_{name}": 0.1 for name in task.metric_names}
    pattern = {
        "state_dict": dict(task.state_dict()), "optimizer_states": [{"state": {}, "param_groups": settings}],
        "sums": [0.0] * len(NAMES),
        "loops": {"fit_loop": trainer.fit_loop.state_dict()}, "callbacks": {"Recorder": {"history": [measured] * len(rows)}},
    }  # fmt: skip
    try:
        _require_alike(path, checkpoint, pattern)
    except SpecError as error:
        before, now = checkpoint["pytorch-lightning_version"], lightning.__version__
        raise (
            error if before == now else damaged(path, f"it was written with Lightning {before}, and {now} is installed")
        ) from error
    kept = checkpoint["optimizer_states"][0]
    if repr([{**group, "lr": None} for group in kept["param_groups"]]) != repr([{**group, "lr": None} for group in settings]):
        raise damaged(path, "its optimizer is not that of the recipe")
    _check_optimizer(path, kept["state"], [p for group in optimizer.param_groups for p in group["params"]])
    loop = checkpoint["loops"]["fit_loop"]
    taken = loop["epoch_loop.automatic_optimization.optim_progress"]["optimizer"]["step"]["total"]["completed"]
    moments = {"itself": checkpoint["global_step"], "its loops": taken}
    step, epochs = checkpoint["global_step"], len(rows)
    if (
        set(moments.values()) != {step}
        or epochs != step // task.updates
        or not 0 <= loop["epoch_progress"]["current"]["completed"] <= epochs
    ):
        said = ", ".join(f"step {number} by {part}" for part, number in moments.items())
        raise damaged(path, f"it is of {said}, and of epoch {epochs}, of {task.updates} steps each, by its history")


def _check_optimizer(path: Path, state: dict[Any, Any], parameters: list[Tensor]) -> None:
    """Check the optimizer state: the same entries for each parameter, each a number or a tensor of its shape."""
    for index, kept in state.items():
        known = type(index) is int and index < len(parameters) and isinstance(kept, dict)
        if not known or _kinds(kept) != _kinds(next(iter(state.values()))):
            raise damaged(path, "`optimizer_states` is of another optimizer")
        for name, value in kept.items():
            if value is not None and not (
                isinstance(value, Tensor) and (value.ndim == 0 or value.shape == parameters[index].shape)
            ):
                raise damaged(path, f"`{name}` in `optimizer_states` is of other weights")


def _kinds(kept: dict[str, Any]) -> dict[str, bool]:
    return {name: value is None for name, value in kept.items()}


def _require_alike(path: Path, found: Any, pattern: Any, place: str = "") -> None:
    """Raise `SpecError` if a value does not have the structure of a pattern.

    Additional keys are allowed; None allows any value.
    """
    if pattern is None or (found is None and isinstance(pattern, bool)):
        return
    kinds: Any = (list, tuple) if isinstance(pattern, list | tuple) else dict if isinstance(pattern, dict) else type(pattern)
    if not isinstance(found, kinds) or (isinstance(found, bool) and not isinstance(pattern, bool)):
        raise damaged(path, f"`{place}` is {type(found).__name__}" if place else "it holds no table")
    if isinstance(pattern, dict):
        for key, part in pattern.items():
            at = f"{place}.{key}" if place else str(key)
            if key not in found:
                raise damaged(path, f"`{at}` is missing")
            _require_alike(path, found[key], part, at)
    elif isinstance(pattern, list | tuple):
        if len(found) != len(pattern):
            raise damaged(path, f"`{place}` has {len(found)} entries, and not {len(pattern)}")
        for index, (one, part) in enumerate(zip(found, pattern, strict=True)):
            _require_alike(path, one, part, f"{place}.{index}")
    elif isinstance(pattern, Tensor) and found.shape != pattern.shape:
        raise damaged(path, f"`{place}` is {list(found.shape)}, and not {list(pattern.shape)}")
