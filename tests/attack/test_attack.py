"""A short run of the fuzzer, and checks that it finds what is planted: a fuzzer that sees nothing would pass as well."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.attack import isolate, operations, resizing, text
from tests.attack.examine import kinds
from tests.attack.fuzz import Settings
from tests.attack.generate import generate
from tests.attack.interpret import Machine
from tests.attack.program import Apply, Argument, Input, Join, Label, Literal, Name, Pipeline, Program, Take
from tests.attack.shrink import shrink


def stage(name: str, *numbers: int) -> Apply:
    return Apply(name, tuple(Argument(None, Literal(number)) for number in numbers))


HALVED = Program(
    inputs=(Input("a", (Literal(2), Name("H"))),),
    body=(
        Pipeline((stage("conv", 4, 3), stage("bn"), stage("relu")), Label("stem")),
        Pipeline((stage("maxpool", 2), stage("upsample", 2))),
        Pipeline((Join("add", (Pipeline((Take(Name("x")),)), Pipeline((Take(Name("stem")),)))),)),
    ),
    symbols=("H",),
)


@pytest.mark.parametrize("programs", [15, pytest.param(1_000, marks=pytest.mark.exhaustive)])
def test_random_programs_are_what_the_documentation_says(root: Path, programs: int) -> None:
    command = [sys.executable, "-m", "tests.attack.fuzz", "--seed", "7", "--export-every", "0", "--shrink", "0"]
    command += ["--programs", str(programs)]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=590)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_program_without_faults_agrees() -> None:
    assert kinds(HALVED, 1) == set()


def _doubled(op: Callable[..., Any]) -> Callable[..., Any]:
    def planted(*arguments: Any, **named: Any) -> Any:
        tensor, opened = op(*arguments, **named)
        return 2 * tensor, opened

    return planted


def _one_more(site: Any, x: Any, scale: int) -> Any:
    tensor, opened = resizing.upsample(site, x, scale)
    return torch.nn.functional.pad(tensor, (0, 1)), opened


@pytest.mark.parametrize(
    ("target", "name", "fault", "found"),
    [
        (operations.OPS, "relu", _doubled(operations.OPS["relu"]), "values in evaluation"),
        (operations.OPS, "bn", lambda site, x: operations.OPS["gn"](site, x, 1), "keys"),
        (operations.OPS, "upsample", lambda site, x, scale: resizing.upsample(site, x, 3), "works: PyTorch refuses"),
        (operations.OPS, "upsample", _one_more, "does not work: PyTorch accepts"),
        (operations, "centers", lambda name, arguments, x: False, "bias"),
        (Machine, "numbered", lambda self, scope: self.claim(scope, f"{len(self.taken[scope])}0"), "keys"),
    ],
)  # fmt: skip
def test_a_planted_difference_is_found(monkeypatch: pytest.MonkeyPatch, target: Any, name: str, fault: Any, found: str) -> None:
    (monkeypatch.setitem if isinstance(target, dict) else monkeypatch.setattr)(target, name, fault)
    assert found in kinds(HALVED, 1)


def test_a_gradient_that_differs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def halved(site: Any, x: Any) -> Any:
        tensor = torch.relu(x.tensor)
        return (tensor + tensor.detach()) / 2, x.open

    monkeypatch.setitem(operations.OPS, "relu", halved)
    assert kinds(HALVED, 1) == {"gradients in evaluation", "gradients in training"}


def test_a_death_counts_against_its_item() -> None:
    def work(item: int) -> int:
        if item == 2:
            os.abort()
        if item == 4:
            time.sleep(60)
        return item * item

    outcomes = [outcome if isinstance(outcome, int) else outcome.how for _, outcome in isolate.run(range(1, 6), work, 1)]
    assert outcomes == [1, "SIGABRT", 9, "nothing for 1 seconds", 25]


def test_programs_shrink_to_what_fails() -> None:
    found = 0
    for seed in range(20):
        program = generate(seed)
        if "maxpool" in text.program(program):
            found += 1
            small = shrink(program, lambda candidate: "maxpool" in text.program(candidate), 10)
            assert len(text.program(small).splitlines()) <= 5
    assert found > 2


def test_a_number_names_one_program() -> None:
    seed = Settings(seed=3, export_every=0, seconds=9).seed_of(14)
    assert text.program(generate(seed)) == text.program(generate(seed))
