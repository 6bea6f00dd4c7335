"""Random networks that merge symbolic sizes, compared with the same networks at fixed sizes.

`python -m tests.fuzz.token_programs --seconds 60 --seed 1`. A pair of sizes must be valid exactly if the network with these
numbers is, with the shapes that the formulas say; what is refused as undecided (E0307, E0309) is only counted.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from random import Random

from archdsl.driver import Compiled, compile_text

SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 21)
UNDECIDED = {"E0307", "E0309"}
_SPATIAL = (
    "maxpool(2)", "maxpool(3)", "upsample(2)", "upsample([3, 1])", "maxpool([2, 1])", "conv(4, 3, pad = 0)",
    "conv(4, 2, stride = 2, pad = 0)",
    "pad(1)", "maxpool(2) -> upsample(2)", "maxpool([1, 3]) -> upsample([1, 3])",
    "conv(4, 3, stride = 2)", "maxpool(2, ceil = true)",
)  # fmt: skip
_MERGED = (
    "relu", "pad(before = 1, after = 0)", "transpose(0, 1) -> ln(axis = -1) -> transpose(0, 1)", "reshape([4, -1])",
    "reshape([2, 2, -1]) -> reshape([4, -1])",
    "conv(4, 3)", "conv(4, 2, pad = 0)", "slice(0..2, axis = 1)", "maxpool(2)", "flatten -> reshape([4, -1])", "instance_norm",
)  # fmt: skip


def program(random: Random, *, square: bool) -> str:
    """Return the body of a network: two branches of an image, each merged to tokens, which are then joined."""
    lines = ["start: conv(4, 1)"]
    names = []
    for name in ("a", "b")[: random.randint(1, 2)]:
        stages = [
            "start",
            *random.sample(_SPATIAL, random.randint(0, 2)),
            "reshape([4, -1])",
            *random.sample(_MERGED, random.randint(0, 2)),
        ]
        lines.append(f"{name}: {{ {' -> '.join(stages)} }}")
        names.append(name)
    if random.random() < 0.15:
        lines.append(f"input other [4, {random.choice(('16', '36', 'N * N' if square else 'H * W'))}]")
        names.append("other")
    lines.append(f"{random.choice(('add', 'add', 'add', 'mul', 'concat'))} {{ {'; '.join(names)} }}")
    return "\n  ".join(lines)


def network(body: str, shape: str, names: dict[str, int] | None = None) -> Compiled:
    """Return what becomes of a body, with numbers for the symbols."""
    lets = "".join(f"let {name} = {number}\n  " for name, number in (names or {}).items())
    return compile_text(f"network net {{\n  {lets}input image {shape}\n  {body}\n}}\n")


def disagreement(random: Random, outcomes: Counter[str]) -> str | None:
    """Return what a random network and its fixed versions disagree about; None if they agree."""
    square = random.random() < 0.4
    body, symbols = program(random, square=square), ("N", "N") if square else ("H", "W")
    compiled = network(body, f"[3, {', '.join(symbols)}]")
    codes = {found.code for found in compiled.diagnostics if found.is_error}
    outcomes[" ".join(sorted(codes)) or "accepted"] += 1
    if codes & UNDECIDED:
        return None
    for at in _choices(symbols, random):
        fixed = network(body.replace("H * W", f"{at[symbols[0]] * at[symbols[1]]}").replace("N * N", f"{at[symbols[0]] ** 2}"),
                        f"[3, {at[symbols[0]]}, {at[symbols[1]]}]")  # fmt: skip
        allowed = compiled.ok and compiled.sizes.works(at)
        if allowed != fixed.ok:
            return f"{'accepted' if allowed else 'refused'} at {at}, and not with these numbers:\n{body}"
        if compiled.graph is not None and fixed.graph is not None and allowed:
            for symbolic, number in zip(compiled.graph.main.values, fixed.graph.main.values, strict=True):
                if tuple(size if isinstance(size, int) else size.value(at) for size in symbolic.shape) != number.shape:
                    return f"{symbolic.shape} is {number.shape} at {at}:\n{body}"
    return None


def _choices(symbols: tuple[str, str], random: Random) -> Iterator[dict[str, int]]:
    for _ in range(12):
        yield {symbol: random.choice(SIZES) for symbol in symbols}
    for size in (12, 24, 42):
        yield dict.fromkeys(symbols, size)


def main() -> None:
    """Run, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    outcomes: Counter[str] = Counter()
    end, index = time.monotonic() + given.seconds, 0
    while time.monotonic() < end:
        found = disagreement(Random(1_000_000 * given.seed + index), outcomes)
        if found is not None:
            print(f"program {index}: {found}\n")
        index += 1
    print(index, "programs:", ", ".join(f"{codes} {count}" for codes, count in outcomes.most_common()))


if __name__ == "__main__":
    main()
