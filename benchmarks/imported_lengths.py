"""How long imported texts are beside the hand-written ones of the same networks: lines that are neither blank nor comments.

    python benchmarks/imported_lengths.py                          # the first 18 families that came with archdsl
    python benchmarks/imported_lengths.py resnet50 --texts out     # some networks; the texts go to a folder

A network of each family is built from its spec, at 256x256 where that leaves sizes open, and imported. Counted are all
lines of the imported text, and those of the hand-written network with the blocks and constants that it uses; claims
count on both sides. The ratios were between 0.7 and 1.9; the largest is that of U-Net, whose loop over levels the
importer unrolls.
"""

from __future__ import annotations

import argparse
import re
import time
import warnings
from pathlib import Path

from archdsl.addresses import shipped_networks
from archdsl.diagnostics import SpecError
from archdsl.loading import load
from benchmarks.round_trips import text_of

FAMILIES = """\
vgg16 unet resnet50 resdrop110 googlenet densenet121 mobilenet_v2 lenet inception_v3 efficientnet_b0 convnext_tiny alexnet
shakeshake26_2x32d seresnet50 preresnet18 resnet110 densenet40 darknet53
""".split()
MOST = 2.0
"""The largest ratio that an imported text may have."""


def main() -> None:
    """Print a line for each network, and how many texts are too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="networks; default: one of each of the first 18 families")
    parser.add_argument("--texts", type=Path, help="a folder for the texts")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    long = []
    print("| network | hand-written | imported | ratio | seconds |\n| --- | ---: | ---: | ---: | ---: |")
    for name in options.names or FAMILIES:
        start = time.process_time()
        try:
            text = text_of(load(name))
        except SpecError as error:
            long.append(name)
            print(f"| {name} | {len(hand_written(name))} | {' '.join(error.diagnostics[0].details())[:90]} | | |", flush=True)
            continue
        if options.texts:
            options.texts.mkdir(parents=True, exist_ok=True)
            (options.texts / f"{name}.arch").write_text(text)
        ours, theirs = len(lines_of(text)), len(hand_written(name))
        long += [name] if ours > MOST * theirs else []
        print(f"| {name} | {theirs} | {ours} | {ours / theirs:.2f} | {time.process_time() - start:.1f} |", flush=True)
    print(f"not imported, or more than {MOST:g} times as long: {', '.join(long) or 'none'}")


def lines_of(text: str) -> list[str]:
    """Return the lines of a text that are neither blank nor comments."""
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def hand_written(name: str) -> list[str]:
    """Return the lines of a shipped network, and of the blocks and constants that it uses."""
    text = shipped_networks()[name].read_text(encoding="utf-8")
    definitions: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines_of(text):
        head = re.match(r"(?:block|network|let) (\w+)", line)
        if head:
            current = definitions.setdefault(head[1], [])
        current.append(line)
    wanted, found = [name], {}
    while wanted:
        one = wanted.pop()
        if one in definitions and one not in found:
            found[one] = definitions[one]
            wanted += re.findall(r"\w+", "\n".join(definitions[one]))
    return [line for lines in found.values() for line in lines]


if __name__ == "__main__":
    main()
