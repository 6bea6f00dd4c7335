"""Read the data sets of scikit-learn from its files, because importing it takes 0.7 s."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from archdsl.data.labels import describe_labels
from archdsl.data.request import Request
from archdsl.data.sources import Arrays, Source
from archdsl.data.split import hold_out
from archdsl.diagnostics import SpecError, codes

_FLOWERS = ("setosa", "versicolor", "virginica")


def open_bundled(source: Any, request: Request) -> Source:
    """Open `digits` or `iris`, split as `train_test_split` does."""
    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise SpecError(codes.data.NoPackage(f"`{source.name}`", "scikit-learn", "scikit-learn"))
    folder = Path(spec.origin).parent / "datasets" / "data"
    if source.name == "digits":
        with gzip.open(folder / "digits.csv.gz", "rt") as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.float32)
        x, y = table[:, :-1].reshape(-1, 1, 8, 8) / np.float32(16), table[:, -1].astype(np.int64)
        names = tuple(str(digit) for digit in range(10))
    else:
        table = np.loadtxt(folder / "iris.csv", delimiter=",", skiprows=1, dtype=np.float32)
        x, y, names = table[:, :4], table[:, 4].astype(np.int64), _FLOWERS
    train, held_out = hold_out(len(x), y, source.held_out, source.split, "", names)
    labels = describe_labels(y[train], [y[held_out]], names, request.ignore)
    return Source(Arrays((x[train],), y[train]), Arrays((x[held_out],), y[held_out]), labels)
