"""Whole processes against the programs nearest in kind: checking ResNet-152, against checking one residual block.

    python benchmarks/peers.py [--quick]

They live in .peers, where `make bench` installs them, each without what only its developers need.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measure import (
    ROOT,
    Process,
    Section,
    paired,
    plain_environment,
    print_sections,
    ratios,
    run_process,
    spread,
    verdict,
)

TARGET = 0.2
RECIPES = ROOT / "benchmarks" / "recipes"
PEERS = ROOT / ".peers" / "peers" / "bin"
ARCHDSL = [str(ROOT / ".peers" / "archdsl" / "bin" / "archdsl"), "check", "specs/resnet.arch:resnet152"]
PARAMS = "60,192,808"
VALIDATE = "import sys; from mlnode import MLnodeModel; sys.exit(not MLnodeModel.load(sys.argv[1]).validate().valid)"


def hndl(recipe: Path) -> list[str]:
    """The command that checks a recipe; its input and output shapes stand in the JSON file beside it."""
    return [str(PEERS / "hndl"), "check", str(recipe)]


def mlnode(graph: Path) -> list[str]:
    """The validation of a graph, as the package's documentation writes it."""
    return [str(PEERS / "python"), "-c", VALIDATE, str(graph)]


def check_that_they_check(env: dict[str, str]) -> None:
    """Each program takes what is timed here, and refuses the same with one width that does not fit."""
    table = subprocess.run(ARCHDSL, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    if PARAMS not in table:
        raise RuntimeError(f"archdsl's table of ResNet-152 does not show {PARAMS} params")
    with tempfile.TemporaryDirectory() as folder:
        bad = Path(folder)
        (bad / "block.json").write_text((RECIPES / "residual_block.json").read_text())
        recipe = (RECIPES / "residual_block.hndl").read_text()
        (bad / "block.hndl").write_text(recipe.replace("\nconv(64", "\nconv(32"))
        graph = (RECIPES / "residual_block.mlnode.json").read_text()
        (bad / "block.mlnode.json").write_text(graph.replace('"num_features": 64', '"num_features": 32'))
        for command, good in ((hndl, "residual_block.hndl"), (mlnode, "residual_block.mlnode.json")):
            run_process(command(RECIPES / good), env)
            run_process(command(bad / good.replace("residual_", "")), env, status=1)


def measure(rounds: int) -> list[Section]:
    """The comparison with each peer."""
    env = plain_environment()
    check_that_they_check(env)
    commands = {
        "archdsl 0.1, ResNet-152": ARCHDSL,
        "HNDL 0.10, one residual block": hndl(RECIPES / "residual_block.hndl"),
        "MLnode 1.1, one residual block": mlnode(RECIPES / "residual_block.mlnode.json"),
    }
    runs: list[list[Process]] = paired(*[partial(run_process, command, env) for command in commands.values()], rounds=rounds)
    section = Section(
        "Checking, as a process, beside HNDL and MLnode",
        f"`archdsl check specs/resnet.arch:resnet152` (a table of over 500 layers), `hndl check` and MLnode's `validate` of a "
        f"single residual block with two convolutions; {rounds} rounds in turn after one to warm up, all from compiled bytecode. "
        "Each is first seen to refuse the same network with one width that does not fit. Medians, "
        "with the least and the largest.",
        [
            "program",
            "wall, s",
            "CPU, s",
            "peak memory, MiB",
            "archdsl's wall time as a fraction",
            "CPU time as a fraction",
            "target",
            "verdict",
        ],
    )
    ours = runs[0]
    for name, theirs in zip(commands, runs, strict=True):
        cells = [
            spread([r.wall for r in theirs]),
            spread([r.cpu for r in theirs]),
            f"{statistics.median(r.peak_mib for r in theirs):.0f}",
        ]
        if theirs is ours:
            cells += ["", "", "", ""]
        else:
            wall = ratios([r.wall for r in ours], [r.wall for r in theirs])
            cpu = ratios([r.cpu for r in ours], [r.cpu for r in theirs])
            cells += [spread(wall, ".3f"), spread(cpu, ".3f"), f"< {TARGET}", verdict(statistics.median(wall), TARGET)]
        section.rows.append([name, *cells])
    return [section]


if __name__ == "__main__":
    print_sections(measure(2 if "--quick" in sys.argv else 15), as_json="--json" in sys.argv)
