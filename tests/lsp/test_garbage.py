"""When the server collects garbage."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from archdsl.lsp import garbage
from archdsl.lsp.garbage import IdleCollector
from archdsl.session import Session


class _Circle:
    """Something that only the collector frees."""

    def __init__(self) -> None:
        self.itself = self


def _garbage() -> weakref.ref[_Circle]:
    return weakref.ref(_Circle())


def test_garbage_is_collected_once_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "IDLE", 0.02)

    async def run() -> None:
        collector = IdleCollector(Session())
        collector.begin()
        left = _garbage()
        assert not gc.isenabled()
        collector.end()
        assert left() is not None and not gc.isenabled()
        collector.begin()  # the next edit comes before the moment has passed
        await asyncio.sleep(0.06)
        assert left() is not None
        collector.end()
        await asyncio.sleep(0.06)
        assert left() is None and gc.isenabled()

    asyncio.run(run())


def test_garbage_is_collected_while_somebody_types_without_a_break() -> None:
    async def run() -> None:
        collector = IdleCollector(Session())
        left = []
        for _ in range(40):
            collector.begin()
            left.append(_garbage())
            collector.end()
        assert sum(one() is not None for one in left) < 10
        collector.collect()
        assert gc.isenabled()

    asyncio.run(run())
