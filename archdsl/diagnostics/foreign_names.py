"""Names of PyTorch, Keras, TensorFlow and JAX, with what is written here, and what no network here can have.

An op declares the names that others give it (`aliases`), and that is enough to find it. These tables hold the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from archdsl.diagnostics.foreign_calls import Argument, op_of, plain, translated_call

ROOTS: Final = frozenset(
    "nn F torch tf keras layers jax jnp hk flax eqx K L np torchvision timm mx paddle tfa snt fluid functional".split()
)
"""What a path into a library begins with."""

_REGIONS: Final = "end the network at its maps, with `output name: ...`, and apply it to them in Python"
_CHOICES: Final = "end the network at its scores, and apply it to the output in Python"
_MISSING: Final = {
    **dict.fromkeys(
        ("lstm", "gru", "rnn", "lstmcell", "grucell", "rnncell", "simplernn", "bidirectional", "bilstm", "convlstm", "recurrent"),
        ("recurrent layers do not exist", "convolutions read a sequence `[C, L]`, as dilated ones do in WaveNet"),
    ),
    "einsum": ("products of two values by a formula do not exist",
        "`matmul(a, b)` multiplies the last two axes, and `rearrange` moves axes there; `linear` has a learned matrix"),
    **dict.fromkeys(
        ("deformconv", "deformableconv", "dcn", "dcnv2", "involution", "dynamicconv", "condconv"),
        ("convolutions with computed positions or weights do not exist", "`conv` has fixed positions; `dilation` spreads them"),
    ),
    **dict.fromkeys(("roialign", "roipool", "psroialign", "psroipool", "roi"), ("pooling of regions does not exist", _REGIONS)),
    **dict.fromkeys(
        ("nms", "batchednms", "softnms", "anchors", "anchorgenerator", "priorbox", "decodeboxes", "boxdecode"),
        ("anchors and the choice of boxes are no part of a network here", _REGIONS),
    ),
    **dict.fromkeys(
        ("argmax", "topk", "sort", "argsort", "where", "gather", "scatter", "cumsum", "nonzero", "maskedfill", "ctcdecode", "crf",
         "beamsearch", "gumbelsoftmax"),
        ("ops that choose by values do not exist", _CHOICES),
    ),
    **dict.fromkeys(
        ("gridsample", "affinegrid", "spatialtransformer", "warp"),
        ("sampling at computed positions does not exist", "`upsample` and `resize_like` sample at fixed ones"),
    ),
    "spectralnorm": ("spectral normalization does not exist", "`bn`, `gn` and `instance_norm` normalize values, not weights"),
    **dict.fromkeys(
        ("gaussiannoise", "randn", "rand", "noise", "gaussiandropout", "alphadropout", "dropblock"),
        ("this kind of randomness does not exist", "`dropout`, `dropout2d`, `droppath` and `shake` are random in training"),
    ),
    **dict.fromkeys(("fft", "rfft", "stft", "melspectrogram"), ("Fourier transforms do not exist", "apply them to the data")),
    **dict.fromkeys(("gcn", "gat", "graphconv", "gcnconv"), ("layers on graphs do not exist", "inputs are tensors of one shape")),
    **dict.fromkeys(
        ("multiheadattention", "multihead", "attention", "selfattention", "mha", "transformer", "transformerencoder",
         "transformerencoderlayer", "transformerdecoder", "scaleddotproductattention"),
        ("attention does not exist", "`mul { x; { ...; sigmoid } }` is a gate; `softmax` and `permute` exist"),
    ),
    "bilinear": ("a bilinear layer does not exist", "`mul { linear(64); linear(64) }` multiplies two projections"),
    "glu": ("`glu` does not exist", "write `mul { conv(64, 1); conv(64, 1) -> sigmoid }`"),
    "se": ("`se` is not built in", "write `mul { x; { let c = x.c; gap; conv(c // 16, 1); relu; conv(c, 1); sigmoid } }`"),
    **dict.fromkeys(("sequential", "modulelist", "moduledict"), ("lists of modules do not exist",
        "stages stand in a row: `conv(64, 3) -> relu`; `blocks: { ... }` names a group of them")),
    **dict.fromkeys(("lambda", "lambdalayer"), ("functions as layers do not exist", "a block is a function from `x` to `x`")),
    **dict.fromkeys(("cropping", "crop", "centercrop"), ("cropping by an amount does not exist",
        "`crop_like(label)` crops to the size of a value, and `slice(1..31, axis = -1)` takes a part of an axis")),
    **dict.fromkeys(
        ("transformerblock", "transformerlayer", "encoderlayer", "encoderblock", "decoderlayer", "decoderblock", "vitblock"),
        ("there is no op for a layer of a transformer, since papers change what is inside", "write a block: "
         "`skip { ln(axis = -1); mha(8) }; skip { ln(axis = -1); linear(2048); gelu; linear(512) }`"),
    ),
    **dict.fromkeys(
        ("residualblock", "resblock", "basicblock", "bottleneckblock", "invertedresidual", "denseblock", "convblock"),
        ("no block is built in", "write `block unit(out) { skip { conv(out, 3) -> bn -> relu -> conv(out, 3) -> bn }; relu }`"),
    ),
    **dict.fromkeys(("clstoken", "classtoken"), ("this token is a parameter",
        "write `cls: param([1, 64])`, and `concat(axis = 0) { cls; x }`")),
    **dict.fromkeys(("positionalencoding", "positionencoding", "posencoding", "posemb", "sinusoidalencoding"), (
        "it is made of other ops", "`pos: param([64, 32])` and `add { x; pos }` learn one; `pos_embed` follows the size of "
        "an image, and `coords` counts positions for sines")),
    **dict.fromkeys(("l2norm", "l2normalize", "normalize", "unitnorm"), ("it is made of other ops",
        "write `div { x; { norm(axis = 0, keep = true); max(1e-12) } }`")),
    **dict.fromkeys(("share", "shared", "tie", "reuse"), ("what runs several times with one set of weights is a module",
        "declare it: `module tower: ...`, and write `tower` wherever it runs")),
    **dict.fromkeys(("pass", "noop", "nothing"), ("a body may be empty", "leave it out")),
    **dict.fromkeys(("print", "assert_", "breakpoint"), ("a spec prints nothing", "`archdsl check` shows every shape")),
    **dict.fromkeys(("squeeze", "unsqueeze", "expanddims"), ("axes of size 1 are not added or removed by name",
        "`flatten` merges all axes, and `reshape([...])` writes the shape")),
    **dict.fromkeys(("module", "model", "layer"), ("a network is no class", "write `network name { ... }`")),
}  # fmt: skip
"""What does not exist here, and what to do instead; of no effect once an op has the name."""

_TRANSFORMERS: Final = frozenset({"transformer", "transformerencoder", "transformerencoderlayer", "transformerdecoder"})
_SINCE: Final = {
    **dict.fromkeys((key for key in _MISSING if "attention" in key or key in _TRANSFORMERS), ("mha", "attend")),
    **dict.fromkeys(("squeeze", "unsqueeze", "expanddims"), ("rearrange",)),
}  # fmt: skip
"""Ops that come near to something missing, where there are such."""

_SEVERAL: Final = {
    "interpolate": "`upsample(2)` enlarges by a factor, `resize([64, 64])` to sizes, `resize_like(label)` to those of a value",
    "pool": "`maxpool(2)` takes the largest number of each window, and `avgpool(2)` the mean",
    "pooling": "`maxpool(2)` takes the largest number of each window, and `avgpool(2)` the mean",
    "norm": "`bn`, `gn`, `ln` and `instance_norm` normalize",
}
"""Names that may mean several ops."""

_JOINED: Final = {
    **dict.fromkeys(("cat", "concat", "concatenate", "stack", "hstack", "vstack"), "concat { a; b }"),
    **dict.fromkeys(("add", "plus"), "add { a; b }"),
    **dict.fromkeys(("mul", "multiply"), "mul { a; b }"),
}
"""Functions of several tensors."""

_STAGES: Final = {
    "identity": "x",
    "separableconv": "depthwise(3) -> conv(64, 1)",
    "sepconv": "depthwise(3) -> conv(64, 1)",
    "globalaveragepooling": "gap -> flatten",
    "globalmaxpooling": "maxpool_to(1) -> flatten",
    "globalmaxpool": "maxpool_to(1)",
    "globalavgpool": "gap",
    "globalpool": "gap",
    "reflectionpad": "pad(1, mode = reflect)",
    "replicationpad": "pad(1, mode = replicate)",
    "circularpad": "pad(1, mode = circular)",
    "upsamplingbilinear": "upsample(2, mode = linear, align_corners = true)",
}
"""What is written for layers that are none of one op, or take other arguments; only for their names."""


class Foreign(NamedTuple):
    """What a name or call of another library is: what is missing, if it is, and what to write."""

    missing: str | None
    advice: str
    written: str | None = None
    """The text to write, if it replaces the whole call."""


def foreign(
    path: str, arguments: Sequence[Argument] | None, known: Sequence[str], same: Callable[[str], str | None]
) -> Foreign | None:
    """Return what a name of another library means here, with a path such as `nn` or `tf.keras.layers` before it.

    `arguments` are those of its call, or None without one. `same` finds the op that declares a name.
    """
    *before, name = path.split(".")
    key = plain(name)
    if before[:1] == ["self"]:
        return Foreign(None, "there is no `self`: write the op or block by its name")
    call = translated_call(before, name, arguments, known)
    if call is not None:
        return Foreign(None, f"write `{call}`", call)
    if key in _SEVERAL and name not in known:
        return Foreign(None, _SEVERAL[key])
    if key in _JOINED:
        return Foreign(None, f"write `{_joined(_JOINED[key], arguments)}`")
    if key in _STAGES:
        return Foreign(None, f"write `{_STAGES[key]}`")
    listed = op_of(before, name)
    op = same(name) or (listed[0] if listed is not None and listed[0] in known else None)
    if key in _MISSING and op is None:
        since = [f"`{op}`" for op in _SINCE.get(key, ()) if op in known]
        return Foreign(None, f"did you mean {' or '.join(since)}?") if since else Foreign(*_MISSING[key])
    if not before and (op is None or not name[:1].isupper()):
        return None
    if op is not None:
        return Foreign(None, f"did you mean `{op}`?")
    return Foreign(None, "ops are written by their own names, without a library; `archdsl ops` lists them")


def _joined(form: str, arguments: Sequence[Argument] | None) -> str:
    """Return a join of the tensors that a function is given."""
    texts = [text for keyword, text in arguments or () if keyword is None]
    parts = texts[0][1:-1].split(",") if len(texts) in (1, 2) and texts[0].startswith("[") else texts
    branches = [part.strip() for part in parts]
    if len(branches) < 2 or not all(branch.isidentifier() for branch in branches):
        return form
    return f"{form.split()[0]} {{ {'; '.join(branches)} }}"
