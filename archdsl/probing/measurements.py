"""What a probe finds, as plain data: layers, stages of depth, and path lengths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Layer:
    """What was measured of one value, by the layer that makes it. None stands for what the layer does not have.

    `mean` and `std` are those of the activations in training mode, `evaluation_std` that in evaluation mode. `gradient` is the
    norm of the gradient of an example's objective with respect to the value, on average over the examples; `weight_gradient`
    that of the gradient of the mean objective with respect to the weight. `dead` and `always_active` are shares of the `units`
    of a rectifier, its channels. `correlation` is that of the gradients of neighbouring inputs. `batch_mean` and `batch_std` are
    the statistics of the batch at a batch normalization, `running_mean` and `running_std` those that evaluation uses, as root
    mean squares over the channels; `drift` is by how many running standard deviations the means differ, likewise.
    """

    name: str
    op: str
    depth: int
    trunk: bool
    mean: float
    std: float
    evaluation_std: float | None = None
    gradient: float | None = None
    weight_gradient: float | None = None
    units: int = 0
    dead: float | None = None
    always_active: float | None = None
    correlation: float | None = None
    batch_mean: float | None = None
    batch_std: float | None = None
    running_mean: float | None = None
    running_std: float | None = None
    drift: float | None = None


@dataclass(frozen=True)
class Stage:
    """The layers of one depth: those since the last value that is on every path, up to the next one, `end`.

    Measurements of the value are those of `end`. Shares are over all units of rectifiers inside, `weight_gradient` is the norm
    over all weights inside. `batch_std`, `running_std` and `drift` are root mean squares over the batch normalizations inside.
    """

    end: Layer
    weight_gradient: float | None
    dead: float | None
    always_active: float | None
    batch_std: float | None
    running_std: float | None
    drift: float | None


@dataclass(frozen=True)
class PathLengths:
    """The gradient by the number of residual blocks whose residual branch it passes, after Veit et al. 2016, arXiv:1605.06431.

    For each length from 0 to the number of blocks: `norms` is the mean norm of the gradient of a single path, `paths` the share
    of all paths, and `shares` that of the gradient: the norm times the number of paths, over the sum of these.
    """

    norms: Sequence[float]
    samples: int
    """The random paths of each length."""

    @property
    def blocks(self) -> int:
        """The number of residual blocks."""
        return len(self.norms) - 1

    @cached_property
    def paths(self) -> list[float]:
        """The share of all 2^blocks paths that has each length."""
        return [math.exp(_log_choose(self.blocks, length) - self.blocks * math.log(2)) for length in range(self.blocks + 1)]

    @cached_property
    def shares(self) -> list[float]:
        """The share of the gradient that comes through the paths of each length; all zero if there is no gradient."""
        logs = [
            _log_choose(self.blocks, length) + math.log(norm) if norm > 0 else -math.inf for length, norm in enumerate(self.norms)
        ]
        top = max(logs)
        if not math.isfinite(top):
            return [0.0] * len(logs)
        weights = [math.exp(one - top) for one in logs]
        return [weight / sum(weights) for weight in weights]

    @property
    def mean_length(self) -> float:
        """The mean length, weighted by the gradient."""
        return sum(length * share for length, share in enumerate(self.shares))

    def range_of(self, wanted: float = 0.9) -> tuple[int, int]:
        """Return the shortest range of lengths through which at least this share of the gradient comes."""
        ranges = [
            (high - low, low, high)
            for low in range(self.blocks + 1)
            for high in range(low, self.blocks + 1)
            if sum(self.shares[low : high + 1]) >= wanted
        ]
        return min(ranges)[1:] if ranges else (0, self.blocks)

    def share_of_paths(self, low: int, high: int) -> float:
        """Return the share of all paths whose length is in a range."""
        return sum(self.paths[low : high + 1])


def _log_choose(count: int, chosen: int) -> float:
    return math.lgamma(count + 1) - math.lgamma(chosen + 1) - math.lgamma(count - chosen + 1)


@dataclass(frozen=True)
class Probe:
    """All measurements of one network, untrained or after some `steps`.

    `correlations` are those of the gradients with respect to the input, for inputs that are 0, 1, 2, ... places apart on a line.
    `notes` say what could not be measured, and why.
    """

    label: str
    network: str
    inputs: str
    batch: int
    seed: int
    steps: int
    objective: float
    layers: Sequence[Layer]
    correlations: Sequence[float] | None
    paths: PathLengths | None
    notes: Sequence[str] = ()

    @cached_property
    def stages(self) -> list[Stage]:
        """The measurements by depth: a stage for each depth at which a value is on every path.

        A network without such values, as in a U-Net, has a stage for each depth.
        """
        ends = _ends(self.layers, only_trunk=True)
        if len(ends) < _LEAST_STAGES:
            ends = _ends(self.layers, only_trunk=False)
        found, first = [], 0
        for end in ends:
            found.append(_stage(self.layers[end], self.layers[first : end + 1]))
            first = end + 1
        return found

    def as_data(self) -> dict[str, Any]:
        """Return everything as plain data for JSON; numbers that are not finite become None."""
        paths = self.paths
        data = {
            **asdict(self),
            "stages": [{**asdict(stage), "end": stage.end.name} for stage in self.stages],
            "paths": None if paths is None else {
                "blocks": paths.blocks, "samples": paths.samples, "norms": list(paths.norms), "paths": paths.paths,
                "shares": paths.shares,
            },
        }  # fmt: skip
        return dict(_finite(data))

    def __str__(self) -> str:
        from archdsl.probing.text import probe_text  # here: most probes are read or drawn

        return probe_text(self).rstrip("\n")


_LEAST_STAGES = 3
"""With fewer values on every path, the depths of all layers are shown."""


def _ends(layers: Sequence[Layer], *, only_trunk: bool) -> list[int]:
    """Return the positions of the last value of each depth, in order."""
    last = {layer.depth: place for place, layer in enumerate(layers) if layer.trunk or not only_trunk}
    return sorted(last.values())


def _stage(end: Layer, layers: Sequence[Layer]) -> Stage:
    units = sum(layer.units for layer in layers)

    def share(name: str) -> float | None:
        return sum(layer.units * getattr(layer, name) for layer in layers if layer.units) / units if units else None

    def root(name: str, mean: bool) -> float | None:
        known = [getattr(layer, name) for layer in layers if getattr(layer, name) is not None]
        return math.sqrt(sum(value * value for value in known) / (len(known) if mean else 1)) if known else None

    return Stage(
        end, root("weight_gradient", False), share("dead"), share("always_active"),
        root("batch_std", True), root("running_std", True), root("drift", True),
    )  # fmt: skip


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
