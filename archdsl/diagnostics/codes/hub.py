"""E0802, of data sets of Hugging Face."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.data import E0802
from archdsl.diagnostics.record import Diagnostic


class NoSplit(Diagnostic, code=E0802, argument="data"):
    """A split that a data set does not have; `validation` if it is the one to validate on."""

    path: str
    split: str
    present: Sequence[str]
    validation: bool

    def summary(self) -> str:
        return f"`{self.path}` has no split `{self.split}`: it has {', '.join(self.present)}"

    def remedy(self) -> str:
        if self.validation:
            return "leave `validation` out, and a fifth is held out"
        return f'write `train = "{self.present[0]}"` in `hf(...)`'


class NoColumn(Diagnostic, code=E0802, argument="data"):
    """A column that a data set does not have."""

    path: str
    column: str
    present: Sequence[str]
    parameter: str
    meant: str

    def summary(self) -> str:
        return f"`{self.path}` has no column `{self.column}`: it has {', '.join(self.present)}"

    def remedy(self) -> str:
        return f'name it: `{self.parameter} = "{self.meant}"` in `hf(...)`'


class NotInCache(Diagnostic, code=E0802, argument="data"):
    """A data set that is neither in a folder nor in the cache of Hugging Face."""

    path: str
    root: str

    def summary(self) -> str:
        return f"`{self.path}` is neither a folder below {self.root} nor a data set in the cache of Hugging Face"

    def remedy(self) -> str:
        return "download it: `--download`; or correct the path"


class TextsDiffer(Diagnostic, code=E0802, argument="data"):
    """Names of classes that differ between the splits."""

    column: str

    def summary(self) -> str:
        return f"`{self.column}` has other texts in the validation set than in the training set"

    def remedy(self) -> str:
        return "give both the same classes"


class LabelsAreImages(Diagnostic, code=E0802, argument="data"):
    """A column of labels that holds images, for examples that are none."""

    labels: str
    examples: str

    def summary(self) -> str:
        return f"`{self.labels}` holds images, and `{self.examples}` does not"

    def remedy(self) -> str:
        return "name the columns: `hf(..., image = ..., label = ...)`"


class RaggedColumn(Diagnostic, code=E0802, argument="data"):
    """A column of lists of different lengths."""

    column: str

    def summary(self) -> str:
        return f"`{self.column}` holds lists of different lengths"

    def remedy(self) -> str:
        return "bring them to one length"
