"""`archdsl diff`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import Result

Cli = Callable[..., Result]

BLOCKS = "block unit(width, k = 3) {\n  skip { conv(width, k) -> bn -> relu -> conv(width, 3) -> bn }\n  relu\n}\n"
NET = """import "blocks.arch" as b
network net { input image [3, 32, 32]; conv(16, 3) -> bn -> relu; repeat 6 { b.unit(16) }; gap; flatten; fc: linear(10) }
network other { input image [3, 32, 32]; conv(16, 3) -> bn -> relu }
"""
WIDER = """net
~  unit ×6  conv(16, 3, bias = false): k 3 -> 5
params  28,666 -> 53,242 (+85.7 %)
MACs    28,754,080 -> 53,919,904 (+87.5 %)
keys    74 of 80 load; 6 of another shape (3.0.weight, ...)
"""


def git(*arguments: str) -> str:
    """Run Git in the current folder."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(cli: Cli) -> Cli:
    """The command line in a repository with two commits of which the second changes the block that `sub/net.arch` imports."""
    git("init", "-q")
    Path("sub").mkdir()
    Path("sub/blocks.arch").write_text(BLOCKS)
    Path("sub/net.arch").write_text(NET)
    git("add", ".")
    git("commit", "-qm", "one")
    Path("sub/blocks.arch").write_text(BLOCKS.replace("k = 3", "k = 5"))
    Path("new.arch").write_text("network fresh { input image [3, 8, 8]; relu }")
    git("add", ".")
    git("commit", "-qm", "two")
    return cli


def test_revisions(repository: Cli) -> None:
    assert repository("diff", "--git", "HEAD~1", "sub/net.arch:net").stdout == WIDER
    assert repository("diff", "--git", "HEAD~1..HEAD", "sub/net.arch").stdout == f"{WIDER}\n1 network is equal\n"
    assert repository("diff", "--git", "HEAD", "sub/net.arch").stdout == "2 networks are equal\n"
    wanted = WIDER.replace("net\n", "sub/net.arch:net\n", 1) + "\n+ network new.arch:fresh\n\n1 network is equal\n"
    for revisions in ("HEAD~1", "HEAD~1..", "HEAD~1...HEAD"):
        assert repository("diff", "--git", revisions).stdout == wanted, revisions
    assert repository("diff", "--git", "HEAD").stdout == "no network has changed\n"
    assert "- network new.arch:fresh" in repository("diff", "--git", "HEAD..HEAD~1").stdout
    git("mv", "new.arch", "kept.arch")
    assert "+ network kept.arch:fresh\n- network new.arch:fresh\n" in repository("diff", "--git", "HEAD").stdout
    assert git("status", "--short").splitlines() == ["R  new.arch -> kept.arch"]


def test_exit_code(repository: Cli) -> None:
    assert repository("diff", "--git", "HEAD", "sub/net.arch", "--exit-code").exit_code == 0
    assert repository("diff", "--git", "HEAD~1", "sub/net.arch", "--exit-code").exit_code == 1
    assert repository("diff", "--git", "HEAD~1", "sub/net.arch").exit_code == 0
    Path("label.arch").write_text("network fresh { input image [3, 8, 8]; name: conv(3, 3) }")
    Path("other.arch").write_text("network fresh { input image [3, 8, 8]; title: conv(3, 3) }")
    renamed = repository("diff", "label.arch", "other.arch", "--exit-code")
    assert (renamed.exit_code, "the graphs are equal\n" in renamed.stdout) == (1, True)


def test_a_comment_for_a_review(repository: Cli) -> None:
    text = repository("diff", "--git", "HEAD~1", "--format", "markdown").stdout
    assert "### sub/net.arch:net\n\n```diff\n! unit ×6  conv(16, 3, bias = false): k 3 -> 5\n```\n" in text
    assert "| params | 28,666 | 53,242 | +85.7 % |" in text and "- new network new.arch:fresh" in text


def test_data(repository: Cli) -> None:
    found = json.loads(repository("diff", "--git", "HEAD~1", "sub/net.arch:net", "--format", "json").stdout)
    (pair,) = found["networks"]
    (change,) = pair["changes"]
    assert (found["equal"], pair["equal_graphs"], found["added"]) == (False, False, [])
    assert (change["kind"], change["where"], change["instances"], change["times"]) == ("changed", "unit", 6, 6)
    assert change["arguments"] == [{"name": "k", "values": [{"before": "3", "after": "5"}]}]
    assert change["before"] == change["after"] == [f"{i}.0" for i in range(3, 9)]
    assert change["place_after"] == "sub/blocks.arch:2:10"
    assert pair["totals"]["depth"] == {"before": 14, "after": 14}
    assert len(pair["keys"]["reshaped"]) == 6 and pair["ops"]["equal"] == pair["ops"]["before"] - 6


