"""Examine one program: load it, compare it with the interpreter in all respects, report where they differ."""

from __future__ import annotations

import random
import traceback
import warnings
from dataclasses import replace

import torch

import archdsl
from tests.attack.modules import compare_modules
from tests.attack.program import Program
from tests.attack.verdicts import Report, compare_counts, compare_fixed, compare_verdicts, load


def examine(program: Program, seed: int, export: bool = False) -> Report:
    """Return the comparisons of one program; a traceback of archdsl is a disagreement too."""
    torch.set_num_threads(1)
    report = Report(disagreements=[])
    report.counts["programs"] += 1
    chance = random.Random(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = load(program)
            points = compare_verdicts(program, found, report, chance)
            if isinstance(found, archdsl.SpecError) or not points:
                return report
            if not program.symbols and points[0].run:
                compare_counts(found, points[0].run, report)
            compare_fixed(program, points, report, chance)
            compare_modules(program, found, points, report, chance, export)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{last.filename.rpartition('/')[2]}:{last.name}"
            report.differ(f"traceback: {type(error).__name__} in {where}", f"{error} (line {last.lineno})")
    return report


def kinds(program: Program, seed: int, export: bool = False) -> set[str]:
    """Return the classes of the disagreements on a program, in the plain style."""
    return {each.kind for each in examine(replace(program, style=0), seed, export).disagreements}
