"""Texts for tests of the tree: specs, documented examples, inputs of golden tests, mutants, unfinished statements."""

from __future__ import annotations

from pathlib import Path

from archdsl.diagnostics.codes.table import CODES
from archdsl.resources import resource_folder
from tests.fuzz.mutants import texts

ROOT = Path(__file__).parents[2]
SPECS = [path.read_text(encoding="utf-8") for path in sorted(resource_folder("specs").glob("*.arch"))]
GOLDEN = [
    path.read_text(encoding="utf-8").partition("\n" + "-" * 60)[0]
    for path in sorted((ROOT / "tests" / "golden" / "errors").glob("*.txt"))
]
EXAMPLES = [text for code in CODES.values() for text in (code.bad, code.good) if text]
DOCS = [
    block.partition("```")[0]
    for page in sorted((ROOT / "docs").glob("*.md"))
    for block in page.read_text(encoding="utf-8").split("```arch\n")[1:]
]
MUTANTS = [text for _, text in texts(seed=11, count=100)]
UNFINISHED = [
    "block b { conv(8, 3) -> }",
    "block b {\n  conv(8, 3) -> \n}\n",
    "block b {\n  add { { relu; j: linear#\n} via { }\n  skip { }\n}\nnetwork n = b()\n",
    "block b {\n  b(\n  relu -> \n}",
    "network n {\n  input image [3,\n",
    "block b {\n  let \n  relu\n  aux head\n  skip { conv(3\n  relu }\n  x.\n  for i in \n}",
    "block a(w { relu }\nblock \nnetwork n = b(3\ntrain { data = \n epochs 3\n lr = 4 }",
    "block b { if a { relu } else\n",
    'import "a.arch"',
    'block b { "layer{i + ": relu }',
    "network",
    "block b { (((",
    "network n {\n  aux(weight = 0.\n  output mask: conv(1, 1)\n}",
    "let rounded(width = make_divisible(width * 2, 8)\n\nnetwork n { relu }",
    'block b {\n  "layer": for j in 0..3 { conv(64 if j == 0 else 1{ }\n}',
    "block b { conv(3) -> -> relu; conv(, 3); a[]; e[1 + ]: relu }",
    "\ufeffblock b { relu }",
]
LAYOUT = [
    "",
    "# only\n",
    "\r\n\r\n",
    "block b {\r\n\trelu;; \t# one\r\n\r\n\tbn\r\n}\r\n# two",
    "block b { # ä\n  concat { x; # ∑\n    conv(8, # out\n 3,) }\n}\n\n\n## d\nblock c { (relu) }",
]
ALL = {
    "specs": SPECS, "golden": GOLDEN, "examples": EXAMPLES, "docs": DOCS, "mutants": MUTANTS, "unfinished": UNFINISHED,
    "layout": LAYOUT, "windows": [text.replace("\n", "\r\n") for text in SPECS[:4]],
}  # fmt: skip
