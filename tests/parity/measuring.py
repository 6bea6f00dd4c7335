"""What the comparisons with other libraries share: weights under which mistakes show, and the answers of a process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


def import_torchvision() -> Any:
    """torchvision's models. Beside a CPU build of torch its operators do not load: those that its import names are declared."""
    extension = Path(find_spec("torchvision").origin).with_name("_C.so")  # type: ignore[union-attr, arg-type]
    library = None
    try:
        torch.ops.load_library(extension)
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision.models

    torchvision.models._library = library  # for as long as the models
    return torchvision.models


def scatter(network: nn.Module) -> nn.Module:
    """Norms, running statistics and layer scales that are not those of a fresh network, under which mistakes would hide."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
        if isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.uniform_(module.bias, -0.1, 0.1)
        if hasattr(module, "layer_scale"):
            nn.init.uniform_(module.layer_scale, 0.1, 0.5)
    return network


def difference(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference, as a fraction of the largest value."""
    ours, theirs = ours.detach(), theirs.detach()
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-30))


def answer(compare: Callable[[str], dict[str, Any]]) -> None:
    """Compare the networks named on standard input, one a line; print a line of JSON for each.

    It says what differs, numbers as fractions of the largest value.
    """
    torch.set_num_threads(1)  # threads that wait for one another cost more than they save
    for line in sys.stdin:
        print(json.dumps(compare(line.strip())), flush=True)
