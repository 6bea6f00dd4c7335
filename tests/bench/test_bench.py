"""`archdsl bench` and `archdsl.bench`: what is measured, in which forms, and what is refused."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

import archdsl
from archdsl.bench import FORMS, Form, Options, Subject, bench
from archdsl.bench.memory import peak_of_call
from archdsl.bench.timing import times_in_turn
from archdsl.cli import root
from tests.networks import SMALL

QUICK: dict[str, Any] = {"forms": ["eager", "optimized"], "seconds": 0.02}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def small(tmp_path: Path) -> str:
    path = tmp_path / "small.arch"
    path.write_text(SMALL)
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(root, ["bench", *arguments], prog_name="archdsl")


def test_times_are_those_of_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock of the test's own: calls take turns, short ones are repeated, and the first ones do not count."""
    now = 0.0
    order = ""

    def call(name: str, seconds: float) -> None:
        nonlocal now, order
        order += name
        now += seconds if len(order) > 2 else 10.0

    monkeypatch.setattr(time, "perf_counter", lambda: now)
    found = times_in_turn({"a": lambda: call("a", 0.03), "b": lambda: call("b", 0.06)}, 1.0)
    assert found["a"][:3] == pytest.approx((0.03, 0.03, 0.03)) and found["b"][:3] == pytest.approx((0.06, 0.06, 0.06))
    assert found["b"].calls == len(found["b"].rounds) >= 5 and found["a"].calls == 2 * found["b"].calls
    assert order.endswith("aaabb" * found["b"].calls) or order.endswith("aaab" * found["b"].calls)


def test_rows() -> None:
    found = bench(archdsl.loads(SMALL), Options(batch=[1, 4], **QUICK))
    assert found.ok and found.threads == 1 and found.inputs == {"image": [1, 8, 8]}
    assert [(row.form, row.batch) for row in found.rows] == [(form, n) for n in (1, 4) for form in ("eager", "optimized")]
    for row in found.rows:
        assert row.latency is not None and row.low is not None and row.high is not None and row.throughput is not None
        assert row.low <= row.latency <= row.high and row.throughput == pytest.approx(row.batch / row.latency)
    assert found.rows[0].speedup == 1.0


def test_training() -> None:
    """A step changes the weights; the optimized module has none. Precision is that of autocast."""
    found = bench(archdsl.loads(SMALL), Options(batch=[2], train=True, precision="bf16", forms=["eager"], seconds=0.02))
    assert found.ok and found.mode == "training"
    with pytest.raises(ValueError, match="is for inference"):
        bench(archdsl.loads(SMALL), Options(train=True, forms=["optimized"]))
    subject = Subject(archdsl.loads(SMALL), archdsl.loads(SMALL).build().state_dict(), [torch.randn(2, 1, 8, 8)],
                      torch.device("cpu"), train=True)  # fmt: skip
    step, _ = FORMS["eager"].make(subject)
    module = step._module  # type: ignore[attr-defined]
    before = [parameter.clone() for parameter in module.parameters()]
    step(*subject.inputs)
    assert not all(torch.equal(one, other) for one, other in zip(module.parameters(), before, strict=True))


def test_forms_compute_the_same() -> None:
    """Each form has the weights that were given. (What `torch.compile` does is left to a benchmark.)"""
    network = archdsl.loads(SMALL)
    subject = Subject(network, network.build().state_dict(), [torch.randn(2, 1, 8, 8)], torch.device("cpu"))
    with torch.inference_mode():
        expected = FORMS["eager"].make(subject)[0](*subject.inputs)
        for name in ("optimized", "exported"):
            assert torch.allclose(FORMS[name].make(subject)[0](*subject.inputs), expected, atol=1e-6), name


def test_a_form_of_others_and_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A form that cannot be made says why, and the others are measured."""

    def broken(subject: Subject) -> Any:
        raise NotImplementedError("no such op\nand more")

    monkeypatch.setitem(FORMS, "broken", Form("cannot be made", broken))
    found = bench(archdsl.loads(SMALL), Options(batch=[1], forms=["broken", "eager"], seconds=0.02))
    assert [row.failed for row in found.rows] == ["NotImplementedError: no such op", None] and not found.ok
    assert found.rows[1].speedup == 1.0


def test_memory_of_a_call() -> None:
    size = 64 << 20
    found = peak_of_call(lambda: torch.ones(size // 4), torch.device("cpu"))
    assert found is None or 0.9 * size < found < 1.5 * size  # pages that were resident before may be taken again


def test_the_command(small: str, tmp_path: Path) -> None:
    torch.save(archdsl.loads(SMALL).build().state_dict(), tmp_path / "weights.pt")
    quick = ("--batch", "2", "--forms", "optimized,eager", "--seconds", "0.02", "--weights", str(tmp_path / "weights.pt"))
    shown = run(small, *quick)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith("small, image [1, 8, 8], evaluation, fp32\n") and "2  optimized" in shown.stdout
    data = json.loads(run(small, *quick, "--format", "json").stdout)
    assert data["network"] == "small" and [row["form"] for row in data["rows"]] == ["optimized", "eager"]


@pytest.mark.parametrize(("arguments", "status", "text"), [
    (["--device", "cuda"], 1, "E0805"), (["--batch", "0"], 2, "no list of positive numbers"), (["--batch", ""], 2, "no list"),
    (["--forms", "eagre"], 2, "the forms are eager, optimized, compiled, exported"),
    (["--train", "--forms", "optimized"], 2, "those that train are eager, compiled"),
    (["--train", "--precision", "fp16"], 2, "scaled gradients"), (["--seconds", "0"], 2, "--seconds"),
    (["--weights", "missing.pt"], 1, "E0601"), (["--size", "1x9x9", "--set", "classes=0"], 1, "E0"),
])  # fmt: skip
def test_what_is_refused(small: str, arguments: list[str], status: int, text: str) -> None:
    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    found = run(small, *arguments)
    assert found.exit_code == status and text in found.output, found.output


def test_symbolic_sizes_are_needed() -> None:
    with pytest.raises(archdsl.SpecError, match="E0312"):
        bench(archdsl.loads("network n { input image [3, H, W]; conv(4, 3) }"), Options(**QUICK))
