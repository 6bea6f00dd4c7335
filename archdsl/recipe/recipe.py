"""The recipe: every key of the `train { ... }` block, with its default."""

from __future__ import annotations

import typing
from typing import Annotated, Any, ClassVar, Literal, Self

from archdsl import limits
from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.diagnostics.suggest import register_aliases
from archdsl.fields import Field
from archdsl.html_page import html_table
from archdsl.literals import show
from archdsl.recipe.augmentations import Augmentation
from archdsl.recipe.clipping import Clipping, Norm
from archdsl.recipe.datasets import Dataset
from archdsl.recipe.early_stopping import Stopping
from archdsl.recipe.finetuning import Labels, LabelSelection, ParameterGroup, UnfreezeRule
from archdsl.recipe.logging import Interval, LoggerName
from archdsl.recipe.losses import CrossEntropy, Loss
from archdsl.recipe.metrics import MetricName
from archdsl.recipe.normalizations import Normalization, OfData
from archdsl.recipe.optimizers import AdamW, Optimizer
from archdsl.recipe.pretrained import Pretrained, WeightsSource
from archdsl.recipe.regularizers import Regularizer
from archdsl.recipe.schedules import Cosine, Schedule
from archdsl.recipe.transforms import Transform
from archdsl.registry import Aliases, Registered, Registry, family_of


