"""E0803: examples of another shape than the input."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

E0803 = Code(
    "E0803",
    "the examples have another shape than the input",
    """Examples have another shape than the network's `input`, or images have different sizes. Bring all images to one size by
    `transform = [resize(256), center_crop(224)]`, or change the `input`; its symbolic sizes take those of the images.""",
    situation="`data = digits` (1 x 8 x 8) with `input image [3, 224, 224]`.",
)


class ExampleShapesDiffer(Diagnostic, code=E0803, argument="data"):
    """Examples of one shape in one split and of another in the other."""

    names: tuple[str, str]
    shapes: tuple[list[int], list[int]]

    def summary(self) -> str:
        return f"examples of `{self.names[0]}` are {self.shapes[0]}, and those of `{self.names[1]}` are {self.shapes[1]}"

    def remedy(self) -> str:
        return "bring all examples to one shape"


class InputCount(Diagnostic, code=E0803, argument="data"):
    """A data set of one input for a network of several."""

    inputs: Sequence[str]

    def summary(self) -> str:
        return f"the network has {len(self.inputs)} inputs, {', '.join(self.inputs)}, and the data set has one"

    def remedy(self) -> str:
        return "save a `.npz` file with an array for each input, named like the input"


class ExampleShape(Diagnostic, code=E0803, argument="data"):
    """Examples of another shape than the input."""

    shape: Sequence[int]
    input: str
    advice: str

    def summary(self) -> str:
        return f"examples of the data set are {list(self.shape)}, and the network's input is {self.input}"

    def remedy(self) -> str:
        return self.advice


class FractionalTokens(Diagnostic, code=E0803, argument="data"):
    """Fractions for an input that takes whole numbers; `whole` if all of them are whole numbers."""

    input: str
    dtype: str
    whole: bool

    def summary(self) -> str:
        return f"the input `{self.input}` takes whole numbers, and the data set has {self.dtype}"

    def remedy(self) -> str:
        if self.whole:
            return f"save it as whole numbers: `{self.input}.astype(int)`"
        return "give token numbers, or declare an input of real numbers"


class MaskValues(Diagnostic, code=E0803, argument="data"):
    """Other numbers than zero and one for an input that takes bools."""

    input: str
    dtype: str

    def summary(self) -> str:
        return f"the input `{self.input}` takes bools, and the data set has {self.dtype} with other numbers than 0 and 1"

    def remedy(self) -> str:
        return f"save it as bools: `{self.input} > 0`, or as it is meant"


class NegativeTokens(Diagnostic, code=E0803, argument="data"):
    """Negative numbers for an input that takes numbers of tokens."""

    input: str
    low: int

    def summary(self) -> str:
        return f"the input `{self.input}` takes numbers from 0, and the data set has {self.low}"

    def remedy(self) -> str:
        return "number the tokens from 0"


class ImagesForOneInput(Diagnostic, code=E0803, argument="data"):
    """Images for a network with several inputs, or with one that takes no images; `input` is that one."""

    inputs: int
    input: str | None

    def summary(self) -> str:
        if self.input is not None:
            return f"the data set has images, and the network's input is {self.input}"
        return f"the data set has images, and the network has {self.inputs} inputs"

    def remedy(self) -> str:
        if self.input is not None:
            return "give the network `input image [3, H, W]`"
        return "save a `.npz` file with an array for each input, named like the input"


class ImageChannels(Diagnostic, code=E0803, argument="data"):
    """An input of another number of channels than images have."""

    input: str

    def summary(self) -> str:
        return f"images have 1, 3 or 4 channels, and the network's input is {self.input}"

    def remedy(self) -> str:
        return "write `input image [3, H, W]`"


class TransformedSize(Diagnostic, code=E0803, argument="data"):
    """Transforms that give images another size than the input's."""

    shape: Sequence[int]
    input: str
    transform: str

    def summary(self) -> str:
        return f"`transform` makes images {list(self.shape)}, and the network's input is {self.input}"

    def remedy(self) -> str:
        return f"write `{self.transform}`"


class ImageSize(Diagnostic, code=E0803, argument="data"):
    """An image of another size than the input."""

    image: str
    shape: Sequence[int]
    input: str
    transform: str

    def summary(self) -> str:
        return f"{self.image} is {list(self.shape)}, and the network's input is {self.input}"

    def remedy(self) -> str:
        return f"write `{self.transform}`, or `input image {list(self.shape)}`"


class ImageSizesDiffer(Diagnostic, code=E0803, argument="data"):
    """Images of different sizes."""

    images: tuple[str, str]
    sizes: tuple[Sequence[int], Sequence[int]]
    input: str
    transformed: bool
    transform: str

    def summary(self) -> str:
        after = " after `transform`" if self.transformed else ""
        first, second = (list(size) for size in self.sizes)
        return f"{self.images[0]} is {first}{after}, {self.images[1]} is {second}, and the network's input is {self.input}"

    def remedy(self) -> str:
        return f"bring all images to one size: `{self.transform}`"


class TrainingSizesDiffer(Diagnostic, code=E0803, argument="augment"):
    """Images that have different sizes in training, after the transforms."""

    images: tuple[str, str]
    sizes: tuple[Sequence[int], Sequence[int]]
    input: str

    def summary(self) -> str:
        first, second = (list(size) for size in self.sizes)
        return (
            f"{self.images[0]} is {first} after `transform`, {self.images[1]} is {second}, and the "
            f"network's input is {self.input}"
        )

    def remedy(self) -> str:
        return "let `augment` begin with a crop, such as `random_resized_crop(224)`, or end `transform` with `center_crop(224)`"


class BatchSizesDiffer(Diagnostic, code=E0803, argument="data"):
    """Images of different sizes in one batch."""

    images: tuple[str, str]
    shapes: tuple[Sequence[int], Sequence[int]]

    def summary(self) -> str:
        return f"{self.images[0]} is {list(self.shapes[0])}, and {self.images[1]} is {list(self.shapes[1])}"

    def remedy(self) -> str:
        return "bring all images to one size: `transform = [resize([224, 224])]`"
