"""Compares networks with torchvision's, with its weights copied in by key. Run with the references on the path.

    echo resnet18 | PYTHONPATH=.references:. python tests/parity/compare_torchvision.py

Dropout and stochastic depth stay on: both sides draw in the same order from equal seeds.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

import archdsl
from archdsl.ir import state
from tests.parity.measuring import answer, difference, import_torchvision, scatter

HEADS = {
    "googlenet": {"main": "logits", "aux1": "aux_logits1", "aux2": "aux_logits2"},
    "inception_v3": {"main": "logits", "AuxLogits": "aux_logits"},
}
"""torchvision's names of a result's fields."""

SIDE = 127
"""Training steps run on a part of the image, to save time; where there are heads, on the whole: they need its size."""


def reference(models: Any, name: str) -> nn.Module:
    """torchvision's network, without weights of a training."""
    if name == "resnet50_gn":
        bottleneck = models.resnet.Bottleneck
        return models.ResNet(bottleneck, [3, 4, 6, 3], norm_layer=partial(nn.GroupNorm, 32))  # type: ignore[no-any-return]
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return getattr(models, name)(weights=None, **options)  # type: ignore[no-any-return]


def fields(name: str, output: Any) -> dict[str, Tensor]:
    """A result's tensors by archdsl's names."""
    if isinstance(output, Tensor):
        return {"main": output}
    found = output._asdict()
    return {ours: found[theirs] if theirs in found else found[ours] for ours, theirs in HEADS[name].items()}


def structure(models: Any, name: str) -> dict[str, Any]:
    """Keys, shapes and the number of parameters, without any numbers."""
    network = archdsl.load(address(name))
    with torch.device("meta"):
        theirs = reference(models, name)
    expected = {key: tuple(value.shape) for key, value in theirs.state_dict().items()}
    found = {key: tuple(value.shape) for key, value in network.build(device="meta").state_dict().items()}
    return {
        "keys": sorted(set(found) ^ set(expected)),
        "shapes": found == expected,
        "static_keys": state(network.graph) == expected,
        "params": network.table().params == sum(p.numel() for p in theirs.parameters()),
    }


def numbers(models: Any, name: str) -> dict[str, float]:
    """Outputs in both modes, gradients of the first and the last layer, and running statistics after one step."""
    torch.manual_seed(0)
    theirs = scatter(reference(models, name))
    network = archdsl.load(address(name))
    ours = network.build(device="meta", check_sizes=False).to_empty(device="cpu")
    ours.load_state_dict(theirs.state_dict())
    shape = network.graph.inputs[0].shape
    image = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        result = {"evaluation": difference(ours.eval()(image[:1]), theirs.eval()(image[:1]))}
    if name not in HEADS:
        image = image[..., :SIDE, :SIDE]
    outputs = []
    for module in (theirs, ours):
        torch.manual_seed(2)
        output = fields(name, module.train()(image))
        sum((value.square().mean() for value in output.values()), start=torch.zeros(())).backward()
        outputs.append(output)
    result |= {field: difference(outputs[1][field], outputs[0][field]) for field in outputs[0]}
    gradients = [{key: p.grad for key, p in module.named_parameters()} for module in (theirs, ours)]
    first, last = next(iter(gradients[0])), list(gradients[0])[-1]
    result |= {key: difference(gradients[1][key], gradients[0][key]) for key in (first, last)}
    buffers = [dict(module.named_buffers()) for module in (theirs, ours)]
    running = [key for key in buffers[0] if "running" in key]
    result["statistics"] = max((difference(buffers[1][key], buffers[0][key]) for key in running), default=0.0)
    return result


def address(name: str) -> str:
    """Where a network stands."""
    return f"specs/{next(file for file, networks in SPECS.items() if name in networks)}.arch:{name}"


SPECS = {
    "alexnet": ["alexnet"],
    "vgg": ["vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn"],
    "googlenet": ["googlenet"],
    "inception_v3": ["inception_v3"],
    "resnet": ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
               "wide_resnet50_2", "wide_resnet101_2", "resnet50_gn"],
    "densenet": ["densenet121", "densenet161", "densenet169", "densenet201"],
    "mobilenet": ["mobilenet_v2"],
    "efficientnet": ["efficientnet_b0"],
    "convnext": ["convnext_tiny", "convnext_small", "convnext_base", "convnext_large"],
}  # fmt: skip
"""Every network that torchvision has too."""

STRUCTURE_ALONE = {"resnext101_32x8d", "wide_resnet101_2", "convnext_base", "convnext_large"}
"""Compared without numbers, for their memory: each is a smaller one's blocks, wider and more often."""


def compare(models: Any, name: str) -> dict[str, Any]:
    """Everything that the test of a network looks at."""
    return {**structure(models, name), "differences": {} if name in STRUCTURE_ALONE else numbers(models, name)}


if __name__ == "__main__":
    answer(partial(compare, import_torchvision()))
