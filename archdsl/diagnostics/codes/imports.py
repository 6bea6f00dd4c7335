"""E0604 and E0605: imports; and what else keeps an import from being read."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.codes.files import E0601, E0603
from archdsl.diagnostics.codes.limits import E0502
from archdsl.diagnostics.record import Diagnostic, Edit, Remedy, guess
from archdsl.diagnostics.suggest import nearest
from archdsl.limits import remedy as raising


class UnreadableImport(Diagnostic, code=E0601):
    """An import of a file that the system refuses to read; `known` are the files beside it."""

    name: str
    path: str
    reason: str
    known: Sequence[str]

    def summary(self) -> str:
        return f"cannot read {self.name}: {self.reason}"

    def remedy(self) -> Remedy | None:
        folder, slash, file = self.path.rpartition("/")
        near = nearest(file, self.known)
        if near is None:
            return None
        text = f'"{folder}{slash}{near}"'
        return guess(f"did you mean `{near}`?", *([Edit(self.span, text)] if self.span is not None else []))


class ImportedFolder(Diagnostic, code=E0601):
    """An import of something else than a file, such as a folder."""

    name: str

    def summary(self) -> str:
        return f"{self.name} is no file"

    def remedy(self) -> str:
        return "import a file of definitions"


class ImportLinksToItself(Diagnostic, code=E0601):
    """An import of a link that leads back to itself."""

    path: str

    def summary(self) -> str:
        return f"cannot read the import {self.path!r}: it is a link to itself"


class SpecTooLong(Diagnostic, code=E0603):
    """A file that is too long together with its imports."""

    name: str
    characters: int
    most: int

    def summary(self) -> str:
        return f"with {self.name}, this spec has {self.characters:,} characters, over the limit of {self.most:,}"

    def remedy(self) -> str:
        return raising("source_characters")


class TooManyImports(Diagnostic, code=E0502):
    """More imports, or a longer chain of them, than a limit; `exceeded` is its name."""

    exceeded: str
    files: int
    depth: int

    def summary(self) -> str:
        return f"a network draws on at most {self.files:,} files, {self.depth:,} deep"

    def remedy(self) -> str:
        return raising(self.exceeded)


E0604 = Code(
    "E0604",
    "imports go round in a circle",
    """A file imports a file that imports it back, directly or through others. Move what both need into a third file.""",
    situation="""`a.arch` has `import "b.arch" as b`, and `b.arch` has `import "a.arch" as a`.""",
)


class CircularImport(Diagnostic, code=E0604):
    """An import of a file that is being imported; `chain` leads from the file back to itself."""

    chain: Sequence[str]

    def summary(self) -> str:
        return f"imports go round in a circle: {' -> '.join(self.chain)}"

    def remedy(self) -> str:
        return "move what both need into a third file"


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


class ImportWithoutFile(Diagnostic, code=E0605):
    """An import in a text that is no file."""

    def summary(self) -> str:
        return "a text without a file cannot import: there is no folder to look in"

    def remedy(self) -> str:
        return "save it as a file"


class NotARelativePath(Diagnostic, code=E0605):
    """An import by an absolute path, or with other separators than `/`."""

    path: str

    def summary(self) -> str:
        return f"an import expected a path relative to its file, with `/` between folders, found {self.path!r}"

    def remedy(self) -> Remedy | None:
        path = self.path.replace("\\", "/")
        if path == self.path or path.startswith("/") or ":" in path or "\0" in path:
            return None
        return guess(f'write `"{path}"`', *([Edit(self.span, f'"{path}"')] if self.span is not None else []))


class ImportLeavesFolder(Diagnostic, code=E0605):
    """An import of a file outside of the folder of the network's file."""

    path: str

    def summary(self) -> str:
        return f"the import {self.path!r} leaves the folder of the network's file"

    def remedy(self) -> str:
        return "copy the file beside it"
