"""Running sums of a training epoch, which cost next to nothing in a step."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.distributed import all_reduce, get_rank, is_available, is_initialized

NAMES: Final = ("objective", "loss", "correct", "examples", "labels", "answers")


class RunningSums:
    """What the training metrics of an epoch are means of. On a GPU nothing is read back before the epoch ends.

    It also notes the first step whose objective was not finite: on the CPU that can be known at once, on a GPU asking
    in every step would make the processor wait for it. `deferred` does on the CPU what is done on a GPU.
    """

    def __init__(self, *, deferred: bool = False) -> None:
        self._deferred = deferred
        self._sums: Tensor = torch.zeros(len(NAMES), dtype=torch.float64)
        self._broken: Tensor | None = None

    def add(
        self,
        step: int,
        objective: Tensor,
        loss: Tensor,
        correct: Tensor,
        examples: int,
        labels: int | Tensor,
        answers: int | Tensor,
    ) -> bool:
        """Take in a batch. Return whether its objective is known not to be finite."""
        if objective.device.type == "cpu" and not self._deferred:
            value = objective.item()
            counted = float(labels)
            row = (value * examples, loss.item() * counted, correct.item(), examples, counted, float(answers))
            self._sums += torch.tensor(row, dtype=torch.float64)
            return value - value != 0.0
        self._on(objective.device)
        assert self._broken is not None
        counts = [
            n if isinstance(n, Tensor) else objective.new_full((), n) for n in (examples, labels, answers)
        ]  # filled on the device
        parts = [objective * examples, loss * labels, correct, *counts]
        self._sums += torch.stack([part.to(self._sums.dtype) for part in parts])
        self._broken.copy_(torch.where(objective.isfinite() | (self._broken >= 0), self._broken, step))
        return False

    def _on(self, device: torch.device) -> None:
        if self._broken is None:
            dtype = torch.float32 if device.type == "mps" else torch.float64
            self._sums, self._broken = self._sums.to(device, dtype), torch.full((), -1, device=device)

    def broken(self) -> int | None:
        """Return the first step whose objective was not finite, as far as `add` did not tell; waits for the GPU."""
        step = -1 if self._broken is None else int(self._broken)
        return step if step >= 0 else None

    def objective(self) -> float:
        """Return this process's mean so far, for a progress bar; waits for the GPU."""
        objective, _, _, examples, *_ = self._sums.tolist()
        return float(objective / max(examples, 1.0))

    def values(self, *, accuracy: bool) -> dict[str, float | None]:
        """Return the means of all processes."""
        objective, loss, correct, examples, labels, answers = self.state()
        return {
            "objective": objective / max(examples, 1.0), "loss": loss / max(labels, 1.0),
            "accuracy": correct / max(answers, 1.0) if accuracy else None,
        }  # fmt: skip

    def reset(self) -> None:
        """Begin a new epoch."""
        self._sums.zero_()

    def state(self) -> list[float]:
        """Return the sums of all processes so far, as plain numbers: tensors at the top of a checkpoint are taken for weights."""
        sums = self._sums.clone()
        if is_available() and is_initialized():
            all_reduce(sums)
        return sums.tolist()

    def load(self, state: list[float]) -> None:
        """Go on from a checkpoint. The first process takes the sums of all."""
        self._sums.copy_(torch.tensor(state, dtype=torch.float64))
        if is_available() and is_initialized() and get_rank() > 0:
            self._sums.zero_()
