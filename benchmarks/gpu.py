"""Images per second of `archdsl train` on a GPU and of a plain loop with its data there: same batches, optimizer, precision.
Then inference: resnet50 as `archdsl bench --device cuda --precision bf16` measures it, against torchvision's in eager mode.

`python benchmarks/gpu.py` runs the two in turn and prints a table with the name of the device, or "not measured" without a CUDA
device. `--smoke` does the same with tiny networks and data on any machine: the numbers mean nothing, it shows that this works.
The plain loop of resnet50 trains torchvision's model, which needs `pip install torchvision`.

The part about inference has been tried with `--smoke` alone: it has not been run on a GPU yet.
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archdsl import load
from archdsl.bench import FORMS, Form, Options, bench
from archdsl.literals import Expression
from benchmarks.measure import Section, paired, ratios, spread

MEAN, STD = 0.5, 0.25


@dataclass(frozen=True)
class Case:
    """A network and how it is trained; the first epoch warms up and is not counted."""

    name: str
    network: str
    size: int
    images: int
    batch: int
    target: float
    theirs: Callable[[], nn.Module]
    """The module of the plain loop."""
    bf16: bool = False
    channels_last: bool = False
    compile: bool = False
    epochs: int = 3


def torchvision_resnet50() -> nn.Module:
    """The model that is compared with."""
    from torchvision.models import resnet50  # type: ignore[import-not-found]  # here: only needed for this case

    return resnet50()  # type: ignore[no-any-return]


def built(name: str) -> nn.Module:
    """A network that comes with archdsl."""
    torch.manual_seed(0)
    return load(name).build()


CASES = [
    Case("resnet20, 32 by 32, fp32, against the same module", "resnet20", 32, 50_000, 128, 0.9, lambda: built("resnet20")),
    Case(
        "resnet50, 224 by 224, bf16, channels_last, compiled, against torchvision's", "resnet50", 224, 12_800, 128, 0.98,
        torchvision_resnet50, bf16=True, channels_last=True, compile=True,
    ),
]  # fmt: skip
SMOKE = [
    Case("resnet20, fp32", "resnet20", 32, 48, 16, 0.9, lambda: built("resnet20"), epochs=2),
    Case(
        "resnet20, bf16, channels_last",
        "resnet20",
        32,
        48,
        16,
        0.98,
        lambda: built("resnet20"),
        bf16=True,
        channels_last=True,
        epochs=2,
    ),
]


def main() -> None:
    """Measure, and print a table."""
    smoke = "--smoke" in sys.argv[1:]
    if not smoke and not torch.cuda.is_available():
        print("not measured: no CUDA device")
        return
    device = torch.device("cpu" if smoke else "cuda")
    name = "CPU, as a trial" if smoke else torch.cuda.get_device_name()
    about = f"{name}; PyTorch {torch.__version__}; images per second in epochs with their validation and checkpoints."
    section = Section("Training on a GPU", about, ["case", "archdsl", "plain loop", "ratio", "target"])
    for case in SMOKE if smoke else CASES:
        section.rows.append(measured(case, device, rounds=1 if smoke else 3))
        print(section.rows[-1], file=sys.stderr, flush=True)
    print(section.markdown())
    print(inference(device, smoke).markdown())


INFERENCE_TARGETS = {1: 5.8, 32: 2.5}
"""By batch size, how many times as fast as torchvision's eager bf16 resnet50 the compiled form has to be."""


def inference(device: torch.device, smoke: bool) -> Section:
    """resnet50 in bf16: folded, channels last, compiled with `reduce-overhead` on a GPU, beside torchvision's in eager mode."""
    about = "Milliseconds of a call in bf16, after which the device has finished; both measured by `archdsl.bench`."
    head = ["batch", "archdsl compiled", "torchvision eager", "times as fast", "target"]
    section = Section("Inference on a GPU", about, head)
    try:
        theirs = built("resnet20") if smoke else torchvision_resnet50()
    except ModuleNotFoundError as error:
        section.rows.append([f"not measured: no {error.name}", *[""] * 4])
        return section
    module = theirs.to(device, torch.bfloat16).eval()
    FORMS["torchvision"] = Form("torchvision's module in eager mode", lambda subject: (module, 0))
    forms = ["torchvision", "optimized" if smoke else "compiled"]
    network = load("resnet20" if smoke else "resnet50")
    options = Options([1, 32], device.type, precision="bf16", forms=forms, seconds=0.2 if smoke else 10.0)
    rows = bench(network, options).rows
    for peer, ours in zip(rows[::2], rows[1::2], strict=True):
        if peer.latency is None or ours.latency is None:
            section.rows.append([f"{ours.batch}", peer.failed or "", ours.failed or "", "", ""])
            continue
        times = [f"{1e3 * ours.latency:.3f}", f"{1e3 * peer.latency:.3f}"]
        section.rows.append([f"{ours.batch}", *times, f"{ours.speedup:.2f}", f"{INFERENCE_TARGETS[ours.batch]}"])
    return section


