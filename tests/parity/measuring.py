"""What the comparisons with other libraries share: weights under which mistakes show, and the answers of a process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.ir import state


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
        kind = type(module).__name__
        if isinstance(module, nn.BatchNorm2d) or kind == "FrozenBatchNorm2d":
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
        normal = isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm)
        if normal or kind in ("FrozenBatchNorm2d", "GlobalResponseNorm"):
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.uniform_(module.bias, -0.1, 0.1)
        if hasattr(module, "layer_scale"):
            nn.init.uniform_(module.layer_scale, 0.1, 0.5)
        if hasattr(module, "logit_scale"):
            nn.init.uniform_(module.logit_scale, 1.0, 3.0)
    for parameter in network.parameters():
        if parameter.numel() > 1 and parameter.min() == parameter.max():  # biases, class tokens and heads that begin with zeros
            with torch.no_grad():
                parameter += nn.init.uniform_(torch.empty_like(parameter), -0.1, 0.1)
    return network


def difference(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference, as a fraction of the largest value."""
    ours, theirs = ours.detach(), theirs.detach()
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-30))


def compare_structure(network: Any, theirs: nn.Module) -> dict[str, Any]:
    """Keys, shapes and the number of parameters of a network and of the reference, which is on the meta device."""
    expected = {key: tuple(value.shape) for key, value in theirs.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in network.build(device="meta").state_dict().items()}
    return {
        "keys": sorted(set(found) ^ set(expected)),
        "shapes": found == expected,
        "static_keys": state(network.graph) == expected,
        "params": network.table().params == sum(p.numel() for p in theirs.parameters() if p.requires_grad),
    }


Fields = Callable[[Any], dict[str, Tensor]]


def only_result(output: Any) -> dict[str, Tensor]:
    """The result of a network without heads."""
    return {"main": output}


def compare_numbers(
    network: Any,
    theirs: nn.Module,
    images: Tensor,
    training: Tensor | None = None,
    fields: Fields = only_result,
    others: Sequence[Tensor] = (),
) -> dict[str, float]:
    """Outputs in both modes, gradients of the first and the last layer, and running statistics after one step.

    Training uses `images` unless it has images of its own. `fields` are the tensors of a result by archdsl's names.
    `others` are images of other sizes, for evaluation.
    """
    ours = network.build(device="meta", check_sizes=False)
    constants = {key for key, _ in ours.named_buffers()} - set(ours.state_dict())
    ours = network.build(check_sizes=False) if constants else ours.to_empty(device="cpu")
    ours.load_state_dict(theirs.state_dict())
    result = {}
    for batch in (images[:1], *others):
        with torch.no_grad():
            outputs = [fields(module.eval()(batch)) for module in (theirs, ours)]
        size = "x".join(map(str, batch.shape[1:]))
        result |= {f"evaluation {size} {field}": difference(value, outputs[0][field]) for field, value in outputs[1].items()}
    outputs = []
    for module in (theirs, ours):
        torch.manual_seed(2)
        output = fields(module.train()(images if training is None else training))
        sum((value.square().mean() for value in output.values()), start=torch.zeros(())).backward()
        outputs.append(output)
    result |= {field: difference(outputs[1][field], value) for field, value in outputs[0].items()}
    gradients = [{key: p.grad for key, p in module.named_parameters() if p.requires_grad} for module in (theirs, ours)]
    first, last = next(iter(gradients[0])), list(gradients[0])[-1]
    result |= {key: difference(gradients[1][key], gradients[0][key]) for key in (first, last)}
    buffers = [dict(module.named_buffers()) for module in (theirs, ours)]
    running = [key for key in buffers[0] if "running" in key]
    result["statistics"] = max((difference(buffers[1][key], buffers[0][key]) for key in running), default=0.0)
    return result


NUMBERS = "numbers"
"""Behind the name of a network: compare its numbers too, though another one has the same blocks."""


def answer(compare: Callable[[str, bool], dict[str, Any]]) -> None:
    """Compare the networks named on standard input, one a line; print a line of JSON for each.

    It says what differs, numbers as fractions of the largest value. `compare` takes the name, and whether `NUMBERS` follows.
    """
    torch.set_num_threads(1)  # threads that wait for one another cost more than they save
    for line in sys.stdin:
        name, _, rest = line.strip().partition(" ")
        print(json.dumps(compare(name, rest == NUMBERS)), flush=True)
