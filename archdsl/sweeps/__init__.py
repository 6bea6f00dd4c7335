"""Sweeps: train members of a search space with Optuna, and return the best one as text."""

from archdsl.sweeps.options import SweepOptions
from archdsl.sweeps.result import SweepResult, TrialSummary
from archdsl.sweeps.search import Sweep, sweep

__all__ = ["Sweep", "SweepOptions", "SweepResult", "TrialSummary", "sweep"]
