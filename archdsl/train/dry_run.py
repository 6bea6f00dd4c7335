"""A dry run: the learning rates of a run, and the loss and memory of one step."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor, nn

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.train.checks import check, check_device, check_sizes, require_device
from archdsl.train.data import load
from archdsl.train.experiment import Experiment
from archdsl.train.parameter_groups import optimizer_of
from archdsl.train.run_warnings import run_warnings
from archdsl.train.task import Task

_COLUMNS: Final = 60
_ROWS: Final = 6
_BLOCKS: Final = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class DryRun:
    """The result of a dry run."""

    rates: tuple[float, ...]
    """The learning rate of every step, for parameters without a factor of their own."""
    epochs: int
    examples: int
    parameters: int
    trained: int
    """The number of parameters trained in the first epoch."""
    loss: float
    gradient_norm: float
    seconds: float
    """The duration of the first step: forward, backward and optimizer."""
    memory: Mapping[str, int]
    """Bytes by purpose."""
    device: str
    follows_metric: bool
    """Whether the schedule also depends on a validation metric, which is unknown here."""

    def __str__(self) -> str:
        steps = len(self.rates) // self.epochs
        known = ", as long as the validation metric improves" if self.follows_metric else ""
        lines = [
            f"learning rate over {_counted(self.epochs, 'epoch')} of {_counted(steps, 'step')}{known}",
            *_chart(self.rates),
            f"{'':11}first {self.rates[0]:.3g}, highest {max(self.rates):.3g}, last {self.rates[-1]:.3g}",
            "",
            f"{self.examples:,} training examples; {self.trained:,} of {self.parameters:,} parameters trained in epoch 1",
            f"one batch on {self.device}: loss {self.loss:.4f}, gradient norm {self.gradient_norm:.3g}, {self.seconds:.2f} "
            "s for the first step",
            "",
            *(f"{name:<16}{_size(size):>10}" for name, size in self.memory.items()),
            f"{'total memory':<16}{_size(sum(self.memory.values())):>10}",
        ]
        return "\n".join(lines) + "\n"


def dry_run(
    experiment: Experiment, *, accelerator: str = "auto", warn: Callable[[Diagnostic], None] = lambda found: None
) -> DryRun:
    """Check everything that `fit` checks, and make one step with a copy of the module. Write nothing.

    Raises `SpecError` as `fit` does; E0804 if the loss of the first batch is not finite.
    """
    recipe = experiment.recipe
    require_device(accelerator)
    check_device(recipe, accelerator)
    data = load(recipe, experiment.root, experiment.inputs, experiment.reading, experiment.opened)
    check_sizes(data, experiment.check_shapes)
    outputs = check(experiment.module, experiment.head_weights, recipe, data, experiment.parameters)
    cuda = torch.cuda.is_available() and accelerator in ("auto", "cuda")
    device = torch.device("cuda" if cuda else "mps" if accelerator == "mps" else "cpu")
    batches = data.training_batches(recipe.batch, recipe.seed, lambda: 0)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        task = Task(copy.deepcopy(experiment.module), experiment.head_weights, recipe, data, outputs, len(batches)).to(device)
        for notice in run_warnings(recipe, data, task.updates):
            warn(notice)
        started = _step(task, next(iter(batches)), device)
    rates = tuple(recipe.optimizer.lr * task.factor(step) for step in range(task.updates * recipe.epochs))
    weights = list(experiment.module.parameters())
    return replace(
        started, rates=rates, epochs=recipe.epochs, examples=len(data.train),
        parameters=sum(weight.numel() for weight in weights),
        follows_metric=getattr(recipe.schedule, "metric", None) is not None,
    )  # fmt: skip


def _step(task: Task, batch: Any, device: torch.device) -> DryRun:
    """Make one optimizer step on one batch, and measure it."""
    recipe, module = task.recipe, task.module
    optimizer = optimizer_of(recipe.optimizer, task.parameter_groups, fused=recipe.precision != "fp16")
    saved: dict[int, int] = {}
    own = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    began = time.monotonic()
    batch = task.transfer_batch_to_device(batch, device, 0)
    half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(recipe.precision)
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast(device.type, half, enabled=half is not None),
    ):
        forward = task.forward_batch(batch)
    if not bool(forward.objective.isfinite()):
        raise SpecError(codes.training.FirstLossNotFinite())
    torch.autograd.backward(forward.objective)
    trained = [parameter for parameter in module.parameters() if parameter.grad is not None]
    norm = nn.utils.get_total_norm([parameter.grad for parameter in trained if parameter.grad is not None])
    task.on_before_optimizer_step(optimizer)
    optimizer.step()
    state = [value for values in optimizer.state.values() for value in values.values() if isinstance(value, Tensor)]
    loss = float(forward.loss.detach())
    memory = {
        "parameters": _bytes([*module.parameters(), *module.buffers()]),
        "gradients": _bytes(trained),
        "optimizer": _bytes(state),
        "activations": sum(saved.values()),
    }
    if task.averaged is not None:
        memory["average"] = _bytes([*task.averaged.module.parameters(), *task.averaged.module.buffers()])
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"the {device.type.upper()}"
    count = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    return DryRun((), 1, 0, 0, count, loss, float(norm), time.monotonic() - began, memory, name, False)


def _bytes(tensors: Sequence[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB" if count >= 2**20 else f"{count / 2**10:,.1f} KiB"


def _chart(rates: Sequence[float]) -> list[str]:
    """Return a bar chart of the learning rates; each bar is the mean over its part of the run."""
    columns = min(_COLUMNS, len(rates))
    parts = [rates[i * len(rates) // columns : (i + 1) * len(rates) // columns] for i in range(columns)]
    top = max(rates)
    heights = [round(sum(part) / len(part) / top * _ROWS * 8) for part in parts]
    rows = []
    for row in reversed(range(_ROWS)):
        label = f"{top:.3g}" if row == _ROWS - 1 else "0" if row == 0 else ""
        rows.append(f"{label:>9} |" + "".join(_BLOCKS[min(8, max(0, height - row * 8))] for height in heights).rstrip())
    return rows
