"""The text of results.json: metrics per split and per class."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from archdsl.train.experiment import Result, Row


def results(result: Result, classes: Sequence[str] | None) -> bytes:
    """Return the text of results.json; `classes` are the names of the classes, or None."""
    facts = {
        "network": result.name,
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "best_metric": result.best_metric,
        "best_value": _number(result.best_value),
        **{row.split: _split(row, classes) for row in result.rows},
    }
    lines = ",\n".join(f"  {json.dumps(key)}: {_text(value)}" for key, value in facts.items())
    return f"{{\n{lines}\n}}\n".encode()


def _split(row: Row, names: Sequence[str] | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "examples": row.examples,
        "metrics": {name: _number(value) for name, value in row.metrics.items()},
    }
    if row.confusion:
        labels = [names[place] if names and place < len(names) else str(place) for place in range(len(row.confusion))]
        facts["classes"] = [
            {"name": label, "examples": sum(counts), "accuracy": _number(accuracy)}
            for label, counts, accuracy in zip(labels, row.confusion, row.per_class, strict=True)
        ]
        facts["confusion"] = row.confusion
    return facts


def _text(value: Any) -> str:
    """Return JSON with a line for each class and each row of a confusion matrix."""
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{\n" + ",\n".join(f"    {json.dumps(key)}: {_lines(part)}" for key, part in value.items()) + "\n  }"


def _lines(value: Any) -> str:
    if not isinstance(value, list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(f"      {json.dumps(row, ensure_ascii=False)}" for row in value) + "\n    ]"


def _number(value: float) -> float | None:
    """Replace NaN by None, since JSON has no NaN."""
    return value if math.isfinite(value) else None
