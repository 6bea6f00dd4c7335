"""Attention in PyTorch."""

from __future__ import annotations

from archdsl.backends.torch.expressions import (
    Argument,
    Call,
    Expr,
    Input,
    Method,
    ModuleCall,
    Operation,
    Own,
    functional,
    inputs,
    keyword,
    nn,
    positional,
    runtime,
)
from archdsl.backends.torch.lowerings.base import Lowering, lowers
from archdsl.ops.attention import Attend, MultiheadAttention
from archdsl.shapes import Shape


@lowers(Attend)
def attend(op: Attend, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.functional.scaled_dot_product_attention`."""
    arguments = [*inputs(3)]
    mask = _mask(op, shapes)
    if mask is not None:
        arguments.append(Argument(mask, "attn_mask", keyword=True))
    if op.drop:
        probability = Operation("*", (positional(op.drop, "drop", "drop"), Argument(Own.TRAINING)))
        arguments.append(Argument(probability, "dropout_p", keyword=True))
    if op.causal and mask is None:
        arguments.append(keyword("is_causal", True))
    if op.scale is not None:
        arguments.append(keyword("scale", op.scale, "scale"))
    return Lowering(function=Call(functional("scaled_dot_product_attention"), tuple(arguments)))


def _mask(op: Attend, shapes: tuple[Shape, ...]) -> Expr | None:
    """Return the mask that PyTorch takes; None if there is none. It takes no `is_causal` beside one."""
    found = None
    for position, shape in enumerate(shapes[3:], 3):
        value: Expr = Input(position)
        for _ in range(len(shapes[0]) - len(shape)):  # axes before those of the mask, behind the batch
            value = Method(value, "unsqueeze", (positional(1, "dim"),))
        found = value if found is None else Call(runtime("masked_bias"), (Argument(found), Argument(value)))
    if found is not None and op.causal:
        return Call(runtime("causal_mask"), (Argument(found), Argument(Input(0)), Argument(Input(1))))
    return found


@lowers(MultiheadAttention)
def multihead_attention(op: MultiheadAttention, *shapes: Shape, inplace: bool = False) -> Lowering:
    """Return `torch.nn.MultiheadAttention`, which `forward` asks for no weights: it returns a pair all the same."""
    given = op.attributes(*shapes)
    arguments = [
        positional(given["features"], "embed_dim", "features"),
        positional(op.heads, "num_heads", "heads"),
        keyword("dropout", op.drop, "drop", default=0.0),
        keyword("bias", op.bias, "bias", default=True),
    ]
    if not given["features"] == given["key_features"] == given["value_features"]:
        arguments += [
            keyword(name, given[f"{what}_features"], f"{what}_features") for name, what in (("kdim", "key"), ("vdim", "value"))
        ]
    arguments.append(keyword("batch_first", True))
    places = {name: Argument(Input(position)) for position, name in enumerate(("x", *op.present))}
    key = places.get("key", places["x"])
    taken = [places["x"], key, places.get("value", key)]
    if op.causal or "mask" in places:
        options = [places["mask"]] if "mask" in places else []
        options += [keyword("causal", True)] if op.causal else []
        mask = Call(runtime("attention_mask"), (places["x"], key, positional(op.heads, "heads", "heads"), *options))
        taken.append(Argument(mask, "attn_mask", keyword=True))
    taken.append(keyword("need_weights", False))
    return Lowering(Call(nn("MultiheadAttention"), tuple(arguments)), applied=ModuleCall(tuple(taken)))
