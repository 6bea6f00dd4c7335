"""Train an `nn.Module` with a `Recipe`, on Lightning. This package does not depend on the language."""

import os

# PyTorch reads this when it is imported. Threads that wait by spinning slow each other down if other programs run, too:
# training on the digits next to two of them takes 7 times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# On several devices, DDP looks for frozen parameters in each step, and warns in each process if there are none.
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

from archdsl.data import Input
from archdsl.train.experiment import Experiment, Result, Row
from archdsl.train.fit import Hardware, fit
from archdsl.train.signals import Interrupted

__all__ = ["Experiment", "Hardware", "Input", "Interrupted", "Result", "Row", "fit"]
