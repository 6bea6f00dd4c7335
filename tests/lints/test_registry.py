"""The registry names every rule, and every code of a warning or note has a rule or an origin elsewhere."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import archdsl.lints
from archdsl.diagnostics.codes.table import CODES, kinds
from archdsl.driver import check_text, compile_networks
from archdsl.lints import RULES, Rule, TreeRule
from archdsl.resources import shipped_files

ELSEWHERE = {"W0107", "W0110", "W0113", "W0127", "N0303"}
"""Blocks that are not called are elaborated; labels of data are read in training; comments are about the others;
values of a domain are tried one by one; claims at another size are skipped."""


def test_every_file_with_a_rule_is_registered() -> None:
    folder = Path(archdsl.lints.__file__).parent
    modules = [import_module(f"archdsl.lints.{path.stem}") for path in folder.glob("*.py") if path.stem != "__init__"]
    assert {module.RULE for module in modules if hasattr(module, "RULE")} == set(RULES)


def test_every_code_has_one_rule() -> None:
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes))
    assert {*codes, *ELSEWHERE} == {code for code in CODES if not code.startswith("E")}


def test_every_rule_has_a_kind_of_finding() -> None:
    assert {kind.code for kind in kinds()} >= {rule.code for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_finds_its_example_and_nothing_in_the_better_one(rule: Rule) -> None:
    entry = CODES[rule.code]
    assert [found.code for found in check_text(entry.bad)] == [rule.code]
    assert check_text(entry.good) == []


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.stem)
def test_shipped_specs_are_clean(path: Path) -> None:
    assert [found for _, _, compiled in compile_networks(path) for found in compiled.diagnostics] == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if isinstance(rule, TreeRule)], ids=lambda rule: rule.code)
def test_rules_on_the_text_run_beside_an_error_elsewhere(rule: TreeRule) -> None:
    broken = CODES[rule.code].bad + "\nnetwork broken { input image [3, 8, 8]; conv(0, 3) }\n"
    expected = {"E0402"} if rule.code == "W0111" else {"E0402", rule.code}
    assert {found.code for found in check_text(broken)} == expected


def test_local_rules_run_on_what_is_known_after_an_error() -> None:
    text = (
        "network n { input image [1, 3, 8, 8]; conv(64, 3) -> bn(64); conv(0, 3); input mask [3, 8, 8]; conv(64, 3) -> bn(64) }"
    )
    codes = [found.code for found in check_text(text)]
    assert codes.count("N0302") == 1 and codes.count("W0105") == 1 and "W0101" not in codes
