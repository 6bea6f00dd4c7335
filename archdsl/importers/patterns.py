"""Ops that models spell out with several others: a channel shuffle, and an image as tokens."""

from __future__ import annotations

from collections import Counter

from archdsl.importers.model import Apply, Call, Node, Value, walk


def recognize(main: Call) -> None:
    """Replace runs of ops by the op of the language that they are."""
    reads = Counter(value for node in walk(main) if isinstance(node, Apply) for value in node.reads)
    reads.update(main.outputs)
    _in_body(main, reads)


def _in_body(call: Call, reads: Counter[Value]) -> None:
    found: list[Node] = []
    for node in call.body:
        if isinstance(node, Call):
            _in_body(node, reads)
        found.append(node)
        while (made := _shuffle(found, reads) or _tokens(found, reads)) is not None:
            count, op = made
            del found[-count:]
            found.append(op)
    call.body = found


def _chain(nodes: list[Node], ops: tuple[str, ...], reads: Counter[Value]) -> list[Apply] | None:
    """Return the last nodes if they are these ops, one after another, and nothing else reads what flows between them."""
    last = nodes[-len(ops) :]
    if len(last) < len(ops):
        return None
    chain: list[Apply] = []
    for node, op in zip(last, ops, strict=True):
        if not isinstance(node, Apply) or node.op != op or len(node.inputs) != 1:
            return None
        if chain and (node.inputs[0] is not chain[-1].outputs[0] or reads[node.inputs[0]] != 1):
            return None
        chain.append(node)
    return chain


def _made(chain: list[Apply], op: str, args: dict[str, object]) -> tuple[int, Apply]:
    node = Apply(op, args, chain[0].inputs, chain[-1].outputs, None, chain[0].path, chain[0].place)
    node.outputs[0].producer = node
    return len(chain), node


def _shuffle(nodes: list[Node], reads: Counter[Value]) -> tuple[int, Apply] | None:
    """`[g, c / g, h, w]`, its first axes exchanged, and back to `[c, h, w]`: ShuffleNet's shuffle."""
    chain = _chain(nodes, ("reshape", "transpose", "reshape"), reads)
    if chain is None:
        return None
    before, split, after = chain[0].inputs[0].shape, chain[0].outputs[0].shape, chain[2].outputs[0].shape
    fits = before == after and len(split) == len(before) + 1 and split[2:] == before[1:] and split[0] * split[1] == before[0]
    if not fits or {chain[1].args["a"], chain[1].args["b"]} != {0, 1}:
        return None
    return _made(chain, "channel_shuffle", {"groups": split[0]})


def _tokens(nodes: list[Node], reads: Counter[Value]) -> tuple[int, Apply] | None:
    """`[c, h * w]`, and its axes exchanged: the pixels of an image as tokens."""
    chain = _chain(nodes, ("reshape", "transpose"), reads)
    if chain is None or len(chain[0].inputs[0].shape) != 3 or len(chain[0].outputs[0].shape) != 2:
        return None
    if chain[0].inputs[0].shape[0] != chain[0].outputs[0].shape[0]:
        return None
    return _made(chain, "rearrange", {"pattern": "c h w -> (h w) c"})
