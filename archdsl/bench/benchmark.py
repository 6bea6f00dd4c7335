"""Measure the forms of a network: latency, throughput and memory for several batch sizes."""

from __future__ import annotations

import gc
import platform
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archdsl.bench.forms import DTYPES, FORMS, Form, Precision, Subject
from archdsl.bench.memory import peak_of_call
from archdsl.bench.timing import Times, times_in_turn
from archdsl.diagnostics import SpecError, codes
from archdsl.initial_weights import Weights
from archdsl.ir import Value
from archdsl.network import Network


@dataclass(frozen=True)
class Options:
    """What is measured, and how long: about `seconds` for each form and batch size. None of `forms` are all that apply."""

    batch: Sequence[int] = (1, 32)
    device: str = "cpu"
    train: bool = False
    precision: Precision = "fp32"
    forms: Sequence[str] | None = None
    seconds: float = 3.0


@dataclass(frozen=True)
class Measured:
    """What was measured of a form at a batch size; if it `failed`, why, and nothing else.

    `latency` is the median of the seconds of a call, `low` and `high` are the quartiles. `memory` is that of the weights and the
    peak of a call, in bytes. `speedup` compares with the first form, turn by turn.
    """

    form: str
    batch: int
    latency: float | None = None
    low: float | None = None
    high: float | None = None
    calls: int = 0
    throughput: float | None = None
    memory: int | None = None
    speedup: float | None = None
    failed: str | None = None


@dataclass(frozen=True)
class Benchmark:
    """All measurements of a network, and where they were made."""

    network: str
    inputs: Mapping[str, Sequence[int]]
    mode: str
    precision: str
    device: str
    hardware: str
    threads: int
    torch: str
    rows: Sequence[Measured]

    @property
    def ok(self) -> bool:
        """Whether every form could be measured."""
        return all(row.failed is None for row in self.rows)

    def as_data(self) -> dict[str, Any]:
        """Return everything as plain data for JSON."""
        return asdict(self)


def bench(network: Network, options: Options | None = None, weights: Weights | None = None) -> Benchmark:
    """Measure a network with random inputs. Without weights, they are those of a fresh module.

    Raise `SpecError` E0805 if there is no such device, E0312 if a size is symbolic, and as `load_weights` does, and `ValueError`
    for forms that do not exist or do not train.
    """
    given = options or Options()
    forms = _forms(given)
    device = _device(given.device)
    if network.sizes.work:
        raise SpecError(codes.given_sizes.SizesMissing(list(network.sizes.work)))
    plain = network.build()
    if weights is not None:
        weights.load(network, plain)
    state = plain.state_dict()
    rows: list[Measured] = []
    for batch in given.batch:
        inputs = [_random(value, batch, device, torch.float32 if given.train else DTYPES[given.precision])
                  for value in network.graph.inputs]  # fmt: skip
        subject = Subject(network, state, inputs, device, given.precision, given.train)
        rows += _measured(subject, forms, batch, given.seconds)
    return Benchmark(
        network.name,
        {value.name or "": [int(str(size)) for size in value.shape] for value in network.graph.inputs},
        "training" if given.train else "evaluation",
        given.precision,
        given.device,
        _hardware(device),
        torch.get_num_threads(),
        torch.__version__,
        rows,
    )


def _forms(options: Options) -> dict[str, Form]:
    """Return the chosen forms. Raise `ValueError` if there is no such form, or it does not train."""
    able = {name: form for name, form in FORMS.items() if form.trains or not options.train}
    wanted = list(able) if options.forms is None else options.forms
    for name in wanted:
        if name not in FORMS:
            raise ValueError(f"the forms are {', '.join(FORMS)}, not {name!r}")
        if name not in able:
            raise ValueError(f"the form {name!r} is for inference; those that train are {', '.join(able)}")
    return {name: able[name] for name in dict.fromkeys(wanted)}


def _device(name: str) -> torch.device:
    """Return a device. Raise `SpecError` E0805 if this machine has none of its kind."""
    kinds: dict[str, tuple[str, Callable[[], bool]]] = {
        "cuda": ("CUDA device", torch.cuda.is_available),
        "mps": ("Apple GPU", torch.backends.mps.is_available),
    }
    if name in kinds and not kinds[name][1]():
        raise SpecError(codes.training.NoDeviceToMeasure(name, kinds[name][0]))
    return torch.device(name)


def _random(value: Value, batch: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Return a batch for an input: random numbers, zeros for integers, which index tables, and true for bools."""
    shape = [batch, *[int(str(size)) for size in value.shape]]
    if value.dtype == "float":
        return torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(device, dtype)
    return torch.zeros(shape, dtype=torch.long, device=device) if value.dtype == "int" else torch.ones(
        shape, dtype=torch.bool, device=device
    )  # fmt: skip


def _measured(subject: Subject, forms: Mapping[str, Form], batch: int, seconds: float) -> list[Measured]:
    """Return a row for each form, measured in turns."""
    calls: dict[str, Callable[[], object]] = {}
    memory: dict[str, int | None] = {}
    failed: dict[str, str] = {}
    with torch.random.fork_rng(), _mode(subject):
        for name, form in forms.items():
            try:
                run, size = form.make(subject)
                call = calls[name] = partial(_run, run, subject)
                call()
                peak = peak_of_call(call, subject.device)
                memory[name] = None if peak is None else size + peak
            except Exception as error:  # whatever a compiler or exporter raises
                calls.pop(name, None)
                failed[name] = _reason(error)
        times = times_in_turn(calls, seconds) if calls else {}
    del calls
    if "torch._dynamo" in sys.modules:  # something was compiled: keep none of it for the next batch size
        torch.compiler.reset()
    gc.collect()
    first = next(iter(times.values()), None)
    return [
        Measured(name, batch, failed=failed[name]) if name in failed else _row(name, batch, times[name], memory[name], first)
        for name in forms
    ]


def _row(name: str, batch: int, times: Times, memory: int | None, first: Times | None) -> Measured:
    assert first is not None
    speedup = statistics.median([theirs / ours for theirs, ours in zip(first.rounds, times.rounds, strict=True)])
    return Measured(
        name, batch, times.median, times.low, times.high, times.calls, batch / times.median, memory, speedup
    )  # fmt: skip


def _mode(subject: Subject) -> AbstractContextManager[Any]:
    return nullcontext() if subject.train else torch.inference_mode()


def _run(run: Callable[..., Any], subject: Subject) -> None:
    """Call a form, and wait for the device."""
    run(*subject.inputs)
    if subject.device.type == "cuda":
        torch.cuda.synchronize(subject.device)
    elif subject.device.type == "mps":
        torch.mps.synchronize()


def _reason(error: Exception) -> str:
    """Return why a form cannot be measured, in one line."""
    if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        return "out of memory: take a smaller batch"
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _hardware(device: torch.device) -> str:
    """Return the name of the device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
