"""E10: import of models."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

E1201 = Code(
    "E1201",
    "the model cannot be loaded",
    """`archdsl import package.module:name` imports the Python module, takes the class or function of that name, and
    calls it. `--call '(width=32)'` gives the arguments. The result must be an `nn.Module`. Files of other programs
    are told by their suffix: programs of torch.export end in `.pt2`, ONNX models in `.onnx`.""",
    situation="`archdsl import torchvision.models:resnet51`.",
)
E1202 = Code(
    "E1202",
    "the model cannot be traced",
    """`torch.export` follows one run of the model. It fails if the model decides by the content of a tensor, if the
    example input has the wrong size, or if the model computes with something else than PyTorch. The message has
    the place in the model's source.""",
    situation="`archdsl import mypackage:Net`, where `forward` has `if y.sum() > 0:`.",
)
E1203 = Code(
    "E1203",
    "the language cannot express an operation of the model",
    """The message names the module, the line of its source and the operation. `--partial` writes the text with a
    comment at the place of each such operation, so that the rest can be read. The text is then no complete
    network.""",
    situation="`archdsl import mypackage:Net`, where `forward` calls `torch.fft.fft`.",
)
E1204 = Code(
    "E1204",
    "the model shares weights in a way that cannot be imported",
    """A module that runs several times in one body becomes a `module` declaration. Others have to be declared by hand:
    a module whose label is the name of an op, one that runs in several other modules, and a tensor that several
    modules use.""",
    situation="`archdsl import mypackage:Net`, where `forward` is `return self.conv(self.conv(x))`.",
)
E1205 = Code(
    "E1205",
    "the imported text does not agree with the model",
    """The importer builds the text and compares it with the model: keys, shapes, numbers of parameters and MACs, and
    the results in evaluation and in training. If anything differs, the text is written only with `--unproved`,
    and its first line says so.""",
    situation="`archdsl import mypackage:Net`, where `forward` adds the size of the batch.",
)


class BadAddress(Diagnostic, code=E1201):
    """An address of a model that leads nowhere. `reason` says why, `help` what to write."""

    address: str
    reason: str
    help: str | None = None

    def summary(self) -> str:
        return f"`{self.address}` is no model: {self.reason}"

    def remedy(self) -> str | None:
        return self.help


class OpenSizes(Diagnostic, code=E1201):
    """A file with an input whose sizes are not all given."""

    path: str
    input: str
    sizes: str

    def summary(self) -> str:
        return f"`{self.path}` leaves sizes of its input `{self.input}` open: {self.sizes}"

    def remedy(self) -> str:
        shown = self.sizes.replace("?", "64")
        return f"give them: `archdsl import {self.path} --input {shown}`; other commands take `--size {shown}`"


class NotTraced(Diagnostic, code=E1202):
    """A model that `torch.export` cannot follow."""

    model: str
    reason: str
    place: str | None = None
    help: str | None = None

    def summary(self) -> str:
        return f"{self.model} cannot be traced{f' at {self.place}' if self.place else ''}: {self.reason}"

    def remedy(self) -> str | None:
        return self.help


class NotExpressible(Diagnostic, code=E1203):
    """Operations that the language lacks, each as a line with module, place and operation."""

    model: str
    operations: Sequence[str]
    partial: bool = True

    def summary(self) -> str:
        count = len(self.operations)
        what = "an operation" if count == 1 else f"{count} operations"
        return f"{self.model} uses {what} that the language cannot express"

    def details(self) -> Sequence[str]:
        return tuple(self.operations[:8]) + ((f"and {len(self.operations) - 8} more",) if len(self.operations) > 8 else ())

    def remedy(self) -> str | None:
        return "`archdsl import --partial` writes the rest, with a comment in place of each" if self.partial else None


class SharedWeights(Diagnostic, code=E1204):
    """A module that runs again, or a tensor that another module uses."""

    key: str
    first: str
    second: str

    def summary(self) -> str:
        return f"`{self.key}` is used at {self.first} and again at {self.second}"

    def remedy(self) -> str:
        return "declare it by hand: `module name: ...` runs wherever its name is a stage"


class SharedTensor(Diagnostic, code=E1204):
    """A tensor of a layer that another module has, too."""

    key: str
    other: str
    place: str

    def summary(self) -> str:
        return f"`{self.key}` and `{self.other}` are one tensor, which the layer at {self.place} uses"

    def remedy(self) -> str:
        return "give each layer its own tensor, or run one module twice: then it becomes a `module` declaration"


class TextDisagrees(Diagnostic, code=E1205):
    """An imported text whose network is not the model. `differences` has a sentence for each check that failed."""

    model: str
    differences: Sequence[str]

    def summary(self) -> str:
        return f"the imported text does not agree with {self.model}"

    def details(self) -> Sequence[str]:
        return tuple(self.differences[:8])

    def remedy(self) -> str:
        return "`archdsl import --unproved` writes it all the same, and its first line says so"
