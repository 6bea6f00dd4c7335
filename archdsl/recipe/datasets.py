"""Data sets that are known by name: `data = digits`. A string is a path instead; `archdsl.train` reads both."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from archdsl.declared import Declared, Registry


class Dataset(Declared):
    """Base of every named data set. None is downloaded: they come with scikit-learn."""

    registry: ClassVar[Registry[Any]] = Registry("data set")
    target: ClassVar[str]
    """A function without arguments that returns `data` [examples, values] and `target` [examples]."""
    shape: ClassVar[tuple[int, ...]]
    """Of one example, channels first."""
    white: ClassVar[float | None] = None
    """For images: the greatest value, by which they are divided."""
    held_out: int
    """How many examples are held out."""
    split: int = Field(0, ge=0, description="number of the split; 0 is the one that published results use")


class Digits(Dataset, name="digits"):
    """1,797 handwritten digits of 8 by 8 pixels in ten classes: Alpaydin & Kaynak 1998, as scikit-learn ships them."""

    target = "sklearn.datasets.load_digits"
    shape = (1, 8, 8)
    white = 16.0
    held_out: int = Field(360, ge=10, le=1700, description="how many images are held out, evenly over the classes")


class Iris(Dataset, name="iris"):
    """150 flowers, four lengths each, in three classes: Fisher 1936, as scikit-learn ships them."""

    target = "sklearn.datasets.load_iris"
    shape = (4,)
    held_out: int = Field(30, ge=3, le=140, description="how many flowers are held out, evenly over the classes")
