"""How a run is recorded: `checkpoint_every = "10min"`, `log = [tensorboard]`."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator

_INTERVAL: Final = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>s|min|h)")
_UNITS: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}


def seconds(interval: str) -> float:
    """Return the length of an interval such as `10min`; raise `ValueError` if it is not one."""
    found = _INTERVAL.fullmatch(interval.strip())
    if found is None or float(found["number"]) == 0:
        raise ValueError('an interval is a number above 0 and `s`, `min` or `h`, such as "10min"')
    return float(found["number"]) * _UNITS[found["unit"]]


def _checked(interval: str) -> str:
    seconds(interval)
    return interval


Interval = Annotated[str, AfterValidator(_checked)]
"""A length of time, as a string."""
LoggerName = Literal["tensorboard", "wandb"]
"""Where metrics go besides metrics.csv, through Lightning's loggers."""
