"""E0801: a recipe and a data set that do not go together."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

E0801 = Code(
    "E0801",
    "the recipe does not fit the data",
    """Network, loss and data do not go together: the network has another number of outputs than the data has classes, a
    label is not a class number, all examples are of one class, the labels of the two parts are of two kinds, or an
    augmentation cannot do what it is for: it is for images and meets something else, moves pixels whose labels it cannot
    move, changes nothing, or leaves nothing of the images. The help names what to change, after a look at the values.""",
    situation="`archdsl train` of a network with 1,000 classes on `data = digits`, which has 10: `--set classes=10`.",
)


# -- transforms and augmentations --


class ManyImageInputs(Diagnostic, code=E0801):
    """Transforms or augmentations for a network with several inputs of images."""

    argument: str
    op: str
    inputs: int

    def summary(self) -> str:
        return f"`{self.op}` is for one input of images, and the network has {self.inputs}"

    def remedy(self) -> str:
        return f"write `{self.argument} = []`, and prepare the images before you save them"


class NotForImages(Diagnostic, code=E0801):
    """Transforms or augmentations for an input that is no image."""

    argument: str
    op: str
    shape: Sequence[int]

    def summary(self) -> str:
        return f"`{self.op}` is for images, and the input is {list(self.shape)}"

    def remedy(self) -> str:
        return f"write `{self.argument} = []`"


class ImageTooSmall(Diagnostic, code=E0801):
    """An image that is smaller than the part that is cut out of it."""

    argument: str
    op: str
    wanted: tuple[int, int]
    given: tuple[int, int]

    def summary(self) -> str:
        return (
            f"`{self.op}` cuts out {self.wanted[0]} x {self.wanted[1]} pixels, and the image has "
            f"{self.given[0]} x {self.given[1]}"
        )

    def remedy(self) -> str:
        high, wide = self.wanted
        resize = f"resize({max(high, wide)})"
        if self.argument == "augment":
            return f"resize it first: `transform = [{resize}]`, or write a smaller size"
        return f"resize it first: `transform = [{resize}, center_crop({high if high == wide else [high, wide]})]`"


class ShiftTooFar(Diagnostic, code=E0801, argument="augment"):
    """A shift that leaves nothing of the images."""

    pixels: int
    size: tuple[int, int]

    def summary(self) -> str:
        return f"`shift` moves images by up to {self.pixels} pixels, and the images have {self.size[0]} x {self.size[1]}"

    def remedy(self) -> str:
        return f"write a smaller number, such as `shift({max(1, min(self.size) // 8)})`"


class CutoutTooLarge(Diagnostic, code=E0801, argument="augment"):
    """A square that blackens all of the images."""

    pixels: int
    size: tuple[int, int]

    def summary(self) -> str:
        return f"`cutout` blackens a square of {self.pixels} pixels, and the images have {self.size[0]} x {self.size[1]}"

    def remedy(self) -> str:
        return f"write a smaller number, such as `cutout({max(1, min(self.size) // 4)})`"


class CropOfWholeImage(Diagnostic, code=E0801, argument="augment"):
    """A random crop that always takes the whole image."""

    size: tuple[int, int]
    written: int | list[int]

    def summary(self) -> str:
        return f"`random_crop` cuts {self.size[0]} x {self.size[1]} pixels out of images of that size, which changes nothing"

    def remedy(self) -> str:
        return f"give the images a border: `random_crop({self.written}, pad = {max(1, self.size[0] // 8)})`"


class AugmentationChangesNothing(Diagnostic, code=E0801, argument="augment"):
    """An augmentation that has no effect on these images."""

    op: str
    reason: str

    def summary(self) -> str:
        return f"`{self.op}` {self.reason}"

    def remedy(self) -> str:
        return f"leave `{self.op}` out"


class AugmentationChannels(Diagnostic, code=E0801, argument="augment"):
    """An augmentation for images of another number of channels."""

    op: str
    wanted: str
    given: int

    def summary(self) -> str:
        return f"`{self.op}` is for images of {self.wanted} channels, and the input has {self.given}"

    def remedy(self) -> str:
        return f"leave `{self.op}` out"


class LabelsStayBehind(Diagnostic, code=E0801, argument="augment"):
    """An augmentation that moves pixels whose labels it cannot move."""

    op: str
    target: Sequence[int]
    image: Sequence[int]

    def summary(self) -> str:
        return f"`{self.op}` moves the pixels of an image, and a label is {list(self.target)} for an image of {list(self.image)}"

    def remedy(self) -> str:
        return f"leave `{self.op}` out, or give labels of the size of the images"


class NoValuesOutside(Diagnostic, code=E0801, argument="augment"):
    """An augmentation that brings in pixels from outside, for labels that are values."""

    op: str

    def summary(self) -> str:
        return f"`{self.op}` brings in pixels from outside the image, which have no values as labels"

    def remedy(self) -> str:
        return f"leave `{self.op}` out, or use `random_resized_crop` or `flip`"


class MixtureOfPixelLabels(Diagnostic, code=E0801, argument="augment"):
    """A mixture of examples whose labels cannot be mixed."""

    op: str
    masks: bool
    follows: bool

    def summary(self) -> str:
        return (
            f"`{self.op}` mixes the labels of two images, and a label has {'a class' if self.masks else 'a value'} for each pixel"
        )

    def remedy(self) -> str:
        return f"leave `{self.op}` out" + (", or use `cutmix`, which takes the pixels' classes along" if self.follows else "")


class CutMixOfValues(Diagnostic, code=E0801, argument="augment"):
    """CutMix for labels that are values."""

    def summary(self) -> str:
        return "`cutmix` mixes classes, and the labels are values"

    def remedy(self) -> str:
        return "leave `cutmix` out, or use `mixup`"


class MixtureOfOne(Diagnostic, code=E0801, argument="augment"):
    """A mixture of examples in batches of one."""

    op: str

    def summary(self) -> str:
        return f"`{self.op}` mixes two examples of a batch, and a batch has one"

    def remedy(self) -> str:
        return "write `batch = 2` or more"


class AugmentedSize(Diagnostic, code=E0801, argument="augment"):
    """Augmentations that give images another size than the input's."""

    shape: Sequence[int]
    input: str
    size: str

    def summary(self) -> str:
        return f"`augment` makes images {list(self.shape)}, and the network's input is {self.input}"

    def remedy(self) -> str:
        return f"give the crop the size {self.size}"


