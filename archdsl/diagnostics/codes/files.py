"""E06: files, imports and settings."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

E0601 = Code(
    "E0601",
    "a file cannot be read",
    """The file does not exist, is a folder, or may not be read. The message carries the system's reason, and the nearest
    name in the same folder.""",
    situation="`archdsl check resnt.arch`, where the file is called `resnet.arch`.",
)

E0602 = Code(
    "E0602",
    "the file is not text",
    """A spec is a UTF-8 text file. This file holds bytes that are not; it is an image, a checkpoint or an archive, or was
    saved in another encoding.""",
    situation="`archdsl check model.pt`, or a spec saved as Latin-1 with an accented letter in a comment.",
)

E0603 = Code(
    "E0603",
    "the file is too large",
    """A spec has at most 80,000 characters, with all that it imports; 2,000 lines are below that. Loops and blocks make long
    specs short.""",
    situation="`archdsl check` of a file of 50 MB.",
)

E0604 = Code(
    "E0604",
    "imports go round in a circle",
    """A file imports a file that imports it back, directly or through others. Move what both need into a third file.""",
    situation="""`a.arch` has `import "b.arch" as b`, and `b.arch` has `import "a.arch" as a`.""",
)

E0605 = Code(
    "E0605",
    "an import leaves its folder",
    """Imports are relative paths below the folder of the network's file; absolute paths, `..` beyond that folder and links
    that lead out of it are refused, so that a spec from elsewhere cannot read other files. A text that is not
    a file cannot import at all.""",
    bad="""
    import "/etc/blocks.arch" as blocks

    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
    }
    """,
    good="""
    block unit(out) { conv(out, 3) -> bn -> relu }

    network tiny {
      input image [3, 32, 32]
      unit(16)
    }
    """,
)

E0606 = Code(
    "E0606",
    "an output cannot be written",
    """The place cannot be written, the disk is full, a folder holds a run already, the output would replace the spec, or the
    name is one that the system cannot keep: too long, or on Windows that of a device or with a reserved character.
    Nothing is left half written: what was there before is as it was.""",
    situation="`archdsl render net.arch -o /nowhere/net.svg`.",
)


class CannotWrite(Diagnostic, code=E0606):
    """A file or folder that the system refuses to write."""

    path: str
    reason: str
    advice: str = "choose another place with -o"

    def summary(self) -> str:
        return f"cannot write {self.path}: {self.reason}"

    def remedy(self) -> str:
        return self.advice


E0607 = Code(
    "E0607",
    "a setting that does not apply",
    """`--set NAME=VALUE` gives a parameter of the network a value. The network has no such parameter, it is an alias that
    fixes the parameter already, or the value is missing. `--set train.KEY=VALUE` changes the recipe.""",
    situation="`archdsl check specs/resnet.arch:resnet50 --set layers=[1]`: `resnet50` fixes `layers`, and `resnet` leaves it open.",
)

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
