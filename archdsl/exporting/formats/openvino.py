"""The format `openvino`: the intermediate representation of OpenVINO, an .xml file with the weights in a .bin file beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.exporting.format import Format, Runner

if TYPE_CHECKING:
    from torch import Tensor

    from archdsl.exporting.program import Program

_SECTION = "archdsl"


def _write(program: Program, path: Path) -> tuple[Path, ...]:
    import openvino

    from archdsl.exporting.formats.onnx import onnx_model

    model = openvino.Core().read_model(onnx_model(program).SerializeToString())
    for key, value in program.metadata.items():
        model.set_rt_info(value, [_SECTION, key.removeprefix(f"{_SECTION}.")])
    openvino.save_model(model, path, compress_to_fp16=program.precision == "fp16")
    return path, path.with_suffix(".bin")


def _run(path: Path) -> Runner:
    import openvino
    import torch

    options = {"INFERENCE_PRECISION_HINT": "f32"}  # else it computes in bfloat16 where the processor can
    compiled = openvino.Core().compile_model(path, "CPU", options)

    def run(inputs: Sequence[Tensor]) -> list[Tensor]:
        made = compiled([value.numpy() for value in inputs])
        return [torch.from_numpy(made[output].copy()) for output in compiled.outputs]

    return run


def _metadata(path: Path) -> Mapping[str, str]:
    import openvino

    found = openvino.Core().read_model(path).get_rt_info([_SECTION])
    return {f"{_SECTION}.{key}": str(value) for key, value in found.value.items()}


FORMAT = Format(
    "OpenVINO, for processors and devices of Intel", (".xml",), ("onnx", "onnxscript", "openvino", "torch"),
    frozenset({"fp32", "fp16"}), _write, _run, _metadata, required_suffix=".xml",
)  # fmt: skip
