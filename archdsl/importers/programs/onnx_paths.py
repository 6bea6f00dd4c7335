"""The modules that the nodes of an ONNX file stem from: PyTorch's exporters keep them in metadata, or in names.

The newer exporter writes the paths and classes of modules to the metadata of each node. The older one writes the path into the
node's name, `/layer1/layer1.0/conv1/Conv`, and knows no classes: instances get one class if they have most of their parts in
common. Both name stored tensors by their keys in the `state_dict`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Final

from archdsl.importers.programs.onnx_graph import OnnxGraph, OnnxNode

_SCOPES: Final = "pkg.torch.onnx.name_scopes"
_CLASSES: Final = "pkg.torch.onnx.class_hierarchy"
_KEY: Final = re.compile(r"[A-Za-z_]\w*(\.\w+)*\.(weight|bias|running_mean|running_var)", re.ASCII)
_MODULES: Final = {
    "Conv": ("Conv",), "ConvTranspose": ("Conv",), "Gemm": ("Linear",), "LayerNormalization": ("LayerNorm",),
    "BatchNormalization": ("BatchNorm",), "GroupNormalization": ("GroupNorm",), "InstanceNormalization": ("InstanceNorm",),
    "PRelu": ("PReLU",),
}  # fmt: skip
"""What the class of a module is called whose work a node is."""
_SIMILAR: Final = 0.5
"""The share of parts that two instances of a class have in common at least."""


def find_paths(graph: OnnxGraph, *, flat: bool = False) -> None:
    """Note the modules around each node. If `flat`, there are none, and each layer is a module with the path as its name."""
    for node in graph.nodes:
        key = next((path for path in map(key_path, (_source(graph, name) for name in node.inputs)) if path is not None), None)
        if flat:
            node.frames = [(key.replace(".", "_"), node.op)] if key is not None else []
            node.path = node.frames[-1][0] if node.frames else ""
            continue
        if _SCOPES in node.metadata:
            node.frames = _from_metadata(node)
        elif node.name.startswith("/"):
            node.frames = [(path, "") for path in _from_name(node.name)]
        node.path = node.frames[-1][0] if node.frames else ""
        if key is not None and not node.frames:
            node.path = key
        elif key is not None:
            _place(node, key)
        elif node.op == "Conv" and node.name.startswith("/") and len(node.inputs) > 1:
            node.folded = node.inputs[1].startswith("onnx::Conv_")
    if not flat:
        _complete(graph)
    if any(not kind for node in graph.nodes for _, kind in node.frames):
        _guess_classes(graph.nodes)


def key_path(name: str) -> str | None:
    """Return the path of the module that a stored tensor belongs to; None if its name is no key."""
    return name.rpartition(".")[0] if _KEY.fullmatch(name) else None


def _source(graph: OnnxGraph, name: str) -> str:
    return graph.made_of.get(name, name) if name in graph.constants else ""


def _place(node: OnnxNode, path: str) -> None:
    """Let a node be the work of the module whose tensors it uses: optimizers fuse nodes of two modules side by side.

    They also let modules far apart share tensors of equal numbers, which then have the name of one of them.
    """
    last = node.frames[-1][1] if node.frames else ""
    fits = (not last and bool(node.frames)) or any(word in last for word in _MODULES.get(node.op, ()))
    if node.path == path or fits or not all(path.startswith(frame[0] + ".") for frame in node.frames[:-1]):
        return
    around = [frame for frame in node.frames if path.startswith(frame[0] + ".")]
    node.frames = [*around, (path, node.op)]
    node.path = path


def _complete(graph: OnnxGraph) -> None:
    """Find the modules of nodes without names of modules."""
    if not any(node.frames for node in graph.nodes):
        _from_keys(graph)
    elif any(_SCOPES in node.metadata for node in graph.nodes):
        _adopt(graph.nodes)


def _adopt(nodes: Sequence[OnnxNode]) -> None:
    """Put nodes that an optimizer has made, which have no metadata, into the module around all that read them."""
    readers: dict[str, list[OnnxNode]] = {}
    for node in nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    for node in reversed(nodes):
        reading = [reader for name in node.outputs for reader in readers.get(name, [])]
        if _SCOPES not in node.metadata and not node.frames and not node.path and reading:
            around = [reader.frames[:-1] if reader.op in _MODULES else reader.frames for reader in reading]
            shared = takewhile(lambda column: len(set(column)) == 1, zip(*around, strict=False))
            node.frames = [column[0] for column in shared]
            node.path = node.frames[-1][0] if node.frames else ""


def _from_keys(graph: OnnxGraph) -> None:
    """Find the modules in a file that only names its tensors: a node belongs to what those around it belong to."""
    around = {node: node.path.rpartition(".")[0] for node in graph.nodes if node.path}
    before, behind = _nearest(graph.nodes, around, forward=True), _nearest(graph.nodes, around, forward=False)
    for node in graph.nodes:
        path = around[node] if node in around else _common([path for path in (*before[node], *behind[node])])
        parts = path.split(".") if path else []
        node.frames = [(".".join(parts[: at + 1]), "") for at in range(len(parts))]
        if node.path:
            node.frames.append((node.path, node.op))
        else:
            node.path = path


def _nearest(nodes: Sequence[OnnxNode], around: Mapping[OnnxNode, str], *, forward: bool) -> dict[OnnxNode, list[str]]:
    """Return the modules around the nearest layers before each node, or behind it."""
    flows: dict[str, list[str]] = {}
    found: dict[OnnxNode, list[str]] = {}
    for node in nodes if forward else reversed(nodes):
        reads, makes = (node.inputs, node.outputs) if forward else (node.outputs, node.inputs)
        found[node] = [path for name in reads for path in flows.get(name, [])]
        own = [around[node]] if node in around else found[node][:8]
        for name in makes:
            flows.setdefault(name, []).extend(own)
    return found


def _common(paths: Sequence[str]) -> str:
    """Return the path that all paths begin with."""
    parts = [path.split(".") for path in paths]
    shared = [column[0] for column in takewhile(lambda column: len(set(column)) == 1, zip(*parts, strict=False))] if parts else []
    return ".".join(shared)


def _from_metadata(node: OnnxNode) -> list[tuple[str, str]]:
    try:
        scopes, classes = ast.literal_eval(node.metadata[_SCOPES]), ast.literal_eval(node.metadata.get(_CLASSES, "[]"))
    except (SyntaxError, ValueError):
        return []
    if len(scopes) != len(classes):
        classes = [""] * len(scopes)
    return [(str(path), str(kind)) for path, kind in zip(scopes, classes, strict=True)][1:-1]


def _from_name(name: str) -> list[str]:
    """Return the paths in a name: each part has the name of its module, after that of a container which was called."""
    found: list[str] = []
    last = ""
    for part in name.split("/")[1:-1]:
        around = found[-1] if found else ""
        if last and part.startswith(last + "."):
            found.append(around + part[len(last) :])
        else:
            found.append(f"{around}.{part}" if around else part)
        last = part
    return found


def _guess_classes(nodes: Sequence[OnnxNode]) -> None:
    """Name the classes of modules whose class is unknown: those at like paths that share most parts have one."""
    parts: dict[str, set[str]] = {}
    for node in nodes:
        paths = [path for path, _ in node.frames]
        for at, path in enumerate(paths):
            parts.setdefault(path, set()).add(paths[at + 1][len(path) :] if at + 1 < len(paths) else node.op)
    kinds: dict[str, list[tuple[str, set[str]]]] = {}
    names: dict[str, str] = {}
    for path, inner in parts.items():
        if all(part.startswith(".") and part[1:].isdigit() for part in inner):
            names[path] = "torch.nn.modules.container.Sequential"
            continue
        base = _base(path)
        known = kinds.setdefault(base, [])
        for name, others in known:
            if len(inner & others) >= _SIMILAR * len(inner | others):
                names[path] = name
                others |= inner
                break
        else:
            names[path] = f"{base}{len(known) + 1}" if known else base
            known.append((names[path], set(inner)))
    for node in nodes:
        node.frames = [(path, kind or names[path]) for path, kind in node.frames]


def _base(path: str) -> str:
    """Return the name of a class for a path: that of the container, without numbers."""
    words = [word for part in path.split(".") if (word := re.sub(r"[\d_]+$", "", part))]
    name = "".join(word.capitalize() for word in re.split(r"[_\W]+", words[-1])) if words else "Part"
    return name[:-1] if len(name) > 3 and name.endswith("s") and not name.endswith("ss") else name
