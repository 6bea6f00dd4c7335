"""E0804 to E0808: training."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.record import Diagnostic
from archdsl.diagnostics.suggest import did_you_mean

E0804 = Code(
    "E0804",
    "the loss is no longer a number",
    """The loss became infinite or not a number, and nothing after that would mean anything. A smaller learning rate, a
    warm-up (`schedule = cosine(warmup = 2)`) or `clip = 1.0` usually helps.""",
    situation="`optimizer = sgd(lr = 100)`.",
)


class LossNotFinite(Diagnostic, code=E0804, argument="optimizer"):
    """A loss that became infinite or NaN in training; `saved` if there is a checkpoint from before."""

    epoch: int
    step: int
    saved: bool

    def summary(self) -> str:
        return f"the loss is no longer finite in epoch {self.epoch}, step {self.step}"

    def remedy(self) -> str:
        return "lower the learning rate `lr`, or write `clip = 1.0`" + (
            "; the last checkpoint is from before" if self.saved else ""
        )


class FirstLossNotFinite(Diagnostic, code=E0804, argument="loss"):
    """A loss that is infinite or NaN before any step."""

    def summary(self) -> str:
        return "the loss of the first batch is not finite"

    def remedy(self) -> str:
        return "look at the data: `normalize`, and the values of the labels"


E0805 = Code(
    "E0805",
    "the device cannot be used",
    """PyTorch cannot train or measure on the device that was asked for: there is none, or the driver does not fit. `--device cpu`
    works everywhere.""",
    situation="`archdsl train net.arch --device cuda` on a machine without one.",
)


class NoDevice(Diagnostic, code=E0805):
    """A kind of device that this machine lacks."""

    accelerator: str
    device: str

    def summary(self) -> str:
        return f"cannot train on `{self.accelerator}`: no {self.device} was found"

    def remedy(self) -> str:
        return "train without it: `--device cpu`"


class NoDeviceToMeasure(Diagnostic, code=E0805):
    """A kind of device to measure on that this machine lacks."""

    accelerator: str
    device: str

    def summary(self) -> str:
        return f"cannot measure on `{self.accelerator}`: no {self.device} was found"

    def remedy(self) -> str:
        return "measure on the CPU: `--device cpu`"


class RefusedDevice(Diagnostic, code=E0805):
    """A device that Lightning or PyTorch cannot use."""

    accelerator: str
    reason: str

    def summary(self) -> str:
        return f"cannot train on `{self.accelerator}`: {self.reason}"

    def remedy(self) -> str:
        return "train without it: `--device cpu`"


class NoHalfPrecision(Diagnostic, code=E0805, argument="precision"):
    """fp16 without a CUDA device."""

    def summary(self) -> str:
        return "`precision = fp16` needs a CUDA device, and this run has none"

    def remedy(self) -> str:
        return "write `precision = bf16`, which works on every device"


class NoCompiler(Diagnostic, code=E0805, argument="compile"):
    """`torch.compile` without a C++ compiler."""

    def summary(self) -> str:
        return "`compile = true` needs a C++ compiler, and none was found"

    def remedy(self) -> str:
        return "install g++ or clang++, or write `compile = false`"


class ProcessCount(Diagnostic, code=E0805):
    """Another number of processes, started by another program, than the run has devices."""

    processes: int
    devices: int
    nodes: int
    per_node: int

    def summary(self) -> str:
        nodes = f" on each of {self.nodes} machines" if self.nodes > 1 else ""
        device = f"{self.devices} device{'s' if self.devices != 1 else ''}{nodes}"
        return f"{self.processes} processes were started for this run, and it has {device}"

    def remedy(self) -> str:
        nodes = f" `--nodes {self.processes // self.per_node}`" if self.processes > self.per_node else ""
        return f"give their numbers: `--devices {self.per_node}`{nodes}"


E0806 = Code(
    "E0806",
    "the network cannot be trained as it is",
    """Training needs a recipe: the file's `train { ... }` block, or its keys given by `--set`.""",
    situation="`archdsl train resnet50`, whose file has no `train` block.",
)


class NoRecipe(Diagnostic, code=E0806):
    """A network without a recipe."""

    network: str

    def summary(self) -> str:
        return f"`{self.network}` has no recipe"

    def remedy(self) -> str:
        return "add one: `train { data = digits; epochs = 10 }`, or --set train.data=digits"


E0807 = Code(
    "E0807",
    "the recipe names a part that the network does not have",
    """`freeze`, `unfreeze` and `groups` name parts of the network by their labels: `layer1` is every tensor whose key in the
    `state_dict` begins with `layer1.`. A part that the network does not have is an error, and so is a `freeze` that leaves
    nothing to train. In a file of several networks, which share its recipe, `archdsl check` warns, and training refuses.""",
    bad="""
    network tiny {
      input image [1, 8, 8]
      stem: conv(8, 3) -> relu
      gap; flatten
      fc: linear(10)
    }
    train { data = digits; freeze = [steam] }
    """,
    good="""
    network tiny {
      input image [1, 8, 8]
      stem: conv(8, 3) -> relu
      gap; flatten
      fc: linear(10)
    }
    train { data = digits; freeze = [stem] }
    """,
)


class UnknownPart(Diagnostic, code=E0807):
    """A label in a recipe that is no part of the network, whose name is None if it is not known."""

    argument: str
    part: str
    known: Sequence[str]
    network: str | None = None

    def summary(self) -> str:
        network = "the network" if self.network is None else f"`{self.network}`"
        return f"`{self.argument}` names `{self.part}`, and {network} has no such label"

    def remedy(self) -> str:
        top = dict.fromkeys(name.partition(".")[0] for name in self.known)
        return did_you_mean(self.part, self.known) or f"its labels are {', '.join(top)}"


class EverythingFrozen(Diagnostic, code=E0807, argument="freeze"):
    """`freeze` of all parts."""

    def summary(self) -> str:
        return "`freeze` leaves nothing to train"

    def remedy(self) -> str:
        return "leave a part out of it: `freeze = all_but(fc)`"


E0808 = Code(
    "E0808",
    "another process of the run died",
    """A run on several devices has a process for each, and cannot go on without one of them. What that process said is above
    this message, if it could say anything: a process that is killed for lack of memory cannot. The last checkpoint is whole:
    `--resume` continues from it.""",
    situation="`archdsl train net.arch --devices 2`, when the system kills one of the two processes.",
)


class RunStopped(Diagnostic):
    """Base of what stops a run that can go on from its last checkpoint."""


class ProcessKilled(RunStopped, code=E0808):
    """A process of the run that a signal ended."""

    number: int
    signal: str

    def summary(self) -> str:
        return f"process {self.number} of the run was killed by {self.signal}"

    def remedy(self) -> str:
        return "its own message is above, if it could give one"


class ProcessEnded(RunStopped, code=E0808):
    """A process of the run that ended before the others."""

    number: int
    exit_code: int

    def summary(self) -> str:
        return f"process {self.number} of the run ended with exit code {self.exit_code}"

    def remedy(self) -> str:
        return "its own message is above, if it could give one"


class ConnectionBroken(RunStopped, code=E0808):
    """A connection to another process that broke."""

    reason: str

    def summary(self) -> str:
        return f"the connection to another process of the run broke: {self.reason}"
