"""E0802: data sets that cannot be read."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

E0802 = Code(
    "E0802",
    "the data cannot be read",
    """The path of `data` does not exist, or holds nothing in the layout that is looked for; or there is not one label to each
    example, a class has no images, files are damaged, or there are numbers that are not finite. Paths in a file start at
    that file, paths on the command line at the current directory. All damaged images are listed at once; `--skip-bad`
    goes on without them. Nothing is downloaded without `--download`.""",
    situation="""`data = "digits.npz"` where there is no such file beside the spec.""",
)


# -- files --


class MissingData(Diagnostic, code=E0802, argument="data"):
    """A path of data that does not exist, or leads to something else than expected."""

    path: str
    expected: str | None
    advice: str

    def summary(self) -> str:
        return f"{self.path} is not {self.expected}" if self.expected else f"{self.path} does not exist"

    def remedy(self) -> str:
        return self.advice


class UnreadableFile(Diagnostic, code=E0802, argument="data"):
    """A file that the system, or the reader of its format, cannot read."""

    path: str
    reason: str
    advice: str

    def summary(self) -> str:
        return f"cannot read {self.path}: {self.reason}"

    def remedy(self) -> str:
        return self.advice


class DamagedFile(Diagnostic, code=E0802, argument="data"):
    """A file whose content contradicts itself."""

    path: str
    reason: str
    advice: str

    def summary(self) -> str:
        return f"cannot read {self.path}: it is damaged: {self.reason}"

    def remedy(self) -> str:
        return f"copy it again, or {self.advice}"


class ArraysTooLarge(Diagnostic, code=E0802, argument="data"):
    """Arrays that do not fit into memory."""

    path: str

    def summary(self) -> str:
        return f"the arrays of {self.path} are larger than the free memory"

    def remedy(self) -> str:
        return "save fewer examples, or smaller ones"


class OtherCompression(Diagnostic, code=E0802, argument="data"):
    """A `.npz` file that NumPy did not write."""

    path: str
    advice: str

    def summary(self) -> str:
        return f"{self.path} is compressed in another way than NumPy does"

    def remedy(self) -> str:
        return self.advice


class NoArray(Diagnostic, code=E0802, argument="data"):
    """A member of a `.npz` file that is no array."""

    path: str
    member: str
    advice: str

    def summary(self) -> str:
        return f"{self.path} has `{self.member}`, which is no array"

    def remedy(self) -> str:
        return self.advice


class PythonObjects(Diagnostic, code=E0802, argument="data"):
    """An array of Python objects, which could execute code when they are loaded."""

    path: str

    def summary(self) -> str:
        return f"cannot read {self.path}: an array in it is of Python objects"

    def remedy(self) -> str:
        return "save arrays of numbers; names of classes become numbers by `numpy.unique(y, return_inverse=True)[1]`"


class TarOfExamples(Diagnostic, code=E0802, argument="data"):
    """A tar file as a path alone."""

    path: str
    written: str

    def summary(self) -> str:
        return f"{self.path} is a tar file"

    def remedy(self) -> str:
        return f'write `data = webdataset("{self.written}")` for shards of examples'


class Archive(Diagnostic, code=E0802, argument="data"):
    """An archive as a path alone."""

    path: str
    written: str

    def summary(self) -> str:
        return f"{self.path} is an archive"

    def remedy(self) -> str:
        return f'write `data = cifar10("{self.written}")` for CIFAR-10; extract others'


class MissingMember(Diagnostic, code=E0802, argument="data"):
    """A file that is missing from a published data set."""

    path: str
    member: str
    advice: str

    def summary(self) -> str:
        return f"{self.path} has no `{self.member}`"

    def remedy(self) -> str:
        return self.advice


class CountsDiffer(Diagnostic, code=E0802, argument="data"):
    """Another number of images than labels in a published data set."""

    path: str
    part: str
    images: int
    labels: int
    advice: str

    def summary(self) -> str:
        return f"{self.path} has {self.images:,} images and {self.labels:,} labels in its `{self.part}` files"

    def remedy(self) -> str:
        return self.advice


class NoPackage(Diagnostic, code=E0802, argument="data"):
    """A package that the data set needs and that is not installed."""

    work: str
    package: str
    install: str

    def summary(self) -> str:
        return f"{self.work} needs {self.package}, which is not installed"

    def remedy(self) -> str:
        return f"pip install {self.install}"


class NoFilesToSkip(Diagnostic, code=E0802, argument="data"):
    """`--skip-bad` for a data set without files of images."""

    def summary(self) -> str:
        return "`--skip-bad` is for images in files, and this data set has none"

    def remedy(self) -> str:
        return "leave out --skip-bad"


class NothingToDownload(Diagnostic, code=E0802, argument="data"):
    """`--download` for a data set that is not from Hugging Face."""

    def summary(self) -> str:
        return "`--download` is for data sets of Hugging Face, and this one is none"

    def remedy(self) -> str:
        return "leave out --download"


# -- arrays --


class MissingArrays(Diagnostic, code=E0802, argument="data"):
    """A `.npz` file without the arrays that are looked for."""

    path: str
    found: Sequence[str]
    names: Sequence[str]
    advice: str

    def summary(self) -> str:
        shown = ", ".join(f"`{name}`" for name in self.found[:8]) + (", ..." if len(self.found) > 8 else "")
        train, test = (", ".join(f"`{name}_{part}`" for name in self.names) for part in ("train", "test"))
        return f"{self.path} has {shown or 'nothing in it'}, where {train}, `y_train`, {test} and `y_test` are looked for"

    def remedy(self) -> str:
        return self.advice


class SingleNumbers(Diagnostic, code=E0802, argument="data"):
    """A `.npz` file with single numbers in place of arrays."""

    path: str
    advice: str

    def summary(self) -> str:
        return f"{self.path} has single numbers in place of arrays"

    def remedy(self) -> str:
        return self.advice


class LabelCount(Diagnostic, code=E0802, argument="data"):
    """Another number of labels than examples."""

    examples: str
    example_count: int
    labels: str
    label_count: int

    def summary(self) -> str:
        return f"there are {self.example_count} examples in `{self.examples}` and {self.label_count} labels in `{self.labels}`"

    def remedy(self) -> str:
        return "give one label to each example"


class ComplexArray(Diagnostic, code=E0802, argument="data"):
    """An array of complex numbers."""

    name: str
    dtype: str

    def summary(self) -> str:
        return f"`{self.name}` is {self.dtype}; expected real numbers"

    def remedy(self) -> str:
        return f"save its real part: `{self.name}.real`"


class NoNumbers(Diagnostic, code=E0802, argument="data"):
    """An array of something else than numbers."""

    name: str
    dtype: str
    labels: bool

    def summary(self) -> str:
        return f"`{self.name}` is {self.dtype}, and no numbers"

    def remedy(self) -> str:
        if self.labels:
            return "give each example the number of its class: `names, y = numpy.unique(y, return_inverse=True)`"
        return f"save numbers, as with `{self.name}.astype(float)`"


class EmptyArray(Diagnostic, code=E0802, argument="data"):
    """An array without numbers."""

    name: str
    shape: Sequence[int]

    def summary(self) -> str:
        return f"`{self.name}` has the shape {list(self.shape)}, and no numbers in it"

    def remedy(self) -> str:
        return "give arrays that are not empty"


class NotFinite(Diagnostic, code=E0802, argument="data"):
    """Numbers that are NaN or infinite."""

    name: str
    first: Sequence[int]
    labels: bool

    def summary(self) -> str:
        at = ", ".join(map(str, self.first))
        return f"`{self.name}` has {'labels' if self.labels else 'values'} that are not finite, the first at `{self.name}[{at}]`"

    def remedy(self) -> str:
        return f"remove those examples, and their labels: `numpy.argwhere(~numpy.isfinite({self.name}))[:, 0]` are their numbers"


class BeyondFloat32(Diagnostic, code=E0802, argument="data"):
    """Numbers beyond the arithmetic of training."""

    name: str
    greatest: float

    def summary(self) -> str:
        return f"`{self.name}` has values up to {self.greatest:.3g}, and float32, in which training calculates, ends at 3.4e+38"

    def remedy(self) -> str:
        return f"scale them, in all splits alike: `{self.name} / {self.greatest:.1g}`"


class ScalesDiffer(Diagnostic, code=E0802, argument="data"):
    """Bytes in one split, which are divided by 255, and another type in the other, which is not.

    `low` and `high` bound the latter.
    """

    bytes: str
    byte_type: str
    other: str
    other_type: str
    low: float
    high: float

    def summary(self) -> str:
        return (
            f"`{self.bytes}` is {self.byte_type}, which is divided by 255, and `{self.other}` is {self.other_type}, "
            "which is taken as it is"
        )

    def remedy(self) -> str:
        if self.low >= 0 and self.high <= 1:
            return f"save both from 0 to 1: `{self.bytes} / 255`"
        if self.low >= 0 and self.high <= 255:
            return f"save both as bytes: `{self.other}.round().astype(numpy.uint8)`"
        return f"save both as floats, on one scale: `{self.bytes}.astype(float)`"


# -- what is held out --


class OneExample(Diagnostic, code=E0802, argument="data"):
    """A single example, of which none can be held out."""

    def summary(self) -> str:
        return "there is one example, and none can be held out of it"

    def remedy(self) -> str:
        return "give more, at least five of each class"


class ClassOfOne(Diagnostic, code=E0802, argument="data"):
    """A class with a single example."""

    name: str
    advice: str

    def summary(self) -> str:
        return f"no example can be held out of the class {self.name}, which has one"

    def remedy(self) -> str:
        return self.advice


class FewerThanClasses(Diagnostic, code=E0802, argument="data"):
    """Fewer examples to hold out than classes."""

    count: int
    held_out: int
    classes: int
    advice: str

    def summary(self) -> str:
        return f"a fifth of {self.count} examples, {self.held_out}, are fewer than the {self.classes} classes"

    def remedy(self) -> str:
        return self.advice
