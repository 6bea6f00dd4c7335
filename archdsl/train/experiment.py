"""The input and the result of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from archdsl.data import Input, Opened, ReadOptions
from archdsl.diagnostics import Diagnostic
from archdsl.recipe import Recipe


@dataclass
class Experiment:
    """A module with its recipe and data.

    In training mode the module returns a tensor, or a named tuple whose first field is the main output and
    whose other fields are auxiliary heads and additional outputs. `head_weights` are the loss weights of the heads.
    Training starts from the present parameters: seed PyTorch with `recipe.seed` before you build the module.
    """

    name: str
    module: nn.Module
    recipe: Recipe
    inputs: tuple[Input, ...]
    head_weights: dict[str, float] = field(default_factory=dict)
    root: Path = field(default_factory=Path)
    """The folder for relative paths of data sets."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The parameters of the network with their values, for the fixes that errors suggest."""
    reading: ReadOptions = field(default_factory=ReadOptions)
    """Options for reading the data set."""
    opened: Opened | None = None
    """The result of an earlier call of `open_data`."""
    check_shapes: Callable[[Sequence[tuple[int, ...]]], Diagnostic | None] | None = None
    """For symbolic sizes: return the error for inputs of these shapes; None if they are valid."""
    weights: dict[str, Any] | None = None
    """The file of the initial weights, for environment.json; None for initialized weights."""
    diagram: Callable[[], bytes] | None = None
    """Return a PNG of the network, for loggers. Raise `SpecError` if it cannot be drawn."""


class Row(NamedTuple):
    """A row of the final table: the metrics of a split by name."""

    split: str
    """`training`, `validation` or `test`."""
    examples: int
    metrics: Mapping[str, float]
    per_class: tuple[float, ...] = ()
    """The accuracy of each class; empty if the labels are not classes."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """The number of examples, or pixels, of each class (row) that are predicted as each class (column)."""

    @property
    def loss(self) -> float:
        """The loss of the main output."""
        return self.metrics["loss"]

    @property
    def accuracy(self) -> float | None:
        """The fraction of correct predictions; None if the labels are values."""
        return self.metrics.get("accuracy")


@dataclass(frozen=True)
class Result:
    """The result of a run. The rows evaluate the final weights, in evaluation mode and without augmentation."""

    name: str
    folder: Path
    rows: tuple[Row, ...]
    epochs: int
    new_epochs: int
    """The number of epochs since the run was resumed."""
    seconds: float
    """The duration of all epochs, including evaluation, across interruptions."""
    images_per_second: float
    best_epoch: int
    """Selected on the validation set, so its metrics are optimistic."""
    best_metric: str
    best_value: float
