"""What the benchmarks compute from measurements; no time is asserted."""

from __future__ import annotations

import sys

import pytest

from benchmarks import in_process, measure, peer_texts


def test_fit_of_a_line() -> None:
    line = measure.fit_line([1, 2, 3, 4], [5, 7, 9, 11])
    assert (line.slope, line.intercept, line.r_squared) == pytest.approx((2, 3, 1))


def test_fit_of_no_line() -> None:
    assert measure.fit_line([1, 2, 3, 4], [1, -1, -1, 1]).r_squared == pytest.approx(0)


def test_paired_takes_turns() -> None:
    calls: list[str] = []
    columns = measure.paired(lambda: calls.append("a") or len(calls), lambda: calls.append("b") or len(calls), rounds=2)
    assert calls == ["a", "b"] * 3
    assert columns == [[3, 5], [4, 6]]


def test_summaries() -> None:
    assert measure.ratios([1, 2], [2, 1]) == [0.5, 2]
    assert measure.spread([3, 1, 2]) == "2.00 (1.00 to 3.00)"
    assert measure.verdict(0.9, 1.0) == "met"
    assert measure.verdict(1.1, 1.0) == "missed by 10 %"


def test_process() -> None:
    process = measure.run_process([sys.executable, "-c", ""], measure.plain_environment())
    assert 0 < process.wall and 0 < process.cpu and process.peak_mib > 1
    with pytest.raises(RuntimeError, match="ended with 3"):
        measure.run_process([sys.executable, "-c", "raise SystemExit(3)"], measure.plain_environment())


def test_networks_of_both_forms_are_the_same() -> None:
    graphs = [in_process.compiled(text) for text in (in_process.deep(20), in_process.written_out(20))]
    assert [in_process.ops(graph) for graph in graphs] == [73, 73]


def test_shares_of_the_stages() -> None:
    shares = in_process.shares(lambda: in_process.compiled(in_process.deep(20)))
    assert set(shares) == {"parsing", "elaboration", "passes", "symbolic sizes", "claims"}
    assert 0 < sum(shares.values()) <= 1


def test_section_as_markdown() -> None:
    section = measure.Section("Title", "About.", ["what", "ms"], [["a", "1"]])
    assert section.markdown() == "## Title\n\nAbout.\n\n| what | ms |\n| --- | ---: |\n| a | 1 |"


def test_networks_are_written_out_for_peers() -> None:
    network = peer_texts.resnet152()
    convolutions = [layer for layer in network.layers if layer.op == "conv"]
    assert len(convolutions) == 155
    weights = sum(layer.before * layer.channels * layer.kernel**2 for layer in convolutions)
    assert weights + 2 * sum(layer.channels for layer in convolutions) + 2048 * 1000 + 1000 == 60_192_808
    assert peer_texts.n_orca(network).count("\n## layer ") == len(network.layers) + 2
    assert peer_texts.aurane(network).count(" = ") == len(network.layers) + 1


def test_a_spoiled_network_differs_in_one_width() -> None:
    network = peer_texts.residual_block()
    changed = [(a, b) for a, b in zip(network.layers, network.spoiled().layers, strict=True) if a != b]
    assert [(a.name, a.channels, b.channels) for a, b in changed] == [("b", 64, 32)]