class LabelsNotTransformed(Diagnostic, code=E0801, argument="transform"):
    """Transforms that change images, and cannot change their labels alike."""

    op: str
    image: Sequence[int]
    target: Sequence[int]

    def summary(self) -> str:
        return f"`{self.op}` changes images of {list(self.image)}, and cannot change a label of {list(self.target)} alike"

    def remedy(self) -> str:
        return "save labels of the size of the images, or leave `transform` out"


# -- other keys --


class NothingToBalance(Diagnostic, code=E0801, argument="sampler"):
    """Balanced sampling of examples that come in sequence, or have no single class."""

    in_sequence: bool

    def summary(self) -> str:
        what = "come in sequence" if self.in_sequence else "have no single class"
        return f"`balanced` draws each class equally often, and the examples {what}"

    def remedy(self) -> str:
        return "write `sampler = shuffle`"


class LossWeights(Diagnostic, code=E0801, argument="loss"):
    """Another number of weights in the loss than outputs."""

    loss: str
    given: int
    outputs: int
    one_output: bool

    def summary(self) -> str:
        s = "s" if self.outputs > 1 else ""
        return f"`weights` of `{self.loss}` are {self.given} factors, and the network has {self.outputs} output{s}"

    def remedy(self) -> str:
        if self.one_output:
            return "give the factor of the second class relative to the first: `weights = [2]`"
        return f"give {self.outputs}, or write `weights = balanced`"


class MetricForOtherLabels(Diagnostic, code=E0801):
    """A metric that is not for labels of this kind."""

    argument: str
    metric: str
    labels: str
    known: Sequence[str]

    def summary(self) -> str:
        return f"`{self.metric}` is no metric of {self.labels}"

    def remedy(self) -> str:
        return f"{self.labels} have {', '.join(self.known)}"


class NotImageNet(Diagnostic, code=E0801, argument="normalize"):
    """ImageNet's statistics for images without three channels."""

    shape: Sequence[int]

    def summary(self) -> str:
        return f"`imagenet` is for images of 3 channels, and the input is {list(self.shape)}"

    def remedy(self) -> str:
        return "write `normalize = data`"


class StatisticsPerChannel(Diagnostic, code=E0801, argument="normalize"):
    """Another number of means or deviations than channels."""

    given: int
    channels: int

    def summary(self) -> str:
        return f"`fixed` has {self.given} numbers, and the input has {self.channels} channels"

    def remedy(self) -> str:
        return f"give {self.channels} numbers to `mean` and `std`, or one for all channels"


class TooManyToDecorrelate(Diagnostic, code=E0801, argument="normalize"):
    """A covariance over more values than fit into a matrix."""

    name: str
    values: int
    most: int

    def summary(self) -> str:
        return f"`{self.name}` takes at most {self.most:,} values, and an example has {self.values:,}"

    def remedy(self) -> str:
        return f"write `{self.name}(over = channels)`, or resize the images"
