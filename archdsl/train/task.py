"""What is done with one batch."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from archdsl.data import IGNORED
from archdsl.diagnostics import SpecError, codes
from archdsl.recipe import Recipe
from archdsl.train.batches import Batch
from archdsl.train.checks import main_output
from archdsl.train.data import Data
from archdsl.train.keys import seed_of
from archdsl.train.losses import predicted
from archdsl.train.measures import Measured, Measures, best_metric, chosen_metrics
from archdsl.train.parts import Parts, check_labels, optimizer_of
from archdsl.train.sums import RunningSums
from archdsl.train.targets import criterion_of


class Forward(NamedTuple):
    """What a batch gave: the loss of the main output, that output, the labels, and how many labels the loss is over."""

    error: Tensor
    """The losses of the main output and of the heads, weighted."""
    penalty: Tensor | float
    """Of the weights."""
    loss: Tensor
    output: Tensor
    labels: Tensor
    counted: int | Tensor

    @property
    def objective(self) -> Tensor:
        """What is made small."""
        return self.error + self.penalty


class Task(LightningModule):
    """A network, its heads' weights and a recipe, as Lightning wants them.

    Two losses are counted: `objective` is what is made small (heads and penalties included), `loss` is
    that of the main output alone, which can be compared with the validation loss.
    """

    def __init__(self, module: nn.Module, heads: dict[str, float], recipe: Recipe, data: Data, outputs: int, steps: int) -> None:
        super().__init__()
        check_labels(module, recipe)
        self.module, self.heads, self.recipe = module, heads, recipe
        self.examples = len(data.train)
        self.steps = steps
        """Batches in an epoch."""
        self.updates = -(-steps // recipe.accumulate)
        """Steps of the optimizer in an epoch."""
        self.identity: dict[str, Any] = {}
        """What checkpoints say about where they are from."""
        self.preparation = data.preparation(recipe)
        self.criterion = criterion_of(recipe.loss, data, outputs)
        self.outputs, self.kind = outputs, self.criterion.kind
        self.metric_names = chosen_metrics(recipe, self.kind, outputs)
        self.best_metric = best_metric(recipe, self.kind)
        self.sums = RunningSums()
        self.parts = Parts(module, recipe)
        self._weights: list[nn.Parameter] = []
        self._reduction = 1.0
        if recipe.channels_last:
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # known to all versions, not to their types
        self.averaged = _averaged(module, recipe.ema)
        self._enter(1)

    def __setattr__(self, name: str, value: Any) -> None:
        """Keep what Lightning notes before every hook out of `nn.Module`'s way, which takes a tenth of a small network's step."""
        if name == "_current_fx_name":
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    # ---- The course of the training: everything here follows from the counters of epochs and steps ----

    def setup(self, stage: str) -> None:
        """Thaw everything that will be thawed once: DDP synchronizes the parameters that have gradients when it begins."""
        if self.trainer.world_size > 1:
            self._enter(self.recipe.epochs)

    def on_fit_start(self) -> None:
        """Compile in place, which leaves the keys of the `state_dict` as they are."""
        if (
            self.averaged is not None
        ):  # PyTorch asks in every step whether it is 0; on a GPU the processor would wait for the answer
            self.averaged.n_averaged = self.averaged.n_averaged.cpu()
        if self.recipe.compile:
            self.module.compile()

    def on_train_start(self) -> None:
        """Freeze for the epoch that a resumed run goes on with, which Lightning does not start again."""
        self._enter(self.current_epoch + 1)

    def on_train_epoch_start(self) -> None:
        """Freeze and thaw what the recipe says for this epoch."""
        self._enter(self.current_epoch + 1)

    def _enter(self, epoch: int) -> None:
        self.parts.enter(epoch)
        self._weights = [weight for weight in self.module.parameters() if weight.ndim > 1 and weight.requires_grad]

    def observe(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take note of the validation metrics of every epoch so far, `val_loss` and so on, which a schedule may follow."""
        metric = getattr(self.recipe.schedule, "metric", None)
        if metric is not None:
            self._reduction = self.recipe.schedule.reduction([float(row[f"val_{metric}"]) for row in rows])

    def factor(self, step: int) -> float:
        """Return the schedule's factor at the middle of a step of the optimizer, counted from 0."""
        schedule, place = self.recipe.schedule, (step + 0.5) / self.updates
        return schedule.factor(place, self.recipe.epochs, self.updates) * self._reduction

    def batches(self, step: int) -> int:
        """Return how many batches were used up by so many steps of the optimizer."""
        epoch, done = divmod(step, self.updates)
        return epoch * self.steps + done * self.recipe.accumulate

    @property
    def rate(self) -> float:
        """The learning rate of the last step, for parts without a factor of their own."""
        return self.recipe.optimizer.lr * self.factor(max(0, self.global_step - 1))

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Let dropout and the like draw the same numbers whether or not the run was interrupted."""
        place = self.current_epoch * self.steps + batch_idx
        seed = seed_of(self.recipe.seed, 3, place, *([self.global_rank] if self.global_rank else []))
        torch.default_generator.manual_seed(seed)  # `torch.manual_seed` asks every kind of device, which takes 0.85 ms
        if self.device.type == "cuda":
            torch.cuda.default_generators[self.device.index or 0].manual_seed(seed)

    # ---- A step ----

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the objective of a batch. Raises `SpecError` (E0804) if it is not finite and that is known."""
        found = self.forward_batch(batch)
        objective, examples = found.objective, len(found.labels)
        with torch.no_grad():
            correct, answers = self._correct(found.output.detach(), found.labels)
            if self.sums.add(
                self.global_step, objective.detach(), found.loss.detach(), correct, examples, found.counted, answers
            ):
                raise self._not_finite(self.global_step)
        if self.trainer.world_size > 1:
            objective = found.error * self._process_share(batch_idx, examples) + found.penalty
        return objective * self._window_share(batch_idx) if self.recipe.accumulate > 1 else objective

    def forward_batch(self, batch: Batch) -> Forward:
        """Prepare a batch and compute its objective."""
        inputs, labels = self.preparation(batch, training=True)
        outputs = self.module(*self._arranged(inputs))
        main = main_output(outputs)
        loss, counted = self.criterion(main, labels)
        error: Tensor = loss
        for head, weight in self.heads.items():
            error = error + weight * self.criterion(getattr(outputs, head), labels)[0]
        penalty = sum(regularizer.penalty(self._weights) for regularizer in self.recipe.regularize)
        return Forward(error, penalty, loss, main, labels, counted)

    def _process_share(self, batch_idx: int, examples: int) -> float:
        """Return the factor that makes the mean gradient of all processes that of the global batch: shares may differ by one."""
        batch = self.recipe.batch
        whole = min((batch_idx + 1) * batch, self.examples) - batch_idx * batch
        return examples * self.trainer.world_size / whole

    def _arranged(self, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        if not self.recipe.channels_last:
            return inputs
        return [given.contiguous(memory_format=torch.channels_last) if given.ndim == 4 else given for given in inputs]

    def _window_share(self, batch_idx: int) -> float:
        """Lightning divides by `accumulate`; the last step of an epoch may have fewer batches."""
        window, rest = self.recipe.accumulate, self.steps % self.recipe.accumulate
        return window / rest if rest and batch_idx >= self.steps - rest else 1.0

    def _correct(self, output: Tensor, labels: Tensor) -> tuple[Tensor, int | Tensor]:
        """How many answers are correct, of how many."""
        if self.kind in ("value", "map"):
            return output.new_zeros(()), 1
        if self.kind == "multilabel":
            return ((output > 0) == (labels.view(output.shape) > 0.5)).sum(), labels.numel()
        if labels.is_floating_point():
            labels = labels.argmax(1)
        correct = (predicted(output) == labels).sum()
        return correct, (labels != IGNORED).sum() if self.criterion.ignores else labels.numel()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Set the learning rate, and clip: Lightning's own clipping refuses fused optimizers under bf16."""
        factor = self.factor(self.global_step)
        for group in optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
        if self.recipe.clip is not None:
            pkgutil.resolve_name(self.recipe.clip.target)(self.module.parameters(), self.recipe.clip.limit)

    def optimizer_step(self, *arguments: Any, **options: Any) -> None:
        """Make the step, then take the new weights into their average."""
        super().optimizer_step(*arguments, **options)
        if self.averaged is not None:
            self.averaged.update_parameters(self.module)
            counters = zip(self.averaged.module.buffers(), self.module.buffers(), strict=True)
            for mean, now in counters:
                if not mean.is_floating_point():  # an average of counts, rounded down, would stand still
                    mean.copy_(now)

    def check_finite(self) -> None:
        """Raise `SpecError` (E0804) if the objective was not finite in a step before; on a GPU this waits for it."""
        step = self.sums.broken()
        if step is not None:
            raise self._not_finite(step)

    def _not_finite(self, step: int) -> SpecError:
        saved = step >= self.updates or bool(self.trainer.ckpt_path)  # an epoch is done, in this run or the one it goes on with
        return SpecError(codes.training.LossNotFinite(step // self.updates + 1, step + 1, saved))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the recipe's optimizer. Its rates are set before each step, so there is no scheduler with a state."""
        return optimizer_of(self.recipe.optimizer, self.parts, fused=self.recipe.precision != "fp16")

    # ---- What is kept ----

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say where the checkpoint is from, so that another run is not resumed by mistake; keep the epoch's sums."""
        self.check_finite()
        checkpoint["archdsl"] = self.identity
        checkpoint["sums"] = self.sums.state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the sums of an epoch that was interrupted."""
        self.sums.load(checkpoint["sums"])

    @property
    def evaluated(self) -> nn.Module:
        """The module whose weights are the run's: the averaged one if the recipe has `ema`."""
        return self.module if self.averaged is None or not int(self.averaged.n_averaged) else self.averaged.module

    def weights(self) -> dict[str, Tensor]:
        """Return the `state_dict` of the run's weights, under the network's keys; copies, on the CPU."""
        return {key: value.detach().cpu().clone().contiguous() for key, value in self.evaluated.state_dict().items()}

    def finish(self) -> None:
        """Leave the run's weights in the module: the averaged ones if the recipe has `ema`."""
        if self.evaluated is not self.module:
            self.module.load_state_dict(self.evaluated.state_dict())

    # ---- Measuring ----

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Return the metrics by name, in evaluation mode and float32."""
        return self.measure(batches).values

    @torch.no_grad()
    def measure(self, batches: Iterable[Batch], *, details: bool = False) -> Measured:
        """Measure the run's weights on some examples. Each submodule's own mode is restored, so a frozen one stays frozen.

        Raises `SpecError` (E0804) if the weights come from a loss that was not finite.
        """
        self.check_finite()
        module = self.evaluated
        measures = Measures(self.metric_names, self.criterion, self.outputs, details=details).to(self.device)
        modes = {part: part.training for part in module.modules()}
        module.eval()
        try:
            for batch in batches:
                inputs, labels = self.preparation(self.transfer_batch_to_device(batch, self.device, 0), training=False)
                measures.update(main_output(module(*self._arranged(inputs))), labels)
        finally:
            for part, mode in modes.items():
                part.training = mode
        return measures.compute()

    def epoch_metrics(self) -> dict[str, float | None]:
        """Return the training metrics of the epoch that ends, which are then empty again. Raises `SpecError` (E0804)."""
        self.check_finite()
        values = self.sums.values(accuracy=self.kind not in ("value", "map"))
        self.sums.reset()
        return {f"train_{name}": value for name, value in values.items()}


def _averaged(module: nn.Module, memory: float | None) -> AveragedModel | None:
    """PyTorch's average of weights and buffers; it starts from the weights after the first step."""
    if memory is None:
        return None
    average = get_ema_multi_avg_fn(memory)  # type: ignore[no-untyped-call]
    averaged = AveragedModel(module, multi_avg_fn=average, use_buffers=True)
    averaged.requires_grad_(False)
    return averaged
