"""E0802, of data sets in tar files."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.data import E0802
from archdsl.diagnostics.record import Diagnostic


class NoLabelFile(Diagnostic, code=E0802, argument="data"):
    """An example in a tar file without a label."""

    example: str
    ending: str

    def summary(self) -> str:
        return f"{self.example} has no file `.{self.ending}` with the number of its class"

    def remedy(self) -> str:
        return "name the ending of the labels: `label` of `webdataset`"


class NoImageFile(Diagnostic, code=E0802, argument="data"):
    """An example in a tar file without an image."""

    example: str
    formats: Sequence[str]

    def summary(self) -> str:
        return f"{self.example} has no image"

    def remedy(self) -> str:
        return f"give each example an image ({', '.join(self.formats)} and others are read)"


class LabelNoNumber(Diagnostic, code=E0802, argument="data"):
    """A label in a tar file that is no number."""

    example: str
    text: str

    def summary(self) -> str:
        return f"the label of {self.example} is {self.text!r}, and no number of a class"

    def remedy(self) -> str:
        return "write the number of its class into the file, from 0"


class OneShard(Diagnostic, code=E0802, argument="data"):
    """A single tar file, of which none can be held out."""

    shard: str

    def summary(self) -> str:
        return f"there is one tar file, {self.shard}, and none can be held out"

    def remedy(self) -> str:
        return "name the files to validate on: `validation = ...` in `webdataset`"


class EmptyShard(Diagnostic, code=E0802, argument="data"):
    """A tar file without examples."""

    shard: str
    held_out: bool

    def summary(self) -> str:
        return f"{self.shard} has no examples"

    def remedy(self) -> str:
        return "name files with examples" if self.held_out else "give each example files of one name, such as 000.jpg and 000.cls"


class NotAPath(Diagnostic, code=E0802, argument="data"):
    """A URL in place of a path."""

    pattern: str

    def summary(self) -> str:
        return f"`{self.pattern}` is no path, and only files are read"

    def remedy(self) -> str:
        return "download the files, or mount the storage as a folder"


class MissingShards(Diagnostic, code=E0802, argument="data"):
    """Tar files that do not exist."""

    missing: int
    total: int
    first: str
    root: str

    def summary(self) -> str:
        return f"{self.missing} of {self.total} tar files do not exist, the first is {self.first}"

    def remedy(self) -> str:
        return f"paths start at {self.root}; a range is `{{000..099}}`"


class BadRange(Diagnostic, code=E0802, argument="data"):
    """A range of tar files from a greater number to a lesser one, or too long."""

    pattern: str

    def summary(self) -> str:
        return f"`{self.pattern}` is no range of up to a million files"

    def remedy(self) -> str:
        return "write the lesser number first: `{000..099}`"
