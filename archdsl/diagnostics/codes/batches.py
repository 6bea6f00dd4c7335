"""E0801, of batches: too few examples or files for the processes, or for a normalization."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.recipe import E0801
from archdsl.diagnostics.record import Diagnostic


class BatchOfOne(Diagnostic, code=E0801, argument="batch"):
    """A batch of one example for a normalization over the batch."""

    def summary(self) -> str:
        return "a normalization of the network needs more than one value for each channel, and a batch of one gives it one"

    def remedy(self) -> str:
        return "write `batch = 2` or more, or normalize by `ln` or `gn`"


class BatchTooSmall(Diagnostic, code=E0801, argument="batch"):
    """A batch with fewer examples than processes; `batch` is None if the training set is what is too small."""

    batch: int | None
    examples: int
    processes: int

    def summary(self) -> str:
        examples = f"the training set has {self.examples} example{'s' if self.examples != 1 else ''}"
        return (
            f"{examples if self.batch is None else f'`batch` is {self.batch}'}, and {self.processes} processes share each batch"
        )

    def remedy(self) -> str:
        return "train on fewer devices, or write a greater `batch`"


class TooFewShards(Diagnostic, code=E0801, argument="data"):
    """Fewer tar files than processes that read them."""

    shards: int
    processes: int

    def summary(self) -> str:
        return f"{self.shards} tar files are too few for {self.processes} processes"

    def remedy(self) -> str:
        return "split the examples into more files"


class NoImageToShow(Diagnostic, code=E0801, argument="data"):
    """A batch without images, where one is to be drawn."""

    shape: Sequence[int]

    def summary(self) -> str:
        return f"the input is {list(self.shape)}, and a batch is drawn from images"

    def remedy(self) -> str:
        return "leave out --show-batch"
