"""The emitted source: what it imports, how long it is, whose names it may hold, and how long it takes to write."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

import archdsl
from archdsl.backends.torch.instantiate import build
from archdsl.ir import state

SPECS = sorted(path.stem for path in (Path(__file__).parents[3] / "specs").glob("*.arch"))
INPUT = "input picture [4, 8, 8]"
HOSTILE = ["torch", "nn", "F", "Tensor", "Any", "self", "super", "range", "print", "isinstance", "module", "name", "x2", "y", "z",
           "image",
           "None_", "OrderedDict", "NamedTuple", "center_crop", "stochastic_depth", "ShakeShake", "Net", "NetTraining",
           "NetResult",
           "Unit", "Inner", "weight", "coding", "encoding", "getattr", "T", "list", "ValueError", "value_error",
           "dict"]  # fmt: skip


@pytest.mark.parametrize("name", SPECS)
def test_specs_import_torch_alone(name: str) -> None:
    spec = archdsl.load(f"specs/{name}.arch")
    tree = ast.parse(spec.source())
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules <= {"torch", "torch.nn.functional", "collections", "typing"}
    namespace: dict[str, Any] = {}
    exec(spec.source(), namespace)
    with torch.device("meta"):
        network = next(v for v in reversed(namespace.values()) if isinstance(v, type))()
    assert {key: tuple(value.shape) for key, value in network.state_dict().items()} == state(spec.graph)
    if name in ("resnet", "vgg", "googlenet", "densenet"):  # elsewhere families and bare parameters come first
        assert list(network.state_dict()) == list(state(spec.graph))


@pytest.mark.parametrize(
    ("shallow", "deep"), [("resnet50", "resnet152"), ("preresnet164", "preresnet1001"), ("seresnet50", "seresnet152")]
)
def test_what_repeats_is_written_once(shallow: str, deep: str) -> None:
    shorter, longer = (archdsl.load(name).source() for name in (shallow, deep))
    assert shorter.count("\n") == longer.count("\n")


def test_a_class_for_each_kind_of_block() -> None:
    classes = [node.name for node in ast.parse(archdsl.load("resnet50").source()).body if isinstance(node, ast.ClassDef)]
    assert classes == ["BottleneckBlockWithDownsample", "BottleneckBlock", "Resnet50"]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name(name: str, tmp_path: Path) -> None:
    """As a label, an input, a block, a network and a parameter, alone and together."""
    texts = [
        f"network {name} {{ {INPUT}; conv(4, 3); aux h: conv(4, 1); output o: conv(2, 1) }}",
        f"block {name}(w) {{ a: conv(w, 3); relu; b: conv(w, 3) }}\n"
        f"network net {{ {INPUT}; {name}(4); {name}(8); aux h: conv(4, 1); output o: conv(2, 1) }}",
        f"block inner(w) {{ a: conv(w, 3); relu; b: conv(w, 1) }}\n"
        f"block unit({name}, s = 1) {{ c: conv({name}, 3, stride = s); d: inner({name}); relu }}\n"
        f"network net {{ {INPUT}; unit(4); unit(8); unit(6, s = 2) }}",
        f"block unit(w, {name} = 1) {{ c: conv(w, 3, stride = {name}); relu; b: conv(w, 1) }}\n"
        f"network net {{ {INPUT}; unit(4); unit(8); unit(6, {name} = 2); unit(8) }}",
        f"block unit(w) {{ c: conv(w, 3); {name}: conv(w, 3); add {{ c; {name}; x }}; relu }}\n"
        f"network net {{ {INPUT}; {name}: conv(4, 3); unit(4); skip(drop = 0.1) {{ conv(4, 3) -> bn }}; add {{ x; {name} }}\n"
        f"q: {{ {name}: conv(4, 3); relu; add {{ x; {name} }} }}; aux h: conv(4, 1); output o: conv(2, 1); "
        f"init {{ conv = he }} }}",
        f"network net {{ input {name} [4, 8, 8]; conv(4, 3) -> bn; add {{ x; {name} }}; relu; aux h: conv(4, 1) }}",
        f"network net {{ {INPUT}; conv(4, 3) -> bn; aux {name}: conv(4, 1); relu }}",
    ]
    for text in texts:
        spec = archdsl.loads(text)
        network = spec.build()
        assert {key: tuple(value.shape) for key, value in network.state_dict().items()} == state(spec.graph), text
        network(torch.randn(2, 4, 8, 8))
        network.eval()(torch.randn(2, 4, 8, 8))
        ast.parse(spec.source().encode())  # as a file, where the first lines may name an encoding


@pytest.mark.parametrize("name", ["__a", "_a", "class", "lambda", "in_channels", "kernel_size", "num_features"])
def test_any_parameter(name: str) -> None:
    text = f"block unit(w, {name} = 1) {{ c: conv(w, 3, stride = {name}); relu; b: conv(w, 1) }}\n"
    text += f"network net {{ {INPUT}; unit(4); unit(8); unit(6, {name} = 2); unit(8) }}"
    assert archdsl.loads(text).build()(torch.randn(2, 4, 8, 8)).shape == (2, 8, 4, 4)


def test_blocks_that_become_one_class_name() -> None:
    text = (
        "block foo_bar(w) { a: conv(w, 3); relu }\nblock fooBar(w) { b: conv(w, 3); relu }\nblock FooBar(w) { c: "
        "conv(w, 1); relu }\n"
    )
    text += f"network net {{ {INPUT}; foo_bar(4); fooBar(4); FooBar(8) }}"
    assert archdsl.loads(text).build()(torch.randn(2, 4, 8, 8)).shape == (2, 8, 8, 8)


@pytest.mark.parametrize(
    "doc",
    ['"""', "'''", "\\", "\\n import os", "\x0cimport os", "\u2028import os", "\u2029import os", "\x85import os", "a\rimport os",
     "\u202eimport os",
     "-*- coding: utf-7 -*-", "vim: set fileencoding=rot13 :", "coding:latin-1", "{0}{training}", "\ufeffimport os", "%s %d"],
)  # fmt: skip
def test_no_text_of_a_spec_is_code(doc: str, tmp_path: Path) -> None:
    """Documentation and file names leave the statements as they are, also where the source is read as a file."""
    plain = f"block b(w) {{ conv(w, 3); relu; a: conv(w, 1) }}\nnetwork net {{ {INPUT}; b(4); aux h: b(4) }}"
    documented = (
        f"## {doc}\nblock b(w) {{ conv(w, 3); relu; a: conv(w, 1) }}\n## {doc}\nnetwork net {{ {INPUT}; b(4); aux h: b(4) }}"
    )
    found = archdsl.loads(documented).source()
    same = statements(archdsl.loads(plain).source())
    assert statements(found) == same
    path = tmp_path / f"{doc.replace('/', '').replace(chr(0), '')[:40]}.arch"
    path.write_text(plain, encoding="utf-8")
    found = archdsl.load(path).source()
    assert statements(found) == same
    assert all(c.isprintable() or c == "\n" for c in found)


