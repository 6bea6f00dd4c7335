"""The count of published models: its tables name ops that are registered, and it meets its target."""

from __future__ import annotations

import json

from archdsl.ops import Op
from benchmarks.expressible import FILE, TARGET, TIMM, TORCHVISION, missing
from benchmarks.operation_kinds import MISSING, OPS

MODELS: dict[str, list[str]] = json.loads(FILE.read_text(encoding="utf-8"))


def test_the_table_names_registered_ops() -> None:
    assert not [name for names in OPS.values() for name in names if name not in Op.registry]


def test_every_operation_is_in_one_table() -> None:
    kinds = {kind for found in MODELS.values() for kind in found}
    assert kinds <= OPS.keys() ^ MISSING.keys()
    assert not OPS.keys() & MISSING.keys()


def test_every_listed_model_was_traced() -> None:
    listed = [f"torchvision {name}" for name in TORCHVISION] + [f"timm {name}" for name in TIMM]
    assert sorted(MODELS) == sorted(listed) and len(listed) == 93


def test_enough_models_are_expressible() -> None:
    assert sum(not missing(kinds) for kinds in MODELS.values()) >= TARGET
    assert missing(["Conv2d", "LSTM", "aten.fft"]) == ["`aten.fft`", "recurrent layers"]
