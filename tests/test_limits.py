"""Limits, one by one; and sessions, which keep them apart."""

from __future__ import annotations

import gc
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import archdsl
from archdsl import Limits
from archdsl.driver import check_text
from archdsl.limits import DEFAULT, HIGHEST, limits_from
from archdsl.session import Session
from archdsl.shapes import SizeError, symbolic_size
from archdsl.sizes import ALL, at_least

HEAD = "network n { input image [3, 8, 8]; "
OVER = {
    "nesting": HEAD + "conv(" + "(" * 70 + "4" + ")" * 70 + ", 3) }",
    "call_depth": "".join(f"block b{i} {{ b{i + 1} }}\n" for i in range(70)) + f"block b70 {{ relu }}\n{HEAD} b0 }}",
    "nodes": HEAD + "repeat 5 { relu } }",
    "iterations": HEAD + "repeat 3 { relu } }",
    "integer_bits": HEAD + "conv(2^300 // 2^298, 3) }",
    "list_items": HEAD + "for i in [1, 2, 3] + [4] { relu } }",
    "list_depth": HEAD + "let a = " + "[" * 9 + "1" + "]" * 9 + "; conv(len(a), 3) }",
    "period": "network n { input image [3, H, W]; repeat 4 { maxpool(2) }; upsample(16) }",
    "size_values": "network n { input image [3, H, W]; conv(8, 3, stride = 2); conv(8, 3, stride = 2) }",
    "steps": HEAD + "for i in 1..9 { conv(i, 1) } }",
    "label_characters": HEAD + "features: relu }",
    "source_characters": HEAD + "relu }",
    "single_sizes": "network n { input image [3, H, W] where 3 <= H <= 40; relu }",
}
LOWERED = {
    "nodes": 4,
    "iterations": 2,
    "list_items": 3,
    "period": 8,
    "size_values": 2,
    "steps": 4_000,
    "label_characters": 7,
    "source_characters": 20,
    "single_sizes": 5,
}
RAISED = {"nesting": 100, "call_depth": 90, "integer_bits": 400, "list_depth": 12}


def with_one(name: str, values: dict[str, int]) -> Limits:
    return limits_from({name: values.get(name, getattr(DEFAULT, name))})


def codes(text: str, session: Session) -> list[str]:
    return [found.code for found in check_text(text, session=session) if found.is_error]


@pytest.mark.parametrize("name", OVER)
def test_each_can_be_set(name: str) -> None:
    (found,) = archdsl.check(OVER[name], limits=with_one(name, LOWERED))
    assert found.code in {"E0108", "E0207", "E0307", "E0409", "E0502", "E0603"}
    assert f"`--limit {name}=N`" in (found.help or "") + found.message
    assert not [found for found in archdsl.check(OVER[name], limits=with_one(name, RAISED)) if found.is_error]


@pytest.mark.parametrize("function", ["min", "max", "sum"])
def test_a_function_goes_through_no_more_than_a_list_may_have(function: str) -> None:
    text = f"{HEAD}conv({function}(1..6), 3) }}"
    (found,) = archdsl.check(text, limits=Limits(list_items=4))
    assert (found.code, found.help) == ("E0409", "`--limit list_items=N` raises the limit")
    assert not archdsl.check(text.replace(function, "len"), limits=Limits(list_items=4))


@pytest.mark.parametrize(("values", "said"),
                         [({"node": 3}, "there is no limit"), ({"size": 3}, "no limit"), ({"nodes": 0}, "can be"),
                                              ({"nesting": 10**6}, "1 to 1,000")])  # fmt: skip
def test_what_cannot_be_set(values: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        limits_from(values)


def test_what_python_cannot_set() -> None:
    with pytest.raises(ValueError, match="1 to 1,000"):
        archdsl.loads(HEAD + "relu }", limits=Limits(nesting=10**6))
    with pytest.raises(TypeError, match=r"archdsl\.Limits"):
        archdsl.loads(HEAD + "relu }", limits=3)  # type: ignore[arg-type]


def test_changes_are_those_from_the_defaults() -> None:
    assert Limits(nodes=3, errors=DEFAULT.errors).changes() == {"nodes": 3}


def test_as_deep_as_they_go() -> None:
    """Nothing on the way to a module meets the end of Python's stack."""
    import torch

    text = HEAD + "skip { " * 148 + "conv(" + "(" * 700 + "3" + ")" * 700 + ", 3)" + " }" * 148 + " }"
    network = archdsl.loads(text, limits=Limits(**HIGHEST))
    module = network.build()
    assert module(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 8, 8)
    assert network.render(format="dot") and str(network.table())


def test_the_stack_grows_with_the_limits_and_never_shrinks() -> None:
    """A thread may be in the middle of a deep network while another makes a session."""
    Session(Limits(nesting=900))
    frames = sys.getrecursionlimit()
    assert frames >= 16 * 900
    Session(Limits(nesting=10))
    assert sys.getrecursionlimit() == frames


# -- sessions side by side --


@pytest.mark.parametrize("name", OVER)
def test_threads_with_other_limits_do_not_affect_each_other(name: str) -> None:
    """Both check the same text at the same time, again and again, with fresh and with shared caches."""
    barrier = threading.Barrier(2)

    def results(limits: Limits) -> set[tuple[str, ...]]:
        kept, found = Session(limits), set()
        for turn in range(12):
            barrier.wait(60)
            found.add(tuple(codes(OVER[name], kept if turn % 2 else Session(limits))))
        return found

    with ThreadPoolExecutor(2) as threads:
        low, high = threads.map(results, (with_one(name, LOWERED), with_one(name, RAISED)))
    assert len(low) == 1 and len(low.pop()) == 1
    assert high == {()}


def test_sizes_carry_their_session() -> None:
    narrow, wide = symbolic_size("H", Session(Limits(period=8))), symbolic_size("H", Session(Limits(period=1 << 15)))
    assert (wide // 10_000).at(20_001) == 2
    with pytest.raises(SizeError, match="over the limit of 8"):
        narrow // 16
    sets = at_least(wide // 9_000, 1) & ALL, ALL & at_least(wide // 9_000, 1)
    assert sets[0] == sets[1] and all(made.session is wide.session for made in sets)


def test_a_session_keeps_what_it_read_by_itself() -> None:
    calls = []

    def read(text: str) -> str:
        calls.append(text)
        return text.upper()

    one, other = Session(), Session()
    assert [one.cached(read, "a"), one.cached(read, "a"), other.cached(read, "a")] == ["A"] * 3
    assert calls == ["a", "a"]


def test_the_collector_runs_again_after_the_last_of_several_threads() -> None:
    assert gc.isenabled()
    inside, outside = threading.Barrier(2), threading.Barrier(2)

    def pauses(first: bool) -> bool:
        with Session().collector_paused():
            inside.wait(60)
            if first:
                outside.wait(60)  # until the other has left
        if not first:
            paused = not gc.isenabled()
            outside.wait(60)
            return paused
        return True

    for _ in range(20):
        with ThreadPoolExecutor(2) as threads:
            assert all(threads.map(pauses, (True, False)))
        assert gc.isenabled()


def test_the_collector_stays_as_it_was() -> None:
    with Session(pause_collector=False).collector_paused():
        assert gc.isenabled()
    gc.disable()
    try:
        with Session().collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
