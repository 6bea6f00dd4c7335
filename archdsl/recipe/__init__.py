"""The `train { ... }` block as data: one model, and a registry for each kind of value in it."""

from archdsl.recipe.augmentations import Affine, Augmentation
from archdsl.recipe.clipping import Clipping
from archdsl.recipe.datasets import Dataset
from archdsl.recipe.early_stopping import Stopping
from archdsl.recipe.finetuning import LabelSelection, ParameterGroup, UnfreezeRule
from archdsl.recipe.losses import Loss
from archdsl.recipe.normalizations import Normalization
from archdsl.recipe.optimizers import Optimizer
from archdsl.recipe.pretrained import WeightsSource
from archdsl.recipe.recipe import Recipe
from archdsl.recipe.regularizers import Regularizer
from archdsl.recipe.schedules import Schedule
from archdsl.recipe.transforms import Transform

__all__ = [
    "Affine",
    "Augmentation",
    "Clipping",
    "Dataset",
    "LabelSelection",
    "Loss",
    "Normalization",
    "Optimizer",
    "ParameterGroup",
    "Recipe",
    "Regularizer",
    "Schedule",
    "Stopping",
    "Transform",
    "UnfreezeRule",
    "WeightsSource",
]  # fmt: skip
