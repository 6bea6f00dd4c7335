"""How many published models are imported, with equality, and how long and readable the texts are.

    python benchmarks/importing.py --output importing.jsonl --table importing.md     # all of the list, or the rest of it
    python benchmarks/importing.py --output some.jsonl resnet50 timm:resnest14d      # some of it

The list is fixed: 200 names of torchvision, timm and pytorchcv, which must be in `.references`. Each model is made on the
CPU in a process of its own, exported and imported, and compared in keys, shapes, parameters, MACs and results. The CPU time of
`torch.export` alone, in training mode, is measured beside that of the import without the proof.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import time
import warnings
from collections import Counter
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
seresnet50 sepreresnet18 seresnext50_32x4d senet16 resnesta18 airnet50_1x64d_r2 bam_resnet18 cbam_resnet18 ibn_resnet50
pyramidnet101_a360 diracnet18v2 densenet121 condensenet74_c4_g4 peleenet wrn50_2 darknet_ref darknet19 darknet53
squeezenet_v1_0 squeezenet_v1_1 squeezeresnet_v1_0 shufflenet_g1_w1 shufflenetv2_w1 menet108_8x1_g3 mobilenet_w1
fdmobilenet_w1 mobilenetv2_w1 mobilenetv3_small_w1 igcv3_w1 mnasnet_b1 efficientnet_b0 mixnet_s resnet20_cifar10
""".split()
NAMES = [*TORCHVISION, *(f"timm:{name}" for name in TIMM), *(f"pytorchcv:{name}" for name in PYTORCHCV)]
SIDES = {"inception_v3": 299, "timm:crossvit_tiny_240": 240, "pytorchcv:resnet20_cifar10": 32}
SMALL, USUAL = 96, 224
"""The sides of the inputs: the small one where the model takes it, since nothing but time depends on it."""


def main() -> None:
    """Import the models that the file of results lacks, print a line for each, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="names of the list; default: all")
    parser.add_argument(
        "--output", type=Path, required=True, help="a file for a line of JSON per model; models in it are left out"
    )
    parser.add_argument("--texts", type=Path, help="a folder for the texts")
    parser.add_argument("--table", type=Path, help="a Markdown file for the table of all results")
    parser.add_argument("--seconds", type=int, default=300, help="time limit per model")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    records = _known(options.output)
    wanted = [name for name in options.names or NAMES if name not in records]
    if wanted:
        _import_libraries()
    for name in wanted:
        record = {"name": name, **_in_a_process(name, options)}
        records[name] = record
        print(json.dumps(record), flush=True)
        with options.output.open("a") as file:
            file.write(json.dumps(record) + "\n")
    if options.table:
        options.table.write_text(table(list(records.values())))
    print(summary(list(records.values())))


def _known(file: Path) -> dict[str, dict[str, Any]]:
    if not file.exists():
        return {}
    records = [json.loads(line) for line in file.read_text().splitlines()]
    return {record["name"]: record for record in records}


def summary(records: list[dict[str, Any]]) -> str:
    """Return the numbers of a run in words."""
    count = Counter(record["outcome"] for record in records)
    proved = [record for record in records if record["outcome"] == "proved"]
    lines = [record["lines"] for record in proved]
    ratios = [record["import_s"] / record["export_s"] for record in proved if record.get("export_s")]
    rest = len(records) - count["refused"]
    return (
        f"{len(records)} models: {count['proved']} proved, {count['refused']} refused, {count['failed']} failed; "
        f"{count['proved'] / max(rest, 1):.0%} of those that are not refused; "
        f"median lines {statistics.median(lines) if lines else 0}; "
        f"median time {statistics.median(ratios) if ratios else 0:.2f} times that of torch.export"
    )


def table(records: list[dict[str, Any]]) -> str:
    """Return all results as a Markdown table, in the order of the list."""
    rows = [
        "| model | input | outcome | lines | import, s | torch.export, s | ratio | reason |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    known = {record["name"]: record for record in records}
    for record in (known[name] for name in NAMES if name in known):
        times = [record.get(key) for key in ("import_s", "export_s")]
        ratio = f"{times[0] / times[1]:.1f}" if all(times) else ""
        cells = [
            record["name"],
            record.get("input", ""),
            record["outcome"],
            record.get("lines", ""),
            *times,
            ratio,
            record.get("reason", ""),
        ]
        rows.append("| " + " | ".join("" if cell is None else str(cell).replace("|", "\\|") for cell in cells) + " |")
    return f"{summary(records)}\n\n" + "\n".join(rows) + "\n"


def _import_libraries() -> None:
    """Import the libraries once for all processes; torchvision's operators do not load beside a CPU build of torch."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    torch.archdsl_library = library  # type: ignore[attr-defined]  # for as long as the process
    torch.set_num_threads(1)
    import timm  # noqa: F401
    import torch.export
    from pytorchcv import model_provider  # noqa: F401
    from torchvision import models  # noqa: F401

    from archdsl.importers import importing  # noqa: F401


