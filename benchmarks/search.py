"""Search spaces: how fast members are judged, and that all of NAS-Bench-201 have the parameters of a model in plain PyTorch.

    python benchmarks/search.py nas [COUNT]      all members, or so many drawn at random, against PyTorch on `meta`
    python benchmarks/search.py regnet [COUNT]   filter combinations of the RegNet design space (default: 10,000)
    python benchmarks/search.py meta [COUNT]     the time to count parameters and MACs of members of NAS-Bench-201,
                                                 beside PyTorch, which builds and runs them on `meta` (default: 200)

Times are CPU time of one process, without starting it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from random import Random

from archdsl.spaces import Judge, count, read_space
from archdsl.spaces.space import Member, Space


def _members(space: Space, number: int | None) -> Iterable[Member]:
    every = range(space.combinations or 0)
    return map(space.at_index, every if number is None else Random(0).sample(every, number))


def nas(number: int | None) -> dict[str, object]:
    from benchmarks.nas_bench_201 import parameters_in_pytorch

    space = read_space("nas_bench_201")
    judge, compared, known, seconds = Judge(space), 0, {}, 0.0
    for member in _members(space, number):
        before = time.process_time()
        verdict = judge(member)
        seconds += time.process_time() - before
        operations = tuple(member.texts.values())
        kinds = tuple(sorted(operations))  # the order of the edges changes no count, which the tests show
        if kinds not in known:
            known[kinds] = parameters_in_pytorch(operations)
        assert verdict.ok and verdict.params == known[kinds], operations
        compared += 1
    return {"compared": compared, "built in PyTorch": len(known), "ms per member": round(1e3 * seconds / compared, 2)}


def regnet(number: int | None) -> dict[str, object]:
    space = read_space("regnet_design_space")
    before = time.process_time()
    counted = count(space, Judge(space), drawn=number or 10_000)
    seconds = time.process_time() - before
    share = {reason: counted.reasons[reason] for reason in counted.reasons}
    return {
        "combinations": counted.tried, "members": counted.members, "excluded": share, "seconds": round(seconds, 1),
        "ms per combination": round(1e3 * seconds / counted.tried, 2),
    }  # fmt: skip


def meta(number: int | None) -> dict[str, object]:
    from benchmarks.nas_bench_201 import costs_in_pytorch

    space = read_space("nas_bench_201")
    judge, chosen = Judge(space), list(_members(space, number or 200))
    judged, built = [], []
    for member in chosen:
        times = [time.process_time()]
        verdict = judge(member)
        times.append(time.process_time())
        costs = costs_in_pytorch(tuple(member.texts.values()))
        times.append(time.process_time())
        assert (verdict.params, verdict.macs) == costs, member.texts
        judged.append(times[1] - times[0])
        built.append(times[2] - times[1])
    ours, theirs = (1e3 * sorted(values)[len(values) // 2] for values in (judged, built))
    return {
        "members": len(chosen),
        "ms to judge": round(ours, 2),
        "ms in PyTorch on meta": round(theirs, 2),
        "ratio": round(theirs / ours, 1),
    }


if __name__ == "__main__":
    chosen = {"nas": nas, "regnet": regnet, "meta": meta}[sys.argv[1]]
    print(json.dumps(chosen(int(sys.argv[2]) if len(sys.argv) > 2 else None), indent=2))
