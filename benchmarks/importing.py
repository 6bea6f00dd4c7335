"""How many published models are imported, with equality, and how long and readable the texts are.

    python benchmarks/importing.py --output importing.jsonl            # all of the list
    python benchmarks/importing.py resnet50 timm:resnest14d            # some of it

The list is fixed: 200 names of torchvision, timm and pytorchcv, which must be in `.references`. Each model is made on the
CPU, exported and imported, and compared in keys, shapes, parameters, MACs and results. The time of `torch.export` alone, in
training mode, is measured beside that of the import without the proof.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / ".references"))

TORCHVISION = """\
alexnet vgg11 vgg16 vgg19 vgg11_bn vgg16_bn resnet18 resnet34 resnet50 resnet101 resnet152 resnext50_32x4d resnext101_32x8d
wide_resnet50_2 wide_resnet101_2 squeezenet1_0 squeezenet1_1 densenet121 densenet161 densenet169 densenet201 inception_v3
googlenet shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0 mobilenet_v2 mobilenet_v3_large
mobilenet_v3_small mnasnet0_5 mnasnet1_0 efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_v2_s
regnet_y_400mf regnet_y_800mf regnet_y_1_6gf regnet_x_400mf regnet_x_800mf regnet_x_1_6gf convnext_tiny convnext_small
convnext_base vit_b_16 vit_b_32 swin_t swin_s swin_v2_t maxvit_t segmentation.fcn_resnet50 segmentation.deeplabv3_resnet50
segmentation.lraspp_mobilenet_v3_large video.r3d_18 video.mc3_18 video.r2plus1d_18 video.s3d
""".split()
TIMM = """\
resnet18 resnet26d resnet50 resnet50d resnetaa50 resnetblur50 resnext50_32x4d seresnet50 ecaresnet26t skresnet18 resnest14d
res2net50_26w_4s densenet121 dla34 dla46_c vovnet39a ese_vovnet19b_dw hrnet_w18_small mobilenetv2_100 mobilenetv3_large_100
mobilenetv3_small_100 mobilenetv4_conv_small mnasnet_100 fbnetc_100 spnasnet_100 efficientnet_b0 efficientnet_b1
efficientnet_lite0 efficientnetv2_rw_t tf_efficientnet_b0 tf_mobilenetv3_small_100 tinynet_e ghostnet_100 lcnet_050
hardcorenas_a mixnet_s regnetx_002 regnety_002 regnetz_b16 rexnet_100 repvgg_a0 mobileone_s0 repghostnet_050 convnext_atto
convnext_tiny convnextv2_atto convmixer_768_32 vgg11 vgg16_bn inception_v3 inception_v4 inception_resnet_v2 xception41
darknet53 cspresnet50 cspdarknet53 cs3darknet_s dpn48b dm_nfnet_f0 nf_resnet50 selecsls42b vit_tiny_patch16_224
vit_small_patch16_224 deit_tiny_patch16_224 deit3_small_patch16_224 cait_xxs24_224 xcit_nano_12_p16_224 pit_ti_224
crossvit_tiny_240 convit_tiny swin_tiny_patch4_window7_224 swinv2_cr_tiny_224 twins_pcpvt_small poolformer_s12
poolformerv2_s12 caformer_s18 convformer_s18 mixer_s16_224 gmlp_s16_224 resmlp_12_224 levit_128s visformer_tiny coat_tiny
edgenext_xx_small efficientformer_l1 fastvit_t8 inception_next_tiny focalnet_tiny_srf gcvit_xxtiny hgnet_tiny pvt_v2_b0
repvit_m1 starnet_s1 tiny_vit_5m_224 volo_d1_224 nest_tiny
""".split()
PYTORCHCV = """\
alexnet zfnet vgg11 bn_vgg16 bninception resnet10 resnet18 resnet50 preresnet18 preresnet50 resnext26_32x4d seresnet18
seresnet50 sepreresnet18 seresnext50_32x4d senet16 resnesta18 airnet50_1x64d_r2 bamresnet18 cbam_resnet18 ibn_resnet50
pyramidnet101_a360 diracnet18v2 densenet121 condensenet74_c4_g4 peleenet wrn50_2 darknet_ref darknet19 darknet53
squeezenet_v1_0 squeezenet_v1_1 squeezeresnet_v1_0 shufflenet_g1_w1 shufflenetv2_w1 menet108_8x1_g3 mobilenet_w1
fdmobilenet_w1 mobilenetv2_w1 mobilenetv3_small_w1 igcv3_w1 mnasnet_b1 efficientnet_b0 mixnet_s resnet20_cifar10
""".split()
NAMES = [*TORCHVISION, *(f"timm:{name}" for name in TIMM), *(f"pytorchcv:{name}" for name in PYTORCHCV)]
SIZES = {"inception_v3": 299, "timm:crossvit_tiny_240": 240, "pytorchcv:resnet20_cifar10": 32}


def main() -> None:
    """Import the models, print a line for each, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="names of the list; default: all")
    parser.add_argument("--output", type=Path, help="a file for a line of JSON per model")
    parser.add_argument("--texts", type=Path, help="a folder for the texts")
    parser.add_argument("--seconds", type=int, default=300, help="time limit per model")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    _import_torchvision()
    found = []
    for name in options.names or NAMES:
        record = {"name": name, **_measured(name, options)}
        found.append(record)
        print(json.dumps(record), flush=True)
        if options.output:
            with options.output.open("a") as file:
                file.write(json.dumps(record) + "\n")
    print(summary(found))


