"""E11: exported networks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

E1101 = Code(
    "E1101",
    "an export is not possible here",
    """A format may need more than a package: `aoti` compiles C++ where it is written. Not every runtime computes in every
    precision. And `int8` needs examples, from which it takes the range of each layer's values.""",
    situation="`archdsl export net.arch -o net.pt2 --to aoti` on a machine without a C++ compiler.",
)


class NoCppCompiler(Diagnostic, code=E1101):
    """A machine without the C++ compiler that a format needs."""

    def summary(self) -> str:
        return "the format aoti needs a C++ compiler, and none was found"

    def remedy(self) -> str:
        return "install g++ or clang++, or name one in the environment variable CXX; `--to pt2` needs none"


class UnsupportedPrecision(Diagnostic, code=E1101):
    """A precision that a format does not have."""

    format: str
    precision: str
    supported: Sequence[str]

    def summary(self) -> str:
        return f"the format {self.format} has no precision {self.precision}"

    def remedy(self) -> str:
        return f"it has {', '.join(self.supported)}"


class NoCalibration(Diagnostic, code=E1101):
    """A quantization without examples."""

    network: str

    def summary(self) -> str:
        return f"int8 needs examples to measure the ranges of `{self.network}`'s values, and there are none"

    def remedy(self) -> str:
        return "export a run, or name the data: --data PATH"


E1102 = Code(
    "E1102",
    "a format does not support a network",
    """The format, or PyTorch's exporter to it, has nothing that corresponds to an op of the network. The message names the op
    and its line in the spec. Another format may support it: `pt2` has everything that PyTorch has.""",
    situation="`archdsl export net.arch -o net.onnx`, where PyTorch cannot write an op of `net` as ONNX.",
)


class UnsupportedOp(Diagnostic, code=E1102):
    """An op that a format does not support; `target` is what the exporter calls it."""

    op: str
    format: str
    target: str
    reason: str

    label = "this op"

    def summary(self) -> str:
        return f"the format {self.format} does not support `{self.op}` (`{self.target}`)"

    def details(self) -> Iterable[str]:
        return [self.reason] if self.reason else []

    def remedy(self) -> str:
        return "choose another format, such as --to pt2, or write the op in another way"


class ExportFailed(Diagnostic, code=E1102):
    """An export that ended with an error of PyTorch or of a runtime."""

    network: str
    format: str
    error: str
    reason: str

    def summary(self) -> str:
        return f"`{self.network}` cannot be exported as {self.format}: {self.error}" + (f": {self.reason}" if self.reason else "")

    def remedy(self) -> str:
        return "choose another format, such as --to pt2, or fixed sizes with --size"


E1103 = Code(
    "E1103",
    "an export does not agree with its network",
    """The file was written to a temporary place and run there, and its results or its predictions on the validation set
    differ from those of the network, or it accepts inputs that the network does not. It was removed. The bound is relative to
    the largest output: 1e-5 for fp32, and more for other precisions. The largest errors of half precision come with outputs
    that cancel out; try fp32 to see whether the precision is the cause.""",
    situation="`archdsl export net.arch -o net.onnx --precision fp16`, where a layer overflows in half precision.",
)


class Disagrees(Diagnostic, code=E1103):
    """An export with other results than its network."""

    network: str
    format: str
    error: float
    bound: float
    shapes: str
    plain: float | None = None
    """The error of PyTorch's own module in float32, if that is known."""

    def summary(self) -> str:
        size = "results that are not finite" if self.error == float("inf") else f"an error of {self.error:.2g}"
        return (
            f"the export of `{self.network}` as {self.format} has {size} at {self.shapes}, beyond the bound of {self.bound:.2g}"
        )

    def details(self) -> Iterable[str]:
        return [f"PyTorch's module in float32 has an error of {self.plain:.2g}"] if self.plain is not None else []

    def remedy(self) -> str:
        return "it was not written; choose another precision or format"


class PredictsOtherwise(Diagnostic, code=E1103):
    """An export that predicts other classes than its network, of examples which the network tells apart clearly."""

    network: str
    format: str
    precision: str
    count: int
    examples: int

    def summary(self) -> str:
        several = "another class" if self.count == 1 else "other classes"
        return (
            f"the export of `{self.network}` as {self.format} in {self.precision} predicts {several} for {self.count:,} of "
            f"{self.examples:,} examples"
        )

    def remedy(self) -> str:
        return "it was not written; choose another precision or format"


class LessAccurate(Diagnostic, code=E1103):
    """An export in a lower precision that has another accuracy than its network."""

    network: str
    precision: str
    drop: float
    bound: float
    examples: int

    def summary(self) -> str:
        lost = f"loses {self.drop:.2f} points of accuracy on {self.examples:,} examples"
        return f"the export of `{self.network}` in {self.precision} {lost}, more than {self.bound:g}"

    def remedy(self) -> str:
        return "it was not written; choose another precision"


class AcceptsInvalid(Diagnostic, code=E1103):
    """An export that computes something for inputs that the network refuses."""

    network: str
    format: str
    given: str

    def summary(self) -> str:
        return f"the export of `{self.network}` as {self.format} accepts {self.given}, which the network refuses"

    def remedy(self) -> str:
        return "it was not written; choose another format, or fixed sizes with --size"


E1104 = Code(
    "E1104",
    "an export cannot be verified",
    """`archdsl export --verify FILE` reads the certificate that was written beside the file. It needs the certificate, the same
    file, and the weights from which the file was made. The message says which of them is missing or has changed. If the
    weights have moved, name them: `--weights FILE`.""",
    situation="`archdsl export --verify net.onnx`, where net.onnx was changed after it was exported.",
)


class NoCertificate(Diagnostic, code=E1104):
    """A file without its certificate."""

    file: str
    certificate: str

    def summary(self) -> str:
        return f"{self.file} has no certificate: there is no {self.certificate}"

    def remedy(self) -> str:
        return "`archdsl export` writes it; put it beside the file"


class DamagedCertificate(Diagnostic, code=E1104):
    """A certificate that cannot be read."""

    certificate: str
    reason: str

    def summary(self) -> str:
        return f"{self.certificate} is no certificate of an export: {self.reason}"

    def remedy(self) -> str:
        return "export the network again"


class ChangedSinceExport(Diagnostic, code=E1104):
    """Something whose hash is not that of the certificate. `what` is the file, the spec or the weights."""

    what: str
    expected: str
    found: str

    def summary(self) -> str:
        return f"{self.what} changed since the export: SHA-256 {self.found[:12]}..., in the certificate {self.expected[:12]}..."

    def remedy(self) -> str:
        return "export the network again, or put back what was exported"


class NoWeightsToVerify(Diagnostic, code=E1104):
    """A certificate that names no file of weights that is there."""

    certificate: str
    weights: str

    def summary(self) -> str:
        return f"the weights that {self.certificate} names are not there: {self.weights}"

    def remedy(self) -> str:
        return "name them: --weights FILE"
