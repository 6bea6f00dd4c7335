"""E09: what is written, and weights from files."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.codes.training import RunStopped
from archdsl.diagnostics.record import Diagnostic, Mark

E0901 = Code(
    "E0901",
    "no usable Graphviz",
    """A diagram of this form is drawn by Graphviz, and none was found that can draw even two boxes this way. archdsl looks
    for `dot` on the PATH and for the library that installs with pip. The message says for each whether it cannot be used at
    all, or does not support the format.""",
    situation="`archdsl render net.arch -o net.pdf` where the PATH has a `dot` that does not start.",
)


class NoGraphviz(Diagnostic, code=E0901):
    """No Graphviz that can write a format; `reason` says what is wrong with those that were found."""

    format: str
    reason: str
    install: str

    def summary(self) -> str:
        return f"no Graphviz that can write {self.format}: {self.reason}"

    def remedy(self) -> str:
        return self.install


E0902 = Code(
    "E0902",
    "something cannot be written",
    """The folder cannot be made or written, or the disk is full. What was there before is as it was: every file is written
    beside its target and then put in its place in one step.""",
    situation="`archdsl train net.arch -o /readonly/run`.",
)


class CannotWriteCheckpoint(RunStopped, code=E0902):
    """A file of a run that the system refuses to write; `kept` if an earlier one is still there."""

    path: str
    reason: str
    kept: bool
    advice: str

    def summary(self) -> str:
        return f"cannot write {self.path}: {self.reason}" + ("; the earlier one is intact" if self.kept else "")

    def remedy(self) -> str:
        return self.advice


E0903 = Code(
    "E0903",
    "a run cannot be resumed",
    """There is no checkpoint to go on from, it or the run's description is damaged or of another program, or the spec has
    changed since in a way that
    makes the old weights meaningless. Start again in another folder, without `--resume`, or put the old spec back.""",
    situation="`archdsl train net.arch -o runs/a --resume` where `runs/a` holds no checkpoint.",
)


_AGAIN = "start the run again in another folder, without --resume"


class NothingToResume(Diagnostic, code=E0903):
    """A folder without a checkpoint."""

    path: str

    def summary(self) -> str:
        return f"there is nothing to resume: no {self.path}"

    def remedy(self) -> str:
        return "start the run without --resume"


class UnsafeCheckpoint(Diagnostic, code=E0903):
    """A checkpoint that holds more than tensors and plain values."""

    path: str
    content: str

    def summary(self) -> str:
        return f"{self.path} holds {self.content}, which archdsl does not load, since it could execute code"

    def remedy(self) -> str:
        return _AGAIN


class DamagedCheckpoint(Diagnostic, code=E0903):
    """A checkpoint from which no run can go on."""

    path: str
    reason: str

    def summary(self) -> str:
        return f"the checkpoint {self.path} is damaged: {self.reason}"

    def remedy(self) -> str:
        return _AGAIN


class ForeignCheckpoint(Diagnostic, code=E0903):
    """A checkpoint of another program."""

    path: str

    def summary(self) -> str:
        return f"{self.path} is not from archdsl"

    def remedy(self) -> str:
        return _AGAIN


class RecipeChanged(Diagnostic, code=E0903):
    """A key of the recipe with another value than in the run to resume."""

    argument: str
    before: str
    now: str

    def summary(self) -> str:
        return f"`{self.argument}` was {self.before} in the run to resume, and is {self.now}"

    def remedy(self) -> str:
        return f"put it back, or {_AGAIN}"


class FewerEpochs(Diagnostic, code=E0903, argument="epochs"):
    """Fewer epochs than the run to resume has done."""

    done: int
    epochs: int

    def summary(self) -> str:
        done = f"{self.done} epoch{'s' if self.done != 1 else ''}"
        return f"the run to resume has done {done}, and `epochs` is {self.epochs}"

    def remedy(self) -> str:
        return f"write at least `epochs = {self.done}`, or {_AGAIN}"


class OtherWeights(Diagnostic, code=E0903):
    """A checkpoint with the weights of another network."""

    path: str
    network: str

    def summary(self) -> str:
        return f"{self.path} is of another network: `{self.network}` with other weights"

    def remedy(self) -> str:
        return _AGAIN


class OtherNetwork(Diagnostic, code=E0903):
    """A run of another network."""

    network: str
    folder: str

    def summary(self) -> str:
        return f"`{self.network}` is not the network that the run in {self.folder} trains"

    def remedy(self) -> str:
        return f"give it the same file and --set as in {self.folder}/run.json, or choose another folder with -o"


class DamagedRun(Diagnostic, code=E0903):
    """A file of a run that cannot be read, or holds something else."""

    path: str
    reason: str

    def summary(self) -> str:
        return f"{self.path} is damaged: {self.reason}"

    def remedy(self) -> str:
        return f"put it back, or {_AGAIN}"


E0904 = Code(
    "E0904",
    "there is more to draw than a picture can show",
    """The diagram would have more boxes or more connections than anybody can read, and the layout would take too long.
    `--level blocks`, the default, folds equal parts. If they still are too many, define a network of one block, and
    draw that; `archdsl check` lists the layers of a network of any size.""",
    situation="`archdsl render` of a network of 10,000 layers that all differ.",
)


class TooMuchToDraw(Diagnostic, code=E0904):
    """A diagram with more boxes or connections than a picture can show; `foldable` if folding equal parts helps."""

    network: str
    count: int
    what: str
    most: int
    foldable: bool

    def summary(self) -> str:
        return f"`{self.network}` has {self.count} {self.what} to draw, over the limit of {self.most}"

    def remedy(self) -> str:
        if self.foldable:
            return "`--level blocks` folds equal parts, and then it fits"
        return "draw a part: define a network of one block of it and render that; `archdsl check` lists all layers"


E0905 = Code(
    "E0905",
    "the weights do not fit",
    """The tensors of a file and those of the network differ in keys or shapes, or tensors of the file spoil every result.
    The message says how many fit, and shows
    every layer of which one is missing, has another shape, or holds numbers that are NaN or infinite. `--weights-partial`
    loads what fits, as for other
    classes; `--weights-without-heads` leaves out heads that the file does not have; `--weights-map order` goes by
    position where the names differ and the shapes agree in order.""",
    situation="""`archdsl check resnet50 --set classes=10 --weights resnet50.pth`, where the file is of 1,000 classes:
    `fc.weight` is
    [10, 2048], in the file [1000, 2048].""",
)


class WeightsMisfit(Diagnostic, code=E0905):
    """Stored weights that do not fit, or fit in part. `places` are the layers without a tensor, with the reasons."""

    counts: str
    places: tuple[Mark, ...]
    others: int
    """Further places, which are not shown."""
    outside: str | None
    """Tensors in the file alone."""
    remarks: tuple[str, ...]
    advice: str | None

    @property
    def label(self) -> str:
        """What is wrong at the first place."""
        return self.places[0].text if self.places else ""

    def summary(self) -> str:
        return self.counts + ("" if self.is_error else "; the rest stays as initialized")

    def marks(self) -> Iterable[Mark]:
        return self.places[1:]

    def details(self) -> Iterable[str]:
        outside = [f"in the file alone: {self.outside}"] if self.outside else []
        everything = "`archdsl check --weights FILE --format json` lists every tensor"
        more = [f"and at {self.others:,} more places; {everything}"] if self.others > 0 else []
        return (*outside, *more, *self.remarks)

    def remedy(self) -> str | None:
        return self.advice if self.is_error else None


E0906 = Code(
    "E0906",
    "weights cannot be read",
    """The file is no safetensors file and none that `torch.save` wrote, is damaged or cut off, or holds more than tensors
    and plain
    values. A safetensors file is damaged where its own library would refuse it, too, and one of `torch.save` where a checksum in
    it is wrong. Python objects in such a file can execute code when they are loaded, so archdsl never loads them.""",
    situation="`archdsl train net.arch --weights model.pt`, where `torch.save(model, ...)` wrote the "
    "whole module, not its state_dict.",
)


class UnreadableWeights(Diagnostic, code=E0906):
    """A file from which no weights can be read; `reason` goes on after its name."""

    file: str
    reason: str
    advice: str = "weights are .safetensors files, and .pt or .pth files of a state_dict"

    def summary(self) -> str:
        return f"{self.file} {self.reason}"

    def remedy(self) -> str:
        return self.advice


class DamagedSafetensors(Diagnostic, code=E0906):
    """A safetensors file that its library would refuse."""

    file: str
    reason: str

    def summary(self) -> str:
        return f"{self.file} is a damaged safetensors file: {self.reason}"

    def remedy(self) -> str:
        return "download or copy it again, or save it again"


class WeightsCutOff(Diagnostic, code=E0906):
    """A file with less in it than its header says."""

    file: str

    def summary(self) -> str:
        return f"{self.file} is cut off: it is shorter than its header says"

    def remedy(self) -> str:
        return "download or copy it again"


class TooManyTensors(Diagnostic, code=E0906):
    """A file with more tensors than the limit."""

    file: str
    most: int

    def summary(self) -> str:
        return f"{self.file} has a header of more than {self.most:,} tensors"

    def remedy(self) -> str:
        return "`--limit tensors=N` raises the limit"


class UnsafeWeights(Diagnostic, code=E0906):
    """A PyTorch file that holds more than tensors and plain values."""

    file: str
    content: str

    def summary(self) -> str:
        return f"{self.file} holds {self.content}, which archdsl does not load, since it could execute code"

    def remedy(self) -> str:
        return "save its tensors alone: torch.save(module.state_dict(), ...), or safetensors.torch.save_file"


E0907 = Code(
    "E0907",
    "the diagram cannot be drawn",
    """Graphviz is installed and works, but refused this diagram or did not end in time; the message has its words. `--format
    dot` writes the graph without a layout, for another program to draw, and a smaller network, of one block, may be drawn.
    A run goes on without the diagram, and says so with this code if a mistake in archdsl is the cause, too.""",
    situation="`archdsl render` of a network of 1,400 boxes, on a machine that is busy with other work.",
)


class DrawingRefused(Diagnostic, code=E0907):
    """A diagram that Graphviz cannot lay out."""

    reason: str

    def summary(self) -> str:
        return f"Graphviz cannot draw this diagram: {self.reason}"

    def remedy(self) -> str:
        return "`--format dot` writes the graph for another program to lay out; or render a network of one block of it"


class DrawingFailed(Diagnostic, code=E0907):
    """A mistake of archdsl in drawing a network."""

    network: str
    error: str
    reason: str

    def summary(self) -> str:
        return f"drawing `{self.network}` ended with {self.error}" + (f": {self.reason}" if self.reason else "")

    def remedy(self) -> str:
        return "this is a mistake in archdsl: please report it together with the spec"
