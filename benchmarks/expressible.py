"""How many published models the language can express, judged by the kinds of operations that they run.

    PYTHONPATH=.references python benchmarks/expressible.py [--trace]

`--trace` runs every model on the meta device, and writes the kinds of operations to `model_operations.json`, which is read
otherwise. `OPS` in `operation_kinds.py` says which ops of archdsl each kind needs; a model is expressible if all are registered.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.ops import Op
from benchmarks.measure import Section, print_sections
from benchmarks.operation_kinds import MISSING, OPS

if TYPE_CHECKING:
    from torch import nn

TARGET = 78
FILE = Path(__file__).with_name("model_operations.json")
TORCHVISION = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3", "maxvit_t",
    "mnasnet1_0", "mobilenet_v2", "mobilenet_v3_large", "r3d_18", "regnet_x_400mf", "regnet_y_400mf", "resnet50",
    "resnext50_32x4d", "s3d", "shufflenet_v2_x1_0", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg16_bn", "vit_b_16",
    "wide_resnet50_2", "deeplabv3_resnet50", "fcn_resnet50", "lraspp_mobilenet_v3_large", "fasterrcnn_resnet50_fpn",
    "fcos_resnet50_fpn", "retinanet_resnet50_fpn", "ssd300_vgg16", "ssdlite320_mobilenet_v3_large",
)  # fmt: skip
"""The smallest or best known network of each family; detectors without anchors and decoding."""
TIMM = (
    "beit_base_patch16_224", "botnet26t_256", "caformer_s18", "cait_s24_224", "coat_lite_tiny", "coatnet_0_rw_224",
    "convit_tiny", "convmixer_768_32", "convnextv2_tiny", "crossvit_9_240", "cspdarknet53", "davit_tiny",
    "deit_tiny_distilled_patch16_224", "dla34", "dpn68", "edgenext_small", "efficientformer_l1", "eva02_tiny_patch14_224",
    "fastvit_t8", "focalnet_tiny_srf", "gcresnet50t", "gcvit_tiny", "ghostnet_100", "hgnet_tiny", "hrnet_w18",
    "inception_next_tiny", "inception_resnet_v2", "inception_v4", "legacy_seresnet50", "legacy_xception", "levit_128",
    "mambaout_tiny", "mixer_b16_224", "mobilevit_s", "mvitv2_tiny", "nasnetalarge", "nest_tiny", "nf_resnet50", "pit_s_224",
    "pnasnet5large", "poolformer_s12", "pvt_v2_b0", "repvgg_a0", "repvit_m1", "res2net50_26w_4s", "resnest50d", "resnetv2_50",
    "rexnet_100", "selecsls42", "sequencer2d_s", "skresnet50", "tiny_vit_5m_224", "tnt_s_patch16_224", "tresnet_m",
    "twins_svt_small", "visformer_small", "vit_relpos_small_patch16_224", "volo_d1_224", "ese_vovnet39b", "xception41",
    "xcit_tiny_12_p16_224",
)  # fmt: skip
"""One network of each family that torchvision does not have."""


# Tracing --------------------------------------------------------------------------------------------------------------


def trace() -> dict[str, list[str]]:
    """Return the kinds of operations of every model, by its library and name."""
    from tests.parity.measuring import import_torchvision

    import_torchvision()
    import timm
    import torch
    from torchvision import models

    found = {}
    for library, names in (("torchvision", TORCHVISION), ("timm", TIMM)):
        for name in names:
            options = {"weights": None} if library == "torchvision" else {}
            if any(part in name for part in ("rcnn", "fcos", "retinanet", "ssd", "deeplab", "fcn", "lraspp")):
                options["weights_backbone"] = None
            with torch.device("cpu" if "regnet" in name else "meta"):  # RegNet reads numbers from tensors
                model = models.get_model(name, **options) if library == "torchvision" else timm.create_model(name)
            shape = (3, 16, 224, 224) if name in ("r3d_18", "s3d") else (3, 300, 300)
            if library == "timm":
                shape = model.default_cfg["input_size"]
            elif "swin" in name or "vit" in name:
                shape = (3, 224, 224)
            found[f"{library} {name}"] = sorted(operations(_without_decoding(model).to("meta"), shape))
    return found


def _without_decoding(model: Any) -> Any:
    """Return a detector's backbone and heads alone, and any other model as it is."""
    from torch import nn
    from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN

    class Heads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.backbone, self.head = model.backbone, model.rpn.head if hasattr(model, "rpn") else model.head

        def forward(self, x: Any) -> Any:
            return self.head(list(self.backbone(x).values()))

    parts = isinstance(model, GeneralizedRCNN) or type(model).__name__ in ("RetinaNet", "FCOS", "SSD")
    return Heads() if parts else model


