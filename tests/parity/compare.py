"""Compares networks with torchvision's, with its weights copied in by key. Run with the references on the path.

    PYTHONPATH=.references python tests/parity/compare.py resnet18 vgg16 ...

Prints one JSON object: for each network what differs, as a fraction of the largest value.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch
from torch import Tensor, nn

import archdsl

HEADS = {"googlenet": {"main": "logits", "aux1": "aux_logits1", "aux2": "aux_logits2"}}
"""torchvision's names of a result's fields."""


def import_models() -> Any:
    """torchvision's models, beside a CPU build of torch that lacks the operators it was built against."""
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision.models

    torchvision.models._library = library
    return torchvision.models


def reference(models: Any, name: str) -> nn.Module:
    """torchvision's network with random weights, and running statistics that are not those of a fresh one."""
    torch.manual_seed(0)
    options = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    network = getattr(models, name)(weights=None, **options)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.1, 0.1)
            module.running_var.uniform_(0.8, 1.2)
            nn.init.uniform_(module.weight, 0.8, 1.2)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    return network


def fields(name: str, output: Any) -> dict[str, Tensor]:
    """A result's tensors by archdsl's names."""
    if isinstance(output, Tensor):
        return {"main": output}
    found = output._asdict()
    return {ours: found[theirs] if theirs in found else found[ours] for ours, theirs in HEADS[name].items()}


def difference(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference, as a fraction of the largest value."""
    ours, theirs = ours.detach(), theirs.detach()
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-30))


def compare(models: Any, name: str) -> dict[str, Any]:
    """Keys, shapes, outputs in both modes, gradients and running statistics after one step."""
    theirs = reference(models, name)
    address = next(p for p, networks in SPECS.items() if name in networks)
    ours = archdsl.load(f"{address}:{name}").build()
    expected = {key: tuple(value.shape) for key, value in theirs.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in ours.state_dict().items()}
    result: dict[str, Any] = {"keys": list(found) == list(expected) or sorted(set(found) ^ set(expected)), "shapes": found == expected}
    static = archdsl.load(f"{address}:{name}").graph.state()
    result["static_keys"] = static == expected
    ours.load_state_dict(theirs.state_dict())
    image = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        result["evaluation"] = difference(ours.eval()(image), theirs.eval()(image))
    outputs = []
    for network in (theirs, ours):
        torch.manual_seed(2)
        output = fields(name, network.train()(image))
        sum((value.square().mean() for value in output.values()), start=torch.zeros(())).backward()
        outputs.append(output)
    result["training"] = {field: difference(outputs[1][field], outputs[0][field]) for field in outputs[0]}
    gradients = [dict(network.named_parameters()) for network in (theirs, ours)]
    first, last = next(iter(gradients[0])), list(gradients[0])[-1]
    result["gradients"] = {key: difference(gradients[1][key].grad, gradients[0][key].grad) for key in (first, last)}
    buffers = [dict(network.named_buffers()) for network in (theirs, ours)]
    running = [key for key in buffers[0] if "running" in key]
    result["statistics"] = max((difference(buffers[1][key], buffers[0][key]) for key in running), default=0.0)
    result["params"] = sum(p.numel() for p in theirs.parameters())
    return result


SPECS = {
    "specs/resnet.arch": {"resnet18", "resnet50"},
    "specs/vgg.arch": {"vgg16"},
    "specs/googlenet.arch": {"googlenet"},
    "specs/densenet.arch": {"densenet121"},
}


if __name__ == "__main__":
    torch.set_num_threads(2)
    loaded = import_models()
    names = sys.argv[1:] or [name for networks in SPECS.values() for name in sorted(networks)]
    print(json.dumps({name: compare(loaded, name) for name in names}))
