"""Whether LaTeX and Mermaid read the pictures that are written for them: of every shipped network, and with hostile names.

python benchmarks/picture_formats.py FOLDER [NETWORK ...]

The folder keeps the files. LaTeX is run as `pdflatex`; of Debian, texlive-latex-base and texlive-pictures suffice. Mermaid's own
parser is run by `node` if the folder has it: `npm install mermaid jsdom` there first. What is not installed is said, and not run.
The exit status is 1 if anything was not read.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from archdsl.addresses import shipped_networks
from archdsl.backends.diagram import build_diagram
from archdsl.backends.diagram.render import render_diagram
from archdsl.driver import compile_address
from archdsl.ir import Graph
from tests.backends.diagram.test_hostile import HOSTILE, hostile_graph

PARSE = """
import { JSDOM } from "jsdom";
import { readdirSync, readFileSync } from "node:fs";
const { window } = new JSDOM("");
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import("mermaid");
let wrong = 0;
for (const name of readdirSync(".").filter((name) => name.endsWith(".mmd"))) {
  try {
    const { diagramType } = await mermaid.parse(readFileSync(name, "utf8"));
    if (!diagramType.startsWith("flowchart")) throw new Error(diagramType);
  } catch (error) {
    wrong++;
    console.log(`${name}: ${String(error).slice(0, 300)}`);
  }
}
process.exit(wrong ? 1 : 0);
"""
BEGIN = r"\documentclass{article}\usepackage{tikz}\begin{document}\hoffset=-1in \voffset=-1in \newbox\picture" + "\n"
PAGE = (
    r"\setbox\picture\hbox{\input{%s}}\pdfpagewidth=\wd\picture \pdfpageheight=\dimexpr\ht\picture+\dp\picture\relax"
    r"\shipout\box\picture" + "\n"
)


def graphs(networks: Sequence[str]) -> Iterator[tuple[str, Graph]]:
    """The networks of these names, or all; and then those with hostile names."""
    for name, path in shipped_networks().items():
        if not networks or name in networks:
            yield name, compile_address(f"{path}:{name}").require()
    for number, text in enumerate(HOSTILE):
        yield f"hostile{number}", hostile_graph(text)


def write(folder: Path, networks: Sequence[str]) -> list[str]:
    """Write the pictures, and return their names."""
    names = []
    for name, graph in graphs(networks):
        names.append(name)
        diagram = build_diagram(graph)
        folder.joinpath(f"{name}.tex").write_bytes(render_diagram(diagram, "tikz"))
        folder.joinpath(f"{name}.mmd").write_bytes(render_diagram(diagram, "mermaid"))
    return names


def run(folder: Path, *command: str) -> bool:
    """Run a command in the folder, print its last lines if it fails, and return whether it did not."""
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        print(done.stdout.decode(errors="replace")[-2000:])
    return done.returncode == 0


def main(folder: Path, networks: Sequence[str]) -> bool:
    """Write the pictures, have them read, and return whether all were."""
    folder.mkdir(parents=True, exist_ok=True)
    names = write(folder, networks)
    read = []
    if shutil.which("pdflatex") is None:
        print("not run: pdflatex is not installed")
    else:
        folder.joinpath("all.tex").write_text(BEGIN + "".join(PAGE % name for name in names) + r"\end{document}" + "\n")
        read.append(run(folder, "pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"))
        print(f"pdflatex: {len(names)} pictures, {'all read' if read[-1] else 'not all read'}")
    if shutil.which("node") is None or not folder.joinpath("node_modules", "mermaid").is_dir():
        print("not run: the folder has no Mermaid; npm install mermaid jsdom")
    else:
        folder.joinpath("parse.mjs").write_text(PARSE)
        read.append(run(folder, "node", "parse.mjs"))
        print(f"mermaid: {len(names)} pictures, {'all read' if read[-1] else 'not all read'}")
    return all(read)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(not main(Path(sys.argv[1]), sys.argv[2:]))
