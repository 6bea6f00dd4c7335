"""E10: the use of trained networks."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic

E1001 = Code(
    "E1001",
    "a run lacks what its use needs",
    """A run records how its inputs are prepared, the names of its classes, and where its data was. Runs of earlier versions
    record less, and a file of a run may have been removed or changed. Nothing is guessed in its place, because a network
    with other inputs than in training gives wrong answers, without an error.""",
    situation="`archdsl predict runs/old photo.jpg`, where the run was trained by an earlier version.",
)


class MissingFact(Diagnostic, code=E1001):
    """A run whose record lacks what some use of it needs."""

    folder: str
    fact: str
    advice: str = "train it again, or complete it: `archdsl train ... --resume` with one more epoch writes the record anew"

    def summary(self) -> str:
        return f"{self.folder} does not record {self.fact}"

    def remedy(self) -> str:
        return self.advice


class OtherRecipe(Diagnostic, code=E1001):
    """A run whose spec has been changed since it was trained."""

    folder: str
    argument: str
    trained: str
    now: str

    def summary(self) -> str:
        return f"`{self.argument}` was {self.trained} when {self.folder} was trained, and is {self.now} in its spec/"

    def remedy(self) -> str:
        return "put the spec of the run back"


E1002 = Code(
    "E1002",
    "an example that the network was not trained for",
    """Examples must have the shape, the type and the scale of those that the network was trained with. For example, pixels are
    bytes, or floats from 0 to 1; a network that was trained with floats from 0 to 16 takes floats from 0 to 16.""",
    situation="`run.predict(pixels)` with floats from 0 to 255, for a network that was trained with image files.",
)


class OtherScale(Diagnostic, code=E1002):
    """Values of another range than in training."""

    name: str
    found: str
    expected: str

    def summary(self) -> str:
        return f"`{self.name}` has {self.found}, and the network was trained with {self.expected}"

    def remedy(self) -> str:
        return "give values as in training; nothing was computed"


class OtherExampleShape(Diagnostic, code=E1002):
    """An example whose shape the network does not take."""

    name: str
    shape: tuple[int, ...]
    wanted: str

    def summary(self) -> str:
        return f"{self.name} is {list(self.shape)}, and the network's input is {self.wanted}"

    def remedy(self) -> str:
        return "the recipe has no `transform` that brings it to that size; resize it as the training examples were"


class NoImageInput(Diagnostic, code=E1002):
    """Image files for a network that takes something else."""

    inputs: tuple[str, ...]

    def summary(self) -> str:
        return f"image files are for a network with one image as input; the inputs are {', '.join(self.inputs)}"

    def remedy(self) -> str:
        return "give arrays, in Python: `archdsl.run(FOLDER).predict(array)`"


class FolderWithoutImages(Diagnostic, code=E1002):
    """A folder without image files."""

    folder: str
    endings: tuple[str, ...]

    def summary(self) -> str:
        return f"{self.folder} contains no images"

    def remedy(self) -> str:
        return f"name a folder with image files ({', '.join(self.endings)} and others), or the files"


class InputsDiffer(Diagnostic, code=E1002):
    """Another number of arrays than the network has inputs."""

    inputs: tuple[str, ...]
    found: int

    def summary(self) -> str:
        return f"the network has the inputs {', '.join(self.inputs)}, found {self.found} arrays"

    def remedy(self) -> str:
        return "give a tuple with an array for each input"


E1003 = Code(
    "E1003",
    "other labels than those of the network",
    """The labels to evaluate on must be those that the network was trained for: the same kind, and classes of the same names and
    numbers. Some classes may be missing. Classes of folders are numbered by their names, as in training.""",
    situation="`archdsl evaluate runs/flowers --data animals`.",
)


class OtherClasses(Diagnostic, code=E1003):
    """Classes that the network does not have."""

    path: str
    others: tuple[str, ...]
    known: tuple[str, ...]

    def summary(self) -> str:
        shown = ", ".join(f"`{name}`" for name in self.others[:4]) + (", ..." if len(self.others) > 4 else "")
        return f"{self.path} has the class{'es' if len(self.others) > 1 else ''} {shown}, which the network does not have"

    def remedy(self) -> str:
        shown = ", ".join(self.known[:8]) + (", ..." if len(self.known) > 8 else "")
        return f"the {len(self.known)} classes of the network are {shown}"


class ClassOrder(Diagnostic, code=E1003):
    """The classes of the network under other numbers."""

    number: int
    found: str
    wanted: str

    def summary(self) -> str:
        return f"class {self.number} of the data is `{self.found}`, and that of the network is `{self.wanted}`"

    def remedy(self) -> str:
        return "number the classes as in training"


class ClassBeyond(Diagnostic, code=E1003):
    """A class number that the network does not have."""

    found: int
    classes: int

    def summary(self) -> str:
        return f"the labels have the class {self.found}, and the network has {self.classes} classes, from 0 to {self.classes - 1}"

    def remedy(self) -> str:
        return "number the classes as in training"


class OtherKind(Diagnostic, code=E1003):
    """Labels of another kind or shape than in training."""

    found: str
    wanted: str

    def summary(self) -> str:
        return f"the labels are {self.found}, and the network was trained for {self.wanted}"

    def remedy(self) -> str:
        return "give labels as in training"


E1004 = Code(
    "E1004",
    "something that this network cannot be asked for",
    """Some requests need something of the network or its run: a split that the data has, a margin around the crop for `ten_crop`,
    an input without fixed sizes for `multi_scale`, or the weights of several epochs for `--ensemble`, which `keep` in the
    recipe retains.""",
    situation="`archdsl evaluate runs/net-1 --ensemble 5`, where the recipe of the run has no `keep`.",
)


class NoSuchSplit(Diagnostic, code=E1004):
    """A split that the data does not have."""

    split: str
    splits: tuple[str, ...]

    def summary(self) -> str:
        return f"the data has no {self.split} set"

    def remedy(self) -> str:
        return f"choose one that it has: {', '.join(self.splits)}"


class TooFewKept(Diagnostic, code=E1004):
    """An ensemble of more epochs than the run has kept."""

    folder: str
    wanted: int
    kept: int

    def summary(self) -> str:
        number = f"the weights of {self.kept} epochs" if self.kept != 1 else "the weights of one epoch"
        return f"an ensemble of {self.wanted} needs as many epochs, and {self.folder} has kept {number if self.kept else 'none'}"

    def remedy(self) -> str:
        if self.kept > 1:
            return f"write --ensemble {self.kept}, or train with `keep = {self.wanted}`"
        return f"train with `keep = {self.wanted}` in the recipe"


class AveragingFails(Diagnostic, code=E1004):
    """A kind of test-time augmentation that does not apply to the network; the reason and the remedy say why."""

    name: str
    reason: str
    advice: str

    def summary(self) -> str:
        return f"`{self.name}` does not apply: {self.reason}"

    def remedy(self) -> str:
        return self.advice


class StatisticsUnknown(Diagnostic, code=E1004):
    """A network without a recipe, whose weights expect inputs that nothing describes."""

    network: str

    def summary(self) -> str:
        return f"nothing says how the inputs of `{self.network}` were normalized when its weights were trained"

    def remedy(self) -> str:
        return "say it: --set train.normalize=imagenet, `fixed(mean = [...], std = [...])` or none"


class NoMasks(Diagnostic, code=E1004):
    """Pictures of predictions, for a network that does not predict pixels."""

    task: str

    def summary(self) -> str:
        return f"-o writes an output per pixel, and the network predicts none: its labels are of the kind `{self.task}`"

    def remedy(self) -> str:
        return "leave out -o; --format json or csv prints the predictions"


class OtherTraining(Diagnostic, code=E1004):
    """Weights that were trained with other inputs than the network would get."""

    file: str
    argument: str
    trained: str
    now: str

    def summary(self) -> str:
        return (
            f"{self.file} was trained with `{self.argument} = {self.trained}`, and the recipe has `{self.argument} = {self.now}`"
        )

    def remedy(self) -> str:
        return f"name the run of the weights instead, or write `--set 'train.{self.argument}={self.trained}'`"
