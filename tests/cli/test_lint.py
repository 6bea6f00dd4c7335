"""`archdsl lint`, and SARIF."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Cli = Callable[..., Result]
ROOT = Path(__file__).parents[2]

WARNED = "network net(spare = 1) {\n  input image [3, 8, 8]\n  let half = 4\n  conv(8, 3) -> relu\n}\n"
NOTED = "network net {\n  input image [3, 8, 8]\n  lrn(5, alpha = 0.0001)\n}\n"
CLEAN = "network net {\n  input image [3, 8, 8]\n  conv(8, 3) -> relu\n}\n"
WRONG = "network net {\n  input image [3, 8, 8]\n  conv(8, 3) -> reluu\n}\n"


def test_exit_status(cli: Cli) -> None:
    for name, text in (("warned", WARNED), ("clean", CLEAN)):
        Path(f"{name}.arch").write_text(text)
    assert cli("lint", "clean.arch").exit_code == 0
    shown = cli("lint")
    assert shown.exit_code == 1 and shown.stdout == "" and shown.stderr.count("warning[W0102]") == 2
    assert cli("check", "warned.arch").exit_code == 0
    assert cli("lint", "--allow", "W0102").exit_code == 0
    denied = cli("lint", "--deny", "W0102")
    assert denied.exit_code == 1 and "error[W0102]" in denied.stderr


def test_notes_do_not_change_the_status(cli: Cli) -> None:
    from archdsl.diagnostics.codes.table import CODES

    Path("net.arch").write_text(CODES["N0301"].bad + "\n")
    shown = cli("lint", "--select", "N0301")
    assert shown.exit_code == 0 and "note[N0301]" in shown.stderr
    assert cli("lint", "--select", "N0301", "--warn", "N0301").exit_code == 1


def test_select(cli: Cli) -> None:
    Path("warned.arch").write_text(WARNED)
    assert cli("lint", "--select", "w0102").stderr.count("W0102") == 2
    assert cli("lint", "--select", "W0101").exit_code == 0
    assert cli("lint", "--select", "E").exit_code == 0
    Path("wrong.arch").write_text(WRONG)
    shown = cli("lint", "--select", "E")
    assert shown.exit_code == 1 and "error[E0201]" in shown.stderr and "W0102" not in shown.stderr
    for code, said in (("W9999", "no code"), ("E0201", "is an error"), ("x", "no code")):
        refused = cli("lint", "--select", code)
        assert refused.exit_code == 2 and said in refused.stderr


def test_fix(cli: Cli) -> None:
    Path("a.arch").write_text(WARNED)
    Path("b.arch").write_text(WARNED)
    shown = cli("lint", "--fix", "a.arch")
    assert shown.exit_code == 1 and "a.arch:3:3: fixed W0102" in shown.stderr
    assert "let half" not in Path("a.arch").read_text() and Path("b.arch").read_text() == WARNED
    assert cli("lint", "--fix", "--select", "W0101", "b.arch").exit_code == 0 and Path("b.arch").read_text() == WARNED
    shown = cli("lint", "--fix", "-", input=WARNED)
    assert shown.stdout == WARNED.replace("  let half = 4\n", "") and "<stdin>:3:3: fixed W0102" in shown.stderr
    for arguments in (["-", "a.arch"], ["-", "--format", "json"]):
        assert cli("lint", "--fix", *arguments, input=WARNED).exit_code == 2


def test_data(cli: Cli) -> None:
    Path("a.arch").write_text(WARNED)
    Path("b.arch").write_text(WRONG)
    found = json.loads(cli("lint", "--format", "json", "a.arch", "b.arch", "nowhere.arch").stdout)["diagnostics"]
    assert [one["code"] for one in found].count("W0102") == 2 and {one["code"] for one in found} >= {"E0201", "E0601"}
    lines = cli("lint", "--format", "github", "a.arch").stdout.splitlines()
    assert len(lines) == 2 and all(line.startswith("::warning file=a.arch,line=") for line in lines)


@pytest.mark.parametrize("command", ["lint", "check"])
def test_sarif(cli: Cli, command: str) -> None:
    Path("a b.arch").write_text(WRONG.replace("conv(8, 3) -> reluu", "conv(8, k : 3)\n  reluu"))
    shown = cli(command, "a b.arch", "--format", "sarif")
    log = json.loads(shown.stdout)
    assert shown.exit_code == 1 and shown.stderr == ""
    (run,) = log["runs"]
    _validate(log)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    results = {result["ruleId"]: result for result in run["results"]}
    assert set(results) == set(rules) >= {"E0105"}
    fix = results["E0105"]["fixes"][0]
    (change,) = fix["artifactChanges"]
    (replacement,) = change["replacements"]
    region = replacement["deletedRegion"]
    assert change["artifactLocation"]["uri"] == "a%20b.arch" and fix["properties"]["certain"]
    text = Path("a b.arch").read_text()
    fixed = (
        text[: region["charOffset"]]
        + replacement["insertedContent"]["text"]
        + text[region["charOffset"] + region["charLength"] :]
    )
    assert "k = 3" in fixed


def test_sarif_without_findings(cli: Cli) -> None:
    log = json.loads(cli("lint", "-", "--format", "sarif", input=CLEAN).stdout)
    _validate(log)
    assert log["runs"][0]["results"] == []
    log = json.loads(cli("lint", "nowhere.arch", "--format", "sarif").stdout)
    _validate(log)
    assert log["runs"][0]["results"][0]["locations"] == []


_REQUIRED: dict[str, dict[str, Any]] = {
    "log": {"version": str, "runs": ["run"]},
    "run": {"tool": "tool", "results": ["result"], "columnKind": str},
    "tool": {"driver": "driver"},
    "driver": {"name": str, "version": str, "rules": ["rule"]},
    "rule": {"id": str, "shortDescription": "text", "fullDescription": "text", "defaultConfiguration": dict},
    "result": {"ruleId": str, "ruleIndex": int, "level": str, "message": "text", "locations": ["location"]},
    "location": {"physicalLocation": "physical"},
    "physical": {"artifactLocation": "artifact", "region": "region"},
    "artifact": {"uri": str},
    "region": {"startLine": int, "startColumn": int, "endLine": int, "endColumn": int, "charOffset": int, "charLength": int},
    "fix": {"artifactChanges": ["change"], "description": "text"},
    "change": {"artifactLocation": "artifact", "replacements": ["replacement"]},
    "replacement": {"deletedRegion": "region", "insertedContent": "text"},
    "text": {"text": str},
}
"""What sarif-schema-2.1.0.json requires of the objects that archdsl writes, and what archdsl always adds."""
_OPTIONAL = {
    "log": {"$schema"},
    "result": {"relatedLocations", "fixes"},
    "location": {"message", "id"},
    "fix": {"properties"},
}


def _validate(value: Any, kind: str = "log") -> None:
    required = _REQUIRED[kind]
    assert required.keys() <= value.keys() <= required.keys() | _OPTIONAL.get(kind, set()), (kind, value)
    for key, expected in required.items():
        if isinstance(expected, list):
            for item in value[key]:
                _validate(item, expected[0])
        elif isinstance(expected, str):
            _validate(value[key], expected)
        else:
            assert isinstance(value[key], expected)
    if kind == "log":
        assert value["version"] == "2.1.0"
    if kind == "region":
        assert 1 <= value["startLine"] <= value["endLine"] and value["startColumn"] >= 1 and value["charLength"] >= 0
    if kind == "result":
        assert value["level"] in ("error", "warning", "note") and value["message"]["text"]
        for part, name in (("relatedLocations", "location"), ("fixes", "fix")):
            for item in value.get(part, ()):
                _validate(item, name)


def test_hooks_of_pre_commit(cli: Cli) -> None:
    """The file is read without a parser for YAML: it is a list of flat mappings."""
    hooks: dict[str, dict[str, str]] = {}
    for entry in (ROOT / ".pre-commit-hooks.yaml").read_text().removeprefix("- ").split("\n- "):
        hook = dict(line.strip().split(": ", 1) for line in entry.strip().splitlines())
        hooks[hook["id"]] = hook
    assert set(hooks) == {"archdsl-fmt", "archdsl-check", "archdsl-lint"}
    assert all(hook["language"] == "python" and hook["files"] == r"\.arch$" for hook in hooks.values())
    Path("a.arch").write_text(WARNED.replace("[3, 8, 8]", "[3,8,8]"))
    Path("b.arch").write_text(CLEAN)

    def run(name: str, *files: str) -> Result:
        command, *arguments = shlex.split(hooks[name]["entry"])
        assert command == "archdsl"
        return cli(*arguments, *files)

    assert run("archdsl-check", "a.arch", "b.arch").exit_code == 0
    assert run("archdsl-lint", "a.arch", "b.arch").exit_code == 1 and run("archdsl-lint", "b.arch").exit_code == 0
    assert run("archdsl-fmt", "a.arch", "b.arch").stdout == "a.arch\n" and Path("a.arch").read_text() == WARNED
    Path("b.arch").write_text(WRONG)
    assert run("archdsl-check", "a.arch", "b.arch").exit_code == 1
