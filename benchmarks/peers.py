"""Whole processes against the programs nearest in kind: checking one residual block, and ResNet-152.

    python benchmarks/peers.py [--quick]

They live in .peers, where `make bench` installs them, each without what only its developers need. HNDL and MLnode are measured
with the block alone. NeuroScript is not measured: no package registry has it.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
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
from benchmarks.peer_texts import aurane, n_orca, residual_block, resnet152

RECIPES = ROOT / "benchmarks" / "recipes"
PEERS = ROOT / ".peers" / "peers" / "bin"
ARCHDSL = ROOT / ".peers" / "archdsl" / "bin"
RESNET152 = "specs/resnet.arch:resnet152"
PARAMS = "60,192,808"
TORCH_TARGET = 0.2
"""At most this fraction of the CPU time of a peer that imports PyTorch."""
PYDANTIC_TARGET = 1.7
"""At most so many times the CPU time of a process that imports pydantic's `BaseModel` and does nothing else."""
VALIDATE = "import sys; from mlnode import MLnodeModel; sys.exit(not MLnodeModel.load(sys.argv[1]).validate().valid)"


@dataclass(frozen=True)
class Program:
    """A language, the network that is checked, and the commands for the network and for one that does not fit."""

    language: str
    network: str
    good: list[str]
    bad: list[str]
    target: float | None = None


def programs(folder: Path) -> list[Program]:
    """Return all programs; their texts are written into a folder."""
    block = (RECIPES / "residual_block.arch").read_text()
    check = [str(ARCHDSL / "archdsl"), "check"]
    wrong_block = _written(folder / "block.arch", block.replace("    conv(64, 3) -> bn\n", "    conv(32, 3) -> bn\n"))
    spec = (ROOT / "specs" / "resnet.arch").read_text()
    wrong_spec = _written(folder / "resnet.arch", spec.replace("conv3: conv(4 * width, 1,", "conv3: conv(2 * width, 1,"))
    found = [
        Program("archdsl", "ResNet-152", [*check, RESNET152], [*check, f"{wrong_spec}:resnet152"]),
        Program("archdsl", "one block", [*check, str(RECIPES / "residual_block.arch")], [*check, wrong_block]),
    ]
    for title, network in (("ResNet-152", resnet152()), ("one block", residual_block())):
        texts = [
            _written(folder / f"{i}_{network.name}.n.orca.md", n_orca(n)) for i, n in enumerate((network, network.spoiled()))
        ]
        good, bad = ([str(PEERS / "n-orca"), "verify", text] for text in texts)
        found.append(Program("n-orca 0.2", title, good, bad))
        texts = [_written(folder / f"{i}_{network.name}.aur", aurane(n)) for i, n in enumerate((network, network.spoiled()))]
        good, bad = ([str(PEERS / "aurane"), "check", text] for text in texts)
        found.append(Program("Aurane 3.0", title, good, bad))
    return [*found, _hndl(folder), _mlnode(folder)]


def _written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def _hndl(folder: Path) -> Program:
    """HNDL's check of a recipe; its input and output shapes are in the JSON file beside it."""
    check = [str(PEERS / "hndl"), "check"]
    recipe = (RECIPES / "residual_block.hndl").read_text()
    _written(folder / "block.json", (RECIPES / "residual_block.json").read_text())
    bad = _written(folder / "block.hndl", recipe.replace("\nconv(64", "\nconv(32"))
    return Program("HNDL 0.10", "one block", [*check, str(RECIPES / "residual_block.hndl")], [*check, bad], TORCH_TARGET)


def _mlnode(folder: Path) -> Program:
    """MLnode's validation of a graph, as the package's documentation writes it."""
    validate = [str(PEERS / "python"), "-c", VALIDATE]
    path = RECIPES / "residual_block.mlnode.json"
    bad = _written(folder / path.name, path.read_text().replace('"num_features": 64', '"num_features": 32'))
    return Program("MLnode 1.1", "one block", [*validate, str(path)], [*validate, bad], TORCH_TARGET)


