"""Recipes onto a trainer: trains an `nn.Module` by a `Recipe`. Knows nothing of the language's syntax."""

import os

# Read when PyTorch is imported. Threads that wait by spinning stand in each other's way where other programs run too:
# training the digits beside two of them takes 7 times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# On several devices DDP looks in each step for parts that are frozen as yet, and warns in each process once there are none.
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

from archdsl.data import Input
from archdsl.train.experiment import Experiment, Result, Row
from archdsl.train.fit import Hardware, fit
from archdsl.train.signals import Interrupted

__all__ = ["Experiment", "Hardware", "Input", "Interrupted", "Result", "Row", "fit"]
