"""Runs the guide on importing in a process of its own: it may import torchvision, which the other tests must not see.

    PYTHONPATH=.references:. python tests/importers/page.py FOLDER [--torchvision]

Blocks marked `file NAME` are written; `arch imported FILE` is in that file, and `arch torchvision` in `resnet.arch`.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "import.md"
BLOCK = re.compile(r"^```(sh|python|text|arch)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def main(folder: str, torchvision: bool) -> None:
    os.chdir(folder)
    if torchvision:
        import torch

        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        torch.archdsl_library = library  # type: ignore[attr-defined]
    said = ""
    for kind, options, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        marks = options.split()
        if "torchvision" in marks and not torchvision:
            continue
        if marks[:1] == ["file"]:
            Path(marks[1]).write_text(text)
        elif kind == "python":
            said = _printed(lambda text=text: exec(compile(text, "import.md", "exec"), {}))  # type: ignore[misc]
        elif kind == "sh":
            said = _printed(lambda text=text, marks=marks: _run(text, 1 if "fails" in marks else 0))  # type: ignore[misc]
        elif kind == "arch":
            written = Path(marks[1] if marks[0] == "imported" else "resnet.arch").read_text()
            assert text.strip() in written, f"{text}\nis not in\n{written}"
        else:
            assert text in said, f"{text}\nis not in\n{said}"


def _printed(run: object) -> str:
    printed = StringIO()
    with redirect_stdout(printed), redirect_stderr(printed):
        run()  # type: ignore[operator]
    return printed.getvalue()


def _run(commands: str, status: int) -> None:
    from archdsl.cli import main as command_line

    for command in commands.splitlines():
        name, *arguments = shlex.split(command)
        assert name == "archdsl"
        found = command_line(arguments)
        assert found == status, f"{command}: {found}\n{sys.stderr.getvalue()}"  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(sys.argv[1], "--torchvision" in sys.argv)