def measured(case: Case, device: torch.device, rounds: int) -> list[str]:
    """A row of the table: both sides in turn."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, rng = Path(temporary), np.random.default_rng(0)
        images = rng.integers(0, 256, (case.images, 3, case.size, case.size), dtype=np.uint8)
        labels = np.arange(case.images) % 10
        held_out = case.batch * 2
        np.savez(folder / "images.npz", x_train=images, y_train=labels, x_test=images[:held_out], y_test=labels[:held_out])
        try:
            module = case.theirs()
        except ModuleNotFoundError as error:
            return [case.name, *["-"] * 3, f"not measured: no {error.name}"]
        ours, theirs = paired(
            lambda: by_archdsl(case, folder, device),
            lambda: by_hand(case, module, images, labels, device, folder),
            rounds=rounds,
            warm_up=0,
        )
    found = ratios(ours, theirs)
    return [case.name, spread(ours, ",.0f"), spread(theirs, ",.0f"), spread(found), f"{case.target:.2f}"]


def by_archdsl(case: Case, folder: Path, device: torch.device) -> float:
    """Images per second of a run, by its metrics.csv."""
    settings = {
        "data": str(folder / "images.npz"), "epochs": case.epochs, "batch": case.batch, "compile": case.compile,
        "channels_last": case.channels_last,
        "precision": Expression("bf16" if case.bf16 else "fp32"),
        "optimizer": Expression("sgd(lr = 0.1, momentum = 0.9, nesterov = false)"),
        "schedule": Expression("constant"), "loss": Expression("cross_entropy"), "augment": Expression("[]"),
        "normalize": Expression(f"fixed(mean = [{MEAN}], std = [{STD}])"),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as run:
        load(case.network, **{f"train.{key}": value for key, value in settings.items()}).fit(
            Path(run) / "run", device=device.type
        )
        rows = list(csv.DictReader((Path(run) / "run" / "metrics.csv").read_text().splitlines()))
    return case.images * (case.epochs - 1) / sum(float(row["seconds"]) for row in rows[1:])


def by_hand(case: Case, module: nn.Module, images: Any, labels: Any, device: torch.device, folder: Path) -> float:
    """Images per second of the same epochs in a plain loop, with a checkpoint after each."""
    memory = torch.channels_last if case.channels_last else torch.contiguous_format
    module.to(device=device, memory_format=memory)  # type: ignore[call-overload]
    if case.compile:
        module.compile()
    x, y = torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, fused=True)

    def forward(chosen: Tensor) -> tuple[Tensor, Tensor]:
        prepared = ((x[chosen] / 255 - MEAN) / STD).contiguous(memory_format=memory)
        with torch.autocast(device.type, torch.bfloat16) if case.bf16 else nullcontext():
            return module(prepared), y[chosen]

    seconds = 0.0
    for epoch in range(case.epochs):
        _synchronize(device)
        started = time.perf_counter()
        module.train()
        total, correct = torch.zeros((), device=device), torch.zeros((), device=device)
        for chosen in torch.randperm(len(x), device=device).split(case.batch):
            output, wanted = forward(chosen)
            loss = F.cross_entropy(output.float(), wanted)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.detach() * len(wanted)
            correct += (output.detach().argmax(1) == wanted).sum()
        module.eval()
        with torch.no_grad():
            for chosen in torch.arange(case.batch * 2, device=device).split(case.batch):
                output, wanted = forward(chosen)
                correct += (output.argmax(1) == wanted).sum()
        torch.save({"module": module.state_dict(), "optimizer": optimizer.state_dict()}, folder / "by-hand.pt")
        print(f"epoch {epoch + 1}: {total.item() / len(x):.3f} {int(correct)}", file=sys.stderr)
        if epoch:
            seconds += time.perf_counter() - started
    return case.images * (case.epochs - 1) / seconds


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main()