def _in_a_process(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the record of a model, made in a process of its own, which ends at the time limit."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sender.send(_measured(name, options)))
    process.start()
    sender.close()
    try:
        if not receiver.poll(options.seconds):
            return {"outcome": "failed", "reason": f"not finished after {options.seconds} seconds"}
        found: dict[str, Any] = receiver.recv()
        return found
    except EOFError:
        return {"outcome": "failed", "reason": "the process ended"}
    finally:
        process.kill()
        process.join()


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


def _shape(name: str, module: Any) -> tuple[int, ...]:
    """Return the shape of the input: a small one if the model takes it."""
    import torch

    if "video" in name:
        return (3, 16, 224, 224) if "s3d" in name else (3, 16, 112, 112)
    if name in SIDES:
        return (3, SIDES[name], SIDES[name])
    try:
        with torch.no_grad():
            module.eval()(torch.zeros(2, 3, SMALL, SMALL))
    except Exception:
        return (3, USUAL, USUAL)
    return (3, SMALL, SMALL)


def _measured(name: str, options: argparse.Namespace) -> dict[str, Any]:
    import torch

    from archdsl.diagnostics import SpecError
    from archdsl.importers import importing
    from archdsl.importers.load_module import Loaded

    found: dict[str, Any] = {}
    try:
        torch.manual_seed(0)
        module, arguments = _made(name)
        shape = _shape(name, module)
        found["input"] = "x".join(map(str, shape))
        example = importing._inputs(shape)
        start = time.process_time()
        with torch.no_grad():
            torch.export.export(module.train(), tuple(example), strict=False)
        exported = time.process_time()
        found["export_s"] = round(exported - start, 2)
        short = name.rpartition(":")[2].rpartition(".")[2]
        loaded = Loaded(module.eval(), short, arguments, name)
        model = importing.traced(loaded, example, short)
        text = importing.spec_text([model], importing._header([name]))
        found |= {
            "import_s": round(time.process_time() - exported, 2),
            "lines": sum(bool(line.strip()) for line in text.splitlines()),
        }
        if options.texts:
            options.texts.mkdir(parents=True, exist_ok=True)
            (options.texts / f"{name.replace(':', '_')}.arch").write_text(text)
        imported = importing.proved([loaded], [model], example, importing._header([name]))
        report = imported.reports[short]
        found["open"] = model.is_open
        return {**found, "outcome": "proved" if report.proved else "failed", "reason": "; ".join(report.differences[:2])}
    except SpecError as error:
        first = error.diagnostics[0]
        details = [detail[:300] for detail in first.details()][:3]
        return {**found, "outcome": "refused", "reason": "; ".join([f"{first.code}: {first.message}", *details])}
    except BaseException as error:
        import traceback

        places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-4:]]
        return {**found, "outcome": "failed", "reason": f"{type(error).__name__}: {str(error)[:200]} at {', '.join(places)}"}


if __name__ == "__main__":
    main()
