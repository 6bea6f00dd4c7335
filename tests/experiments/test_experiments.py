"""The experiments on depth: the page tells the stored numbers, and these belong to the networks and the code as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from experiments import page
from experiments.claims import variance_by_block
from experiments.experiment import Experiment

STORED: dict[str, Any] = json.loads(page.RESULTS.read_text(encoding="utf-8"))
AGAIN = "run `make experiments`"


def test_every_experiment_has_numbers_of_its_present_networks_and_code() -> None:
    results = STORED["experiments"]
    assert list(results) == list(page.EXPERIMENTS), AGAIN
    assert {name: one["digest"] for name, one in results.items()} == {n: one.digest for n, one in page.EXPERIMENTS.items()}, AGAIN
    assert sum(one["cpu_seconds"] for one in results.values()) < 20 * 60


def test_the_page_tells_the_stored_numbers() -> None:
    assert page.page(STORED) == page.PAGE.read_text(encoding="utf-8"), AGAIN


def test_the_plots_are_those_of_the_stored_numbers() -> None:
    drawn = {path.stem: path.read_bytes() for path in page.PICTURES.glob("*")}
    assert drawn.keys() == page.EXPERIMENTS.keys(), AGAIN
    assert sum(map(len, drawn.values())) < 1_000_000
    name = "variance_by_block"  # one of them: to draw all takes seconds
    assert page.save(name, STORED["experiments"][name]["numbers"]) == drawn[name], AGAIN
    for name, picture in drawn.items():
        assert page.picture_digest(picture) == STORED["experiments"][name]["picture"], AGAIN


def test_a_change_of_a_network_or_of_the_code_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    one: Experiment = page.EXPERIMENTS["variance_by_block"]
    assert one._replace(text=one.text + "\n").digest != one.digest
    assert one._replace(title="another", claim="another").digest == one.digest
    numbers = json.loads(json.dumps(STORED))
    numbers["experiments"]["variance_by_block"]["numbers"]["plain"][-1] *= 2
    assert page.page(numbers) != page.page(STORED)


def test_an_experiment_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shortest one, with one seed and smaller networks, to prove that the machinery works."""
    small = variance_by_block.TEXT.replace("512", "128").replace("blocks: int = 16", "blocks: int = 6")
    monkeypatch.setattr(variance_by_block, "TEXT", small)
    monkeypatch.setattr(variance_by_block, "SEEDS", (0,))
    numbers = page.as_json(variance_by_block.measure())
    assert 1.8 < (numbers["plain"][-1] / numbers["plain"][0]) ** (1 / 6) < 2.2
    assert 0.8 < (numbers["normed"][-1] - numbers["normed"][0]) / 6 < 1.2
    assert "grows by a factor of" in page.EXPERIMENTS["variance_by_block"].sentence(numbers)
    assert page.save("variance_by_block", numbers).startswith(b"<?xml")