def test_pictures(repository: Cli) -> None:
    assert repository("diff", "--git", "HEAD~1", "sub/net.arch:net", "-o", "diff.svg").exit_code == 0
    drawn = ElementTree.parse("diff.svg").getroot()
    words = " ".join("".join(text.itertext()) for text in drawn.iter("{http://www.w3.org/2000/svg}text"))
    assert words.count("~ 3×3 conv, 16") == 1 and words.count("~ 5×5 conv, 16") == 1 and "− removed" in words
    several = repository("diff", "--git", "HEAD~1", "sub/net.arch", "-o", "other.svg")
    assert (several.exit_code, Path("other.svg").exists()) == (1, False) and "error[E0606]" in several.stderr


def test_a_page(repository: Cli) -> None:
    assert repository("diff", "--git", "HEAD~1", "-o", "diff.html").exit_code == 0
    page = Path("diff.html").read_text(encoding="utf-8")
    assert '<tr class="changed"><td class="sign" aria-label="changed">~</td>' in page
    assert "unit ×6" in page and "network new.arch" not in page and "new.arch:fresh" in page and page.count("<svg") == 3


def test_repetitions_in_a_picture(cli: Cli) -> None:
    Path("net.arch").write_text(
        "block unit { conv(8, 3) -> relu -> bn }\nnetwork net(n = 3) { input i [8, 8, 8]; repeat n { unit } }"
    )
    assert cli("diff", "net.arch", "net.arch", "--set-after", "n=5", "-o", "diff.svg").exit_code == 0
    drawn = "".join(ElementTree.parse("diff.svg").getroot().itertext())
    assert "+ 2 added" in drawn and "removed" in drawn and drawn.count("×5") >= 1


def test_files(cli: Cli) -> None:
    Path("one.arch").write_text("network a { input i [3, 8, 8]; relu }\nnetwork b { input i [3, 8, 8]; relu }")
    Path("two.arch").write_text("network b { input i [3, 8, 8]; gelu }\nnetwork c { input i [3, 8, 8]; relu }")
    assert cli("diff", "one.arch", "two.arch").stdout == "b\n~    relu -> gelu\n\n+ network c\n- network a\n".replace(
        "~    ", "~  "
    )
    assert cli("diff", "one.arch:a", "two.arch:c").stdout == "a -> c: no differences\n"
    assert cli("diff", "one.arch:b", "two.arch").stdout == "b\n~  relu -> gelu\n"
    assert "error[E0208]" in cli("diff", "one.arch:a", "two.arch").stderr
    text = "network b { input i [3, 8, 8]; relu }"
    assert cli("diff", "-", "two.arch:b", input=text).stdout == "b\n~  relu -> gelu\n"
    inputs = "network b { input i [3, 8, 8]; input j [3, 8, 8]; add { i; j }; relu }"
    assert cli("diff", "-", "two.arch:b", input=inputs).stdout.splitlines()[1:4] == [
        "-  input j [3, 8, 8]",
        "-  add",
        "~  relu -> gelu",
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--git", "nope", "sub/net.arch"], 1, "error[E0609]: the repository has no revision 'nope'"),
        (["--git", "--help=1", "sub/net.arch"], 1, "error[E0609]: the repository has no revision '--help=1'"),
        (["--git", "HEAD", "missing.arch"], 1, "error[E0609]: there is no file 'missing.arch' in HEAD"),
        (["--git", "HEAD~1", "late.arch"], 1, "error[E0609]: there is no file 'late.arch' in HEAD~1"),
        (["--git", "HEAD", "/dev/null"], 1, "error[E0609]: /dev is in no Git repository"),
        (["--git", "HEAD", "nowhere/net.arch"], 1, "error[E0601]: cannot read nowhere"),
        (["sub/net.arch", "bad.arch"], 1, "error[E0102]"),
        (["sub/net.arch:net", "sub/net.arch:none"], 1, "error[E0208]"),
        (["sub/net.arch"], 2, "name two networks or files; `--git REV FILE`"),
        (["a", "b", "c"], 2, "name two networks or files"),
        (["-", "-"], 2, "only one of the networks can be on standard input"),
        (["--git", "HEAD", "a", "b"], 2, "--git takes one file"),
        (["--git", "HEAD", "-"], 2, "--git takes a file"),
        (["--git", "HEAD", "sub/net.arch", "--set-after", "a=1"], 2, "use --set"),
        (["resnet18", "resnet34", "-o", "diff.pdf"], 2, "says no format"),
        (["sub/net.arch", "sub/net.arch", "--format", "text", "-o", "sub/blocks.arch"], 1, "error[E0606]"),
    ],
)
def test_what_is_refused(repository: Cli, arguments: list[str], status: int, said: str) -> None:
    Path("bad.arch").write_text("network bad { input i [3")
    Path("late.arch").write_text("network late { input i [3]; relu }")
    shown = repository("diff", *arguments)
    assert shown.exit_code == status and said in shown.stderr and shown.stdout == "", shown.output
    assert Path("sub/blocks.arch").read_text() == BLOCKS.replace("k = 3", "k = 5")


