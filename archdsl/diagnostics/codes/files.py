"""E0601 to E0603, E0606 and E0608: files, outputs and packages."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic
from archdsl.diagnostics.suggest import did_you_mean
from archdsl.limits import remedy as raising

E0601 = Code(
    "E0601",
    "a file cannot be read",
    """The file does not exist, is a folder, or may not be read. The message carries the system's reason, and the nearest
    name in the same folder.""",
    situation="`archdsl check resnt.arch`, where the file is called `resnet.arch`.",
)


class NoFileNamed(Diagnostic, code=E0601):
    """An address without a file."""

    def summary(self) -> str:
        return "no file is named"

    def remedy(self) -> str:
        return _GIVE


_GIVE = "give a file, or the name of a network that `archdsl specs` lists"


class NoSuchFile(Diagnostic, code=E0601):
    """An address that is neither a file nor the name of a shipped network; `file` is one that may be meant."""

    address: str
    path: str
    file: str | None
    known: Sequence[str]

    def summary(self) -> str:
        return f"there is no file {self.path!r}, and no network of that name comes with archdsl"

    def remedy(self) -> str:
        if self.file is not None:
            return f"write `{self.address.replace(self.path, self.file, 1)}`"
        return did_you_mean(self.path, self.known) or _GIVE


class NetworkForFile(Diagnostic, code=E0601):
    """The name of a shipped network, where a file stands before the colon."""

    network: str
    file: str
    chosen: str

    def summary(self) -> str:
        return f"there is no file {self.network!r}: it is a network, of {self.file}"

    def remedy(self) -> str:
        return f"write `{self.network}`, or `{self.file}:{self.chosen}`"


class CannotRead(Diagnostic, code=E0601):
    """A file or stream that the system refuses to read."""

    name: str
    reason: str
    advice: str | None = None

    def summary(self) -> str:
        return f"cannot read {self.name}: {self.reason}"

    def remedy(self) -> str | None:
        return self.advice


class NoRun(Diagnostic, code=E0601):
    """A folder that holds no run; `inside` are the runs below it."""

    folder: str
    inside: list[str]

    def summary(self) -> str:
        return f"{self.folder} holds no run: it has no run.json"

    def remedy(self) -> str:
        if not self.inside:
            return "name the folder of a run, such as runs/net-1"
        shown = ", ".join(self.inside[:4]) + (", ..." if len(self.inside) > 4 else "")
        return f"name a run in it: {shown}"


class NoWeights(Diagnostic, code=E0601):
    """A run without its weights: it has not written them yet, or they were deleted."""

    folder: str
    file: str
    status: str

    def summary(self) -> str:
        return f"{self.folder} has no {self.file}" + ("" if self.status == "finished" else f": the run is {self.status}")

    def remedy(self) -> str:
        if self.status == "finished":
            return "the run is finished, so the file was deleted: restore it, or train again"
        return "wait for its end, or continue it: `archdsl train ... --resume`"


class NothingToPlot(Diagnostic, code=E0601):
    """Runs of which none has completed an epoch."""

    folders: list[str]

    def summary(self) -> str:
        return f"none of the runs has completed an epoch: {', '.join(self.folders[:4])}"


class CannotUse(Diagnostic, code=E0601):
    """A file that the system refuses to open, for whatever it was meant."""

    name: str
    reason: str

    def summary(self) -> str:
        return f"cannot use {self.name}: {self.reason}"

    def remedy(self) -> str:
        return "choose another file or folder"


E0602 = Code(
    "E0602",
    "the file is not text",
    """A spec is a UTF-8 text file. This file holds bytes that are not; it is an image, a checkpoint or an archive, or was
    saved in another encoding.""",
    situation="`archdsl check model.pt`, or a spec saved as Latin-1 with an accented letter in a comment.",
)


class OtherBinary(Diagnostic, code=E0602):
    """A file of another kind, told by its first bytes. `has_weights` if archdsl reads such files as weights."""

    name: str
    kind: str
    has_weights: bool

    def summary(self) -> str:
        return f"{self.name} is {self.kind}, and no spec"

    def remedy(self) -> str:
        if self.has_weights:
            return (
                "a spec is a text that describes the network; weights are given beside it: "
                f"`archdsl check net.arch --weights {self.name}`"
            )
        return "a spec is a UTF-8 text that describes the network; `archdsl new mynet` writes one"


class ZeroByte(Diagnostic, code=E0602):
    """A file that holds a zero byte, as no text does."""

    name: str
    offset: int

    def summary(self) -> str:
        return f"{self.name} is not text: it holds a zero byte at offset {self.offset}"

    def remedy(self) -> str:
        return "a spec is a UTF-8 text file"


class NotUtf8(Diagnostic, code=E0602):
    """A file with a byte that is not UTF-8."""

    name: str
    byte: int
    offset: int

    def summary(self) -> str:
        return f"{self.name} is not UTF-8: byte {self.byte:#04x} at offset {self.offset}"

    def remedy(self) -> str:
        return "save it as UTF-8"


E0603 = Code(
    "E0603",
    "the file is too large",
    """A spec has at most 80,000 characters, with all that it imports; 2,000 lines are below that. Loops and blocks make long
    specs short.""",
    situation="`archdsl check` of a file of 50 MB.",
)


class SourceTooLong(Diagnostic, code=E0603):
    """A file of more characters than the limit."""

    name: str
    length: int
    most: int

    def summary(self) -> str:
        return f"{self.name} has {self.length:,} characters; the limit is {self.most:,}"

    def remedy(self) -> str:
        return f"is it a spec? loops and blocks make a long one short; {raising('source_characters')}"


class FileTooLarge(Diagnostic, code=E0603):
    """A file of more bytes than a spec may have; `at_least` if no more were read, and the size is not known."""

    name: str
    size: int
    at_least: bool
    most: int

    def summary(self) -> str:
        return f"{self.name} has {'over ' if self.at_least else ''}{self.size:,} bytes, too many for a spec"

    def remedy(self) -> str:
        return f"the limit is {self.most:,} characters; {raising('source_characters')}"


E0606 = Code(
    "E0606",
    "an output cannot be written",
    """The place cannot be written, the disk is full, a folder holds a run already, the output would replace the spec, or the
    name is one that the system cannot keep: too long, or on Windows that of a device or with a reserved character.
    Nothing is left half written: what was there before is as it was.""",
    situation="`archdsl render net.arch -o /nowhere/net.svg`.",
)


class FileExists(Diagnostic, code=E0606):
    """A new file that would replace another."""

    path: str

    def summary(self) -> str:
        return f"{self.path} exists already"

    def remedy(self) -> str:
        return "choose another name, or another folder with -o"


class SourceOverwritten(Diagnostic, code=E0606):
    """An output that would replace a file that the network is read from."""

    path: str
    network: str

    def summary(self) -> str:
        return f"{self.path} is a file that `{self.network}` is read from, and would be lost"

    def remedy(self) -> str:
        return "choose another file with -o"


class SeveralPairs(Diagnostic, code=E0606):
    """A picture of the differences of so many networks, where one pair can be shown."""

    count: int

    def summary(self) -> str:
        found = f"there are {self.count}" if self.count else "none has changed"
        return f"a picture shows one pair of networks, and {found}"

    def remedy(self) -> str:
        return "name the network, as in `net.arch:small`, or write all to a page with `-o diff.html`"


class RunExists(Diagnostic, code=E0606):
    """A folder that holds a run already."""

    folder: str
    held: str

    def summary(self) -> str:
        return f"{self.folder} holds a run already: it has {self.held}"

    def remedy(self) -> str:
        return "continue it: --resume; or choose another folder with -o"


class FolderInUse(Diagnostic, code=E0606):
    """A folder in which another process is training."""

    folder: str

    def summary(self) -> str:
        return f"another process is training in {self.folder}"

    def remedy(self) -> str:
        return "wait until it has ended, or choose another folder with -o"


class NoCommonFolder(Diagnostic, code=E0606):
    """Several processes of one run without a folder in common."""

    def summary(self) -> str:
        return "several processes train this network, and each would choose a folder of its own"

    def remedy(self) -> str:
        return "name one folder for all of them: -o runs/NAME"


class FolderOfData(Diagnostic, code=E0606):
    """A run in the folder of its data set."""

    folder: str

    def summary(self) -> str:
        return f"{self.folder} is the folder of the data"

    def remedy(self) -> str:
        return "choose another folder with -o, such as `-o runs/first`"


class CannotWrite(Diagnostic, code=E0606):
    """A file or folder that the system refuses to write."""

    path: str
    reason: str
    advice: str = "choose another place with -o"

    def summary(self) -> str:
        return f"cannot write {self.path}: {self.reason}"

    def remedy(self) -> str:
        return self.advice


E0608 = Code(
    "E0608",
    "a package is not installed",
    """Checking, compiling and drawing work after `pip install archdsl`; building modules and training them need
    PyTorch and more, which `pip install 'archdsl[train]'` adds.""",
    situation="`archdsl train net.arch` where PyTorch is not installed.",
)


class MissingPackage(Diagnostic, code=E0608):
    """A package that some work needs, of an extra of archdsl."""

    work: str
    package: str
    extra: str

    def summary(self) -> str:
        return f"{self.work} needs `{self.package}`, which is not installed"

    def remedy(self) -> str:
        return f"pip install 'archdsl[{self.extra}]'"
