"""Ops that models spell out with several others: patterns of axes, channel shuffles, and attention."""

from __future__ import annotations

from collections import Counter

from archdsl.importers.attention_pattern import attention
from archdsl.importers.model import Apply, Call, Node, Value, applications, walk
from archdsl.importers.parameters import with_axes
from archdsl.importers.products import turned_products
from archdsl.importers.rearrangement import ARRANGING, rearranged
from archdsl.importers.resizing import cropped_alike, resized
from archdsl.importers.response_norm import response_norms
from archdsl.importers.sums import flat_sums
from archdsl.importers.windows import cropped, folded, late, parted, shifted


def channel_norms(call: Call) -> None:
    """Replace a norm of the last axis between permutations that bring the channels there and back by one over the channels."""
    body: list[Node] = []
    reads = _reads(call)
    for node in call.body:
        if isinstance(node, Call):
            channel_norms(node)
        body.append(node)
        last = body[-3:]
        if len(last) == 3 and (norm := _norm_of_channels(last, reads)) is not None:
            body[-3:] = [norm]
    call.body = body


def _norm_of_channels(nodes: list[Node], reads: Counter[Value]) -> Apply | None:
    first, norm, last = nodes
    if not (isinstance(first, Apply) and isinstance(norm, Apply) and isinstance(last, Apply)):
        return None
    if first.op != "permute" or last.op != "permute" or norm.op not in ("ln", "rms_norm") or norm.args["axis"] != -1:
        return None
    rank = len(first.args["order"])
    there, back = (*range(1, rank), 0), (rank - 1, *range(rank - 1))
    inner = (first.outputs[0], norm.outputs[0])
    if first.args["order"] != there or last.args["order"] != back or (norm.inputs[0], last.inputs[0]) != inner:
        return None
    if any(reads[value] != 1 for value in inner):
        return None
    made = Apply(norm.op, {**norm.args, "axis": 0}, first.inputs, last.outputs, norm.key, norm.path, norm.place)
    made.outputs[0].producer = made
    return made


def recognize(main: Call) -> None:
    """Replace runs of ops by the op of the language that they are, and leave out those that nothing reads."""
    attention(main)
    response_norms(main)
    turned_products(main)
    flat_sums(main)
    _without_unread(main)
    with_axes(main)
    resized(main)
    cropped_alike(main)
    reads = _reads(main)
    _in_body(main, reads)
    _without_unread(main)


def _reads(main: Call) -> Counter[Value]:
    reads = Counter(value for node in walk(main) if isinstance(node, Apply) for value in node.reads)
    reads.update(main.outputs)
    return reads


def _without_unread(main: Call) -> None:
    """Leave out ops without weights that nothing reads, and parameters that are part of another op."""
    keys = Counter(node.key for node in applications(main) if node.key is not None)
    while True:
        reads = _reads(main)
        unread = [node for node in applications(main) if not any(reads[value] for value in node.outputs)]
        dead = {node for node in unread if node.key is None or (node.op == "param" and _is_of_layer(node.key, keys))}
        if not dead:
            return
        for call in [main, *(node for node in walk(main) if isinstance(node, Call))]:
            call.body = [node for node in call.body if node not in dead]


def _is_of_layer(key: str, keys: Counter[str]) -> bool:
    """Whether another op has a tensor: under its key, or as its weight or bias."""
    layer, _, name = key.rpartition(".")
    return keys[key] > 1 or (name in ("weight", "bias") and keys[layer] > 0)


def _in_body(call: Call, reads: Counter[Value]) -> None:
    for node in call.body:
        if isinstance(node, Call):
            _in_body(node, reads)
    makers = {value: node for node in call.body if isinstance(node, Apply) and _arranges(node) for value in node.outputs}
    inner = {node.inputs[0] for node in makers.values() if node.inputs[0] in makers and reads[node.inputs[0]] == 1}
    found: list[Node] = []
    replaced: dict[Value, Value] = {}
    for node in call.body:
        if not isinstance(node, Apply) or not _arranges(node):
            found.append(node)
        elif node.outputs[0] not in inner:
            found += _joined(_chain(node, makers, reads), replaced)
    if replaced:
        for other in [*applications(call), *(node for node in found if isinstance(node, Apply))]:
            other.inputs = [replaced.get(value, value) for value in other.inputs]
            other.operands = {name: replaced.get(value, value) for name, value in other.operands.items()}
    call.body = late(cropped(folded(shifted(parted(found)))))


def _arranges(node: Apply) -> bool:
    return node.op in ARRANGING and len(node.inputs) == 1 and node.key is None


def _chain(node: Apply, makers: dict[Value, Apply], reads: Counter[Value]) -> list[Apply]:
    """Return the ops that only arrange, one after another, of which a node is the last."""
    chain = [node]
    while (before := makers.get(chain[0].inputs[0])) is not None and reads[before.outputs[0]] == 1:
        chain.insert(0, before)
    return chain


def _joined(chain: list[Apply], replaced: dict[Value, Value]) -> list[Node]:
    """Return a chain as one op where that is shorter, or does without numbers that depend on the size of the input."""
    last = chain[-1]
    if (groups := _shuffle(chain)) is not None:
        return [_made(chain, "channel_shuffle", {"groups": groups})]
    alone = len(chain) == 1 and (last.op != "reshape" or len(last.inputs[0].shape) < 2)
    if alone or (last.op == "flatten" and all(op.op in ("reshape", "flatten") for op in chain)):
        return [_made(chain, "flatten", {})] if last.op == "flatten" else [*chain]
    args = rearranged(chain)
    if args is None:
        return [*chain]
    if not args and chain[0].inputs[0].shape == last.outputs[0].shape:
        replaced[last.outputs[0]] = chain[0].inputs[0]
        return []
    permuted = _permutation(args["pattern"])
    if permuted is not None:
        moved = [at for at, axis in enumerate(permuted) if at != axis]
        if len(moved) == 2:
            return [_made(chain, "transpose", {"a": moved[0], "b": moved[1]})]
        return [_made(chain, "permute", {"order": tuple(permuted)})]
    return [_made(chain, "rearrange", args)]


def _permutation(pattern: str) -> list[int] | None:
    """Return the order of axes if a pattern only exchanges them; None for others."""
    source, target = (side.split() for side in pattern.split(" -> "))
    if "(" in pattern or "1" in source or sorted(source) != sorted(target):
        return None
    return [source.index(name) for name in target]


def _made(chain: list[Apply], op: str, args: dict[str, object]) -> Apply:
    node = Apply(op, args, chain[0].inputs, chain[-1].outputs, None, chain[0].path, chain[0].place)
    node.outputs[0].producer = node
    return node


def _shuffle(chain: list[Apply]) -> int | None:
    """Return the groups of ShuffleNet's shuffle: `[g, c / g, h, w]`, its first axes exchanged, and back to `[c, h, w]`."""
    if [op.op for op in chain] != ["reshape", "transpose", "reshape"]:
        return None
    before, split, after = chain[0].inputs[0].shape, chain[0].outputs[0].shape, chain[2].outputs[0].shape
    fits = before == after and len(split) == len(before) + 1 and split[2:] == before[1:] and split[0] * split[1] == before[0]
    return split[0] if fits and {chain[1].args["a"], chain[1].args["b"]} == {0, 1} else None
