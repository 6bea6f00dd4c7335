"""The Lightning module: a training step, evaluation, and the state of a checkpoint."""

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
from archdsl.recipe.metrics import best_metric
from archdsl.train.batches import Batch
from archdsl.train.checks import main_output
from archdsl.train.data import Data
from archdsl.train.losses import predicted
from archdsl.train.metrics import MetricValues, SplitMetrics, chosen_metrics
from archdsl.train.parameter_groups import ParameterGroups, check_labels, optimizer_of
from archdsl.train.prepare import in_channels_last
from archdsl.train.rng import seed_of
from archdsl.train.running_sums import RunningSums
from archdsl.train.targets import criterion_of


class Forward(NamedTuple):
    """The result of a forward pass: losses, the main output, the labels, and the number of labels that the loss averages."""

    error: Tensor
    """The weighted losses of the main output and the heads."""
    penalty: Tensor | float
    """The penalties on the weights."""
    loss: Tensor
    output: Tensor
    labels: Tensor
    counted: int | Tensor

    @property
    def objective(self) -> Tensor:
        """The training objective."""
        return self.error + self.penalty


class Task(LightningModule):
    """A network, the loss weights of its heads, and a recipe, as a Lightning module.

    `objective` is the training objective, including heads and penalties; `loss` is that of the main output,
    which is comparable with the validation loss.
    """

    def __init__(self, module: nn.Module, heads: dict[str, float], recipe: Recipe, data: Data, outputs: int, steps: int) -> None:
        super().__init__()
        check_labels(module, recipe)
        self.module, self.heads, self.recipe = module, heads, recipe
        self.examples = len(data.train)
        self.steps = steps
        """The number of batches in an epoch."""
        self.updates = -(-steps // recipe.accumulate)
        """The number of optimizer steps in an epoch."""
        self.identity: dict[str, Any] = {}
        """The description of the run in its checkpoints."""
        self.preparation = data.preparation(recipe)
        self.criterion = criterion_of(recipe.loss, data, outputs)
        self.outputs, self.kind = outputs, self.criterion.kind
        self.metric_names = chosen_metrics(recipe, self.kind, outputs)
        self.best_metric = best_metric(recipe, self.kind)
        self.sums = RunningSums()
        self.parameter_groups = ParameterGroups(module, recipe)
        self._weights: list[nn.Parameter] = []
        self._reduction = 1.0
        if recipe.channels_last:
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # known to all versions, not to their types
        self.averaged = _averaged(module, recipe.ema)
        self._enter(1)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set Lightning's `_current_fx_name` directly: `nn.Module.__setattr__` would take a tenth of a small network's step."""
        if name == "_current_fx_name":
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)

    # ---- Schedule: everything here is a function of the counters of epochs and steps ----

    def setup(self, stage: str) -> None:
        """Unfreeze all parameters that are trained at some time: DDP synchronizes those that require gradients when it starts."""
        if self.trainer.world_size > 1:
            self._enter(self.recipe.epochs)

    def on_fit_start(self) -> None:
        """Compile the module in place, which preserves the keys of the `state_dict`."""
        if self.averaged is not None:  # PyTorch tests in every step whether it is 0, which would wait for the GPU
            self.averaged.n_averaged = self.averaged.n_averaged.cpu()
        if self.recipe.compile:
            self.module.compile()

    def on_train_start(self) -> None:
        """Freeze parameters for the epoch of a resumed run; Lightning does not call `on_train_epoch_start` for it."""
        self._enter(self.current_epoch + 1)

    def on_train_epoch_start(self) -> None:
        """Freeze and unfreeze parameters for this epoch."""
        self._enter(self.current_epoch + 1)

    def _enter(self, epoch: int) -> None:
        self.parameter_groups.enter(epoch)
        self._weights = [weight for weight in self.module.parameters() if weight.ndim > 1 and weight.requires_grad]

    def observe(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Update the factor of a schedule that depends on the validation metrics of the epochs so far, `val_loss` and so on."""
        metric = getattr(self.recipe.schedule, "metric", None)
        if metric is not None:
            self._reduction = self.recipe.schedule.reduction([float(row[f"val_{metric}"]) for row in rows])

    def factor(self, step: int) -> float:
        """Return the factor of the schedule at the middle of an optimizer step, counted from 0."""
        schedule, place = self.recipe.schedule, (step + 0.5) / self.updates
        return schedule.factor(place, self.recipe.epochs, self.updates) * self._reduction

    def batches(self, step: int) -> int:
        """Return the number of batches that a number of optimizer steps consumes."""
        epoch, done = divmod(step, self.updates)
        return epoch * self.steps + done * self.recipe.accumulate

    @property
    def rate(self) -> float:
        """The learning rate of the last step, for parameters without a factor of their own."""
        return self.recipe.optimizer.lr * self.factor(max(0, self.global_step - 1))

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Seed the generators, so that dropout draws the same numbers in a resumed run."""
        place = self.current_epoch * self.steps + batch_idx
        seed = seed_of(self.recipe.seed, 3, place, *([self.global_rank] if self.global_rank else []))
        torch.default_generator.manual_seed(seed)  # `torch.manual_seed` seeds every kind of device, which takes 0.85 ms
        if self.device.type == "cuda":
            torch.cuda.default_generators[self.device.index or 0].manual_seed(seed)

    # ---- A step ----

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the objective of a batch. Raise `SpecError` E0804 if it is known to be non-finite."""
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
        """Prepare a batch, and compute its outputs and losses."""
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
        """Return the factor on the loss of a process that makes the mean gradient of all processes that of the global batch.

        The numbers of examples of the processes may differ by one.
        """
        batch = self.recipe.batch
        whole = min((batch_idx + 1) * batch, self.examples) - batch_idx * batch
        return examples * self.trainer.world_size / whole

    def _arranged(self, inputs: Sequence[Tensor]) -> Sequence[Tensor]:
        return in_channels_last(inputs) if self.recipe.channels_last else inputs

    def _window_share(self, batch_idx: int) -> float:
        """Return the factor that corrects Lightning's division by `accumulate` if the last step of an epoch has fewer batches."""
        window, rest = self.recipe.accumulate, self.steps % self.recipe.accumulate
        return window / rest if rest and batch_idx >= self.steps - rest else 1.0

    def _correct(self, output: Tensor, labels: Tensor) -> tuple[Tensor, int | Tensor]:
        """Return the number of correct predictions, and the number of predictions."""
        if self.kind in ("value", "map"):
            return output.new_zeros(()), 1
        if self.kind == "multilabel":
            return ((output > 0) == (labels.view(output.shape) > 0.5)).sum(), labels.numel()
        if labels.is_floating_point():
            labels = labels.argmax(1)
        correct = (predicted(output) == labels).sum()
        return correct, (labels != IGNORED).sum() if self.criterion.ignores else labels.numel()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Set the learning rate, and clip the gradients; Lightning's own clipping does not support fused optimizers with bf16."""
        factor = self.factor(self.global_step)
        for group in optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor
        if self.recipe.clip is not None:
            pkgutil.resolve_name(self.recipe.clip.target)(self.module.parameters(), self.recipe.clip.limit)

    def optimizer_step(self, *arguments: Any, **options: Any) -> None:
        """Update the weights, then their average."""
        super().optimizer_step(*arguments, **options)
        if self.averaged is not None:
            self.averaged.update_parameters(self.module)
            counters = zip(self.averaged.module.buffers(), self.module.buffers(), strict=True)
            for mean, now in counters:
                if not mean.is_floating_point():  # an average of integers, rounded down, would not change
                    mean.copy_(now)

    def check_finite(self) -> None:
        """Raise `SpecError` E0804 if the objective of an earlier step was non-finite. Waits for a GPU."""
        step = self.sums.non_finite_step()
        if step is not None:
            raise self._not_finite(step)

    def _not_finite(self, step: int) -> SpecError:
        saved = step >= self.updates or bool(
            self.trainer.ckpt_path
        )  # an epoch is complete, in this run or in the one that it resumes
        return SpecError(codes.training.LossNotFinite(step // self.updates + 1, step + 1, saved))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer of the recipe. Learning rates are set before each step, without a stateful scheduler."""
        return optimizer_of(self.recipe.optimizer, self.parameter_groups, fused=self.recipe.precision != "fp16")

    # ---- State ----

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the description of the run, against resuming another run by mistake, and the running sums of the epoch."""
        self.check_finite()
        checkpoint["archdsl"] = self.identity
        checkpoint["sums"] = self.sums.state()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the running sums of an interrupted epoch."""
        self.sums.load(checkpoint["sums"])

    @property
    def evaluated(self) -> nn.Module:
        """The module that is evaluated and saved: with `ema`, the averaged one."""
        return self.module if self.averaged is None or not int(self.averaged.n_averaged) else self.averaged.module

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the `state_dict` of the evaluated module, on the CPU."""
        return {key: value.detach().cpu().clone().contiguous() for key, value in self.evaluated.state_dict().items()}

    def as_data(self) -> dict[str, Any]:
        """Return what reads the outputs of the network, for environment.json: labels, and what the loss needs."""
        weights = self.criterion.class_weights
        return {
            "kind": self.kind,
            "outputs": self.outputs,
            "labels": self.preparation.labels.as_data(),
            "class_weights": None if weights is None else weights.tolist(),
        }

    def finish(self) -> None:
        """Copy the averaged weights into the module if the recipe has `ema`."""
        if self.evaluated is not self.module:
            self.module.load_state_dict(self.evaluated.state_dict())

    # ---- Evaluation ----

    def evaluate(self, batches: Iterable[Batch]) -> dict[str, float]:
        """Return the metrics of some examples by name, in evaluation mode and float32."""
        return self.measure(batches).values

    @torch.no_grad()
    def measure(self, batches: Iterable[Batch], *, details: bool = False) -> MetricValues:
        """Evaluate the weights on some examples, and restore the mode of each submodule, so that frozen ones stay frozen.

        Raises `SpecError` (E0804) if the weights come from a loss that was not finite.
        """
        self.check_finite()
        module = self.evaluated
        measures = SplitMetrics(self.metric_names, self.criterion, self.outputs, details=details).to(self.device)
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
        """Return the training metrics of the epoch that ends, and reset them.

        Raise `SpecError` E0804 if the objective was non-finite.
        """
        self.check_finite()
        values = self.sums.values(accuracy=self.kind not in ("value", "map"))
        self.sums.reset()
        return {f"train_{name}": value for name, value in values.items()}


def _averaged(module: nn.Module, memory: float | None) -> AveragedModel | None:
    """Return PyTorch's moving average of weights and buffers, which starts after the first step; None without `ema`."""
    if memory is None:
        return None
    average = get_ema_multi_avg_fn(memory)  # type: ignore[no-untyped-call]
    averaged = AveragedModel(module, multi_avg_fn=average, use_buffers=True)
    averaged.requires_grad_(False)
    return averaged
