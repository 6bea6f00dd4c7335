"""Running sums for the training metrics of an epoch, with little cost per step."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.distributed import all_reduce, get_rank, is_available, is_initialized

NAMES: Final = ("objective", "loss", "correct", "examples", "labels", "answers")


class RunningSums:
    """Running sums for the training metrics of an epoch. On a GPU, nothing is read back before the epoch ends.

    It also records the first step with a non-finite objective: on a CPU immediately; on a GPU at the end of the epoch, because
    a check in every step would wait for the GPU. `deferred` selects the behaviour of a GPU on a CPU.
    """

    def __init__(self, *, deferred: bool = False) -> None:
        self._deferred = deferred
        self._sums: Tensor = torch.zeros(len(NAMES), dtype=torch.float64)
        self._non_finite: Tensor | None = None

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
        """Add a batch. Return whether its objective is known to be non-finite."""
        if objective.device.type == "cpu" and not self._deferred:
            value = objective.item()
            counted = float(labels)
            row = (value * examples, loss.item() * counted, correct.item(), examples, counted, float(answers))
            self._sums += torch.tensor(row, dtype=torch.float64)
            return value - value != 0.0
        self._on(objective.device)
        assert self._non_finite is not None
        counts = [
            n if isinstance(n, Tensor) else objective.new_full((), n) for n in (examples, labels, answers)
        ]  # filled on the device
        parts = [objective * examples, loss * labels, correct, *counts]
        self._sums += torch.stack([part.to(self._sums.dtype) for part in parts])
        self._non_finite.copy_(torch.where(objective.isfinite() | (self._non_finite >= 0), self._non_finite, step))
        return False

    def _on(self, device: torch.device) -> None:
        if self._non_finite is None:
            dtype = torch.float32 if device.type == "mps" else torch.float64
            self._sums, self._non_finite = self._sums.to(device, dtype), torch.full((), -1, device=device)

    def non_finite_step(self) -> int | None:
        """Return the first step with a non-finite objective that `add` did not report; None if there is none.

        Waits for the GPU.
        """
        step = -1 if self._non_finite is None else int(self._non_finite)
        return step if step >= 0 else None

    def objective(self) -> float:
        """Return the mean objective of this process so far, for a progress bar. Waits for the GPU."""
        objective, _, _, examples, *_ = self._sums.tolist()
        return float(objective / max(examples, 1.0))

    def values(self, *, accuracy: bool) -> dict[str, float | None]:
        """Return the means over all processes."""
        objective, loss, correct, examples, labels, answers = self.state()
        return {
            "objective": objective / max(examples, 1.0), "loss": loss / max(labels, 1.0),
            "accuracy": correct / max(answers, 1.0) if accuracy else None,
        }  # fmt: skip

    def reset(self) -> None:
        """Start a new epoch."""
        self._sums.zero_()

    def state(self) -> list[float]:
        """Return the sums over all processes, as plain numbers: tensors at the top level of a checkpoint look like weights."""
        sums = self._sums.clone()
        if is_available() and is_initialized():
            all_reduce(sums)
        return sums.tolist()

    def load(self, state: list[float]) -> None:
        """Restore the sums from a checkpoint. The first process takes the sums of all processes."""
        self._sums.copy_(torch.tensor(state, dtype=torch.float64))
        if is_available() and is_initialized() and get_rank() > 0:
            self._sums.zero_()
