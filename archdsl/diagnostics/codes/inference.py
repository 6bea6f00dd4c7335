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

    def summary(self) -> str:
        return f"{self.folder} does not record {self.fact}"

    def remedy(self) -> str:
        return "train it again, or complete it: `archdsl train ... --resume` with one more epoch writes the record anew"


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


class InputsDiffer(Diagnostic, code=E1002):
    """Another number of arrays than the network has inputs."""

    inputs: tuple[str, ...]
    found: int

    def summary(self) -> str:
        return f"the network has the inputs {', '.join(self.inputs)}, found {self.found} arrays"

    def remedy(self) -> str:
        return "give a tuple with an array for each input"
