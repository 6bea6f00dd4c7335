"""What is trained, and how a run ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from archdsl.data import Input, Opened, Reading
from archdsl.diagnostics import Diagnostic
from archdsl.recipe import Recipe


@dataclass
class Experiment:
    """A module, its recipe, and what training must know of both.

    In training mode the module returns a tensor, or a named tuple whose first field is the main output and
    whose other fields are auxiliary heads and further outputs; `head_weights` are the weights of the heads with a
    loss. Its parameters are used as they are: seed PyTorch with `recipe.seed` before you build it.
    """

    name: str
    module: nn.Module
    recipe: Recipe
    inputs: tuple[Input, ...]
    head_weights: dict[str, float] = field(default_factory=dict)
    root: Path = field(default_factory=Path)
    """The folder that relative paths of data sets start from."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The network's parameters with their values, which an error may advise to change."""
    reading: Reading = field(default_factory=Reading)
    """How the data set is read."""
    opened: Opened | None = None
    """The data set, if `open_data` was called before."""
    check_shapes: Callable[[Sequence[tuple[int, ...]]], Diagnostic | None] | None = None
    """For symbolic sizes: what is wrong with inputs of these shapes; None if the module works for them."""
    weights: dict[str, Any] | None = None
    """The file that the weights came from, for the record; None for a fresh initialization."""
    diagram: Callable[[], bytes] | None = None
    """Return a PNG of the network, for loggers that show images; raise `SpecError` if it cannot be drawn."""


class Row(NamedTuple):
    """One line of the final table: the metrics of a split, by name."""

    split: str
    """`training`, `validation` or `test`."""
    examples: int
    metrics: Mapping[str, float]
    per_class: tuple[float, ...] = ()
    """The accuracy of each class; empty if labels are not classes."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """How many examples, or pixels, of each class (row) were taken for each class (column)."""

    @property
    def loss(self) -> float:
        """The loss of the main output."""
        return self.metrics["loss"]

    @property
    def accuracy(self) -> float | None:
        """The share of correct answers; None if the labels are values."""
        return self.metrics.get("accuracy")


@dataclass(frozen=True)
class Result:
    """How a run ended. The rows are of the final weights, in evaluation mode and without augmentation."""

    name: str
    folder: Path
    rows: tuple[Row, ...]
    epochs: int
    new_epochs: int
    """Epochs that were done since the run was resumed."""
    seconds: float
    """Of all epochs, evaluation included, across interruptions."""
    images_per_second: float
    best_epoch: int
    """Chosen by looking at the validation set, so its metrics are flattering."""
    best_metric: str
    best_value: float
