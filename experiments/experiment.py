"""What an experiment is, and how its networks are trained and probed: with archdsl, on one thread, from fixed seeds."""

from __future__ import annotations

import ast
import hashlib
import inspect
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
Numbers = Mapping[str, Any]
_TOLD = {"sentence", "draw"}
"""The functions of an experiment that only tell its numbers: another sentence does not make the numbers stale."""


class Experiment(NamedTuple):
    """A claim, and how it is measured. `sentence` and `draw` tell the numbers that `measure` returned, as JSON keeps them.

    `text` has the networks. `draw` fills as many axes as there are `panels`.
    """

    title: str
    claim: str
    text: str
    measure: Callable[[], Numbers]
    sentence: Callable[[Numbers], str]
    draw: Callable[..., None]
    panels: int = 1

    @property
    def name(self) -> str:
        """The name of its module."""
        return self.measure.__module__.rpartition(".")[2]

    @property
    def digest(self) -> str:
        """A hash of all that the numbers depend on in the files of the experiments: code and networks."""
        parts = [self.text, *map(_code, (sys.modules[self.measure.__module__], sys.modules[__name__]))]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _code(module: Any) -> str:
    """Return the code of a module without white space, its documentation, and what only tells numbers."""
    source = inspect.getsource(module)
    kept = []
    for node in ast.parse(source).body:
        tells = isinstance(node, ast.FunctionDef) and node.name in _TOLD
        tells |= isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXPERIMENT"
        if not tells and not isinstance(node, ast.Expr):
            kept.append("".join((ast.get_source_segment(source, node) or "").split()))
    return "\n".join(kept)


def load(text: str, network: str, **parameters: Any) -> Any:
    """Return a network of a text. `train__lr=0.1` sets a key of the recipe by its dotted name, here `train.lr`."""
    import archdsl

    return archdsl.loads(text, network, **{name.replace("__", "."): value for name, value in parameters.items()})


def train(
    text: str, network: str, *, folder: Path | None = None, weights: Any = None, **parameters: Any
) -> dict[str, float] | None:
    """Train a network as `archdsl train` does, and return its metrics at the end; None if the loss became infinite or NaN.

    `loss` and `accuracy` are those of the validation set, with `train_` those of the training set in evaluation mode.
    """
    import torch

    from archdsl import SpecError

    torch.set_num_threads(1)
    logging.getLogger("archdsl").setLevel(logging.ERROR)
    loaded = load(text, network, **parameters)
    with TemporaryDirectory() as temporary:
        try:
            result = loaded.fit(folder or Path(temporary) / "run", device="cpu", weights=weights)
        except SpecError as error:
            if error.diagnostics[0].code != "E0804":
                raise
            return None
    training, validation = result.rows[0].metrics, result.rows[1].metrics
    return {**{f"train_{name}": value for name, value in training.items()}, **validation}


def probe(text: str, network: str, *, options: Mapping[str, Any], **parameters: Any) -> list[Any]:
    """Probe a network of a text on one thread; `options` are those of `Network.probe`."""
    import torch

    torch.set_num_threads(1)
    return list(load(text, network, **parameters).probe(**options))


def average(values: list[Any]) -> Any:
    """Return the mean of numbers, or of lists of numbers, place by place."""
    return [mean(place) for place in zip(*values, strict=True)] if isinstance(values[0], list) else mean(values)
