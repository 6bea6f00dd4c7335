"""The benchmark of training on a GPU, on a machine without one."""

from __future__ import annotations

import sys

import pytest
import torch

from benchmarks import gpu


@pytest.mark.exhaustive  # it trains and compiles for most of a minute
def test_a_trial_on_the_cpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--smoke"])
    gpu.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("CPU, as a trial; PyTorch ")
    rows = [line.split(" | ")[0] for line in lines if line.startswith("| ")]
    assert rows == [
        "| case", "| ---", "| resnet20, fp32", "| resnet20, bf16, channels_last", "| batch", "| ---", "| 1", "| 32",
    ]  # fmt: skip
    assert all("nan" not in line and "not measured" not in line for line in lines)


def test_nothing_is_measured_without_a_device(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    gpu.main()
    assert capsys.readouterr().out == "not measured: no CUDA device\n"
