"""Products of matrices with a transposed one, which `matmul` takes as an option."""

from __future__ import annotations

from collections import Counter

from archdsl.importers.model import Apply, Call, Value, applications, walk


def turned_products(main: Call) -> None:
    """Let each product with a matrix whose last axes only it exchanges take the matrix as it is: `transpose_b = true`."""
    makers = {value: node for node in applications(main) for value in node.outputs}
    reads = Counter(value for node in applications(main) for value in node.reads)
    for call in [main, *(node for node in walk(main) if isinstance(node, Call))]:
        for node in list(call.body):
            if isinstance(node, Apply) and node.op == "matmul" and not node.args:
                _turn(node, call, makers, reads)


def _turn(product: Apply, call: Call, makers: dict[Value, Apply], reads: Counter[Value]) -> None:
    value = product.inputs[1]
    maker, ones = makers.get(value), value.shape
    if maker is not None and maker.op == "reshape" and reads[value] == 1:  # it adds axes of size one in front
        value = maker.inputs[0]
        maker = makers.get(value)
    last = len(value.shape) - 1
    if maker is None or maker.op != "transpose" or reads[value] != 1 or {maker.args["a"], maker.args["b"]} != {last - 1, last}:
        return
    front = ones[: len(ones) - len(value.shape)]
    if (*front, *value.shape) != ones or set(front) - {1}:
        return
    source = maker.inputs[0]
    if front:
        shape = (*front, *source.shape)
        whole = Value(shape, source.batched)
        whole.producer = Apply("reshape", {"sizes": shape}, [source], [whole], None, maker.path, maker.place)
        call.body.insert(call.body.index(product), whole.producer)
        source = whole
    product.inputs[1] = source
    product.args["transpose_b"] = True