class Recipe(Registered):
    """The `train` block: how a network is trained."""

    name: ClassVar[str] = "train"

    data: Dataset | str = Field(description="a data set, or the path of a `.npz` file or a folder of images")
    epochs: Annotated[int, Aliases("max_epochs", "num_epochs")] = Field(
        30, ge=1, description="number of passes over the training set"
    )
    batch: Annotated[int, Aliases("batch_size")] = Field(
        64, ge=1, description="batch size; the last batch of an epoch may be smaller"
    )
    optimizer: Optimizer = Field(AdamW.create({}), description="the optimizer, with its learning rate and weight decay")
    schedule: Annotated[Schedule, Aliases("scheduler", "lr_scheduler")] = Field(
        Cosine.create({}), description="learning-rate schedule"
    )
    loss: Loss = Field(CrossEntropy.create({}), description="training objective")
    transform: tuple[Transform, ...] = Field(
        (), description="applied to the images of all splits, in order, to bring them to one size"
    )
    augment: Annotated[tuple[Augmentation, ...], Aliases("augmentation", "augmentations", "data_augmentation")] = Field(
        (), description="applied to training images after `transform`, in order"
    )
    normalize: Normalization | None = Field(
        OfData.create({}), description="applied to inputs last, directly before the network; `none`: no normalization"
    )
    ignore: int | None = Field(None, description="label that the loss and the metrics ignore, such as 255 for void pixels")
    sampler: Literal["shuffle", "balanced"] = Field(
        "shuffle", description="order of training examples; `balanced` draws each class equally often"
    )
    workers: int | None = Field(
        None,
        ge=0,
        le=256,
        description=(
            "number of worker processes that decode images; `none`: 0 for arrays, else the number of processors minus "
            "one, at most 8"
        ),
    )
    regularize: tuple[Regularizer, ...] = Field((), description="penalties on the weights, added to the objective")
    early_stop: Annotated[Stopping | None, Aliases("early_stopping")] = Field(
        None, description="when to stop before the last epoch; `none`: never"
    )
    metrics: tuple[MetricName, ...] = Field(
        (),
        description="validation metrics besides the loss and the accuracy; default: depends on the kind of labels",
    )
    best: Annotated[MetricName | None, Aliases("monitor")] = Field(
        None, description="validation metric that selects the best epoch; default: [by the kind of labels](#metrics)"
    )
    keep: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="number of the best epochs whose weights are kept, for `evaluate --ensemble`; `none`: only the best epoch",
    )
    weights: WeightsSource | None = Field(None, description="initial weights: the path of a file, or `pretrained(...)`")
    freeze: LabelSelection | Labels = Field(
        (), description="layers that are not trained: a label, a list of labels, or `all_but(fc)`"
    )
    unfreeze: tuple[UnfreezeRule, ...] = Field(
        (), description="frozen layers that are trained from a later epoch on: `at(5, layer4)`"
    )
    groups: tuple[ParameterGroup, ...] = Field((), description="layers with their own learning rate and weight decay")
    decay: Literal["all", "weights"] = Field(
        "all", description="parameters that weight decay applies to; `weights` exempts biases and normalizations"
    )
    clip: Annotated[
        Clipping | None,
        Aliases("grad_clip", "gradient_clip", "gradient_clip_val", "clip_grad", "clip_grad_norm", "clipnorm", "max_grad_norm"),
    ] = Field(None, description="gradient clipping; a number is the maximum global gradient norm")
    accumulate: Annotated[
        int,
        Aliases(
            "gradient_accumulation",
            "gradient_accumulation_steps",
            "grad_accumulation",
            "grad_accum",
            "accumulate_grad_batches",
            "accum_iter",
        ),
    ] = Field(1, ge=1, description="number of batches whose gradients are averaged for one optimizer step")
    ema: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="decay of an exponential moving average of the weights, which is then evaluated and saved in their place",
    )
    precision: Annotated[Literal["fp32", "bf16", "fp16"], Aliases("amp", "mixed_precision")] = Field(
        "fp32", description="number format of the computation (mixed precision); weights stay fp32, and fp16 needs a CUDA device"
    )
    compile: bool = Field(False, description="compile the module with `torch.compile`: a slower start, and faster steps")
    channels_last: bool = Field(False, description="channels-last memory format: faster on GPUs with bf16 or fp16")
    sync_bn: bool = Field(
        False, description="synchronized batch normalization: statistics of the global batch across all devices"
    )
    checkpoint_every: Interval | None = Field(
        None, description='interval of checkpoints within an epoch, such as `"10min"`; `none`: after each epoch only'
    )
    log: tuple[LoggerName, ...] = Field((), description="loggers that receive the metrics besides metrics.csv")
    seed: int = Field(0, ge=0, lt=2**31, description="random seed")

    @classmethod
    def registry_for(cls, key: str) -> Registry[Any] | None:
        """Return the registry of the calls that `key` accepts; None if it accepts only plain values."""
        family = family_of(cls.fields[key].annotation) if key in cls.fields else None
        return family.registry if family else None

    @classmethod
    def create(cls, arguments: dict[str, Any]) -> Self:
        """Return the recipe with these keys. Raise `SpecError` (E0401 to E0406) with the key as `argument` if one is invalid."""
        if "data" not in arguments:
            raise SpecError(codes.arguments.NoDataSet())
        for key in arguments:
            if key not in cls.fields:
                raise SpecError(codes.names.UnknownKey(key, tuple(cls.fields)))
        made = super().create({key: cls._fitting(key, value) for key, value in arguments.items()})
        if made.unfreeze and not made.freeze:
            raise SpecError(codes.ranges.NothingToThaw())
        return made

    @classmethod
    def _fitting(cls, key: str, value: Any) -> Any:
        """Return the value if it belongs to the family of the key. For a key that holds a list, wrap a single value in one."""
        annotation = cls.fields[key].annotation
        family = family_of(annotation)
        if key == "clip" and type(value) in (int, float):
            return _short(key, Norm, "limit", value)
        if key == "weights" and isinstance(value, str):
            return _short(key, Pretrained, "file", value)
        if key in ("metrics", "log") and isinstance(value, str):
            return (value,)
        if isinstance(value, list) and family in (None, LabelSelection):
            value = tuple(value)
        if family is None or (family is LabelSelection and not isinstance(value, Registered)):
            return value
        many = typing.get_origin(annotation) is tuple
        items = tuple(value) if many and isinstance(value, list | tuple) else (value,)
        for item in items:
            plain = not many and type(item) in typing.get_args(annotation)
            if not isinstance(item, family) and not plain:
                raise SpecError(_wrong_kind(key, item, family.registry))
        return items if many else value

    def as_data(self) -> dict[str, Any]:
        """Return every key with its value for JSON; calls are written as in the language."""
        return {key: _as_data(value) for key, value in self}

    def _repr_html_(self) -> str:
        """Return the recipe for notebooks: every key with its value, and which of them are defaults."""
        rows = ((key, show(value, most=limits.SIZE), "" if key in self.given else "default") for key, value in self)
        return html_table("train", ("key", "value", ""), rows)


register_aliases(Recipe.alias_pairs)


def _short(key: str, entry: type[Registered], parameter: str, value: Any) -> Registered:
    """Return the call that a plain value abbreviates. Raise `SpecError` with the key as `argument` if the value is invalid."""
    try:
        return entry.create({parameter: value})
    except SpecError as error:
        raise error.map(lambda found: found.about(key)) from None


def _wrong_kind(key: str, value: Any, registry: Registry[Any]) -> Diagnostic:
    kind = value.registry.kind if isinstance(value, Registered) else None
    return codes.arguments.WrongKind(key, registry.kind, value, kind, registry.names())


def _as_data(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_as_data(item) for item in value]
    return show(value, most=limits.SIZE) if isinstance(value, Registered) else value
