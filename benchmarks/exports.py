"""Export the networks that come with archdsl, and compare each file with its network at five or more valid sizes.

    python benchmarks/exports.py --results exports.jsonl [--formats pt2,onnx,aoti] [--most-macs 5e9] [NETWORK ...]

Without networks it exports all of `archdsl specs`, those with the fewest multiply-accumulates first. Each export runs in a
process of its own and adds a line to the results; exports that are in the results already are left out, so that a stopped run
goes on.
Weights are random, with norms and statistics that are not those of a fresh network. The command fails if an export does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

SUFFIXES = {"onnx": ".onnx", "pt2": ".pt2", "aoti": ".aoti.pt2", "openvino": ".xml", "torchscript": ".ts"}


def export_one(network: str, to: str) -> dict[str, Any]:
    """Return the certificate's numbers, or the error."""
    import torch

    import archdsl
    from archdsl.exporting.subject import subject_of
    from archdsl.exporting.write import export
    from tests.parity.measuring import scatter

    torch.set_num_threads(1)
    start = time.monotonic()
    net = archdsl.load(network)
    torch.manual_seed(0)
    subject = subject_of(net, scatter(net.build(aux=False)).state_dict())
    with tempfile.TemporaryDirectory() as folder:
        try:
            made = export(subject, Path(folder) / f"{network}{SUFFIXES[to]}", to)
        except archdsl.SpecError as error:
            found = error.diagnostic
            return {"error": f"{found.code} {found.message}", "seconds": time.monotonic() - start}
    return {
        "largest_error": made.largest_error, "sizes": len(made.sizes), "refused": len(made.refused),
        "seconds": time.monotonic() - start,
    }  # fmt: skip


def run(network: str, to: str, limit: int) -> dict[str, Any]:
    """Return the result of an export in a process of its own."""
    command = [sys.executable, __file__, "--one", network, "--formats", to]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return {"error": f"not finished after {limit} s"}
    lines = ended.stdout.strip().splitlines()
    if ended.returncode or not lines:
        return {"error": f"ended with {ended.returncode}: {ended.stderr.strip()[-300:]}"}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def cost(network: str) -> int:
    """Return the multiply-accumulates of a network, at sizes of 256 where they are symbolic."""
    import archdsl

    net = archdsl.load(network)
    macs = net.table().macs
    return macs if isinstance(macs, int) else 0 if macs is None else macs.value(dict.fromkeys(net.sizes.work, 256))


def main() -> int:
    """Export, and print a line for each; return 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--formats", default="pt2,onnx,aoti")
    parser.add_argument("--results", type=Path, default=Path("exports.jsonl"))
    parser.add_argument("--most-macs", type=float, default=float("inf"), help="leave out networks that are more expensive")
    parser.add_argument("--limit", type=int, default=3600, help="seconds for one export")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    formats = given.formats.split(",")
    if given.one:
        print(json.dumps(export_one(given.one, formats[0])))
        return 0
    names = given.networks or [
        network["name"]
        for entry in json.loads((ROOT / "specs" / "index.json").read_text()).values()
        for network in entry["networks"]
    ]
    known = {}
    if given.results.exists():
        known = {(line["network"], line["format"]): line for line in map(json.loads, given.results.read_text().splitlines())}
    costs = {name: cost(name) for name in names}
    failed = 0
    for to in formats:
        for name in sorted((name for name in names if costs[name] <= given.most_macs), key=costs.__getitem__):
            line = known.get((name, to))
            if line is None:
                line = {"network": name, "format": to, **run(name, to, given.limit)}
                with given.results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
            failed += "error" in line
            print(json.dumps(line), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
