"""Recipes onto a trainer: trains an `nn.Module` by a `Recipe`. Knows nothing of the language's syntax."""

from archdsl.data import Input
from archdsl.train.experiment import Experiment, Result, Row
from archdsl.train.fit import Hardware, fit
from archdsl.train.signals import Interrupted

__all__ = ["Experiment", "Hardware", "Input", "Interrupted", "Result", "Row", "fit"]