def statements(source: str) -> list[str]:
    """Return the statements of a source without docstrings and digits."""
    tree = ast.parse(source.encode())
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            assert ast.get_docstring(node) is not None
            node.body = node.body[1:]
    digits = str.maketrans("", "", "0123456789")
    return [ast.unparse(node).translate(digits) for node in tree.body]


def test_documentation_becomes_docstrings() -> None:
    text = '## Figure 2b: \\alpha """ in quotes".\n## A second line.\nblock b(w) { conv(w, 3); add { x; x } }\n'
    text += f"## The whole.\nnetwork net {{ {INPUT}; b(4) }}"
    namespace: dict[str, Any] = {}
    source = archdsl.loads(text).source()
    exec(source, namespace)
    assert namespace["B"].__doc__.splitlines()[:2] == ['Figure 2b: \\alpha """ in quotes".', "    A second line."]
    assert namespace["B"].__doc__.splitlines()[-2].strip() == "The block `b`, line 3 of the spec."
    assert namespace["Net"].__doc__.splitlines()[0] == "The whole."


def test_blocks_of_other_files_are_told_by_the_file(tmp_path: Path) -> None:
    (tmp_path / "blocks.arch").write_text("\nblock b(w) { conv(w, 3) -> relu }\n")
    network = f'import "blocks.arch" as blocks\nblock c(w) {{ conv(w, 3) -> relu }}\nnetwork net {{ {INPUT}; blocks.b(4); c(4) }}'
    (tmp_path / "net.arch").write_text(network)
    source = archdsl.load(tmp_path / "net.arch").source()
    assert "The block `b`, line 2 of blocks.arch." in source
    assert "The block `c`, line 2 of the spec." in source


