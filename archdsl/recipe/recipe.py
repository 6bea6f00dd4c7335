"""The recipe: every key of the `train { ... }` block, with its default."""

from __future__ import annotations

import typing
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from archdsl import limits
from archdsl.declared import Aliases, Declared, Fault, Registry, family_of
from archdsl.diagnostics import SpecError, did_you_mean
from archdsl.diagnostics.suggest import nearest, register_aliases
from archdsl.literals import show, type_name
from archdsl.recipe.augmentations import Augmentation
from archdsl.recipe.clipping import Clipping, Norm
from archdsl.recipe.datasets import Dataset
from archdsl.recipe.losses import CrossEntropy, Loss
from archdsl.recipe.metrics import MetricName
from archdsl.recipe.normalizations import Normalization, OfData
from archdsl.recipe.optimizers import AdamW, Optimizer
from archdsl.recipe.parts import Labels, ParameterGroup, Selection, Thaw
from archdsl.recipe.recording import Interval, LoggerName
from archdsl.recipe.regularizers import Regularizer
from archdsl.recipe.schedules import Cosine, Schedule
from archdsl.recipe.starts import Pretrained, Start
from archdsl.recipe.stopping import Stopping
from archdsl.recipe.transforms import Transform


class Recipe(Declared):
    """How a network is trained."""

    name: ClassVar[str] = "train"

    data: Dataset | str = Field(description="a data set, or the path of a `.npz` file or a folder of images")
    epochs: Annotated[int, Aliases("max_epochs", "num_epochs")] = Field(
        30, ge=1, description="how often the training goes through the data"
    )
    batch: Annotated[int, Aliases("batch_size")] = Field(
        64, ge=1, description="examples in a step; the last batch of an epoch may be smaller"
    )
    optimizer: Optimizer = Field(AdamW.create({}), description="how a gradient changes the weights")
    schedule: Annotated[Schedule, Aliases("scheduler", "lr_scheduler")] = Field(
        Cosine.create({}), description="how the learning rate changes with time"
    )
    loss: Loss = Field(CrossEntropy.create({}), description="what is made small")
    transform: tuple[Transform, ...] = Field(
        (), description="how the images of all splits are brought to one size, in this order"
    )
    augment: Annotated[tuple[Augmentation, ...], Aliases("augmentation", "augmentations", "data_augmentation")] = Field(
        (), description="how training images are varied after that, in this order"
    )
    normalize: Normalization | None = Field(
        OfData.create({}), description="the last step before the network; `none` leaves it out"
    )
    ignore: int | None = Field(None, description="the label that loss and metrics leave out, such as 255 for void pixels")
    sampler: Literal["shuffle", "balanced"] = Field("shuffle", description="`balanced` draws every class as often as every other")
    workers: int | None = Field(None, ge=0, le=256, description="processes that decode images; `none` chooses: 0 for arrays")
    regularize: tuple[Regularizer, ...] = Field((), description="penalties on the weights")
    early_stop: Annotated[Stopping | None, Aliases("early_stopping")] = Field(
        None, description="when to stop before the last epoch"
    )
    metrics: tuple[MetricName, ...] = Field(
        (),
        description="what is measured on the validation set besides the loss and the accuracy; by the kind of labels if it is left out",
    )
    best: Annotated[MetricName | None, Aliases("monitor")] = Field(
        None, description="the metric that chooses the best epoch; by the kind of labels if it is left out"
    )
    weights: Start | None = Field(None, description="weights to start from: the path of a file, or `pretrained(...)`")
    freeze: Selection | Labels = Field((), description="parts that are not trained: `all_but(fc)`, a label or a list of labels")
    unfreeze: tuple[Thaw, ...] = Field((), description="from which epoch on frozen parts are trained: `at(5, layer4)`")
    groups: tuple[ParameterGroup, ...] = Field((), description="parts with a learning rate and weight decay of their own")
    decay: Literal["all", "weights"] = Field(
        "all", description="what weight decay acts on: `weights` leaves out biases and normalizations"
    )
    clip: Annotated[
        Clipping | None,
        Aliases("grad_clip", "gradient_clip", "gradient_clip_val", "clip_grad", "clip_grad_norm", "clipnorm", "max_grad_norm"),
    ] = Field(None, description="limit on the gradient: a number is the greatest norm over all weights")
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
    ] = Field(1, ge=1, description="batches whose mean gradient makes one step")
    ema: float | None = Field(
        None, gt=0, lt=1, description="memory of an average of the weights over the steps, which is evaluated and saved"
    )
    precision: Annotated[Literal["fp32", "bf16", "fp16"], Aliases("amp", "mixed_precision")] = Field(
        "fp32", description="of the arithmetic; weights are always fp32. fp16 needs a CUDA device"
    )
    compile: bool = Field(False, description="compile the module with `torch.compile`: slower to start, faster steps")
    channels_last: bool = Field(
        False, description="keep images in memory pixel by pixel, which is faster on GPUs with bf16 or fp16"
    )
    sync_bn: bool = Field(False, description="batch normalization over the global batch of several devices")
    checkpoint_every: Interval | None = Field(
        None, description='how often a checkpoint is written within an epoch, such as `"10min"`'
    )
    log: tuple[LoggerName, ...] = Field((), description="where metrics go besides metrics.csv")
    seed: int = Field(0, ge=0, lt=2**31, description="of everything that is drawn by chance")

    @classmethod
    def registry_for(cls, key: str) -> Registry[Any] | None:
        """Where the calls under `key` are looked up; none for a key of plain values."""
        family = family_of(cls.model_fields[key].annotation) if key in cls.model_fields else None
        return family.registry if family else None

    @classmethod
    def create(cls, arguments: dict[str, Any]) -> Self:
        """The recipe of these keys; raises `Fault` (E0401 to E0406), whose `argument` is the key."""
        if "data" not in arguments:
            raise Fault("E0403", "`data` of `train` is missing", help='write `data = digits`, or a path: `data = "digits.npz"`')
        for key in arguments:
            if key not in cls.model_fields:
                near = did_you_mean(key, cls.model_fields)
                known = f"`train` takes {', '.join(cls.model_fields)}"
                raise Fault("E0202", f"`train` has no key `{key}`", argument=key, help=near or known)
        made = super().create({key: cls._fitting(key, value) for key, value in arguments.items()})
        if made.unfreeze and not made.freeze:
            raise Fault(
                "E0402",
                "`unfreeze` thaws what `freeze` froze, and nothing is frozen",
                argument="unfreeze",
                help="write `freeze = all_but(fc)`",
            )
        return made

    @classmethod
    def _fitting(cls, key: str, value: Any) -> Any:
        """The value, if it is of the key's family; where the key holds a list, one alone becomes a list of one."""
        annotation = cls.model_fields[key].annotation
        family = family_of(annotation)
        if key == "clip" and type(value) in (int, float):
            return _short(key, Norm, "limit", value)
        if key == "weights" and isinstance(value, str):
            return _short(key, Pretrained, "file", value)
        if key in ("metrics", "log") and isinstance(value, str):
            return (value,)
        if isinstance(value, list) and family in (None, Selection):
            value = tuple(value)
        if family is None or (family is Selection and not isinstance(value, Declared)):
            return value
        many = typing.get_origin(annotation) is tuple
        items = tuple(value) if many and isinstance(value, list | tuple) else (value,)
        for item in items:
            plain = not many and type(item) in typing.get_args(annotation)
            if not isinstance(item, family) and not plain:
                raise _wrong_kind(key, item, family.registry)
        return items if many else value

    def as_data(self) -> dict[str, Any]:
        """Every key with its value, as JSON holds it; calls are written as in the language."""
        return {key: _as_data(value) for key, value in self}


