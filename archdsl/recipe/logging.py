"""Checkpoint intervals and loggers: `checkpoint_every = "10min"`, `log = [tensorboard]`."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from archdsl.fields import Check

_INTERVAL: Final = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>s|min|h)")
_UNITS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}


def seconds(interval: str) -> float:
    """Return the number of seconds in an interval such as `10min`. Raise `ValueError` if it is invalid."""
    found = _INTERVAL.fullmatch(interval.strip())
    if found is None or float(found["number"]) == 0:
        raise ValueError('an interval is a number above 0 and `s`, `min` or `h`, such as "10min"')
    return float(found["number"]) * _UNITS[found["unit"]]


def _checked(interval: str) -> str:
    seconds(interval)
    return interval


Interval = Annotated[str, Check(_checked)]
"""A duration as a string, such as `10min`."""
LoggerName = Literal["tensorboard", "wandb"]
"""Lightning's loggers that can receive metrics."""
