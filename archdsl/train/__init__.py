"""Recipes onto a trainer: trains an `nn.Module` by a `Recipe`. Knows nothing of the language's syntax."""

from archdsl.train.fit import Experiment, Result, Row, fit
from archdsl.train.record import Interrupted

__all__ = ["Experiment", "Interrupted", "Result", "Row", "fit"]