register_aliases(Recipe.alias_pairs)


def _short(key: str, entry: type[Declared], parameter: str, value: Any) -> Declared:
    """What a plain value stands for; raises `Fault` about the key."""
    try:
        return entry.create({parameter: value})
    except SpecError as error:
        raise error.map(lambda found: found.about(key)) from None


def _wrong_kind(key: str, value: Any, registry: Registry[Any]) -> Fault:
    names = registry.names()
    known = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else f"`{names[0]}`"
    if len(names) == 1 and type(value) in (int, float):
        known = f"`{names[0]}({show(value)})`"
    elif key == "groups" and isinstance(value, str):  # a label
        known = f"`group({value}, lr = 0.1)`, with its own factor"
    elif isinstance(value, str) and (near := nearest(value, names)) is not None:
        known = f"`{near}`, without quotes"
    elif key == "schedule" and value is None:
        known = "`constant`"
    elif key == "normalize" and isinstance(value, list | tuple):
        known = "`imagenet`, or `fixed(mean = [0.5], std = [0.25])` with your numbers"
    given = "not one" if value is None else _article(value.registry.kind) if isinstance(value, Declared) else type_name(value)
    message = f"`{key}` of `train` is {_article(registry.kind)}, and {show(value)} is {given}"
    return Fault("E0401", message, argument=key, help=f"write {known}")


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _as_data(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_as_data(item) for item in value]
    return show(value, most=limits.SIZE) if isinstance(value, Declared) else value
