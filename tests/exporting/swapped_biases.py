"""Exchange two numbers of a bias in an exported ONNX file, and count how often the comparison with the network finds it.

python -m tests.exporting.swapped_biases --trials 100 [NETWORK]
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

import torch

import archdsl
from archdsl.exporting.agreement import Agreement, worst
from archdsl.exporting.format import format_named
from archdsl.exporting.samples import points
from archdsl.exporting.subject import subject_of
from archdsl.exporting.write import export
from tests.exporting.test_agreement import BOUND, swap_bias
from tests.parity.measuring import scatter


def main() -> int:
    """Make the trials; return 1 if a change is not found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="?", default="digits_resnet")
    parser.add_argument("--trials", type=int, default=100)
    given = parser.parse_args()
    torch.manual_seed(0)
    network = archdsl.load(given.network)
    subject = subject_of(network, scatter(network.build(aux=False)).state_dict())
    agreement = Agreement(subject.interface, subject.reference(), points(network.graph, network.sizes))
    found, least = 0, float("inf")
    with tempfile.TemporaryDirectory() as folder:
        original, path = Path(folder) / "original.onnx", Path(folder) / "changed.onnx"
        export(subject, original)
        for seed in range(given.trials):
            shutil.copyfile(original, path)
            name = swap_bias(path, random.Random(seed))
            error = worst(agreement.measure(format_named("onnx").run(path))).error
            found, least = found + (error > BOUND), min(least, error)
            if error <= BOUND:
                print(f"trial {seed}: {name} changed, and the error is {error:.2g}")
    print(f"{found} of {given.trials} changes found; the least error is {least:.2g}, the bound {BOUND:g}")
    return 0 if found == given.trials else 1


if __name__ == "__main__":
    sys.exit(main())
