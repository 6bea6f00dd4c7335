"""Numbers that a trace has frozen: where traces at other sizes have others, they are sizes, and the language names what they are.

A window of a pool that is as large as its input is a global pool. A part of the rows and columns is that of another value's size.
An interpolation is to the size of another value, or by a factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.importers.model import Apply, Call, Node, Value, applications, walk

Places = tuple[tuple[int, ...], ...]
"""The sizes of rows and columns, at the size of the trace and at the others."""

_POOLS = {"avgpool": ("gap", {}), "maxpool": ("maxpool_to", {"size": 1})}


def may_be_frozen(main: Call) -> bool:
    """Whether numbers of a trace may be sizes."""
    return any(node.op == "resize" or _is_global(node) or _is_cut(node) for node in applications(main))


def compare(main: Call, others: Sequence[Call]) -> None:
    """Note the shapes of values in traces at other sizes that run the same ops."""
    nodes = list(applications(main))
    for other in others:
        theirs = list(applications(other))
        if [(node.op, node.key, len(node.outputs)) for node in nodes] != [
            (node.op, node.key, len(node.outputs)) for node in theirs
        ]:
            continue
        pairs = list(zip(main.inputs, other.inputs, strict=True))
        pairs += [pair for a, b in zip(nodes, theirs, strict=True) for pair in zip(a.outputs, b.outputs, strict=True)]
        for value, same in pairs:
            value.elsewhere += (same.shape,)


def settle(main: Call) -> None:
    """Replace ops with frozen sizes by those of the language that follow the sizes of values."""
    for call in [main, *(node for node in walk(main) if isinstance(node, Call))]:
        call.body = _cropped(call.body, main)
        for node in call.body:
            if isinstance(node, Apply) and _is_global(node) and _varies(node.inputs[0]):
                node.op, node.args = _POOLS[node.op][0], dict(_POOLS[node.op][1])
            elif isinstance(node, Apply) and node.op == "resize" and not node.args.get("antialias"):
                _enlarge(node)


def sizes(value: Value) -> Places:
    """Return the sizes of a value behind its first axis, in each trace."""
    return tuple(shape[1:] for shape in (value.shape, *value.elsewhere))


def is_fixed(value: Value) -> bool:
    """Whether a value has the same sizes in several traces."""
    return bool(value.elsewhere) and not _varies(value)


def _varies(value: Value) -> bool:
    return len(set(sizes(value))) > 1


def _is_global(node: Apply) -> bool:
    """Whether a node is a pool with a window as large as its input."""
    if node.op not in _POOLS:
        return False
    k, axes = node.args["k"], node.inputs[0].shape[1:]
    window = (k,) * len(axes) if isinstance(k, int) else k
    return bool(window == axes and not any(_listed(node.args["pad"])))


def _listed(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_cut(node: Apply) -> bool:
    """Whether a node takes some of the rows or columns, one after another."""
    return node.op == "slice" and len(node.inputs[0].shape) == 3 and node.args["axis"] > 0 and node.args["part"].step == 1


def _enlarge(node: Apply) -> None:
    """Make an interpolation to a multiple of the size, in each trace, one by a factor."""
    before, after = sizes(node.inputs[0]), sizes(node.outputs[0])
    factors = {tuple(b // a for a, b in zip(*pair, strict=True)) for pair in zip(before, after, strict=True)}
    exact = all(b % a == 0 for pair in zip(before, after, strict=True) for a, b in zip(*pair, strict=True))
    if _varies(node.outputs[0]) and exact and len(factors) == 1 and (factor := factors.pop()) != (1,) * len(factor):
        node.op = "upsample"
        node.args = {name: node.args[name] for name in ("mode", "align_corners")} | {
            "scale": factor[0] if len(set(factor)) == 1 else factor
        }


def _cropped(body: list[Node], main: Call) -> list[Node]:
    """Make each cut of rows, of columns or of both to the sizes of another value `crop_like`."""
    seen = list(main.inputs)
    found: list[Node] = []
    for node in body:
        last = found[-1] if found else None
        if isinstance(node, Apply) and _is_cut(node) and _varies(node.outputs[0]):
            chain = [node]
            if isinstance(last, Apply) and _is_cut(last) and last.outputs[0] is node.inputs[0]:
                chain.insert(0, last)
            if (made := _crop(chain, seen)) is not None:
                found = [other for other in found if other not in chain]
                node = made
        found.append(node)
        seen += [value for value in node.outputs if value.batched]
    return found


def _crop(chain: list[Apply], seen: Sequence[Value]) -> Apply | None:
    whole, part = chain[0].inputs[0], chain[-1].outputs[0]
    like = next((v for v in reversed(seen) if len(v.shape) == 3 and sizes(v) == sizes(part) and v not in (whole, part)), None)
    return crop_in_place(chain, like) if like is not None else None


def crop_in_place(chain: Sequence[Apply], like: Value, **options: Any) -> Apply | None:
    """Return `crop_like` in place of cuts, one after another; None if they keep neither the start nor the middle."""
    whole, part, last = chain[0].inputs[0], chain[-1].outputs[0], chain[-1]
    starts = [node.args["part"].start for node in chain]
    middles = [(whole.shape[axis] - part.shape[axis]) // 2 for axis in (node.args["axis"] for node in chain)]
    keep = "start" if not any(starts) else "middle" if starts == middles else None
    if keep is None:
        return None
    made = Apply("crop_like", {"keep": keep, **options}, [whole], [part], None, last.path, last.place, {"like": like})
    part.producer = made
    return made