def test_old_versions_are_read_as_they_were(repository: Cli) -> None:
    """An import of the old version reads the old file, even if only the working folder has it; and its errors say where."""
    Path("uses.arch").write_text('import "late.arch" as l\nnetwork uses { input i [3]; l.u }')
    git("add", "uses.arch")
    git("commit", "-qm", "three")
    Path("late.arch").write_text("block u { relu }")
    assert "error[E0609]: there is no file 'late.arch' in HEAD" in repository("diff", "--git", "HEAD", "uses.arch").stderr
    Path("late.arch").write_text("block u { relu(1) }")
    git("add", "late.arch")
    git("commit", "-qm", "four")
    Path("late.arch").write_text("block u { relu }")
    wrong = repository("diff", "--git", "HEAD", "uses.arch")
    assert wrong.exit_code == 1 and "= in HEAD\n" in wrong.stderr


def test_links_and_names_of_files(repository: Cli) -> None:
    """Git stores for a link the name of a file, which is no spec; and a name of a file may hold anything."""
    Path("link.arch").symlink_to("new.arch")
    git("add", "link.arch")
    git("commit", "-qm", "three")
    assert repository("diff", "--git", "HEAD").stdout == "no network has changed\n"
    assert repository("diff", "--git", "HEAD", "link.arch").stdout == "fresh: no differences\n"
    Path("# a\nb.arch").write_text("network odd { input i [3]; relu }")
    assert repository("diff", "--git", "HEAD").stdout == "+ network # a\\x0ab.arch:odd\n"
    assert "\n- new network \\# a\\\\x0ab.arch:odd\n" in repository("diff", "--git", "HEAD", "--format", "markdown").stdout
    git("add", ".")
    git("commit", "-qm", "four")
    Path("# a\nb.arch").write_text("network odd { input i [3]; gelu }")
    assert "### \\# a\\\\x0ab.arch:odd\n" in repository("diff", "--git", "HEAD", "--format", "markdown").stdout
    ElementTree.fromstring(repository("diff", "--git", "HEAD", "--format", "svg").stdout)


def test_without_git(repository: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "error[E0609]: Git cannot be started" in repository("diff", "--git", "HEAD", "new.arch").stderr


def test_a_file_with_errors_does_not_stop_the_others(repository: Cli) -> None:
    """It is listed in every format, and its errors are on standard error, with the revision that has them."""
    Path("broken.arch").write_text("network wrong { input image [3, 8, 8]; conv(16, 3)\n")
    Path("bytes.arch").write_bytes(b"network other { input image [3, 8, 8]; relu } # \xff")
    git("add", ".")
    git("commit", "-qm", "three")
    Path("broken.arch").write_text("network wrong { input image [3, 8, 8]; conv(16, 3) }\n")
    Path("bytes.arch").write_text("network other { input image [3, 8, 8]; relu }")
    result = repository("diff", "--git", "HEAD~1...")
    assert result.exit_code == 1 and "? broken.arch: not compared: this `{` is never closed" in result.stdout
    result = repository("diff", "--git", "HEAD~2")
    assert result.exit_code == 0 and "+ network broken.arch:wrong\n" in result.stdout
    result = repository("diff", "--git", "HEAD")
    listed = [line.split(": ")[0] for line in result.stdout.splitlines()]
    assert result.exit_code == 1 and listed == ["? broken.arch", "? bytes.arch"]
    assert "HEAD:broken.arch:1" in result.stderr and "HEAD:bytes.arch is not UTF-8" in result.stderr
    found = json.loads(repository("diff", "--git", "HEAD", "--format", "json").stdout)
    assert not found["equal"] and [one["file"] for one in found["failed"]] == ["broken.arch", "bytes.arch"]
    assert "- broken.arch is not compared: this" in repository("diff", "--git", "HEAD", "--format", "markdown").stdout
    assert "<td>broken.arch</td>" in repository("diff", "--git", "HEAD", "--format", "html").stdout