def check_that_they_check(found: list[Program], env: dict[str, str]) -> None:
    """Each program takes what is timed here, and refuses the same with one width that does not fit."""
    table = subprocess.run(found[0].good, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
    if PARAMS not in table:
        raise RuntimeError(f"archdsl's table of ResNet-152 does not show {PARAMS} params")
    for program in found:
        run_process(program.good, env)
        run_process(program.bad, env, status=1)


def beside_peers(rounds: int) -> Section:
    """The comparison with each peer, on the same network."""
    env = plain_environment()
    section = Section(
        "Checking, as a process, beside other languages",
        "`archdsl check`, `n-orca verify`, `aurane check`, `hndl check` and MLnode's `validate`, of a residual block with two "
        f"convolutions and of ResNet-152; {rounds} rounds in turn after one to warm up, all from compiled bytecode. n-orca and "
        "Aurane have neither blocks nor loops: their ResNet-152 is written out, in 1,611 and 521 lines. HNDL and MLnode import "
        "PyTorch. Each program is first seen to refuse the same network with one width that does not fit. Fractions are of CPU "
        "time on the same network. Medians, with the least and the largest.",
        ["program", "network", "wall, s", "CPU, s", "peak memory, MiB", "archdsl's CPU time as a fraction", "target", "verdict"],
    )
    with tempfile.TemporaryDirectory() as folder:
        found = programs(Path(folder))
        check_that_they_check(found, env)
        runs: list[list[Process]] = paired(*[partial(run_process, program.good, env) for program in found], rounds=rounds)
    ours = {program.network: run for program, run in zip(found, runs, strict=True) if program.language == "archdsl"}
    for program, run in zip(found, runs, strict=True):
        cells = [program.language, program.network, spread([r.wall for r in run]), spread([r.cpu for r in run])]
        cells.append(f"{statistics.median(r.peak_mib for r in run):.0f}")
        if run is ours[program.network]:
            cells += ["", "", ""]
        else:
            share = ratios([r.cpu for r in ours[program.network]], [r.cpu for r in run])
            cells += [spread(share, ".3f"), *_judged(statistics.median(share), program.target, "<")]
        section.rows.append(cells)
    return section


def beside_pydantic(rounds: int) -> Section:
    """The CPU time of a check, beside that of importing pydantic, which judges arguments that are not plainly valid."""
    env = plain_environment()
    python = str(ARCHDSL / "python")
    commands = [[str(ARCHDSL / "archdsl"), "check", RESNET152], [python, "-c", "from pydantic import BaseModel"]]
    ours, theirs = paired(*[partial(run_process, command, env) for command in commands], rounds=rounds)
    times = ratios([r.cpu for r in ours], [r.cpu for r in theirs])
    section = Section(
        "`archdsl check` of ResNet-152, beside importing pydantic alone",
        f"CPU time of whole processes, {rounds} rounds in turn after one to warm up, from compiled bytecode.",
        ["network", "`archdsl check`, s", "`from pydantic import BaseModel`, s", "ratio", "target", "verdict"],
    )
    judged = _judged(statistics.median(times), PYDANTIC_TARGET, "≤")
    section.rows.append(["ResNet-152", spread([r.cpu for r in ours]), spread([r.cpu for r in theirs]), spread(times), *judged])
    return section


def _judged(value: float, target: float | None, sign: str) -> tuple[str, str]:
    return ("", "") if target is None else (f"{sign} {target}", verdict(value, target))


def measure(rounds: int) -> list[Section]:
    """The comparisons of processes."""
    return [beside_peers(rounds), beside_pydantic(rounds)]


if __name__ == "__main__":
    print_sections(measure(2 if "--quick" in sys.argv else 15), as_json="--json" in sys.argv)
