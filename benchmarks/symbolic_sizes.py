"""What symbolic sizes cost: the check of a network with symbolic sizes beside the same with fixed ones.

python benchmarks/symbolic_sizes.py [--quick]
"""

from __future__ import annotations

import gc
import statistics
import sys
from collections.abc import Callable
from functools import partial

from archdsl import driver
from archdsl.limits import DEFAULT
from benchmarks.measure import ROOT, Section, paired, print_sections, ratios, seconds, verdict

CHAIN = "network net {{\n  input image [3, H, W]\n  repeat {halvings} {{ conv(3, 3, 2) -> bn -> relu }}\n  {end}\n}}\n"
JOIN = "concat { x; { conv(3, 3, 2) -> upsample(2) } }"


def spec(name: str, size: int) -> tuple[str, str]:
    """A shipped network with its sizes open and fixed; without its claims about sizes, which only the fixed one can meet."""
    text = (ROOT / "specs" / name).read_text(encoding="utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.strip().startswith("expect x"))
    opened, fixed = "[channels, H, W]", f"[channels, {size}, {size}]"
    assert opened in text or fixed in text
    return text.replace(fixed, opened), text.replace(opened, fixed)


def check(text: str, network: str | None) -> float:
    """The milliseconds that a check takes."""
    gc.collect()
    return 1e3 * seconds(lambda: driver.compile_text(text, network).require())


def compared(rounds: int) -> Section:
    """Pairs of open and fixed."""
    section = Section(
        "Symbolic sizes",
        "The check of a network with open height and width, which decides the sizes that work, beside the check at fixed ones; "
        f"{rounds} pairs.",
        ["network", "open, ms", "fixed, ms", "ratio", "target", "verdict", "H and W must be"],
    )
    resnet = spec("resnet.arch", 224)
    unet = spec("unet.arch", 512)
    deep = tuple(text.replace("depth = 4", "depth = 8") for text in unet)
    cases = [("ResNet-152", "resnet152", *resnet, 3.0), ("U-Net", "unet", *unet, 3.0), ("U-Net of depth 8", "unet", *deep, None)]
    for name, network, opened, fixed, target in cases:
        ours, theirs = paired(partial(check, opened, network), partial(check, fixed, network), rounds=rounds)
        ratio = statistics.median(ratios(ours, theirs))
        words = (
            driver.compile_text(opened, network).sizes.sentences()[0].splitlines()[0].removeprefix("H and W must be ").rstrip(":")
        )
        section.rows.append(
            [name, f"{statistics.median(ours):.1f}", f"{statistics.median(theirs):.1f}", f"{ratio:.2f}",
             "" if target is None else f"≤ {target:.0f}", "" if target is None else verdict(ratio, target), words]
        )  # fmt: skip
    return section


def strides(rounds: int) -> Section:
    """The time by the total stride, up to the limit."""
    section = Section(
        "Long periods",
        "Steps of stride 2 with symbolic sizes, without and with a join at the end that has to be decided, by total stride. "
        f"{rounds} rounds. Sizes may repeat after {DEFAULT.period:,} values at most.",
        ["total stride", "median, ms", "with a join, ms", "target, ms", "verdict"],
    )
    for halvings in (2, 4, 6, 8, 10, 12):
        texts = [CHAIN.format(halvings=halvings, end=end) for end in ("relu", JOIN)]
        plain, joined = (
            statistics.median(column) for column in paired(*(partial(check, text, None) for text in texts), rounds=rounds)
        )
        target = 50 if halvings == 10 else None
        words = ["", ""] if target is None else [f"≤ {target}", verdict(joined, target)]
        section.rows.append([f"{2**halvings:,}", f"{plain:.1f}", f"{joined:.1f}", *words])
    return section


def measure(*, quick: bool) -> list[Section]:
    """Everything."""
    parts: list[Callable[[int], Section]] = [compared, strides]
    return [part(2 if quick else 30) for part in parts]


if __name__ == "__main__":
    print_sections(measure(quick="--quick" in sys.argv), as_json="--json" in sys.argv)