def summary(found: list[dict[str, Any]]) -> str:
    """Return the numbers of a run in words."""
    equal = [record for record in found if record["outcome"] == "equal"]
    lacking = [record for record in found if record["outcome"] == "E1003"]
    expressible = len(found) - len(lacking)
    lines = [record["lines"] for record in equal]
    ratios = [record["import_s"] / record["export_s"] for record in equal if record.get("export_s")]
    return (
        f"{len(equal)} of {len(found)} imported with equality; {len(lacking)} use operations that the language lacks; "
        f"{len(equal) / max(expressible, 1):.0%} of the others; median lines {statistics.median(lines) if lines else 0}; "
        f"median time {statistics.median(ratios) if ratios else 0:.2f} times that of torch.export"
    )


def _import_torchvision() -> None:
    """Declare torchvision's operators, which do not load beside a CPU build of torch."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    torch.archdsl_library = library  # type: ignore[attr-defined]  # for as long as the process


def _made(name: str) -> tuple[Any, Any]:
    from archdsl.importers.recording import recorded

    library, _, model = name.rpartition(":")
    if library == "timm":
        import timm

        return recorded(lambda: timm.create_model(model))
    if library == "pytorchcv":
        from pytorchcv.model_provider import get_model

        return recorded(lambda: get_model(model))
    from torchvision import models

    package = models
    for part in model.split(".")[:-1]:
        package = getattr(package, part)
    options: dict[str, Any] = {"init_weights": False} if model in ("googlenet", "inception_v3") else {}
    if "segmentation" in model:
        options = {"weights_backbone": None}
    return recorded(lambda: getattr(package, model.rpartition(".")[2])(weights=None, **options))


def _measured(name: str, options: argparse.Namespace) -> dict[str, Any]:
    import torch

    from archdsl.diagnostics import SpecError
    from archdsl.importers import importing
    from archdsl.importers.trace import trace

    def expired(*_: object) -> None:
        raise TimeoutError("time limit")

    signal.signal(signal.SIGALRM, expired)
    signal.alarm(options.seconds)
    try:
        torch.manual_seed(0)
        module, arguments = _made(name)
        side = SIZES.get(name, 224)
        shape = (3, 16, 112, 112) if "video" in name else (3, side, side)
        example = importing._inputs(shape)
        start = time.perf_counter()
        with torch.no_grad():
            torch.export.export(module.train(), tuple(example), strict=False)
        exported = time.perf_counter()
        short = name.rpartition(":")[2].rpartition(".")[2]
        model = trace(module.eval(), example, short, arguments)
        text = importing.spec_text([model], importing._header([name]))
        imported = time.perf_counter()
        if options.texts:
            options.texts.mkdir(parents=True, exist_ok=True)
            (options.texts / f"{name.replace(':', '_')}.arch").write_text(text)
        count = sum(parameter.numel() for parameter in module.parameters())
        report = importing.prove(module, text, short, example, importing._fields(model), sizes=1)
        return {
            "outcome": "equal" if report.proved else "differs", "lines": sum(bool(line.strip()) for line in text.splitlines()),
            "export_s": round(exported - start, 2), "import_s": round(imported - exported, 2), "params": count,
            "differences": report.differences[:2],
        }  # fmt: skip
    except SpecError as error:
        first = error.diagnostics[0]
        return {"outcome": first.code, "message": first.message, "details": list(first.details())[:2]}
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        import traceback

        last = traceback.extract_tb(error.__traceback__)[-1]
        return {"outcome": type(error).__name__, "message": f"{str(error)[:200]} at {Path(last.filename).name}:{last.lineno}"}
    finally:
        signal.alarm(0)


if __name__ == "__main__":
    main()