def operations(model: nn.Module, shape: tuple[int, ...]) -> set[str]:
    """Return the kinds of operations of a forward pass: modules that `OPS` names, and what runs outside of them."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    record = _Record()

    class Functions(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            record.function(function.overloadpacket.__name__, args)
            return function(*args, **(kwargs or {}))

    for module in model.modules():
        kind = type(module).__name__
        if kind in OPS or kind in MISSING:
            module.register_forward_pre_hook(partial(record.enter, kind))
            module.register_forward_hook(record.leave)
            if hasattr(module, "get_bias"):  # called by others, and not run as a module
                module.get_bias = record.within(kind, module.get_bias)  # type: ignore[assignment, arg-type]
        elif next(module.parameters(recurse=False), None) is not None:
            module.register_forward_pre_hook(record.parameter)
    with torch.no_grad(), Functions(), torch.device("meta"):
        model.eval()(torch.empty(1, *shape))
    return record.found


class _Record:
    """The kinds of operations that ran so far; what runs inside of a module with a known kind does not count."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.depth = 0

    def add(self, kind: str) -> None:
        if self.depth == 0:
            self.found.add(kind)

    def function(self, name: str, arguments: tuple[Any, ...]) -> None:
        step = name == "slice" and arguments[4:] not in ((), (1,))
        self.add(f"aten.{name}{' with a step' if step else ''}")

    def parameter(self, *_: Any) -> None:
        self.add("a parameter of a module")

    def enter(self, kind: str, *_: Any) -> None:
        self.add(kind)
        self.depth += 1

    def leave(self, *_: Any) -> None:
        self.depth -= 1

    def within(self, kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that counts as a module."""

        def run(*arguments: Any) -> Any:
            self.enter(kind)
            try:
                return function(*arguments)
            finally:
                self.leave()

        return run


# Results --------------------------------------------------------------------------------------------------------------


def missing(kinds: list[str]) -> list[str]:
    """Return what the language lacks for a model, none if it is expressible."""
    lacking = {MISSING[kind] for kind in kinds if kind in MISSING}
    unknown = {f"`{kind}`" for kind in kinds if kind not in MISSING and kind not in OPS}
    names = {name for kind in kinds for name in OPS.get(kind, ()) if name not in Op.registry}
    return sorted(lacking | unknown | {f"the op `{name}`" for name in names})


def measure(*, quick: bool) -> list[Section]:
    """Return the table: a row for each library, and what the other models need."""
    models: dict[str, list[str]] = json.loads(FILE.read_text(encoding="utf-8"))
    lacking = {name: missing(kinds) for name, kinds in models.items()}
    expressible = Counter(name.partition(" ")[0] for name, needs in lacking.items() if not needs)
    totals = Counter(name.partition(" ")[0] for name in models)
    section = Section(
        "Published models that the language can express",
        "Models of torchvision and timm, one of each family, for classification, segmentation and detection (without anchors "
        "and decoding). Counted are those whose every kind of operation has an op, as the registry says; the kinds were recorded "
        "in a forward pass in evaluation mode.",
        ["library", "models", "expressible", "target", "verdict"],
    )
    for library, total in totals.items():
        section.rows.append([library, f"{total}", f"{expressible[library]}", "", ""])
    count = sum(expressible.values())
    verdict = "met" if count >= TARGET else f"missed by {TARGET - count}"
    section.rows.append(["all", f"{len(models)}", f"{count}", f"≥ {TARGET}", verdict])
    needs: defaultdict[str, list[str]] = defaultdict(list)
    for name, reasons in lacking.items():
        if reasons:
            needs["; ".join(reasons)].append(name.partition(" ")[2])
    rest = Section("What the other models need", "In the same models.", ["missing", "models"])
    rest.rows.extend([reason, ", ".join(names)] for reason, names in sorted(needs.items()))
    return [section, rest]


if __name__ == "__main__":
    if "--trace" in sys.argv:
        lines = [f"  {json.dumps(name)}: {json.dumps(kinds)}" for name, kinds in trace().items()]
        FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print_sections(measure(quick="--quick" in sys.argv), as_json="--json" in sys.argv)