def test_runs_as_a_file(tmp_path: Path) -> None:
    """In a process that sees neither archdsl nor the spec."""
    path = tmp_path / "model.py"
    path.write_text(archdsl.load("specs/digits_resnet.arch").source() + "\nprint(len(DigitsResnet().state_dict()))\n")
    run = subprocess.run([sys.executable, "-I", "-W", "error", path], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 0 and int(run.stdout) > 0, run.stderr


LARGE = {
    "flat": "repeat {half} { skip { conv(4, 1) -> relu } }",
    "family": "e[0]: conv(4, 1)\n for i in 1..{half} { e[i]: conv(4, 1)\n add { x; e[i - 1] } }",
    "live": "e[0]: conv(4, 1)\n for i in 1..{half} { e[i]: relu }\n for i in 0..{half} - 1 { add { x; e[i] } }",
    "labelled": 'for i in 0..{half} { "c{i}": { conv(4, 1); relu } }',
    "blocks": "repeat {half} { unit(4) }",
}


@pytest.mark.parametrize("half", [1_000, pytest.param(5_000, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("kind", LARGE)
def test_thousands_of_layers(kind: str, half: int) -> None:
    body = LARGE[kind].replace("{half}", str(half))
    text = "block unit(w) { conv(w, 1); relu }\nnetwork net { input image [4, 2, 2]\n" + body + " }"
    spec = archdsl.loads(text)
    source = spec.source()
    assert kind != "blocks" or source.count("\n") < 40
    if kind in ("flat", "blocks"):
        with torch.no_grad():
            assert build(spec.graph).eval()(torch.randn(1, 4, 2, 2)).shape == (1, 4, 2, 2)


def test_deep_nesting() -> None:
    groups = "".join(f"g{i}: {{ conv(4, 1); " for i in range(55)) + "add { x; conv(4, 1) }" + " }" * 55
    blocks = "\n".join(f"block b{i}(w) {{ c: conv(w, 1); b{i + 1}(w) }}" for i in range(50)) + "\nblock b50(w) { conv(w, 1) }\n"
    for text in (f"network net {{ {INPUT}; {groups} }}", f"{blocks} network net {{ {INPUT}; b0(4) }}"):
        spec = archdsl.loads(text)
        network = spec.build()
        assert set(network.state_dict()) == set(state(spec.graph))
        assert network(torch.randn(1, 4, 8, 8)).shape == (1, 4, 8, 8)


def test_fractions_differ_within_a_class() -> None:
    """Stochastic depth that grows from block to block is a number of one class, whatever its name meets."""
    text = f"""block unit(drop, training, q) {{
  p: conv(4, 3); skip(drop = training) {{ drop: conv(4, 3) }}; leaky_relu(drop); dropout(q); add {{ x; p }}
}}
network net {{ {INPUT}; for i in 0..4 {{ unit(0.1 * (i + 1), 0.15 + 0.1 * i, 0.05 + 0.1 * i) }} }}"""
    text = text.replace("leaky_relu(drop)", "leaky_relu(0.3)").replace("drop: conv", "q_: conv")
    spec = archdsl.loads(text)
    assert spec.source().count("(nn.Module)") == 1
    network = spec.build()
    assert set(network.state_dict()) == set(state(spec.graph))
    assert network(torch.randn(2, 4, 8, 8)).shape == (2, 4, 8, 8)
    assert network.train() is network and network.get_submodule("3").training
