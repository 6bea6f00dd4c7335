"""What products of matrices and attention of PyTorch are in the language."""

from __future__ import annotations

from typing import Any

from archdsl.importers.aten import Refused, Step, rule
from archdsl.importers.broadcasting import fitted
from archdsl.importers.layouts import Dims, plain
from archdsl.importers.model import Apply, Value


@rule("matmul", "bmm")
def _matmul(s: Step) -> list[Apply]:
    left, right = s.node.args[0], s.node.args[1]
    (a, dims), (b, others) = s.merged(left, 2), s.merged(right, 2)
    if a.batched and not b.batched and len(dims) == len(others):
        b = fitted(s, a, dims, b, others)
    elif len(a.shape) != len(b.shape) or dims != others:
        a, b, dims, others = s.value(left), s.value(right), (), ()
    if len(a.shape) != len(b.shape):
        raise Refused(f"{s.node.target}: tensors of different ranks, which PyTorch broadcasts")
    rank = len(a.shape)
    lead = tuple(max(sizes) for sizes in zip(a.shape[:-2], b.shape[:-2], strict=True))
    return s.make("matmul", {}, a, b, shape=(*lead, a.shape[-2], b.shape[-1]), dims=dims or plain(rank, a.batched or b.batched))


@rule("scaled_dot_product_attention")
def _attention(s: Step) -> list[Apply]:
    found = [s.merged(s.arg(name), 2) for name in ("query", "key", "value")]
    if len({len(value.shape) for value, _ in found}) > 1 or len({dims for _, dims in found}) > 1:
        values = [s.value(s.arg(name)) for name in ("query", "key", "value")]
        found = [(value, plain(len(value.shape), value.batched)) for value in values]
    dims: Dims = found[0][1]
    q, k, v = (value for value, _ in found)
    if k.shape[:-2] != q.shape[:-2] or v.shape[:-2] != q.shape[:-2]:
        raise Refused(f"{s.node.target}: heads that share keys, which PyTorch broadcasts")
    args: dict[str, Any] = {"causal": bool(s.arg("is_causal")), "drop": float(s.arg("dropout_p") or 0.0)}
    if s.arg("scale") is not None and abs(s.arg("scale") - q.shape[-1] ** -0.5) > 1e-12:
        args["scale"] = float(s.arg("scale"))
    made = s.make("attend", args, q, k, v, shape=(*q.shape[:-1], v.shape[-1]), dims=dims)
    mask = s.arg("attn_mask")
    if mask is not None:
        made[-1:] = [*s.extra[len(made) - 1 :], made[-1]]
        value = _mask(s, mask, dims, q)
        made[-1].operands = _summands(value) or {"bias": value}
        made[:-1] = list(s.extra)
    return made


def _mask(s: Step, node: Any, dims: Dims, like: Value) -> Value:
    """Return a mask whose axes are those of the products, or the last of them."""
    value, own = s.loose(node)
    if value.batched:
        if own != dims or len(value.shape) != len(like.shape):
            raise Refused(f"{s.node.target}: a mask whose axes are not those of the attention")
        return value
    value = s.value(node)
    shape = value.shape
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) > len(dims) - 1:
        raise Refused(f"{s.node.target}: a mask for each example of the batch")
    return value if shape == value.shape else s.then("reshape", {"sizes": shape}, value, shape)


def _summands(total: Value) -> dict[str, Value] | None:
    """Return the mask and the bias of which a mask is the sum, if one of them hides positions of windows."""
    node = total.producer
    while isinstance(node, Apply) and node.op == "reshape":
        node = node.inputs[0].producer
    if not isinstance(node, Apply) or node.op != "add" or not node.is_join:
        return None
    masks = [value for value in node.inputs if isinstance(value.producer, Apply) and value.producer.op == "window_mask"]
    if len(masks) != 1:
        return None
    (bias,) = (value for value in node.inputs if value is not masks[0])
    while isinstance(bias.producer, Apply) and bias.producer.op == "reshape" and not bias.batched:
        inner = bias.producer.inputs[0]
        if bias.shape != (1,) * (len(bias.shape) - len(inner.shape)) + inner.shape:
            break
        bias = inner
    return {"mask": masks[0], "bias": bias}


@rule("einsum")
def _einsum(s: Step) -> list[Apply]:
    """A product of matrices, with its axes where they have to be."""
    equation, operands = s.node.args[0].replace(" ", ""), s.node.args[1]
    source, _, result = equation.partition("->")
    terms = source.split(",")
    if len(terms) != 2 or "." in equation or not result:
        raise Refused(f"PyTorch's `{s.node.target}` with `{s.node.args[0]}`")
    left, right = terms
    both = [axis for axis in result if axis in left and axis in right]
    inner = [axis for axis in left if axis in right and axis not in result]
    rows, columns = ([axis for axis in term if axis in result and axis not in both] for term in terms)
    if len(inner) != 1 or len(rows) != 1 or len(columns) != 1:
        raise Refused(f"PyTorch's `{s.node.target}` with `{s.node.args[0]}`, which is no product of matrices")
    a, dims = _turned(s, operands[0], left, [*both, rows[0], inner[0]])
    b, others = _turned(s, operands[1], right, [*both, inner[0], columns[0]])
    if dims != others or a.shape[:-2] != b.shape[:-2]:
        raise Refused(f"PyTorch's `{s.node.target}`: its operands differ in more than the two axes of a product")
    made = [*both, rows[0], columns[0]]
    return s.make("matmul", {}, a, b, shape=(*a.shape[:-1], b.shape[-1]), dims=tuple(dims[made.index(axis)] for axis in result))


def _turned(s: Step, node: Any, term: str, order: list[str]) -> tuple[Value, Dims]:
    value, dims = s.merged(node, 2)
    return s.sorted(value, tuple(dims[term.index(axis)] for axis in order))
