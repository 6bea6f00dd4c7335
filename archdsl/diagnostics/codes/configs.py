"""E12: import of configuration files."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

E1211 = Code(
    "E1211",
    "a configuration file that is not valid",
    """`archdsl import` reads configuration files of Darknet, Caffe, Keras and Ultralytics. The file breaks a rule of its
    format: it ends too early, a layer takes a value that no layer makes, a number is missing or not possible, or the
    sizes of two layers do not fit. The message has the line, and the section or layer.""",
    situation="`archdsl import net.cfg`, where a `[route]` section names layer 90 of a network with 30 layers.",
)
E1212 = Code(
    "E1212",
    "the language cannot express a layer of a configuration file",
    """The message names the line, the section or layer, and what the language lacks, such as recurrent layers.
    `--partial` writes a comment in place of each such layer, so that the rest can be read. The text is then no complete
    network.""",
    situation="`archdsl import net.cfg`, where a section is `[lstm]`.",
)
E1213 = Code(
    "E1213",
    "the imported text is not the network of the configuration file",
    """After the text is written, it is compiled and compared with the file: the size of every value and the number of
    parameters by the formulas of the file's own program, and the flow of values through all layers with their
    arguments. If anything differs, the importer has an error, and no file is written. Please report it with the file.""",
    situation="An error of the importer itself.",
)


class InvalidConfig(Diagnostic, code=E1211):
    """A configuration file that breaks a rule of its format. `kind` is the format, `where` the section or layer."""

    kind: str
    reason: str
    where: str | None = None
    help: str | None = None

    def summary(self) -> str:
        return f"{self.kind}: {f'{self.where}: ' if self.where else ''}{self.reason}"

    def remedy(self) -> str | None:
        return self.help


class UnknownFormat(Diagnostic, code=E1211):
    """A file that is none of the formats that `import` reads."""

    path: str
    found: str | None = None

    def summary(self) -> str:
        return f"{self.path} is {self.found or 'in no format that `import` knows'}"

    def remedy(self) -> str:
        return (
            "`import` reads Darknet `.cfg`, Caffe `.prototxt`, Keras `.json` and Ultralytics `.yaml` files, and models in Python:"
            " `package.module:name`"
        )


class UnreadableConfig(Diagnostic, code=E1211):
    """A configuration file that cannot be read as text."""

    path: str
    reason: str

    def summary(self) -> str:
        return f"{self.path}: {self.reason}"


class ConfigWithoutWeights(Diagnostic, code=E1211):
    """Weights that are asked of a configuration file."""

    name: str

    def summary(self) -> str:
        return f"`{self.name}` comes from a configuration file, which has no weights"

    def remedy(self) -> str:
        return "leave out `--weights`"


class LayerNotExpressible(Diagnostic, code=E1212):
    """A layer that the language lacks. `others` are further ones, each with its line."""

    kind: str
    where: str
    reason: str
    others: Sequence[str] = ()

    def summary(self) -> str:
        return f"{self.kind}: {self.where}: {self.reason}"

    def details(self) -> Sequence[str]:
        more = len(self.others) - 6
        return (*self.others[:6], *((f"and {more} more",) if more > 0 else ()))

    def remedy(self) -> str:
        return "`--partial` writes the rest, with a comment in place of each such layer"


class ConfigDisagrees(Diagnostic, code=E1213):
    """A text whose network is not that of the configuration file."""

    path: str
    differences: Sequence[str]

    def summary(self) -> str:
        return f"the imported text is not the network of {self.path}"

    def details(self) -> Sequence[str]:
        return tuple(self.differences[:8])
