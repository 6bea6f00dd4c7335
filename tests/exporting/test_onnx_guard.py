"""The checks of sizes in ONNX files: exactly the valid sizes pass, for sets of every kind, as onnxruntime runs them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import archdsl
from archdsl.exporting.onnx_guard import SizeGuard
from tests.ops.test_export import CONDITIONS


def session(network: archdsl.Network) -> Any:
    """Return a model that passes its inputs on if their sizes are valid."""
    names = list(map(str, network.graph.inputs))
    guard = SizeGuard(network.graph, names)
    nodes = [*guard.nodes, *[helper.make_node("Identity", [guard.guarded[name]], [f"{name}_out"]) for name in names]]
    inputs, outputs = [], []
    for value in network.graph.inputs:
        shape = ["batch", *[size if isinstance(size, int) else str(size) for size in value.shape]]
        inputs.append(helper.make_tensor_value_info(str(value), TensorProto.FLOAT, shape))
        outputs.append(helper.make_tensor_value_info(f"{value}_out", TensorProto.FLOAT, [None] * len(shape)))
    graph = helper.make_graph(nodes, "guard", inputs, outputs, guard.tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def passes(running: Any, *shapes: tuple[int, ...]) -> bool:
    given = {value.name: np.zeros(shape, np.float32) for value, shape in zip(running.get_inputs(), shapes, strict=True)}
    try:
        found = running.run(None, given)
    except Exception:
        return False
    return [value.shape for value in found] == list(shapes)


@pytest.mark.parametrize("condition", [*CONDITIONS, "H % 3 == 1 and H != 7 or H == 3"])
def test_conditions(condition: str) -> None:
    network = archdsl.loads(f"network n {{ input a [1, H] where {condition}; conv(2, 1) }}")
    running = session(network)
    assert [n for n in range(1, 80) if passes(running, (2, 1, n))] == [n for n in range(1, 80) if network.sizes.works({"H": n})]


def test_inputs_that_depend_on_each_other() -> None:
    network = archdsl.loads("network n { input a [3, H, W]; input b [3, 2 * H, H * W + W // 2]; b -> gap }")
    running = session(network)
    assert passes(running, (2, 3, 4, 5), (2, 3, 8, 22))
    for second in ((2, 3, 9, 22), (2, 3, 8, 23), (1, 3, 8, 22)):
        assert not passes(running, (2, 3, 4, 5), second)


def test_sizes_of_which_one_must_fit() -> None:
    network = archdsl.loads("network n { input a [4, H, W]; instance_norm }")
    running = session(network)
    assert network.sizes.couplings
    for high in range(1, 4):
        for wide in range(1, 4):
            assert passes(running, (1, 4, high, wide)) == network.sizes.works({"H": high, "W": wide})
