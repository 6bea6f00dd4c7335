"""The known name that is meant, for "did you mean"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

SYNONYMS: Final = {
    name: meant
    for meant, names in {
        "act": "activation",
        "add": "sum plus residual",
        "affine": "elementwise_affine",
        "avgpool": "avg_pool average_pooling mean_pool",
        "avgpool_to": "adaptive_avg_pool",
        "accumulate": "gradient_accumulation gradient_accumulation_steps grad_accumulation grad_accum accumulate_grad_batches accum_iter",
        "at": "milestones",
        "augment": "augmentation augmentations data_augmentation",
        "batch": "batch_size",
        "best": "monitor",
        "bce": "bce_loss bce_with_logits bce_with_logits_loss binary_crossentropy",
        "bn": "batch_norm batch_normalization",
        "bool": "boolean",
        "clip": "grad_clip gradient_clip gradient_clip_val clip_grad clip_grad_norm clipnorm max_grad_norm",
        "concat": "cat concatenate stack merge",
        "conv": "convolution",
        "cosine": "cosine_lr cosine_annealing cosine_annealing_lr warmup_cosine cosine_with_warmup",
        "cross_entropy": "ce cross_entropy_loss nll nll_loss softmax_cross_entropy categorical_crossentropy sparse_categorical_crossentropy",
        "depthwise": "depthwise_conv",
        "dilation": "dilation_rate",
        "droppath": "stochastic_depth",
        "epochs": "max_epochs num_epochs",
        "early_stop": "early_stopping",
        "eps": "epsilon",
        "exponential": "exponential_lr",
        "flip": "random_horizontal_flip horizontal_flip hflip",
        "float": "double number",
        "gap": "global_avg_pool global_average_pooling",
        "gn": "group_norm group_normalization",
        "multiplier": "gamma",
        "groups": "num_groups",
        "he": "kaiming kaiming_normal kaiming_uniform he_normal he_uniform",
        "huber": "smooth_l1 smooth_l1_loss huber_loss",
        "int": "integer",
        "k": "kernel kernel_size ksize pool_size size",
        "l2": "ridge",
        "leaky_relu": "lrelu",
        "linear": "dense fc fully_connected lin",
        "list": "tuple",
        "ln": "layer_norm layer_normalization",
        "lr": "learning_rate",
        "lrn": "local_response_norm",
        "mae": "l1_loss mean_absolute_error",
        "maxpool": "max_pool max_pooling",
        "maxpool_to": "adaptive_max_pool global_max_pool global_max_pooling",
        "mse": "l2_loss mse_loss mean_squared_error",
        "one_cycle": "one_cycle_lr",
        "n": "num_embeddings",
        "out": "filters out_channels out_features units channels",
        "p": "drop dropout_rate prob rate",
        "pad": "padding zero_pad zero_padding",
        "permute": "movedim",
        "plateau": "reduce_lr_on_plateau reduce_on_plateau",
        "poly": "polynomial polynomial_lr poly_lr",
        "precision": "amp mixed_precision",
        "reshape": "view",
        "resize_like": "interpolate",
        "rotate": "random_rotation",
        "schedule": "scheduler lr_scheduler",
        "silu": "swish",
        "step": "step_lr multi_step multi_step_lr multistep",
        "str": "string text",
        "stride": "strides",
        "upconv": "conv_transpose deconv transposed_conv",
        "upsample": "up_sampling",
        "xavier": "glorot glorot_normal glorot_uniform xavier_normal xavier_uniform",
        "0..n": "range",
    }.items()
    for name in names.replace("_", "").split()
}
"""What PyTorch, Keras and papers call things, to the name here; without `_`, case and the number of axes."""


_COMPARED = 100
"""How many names are compared letter by letter: of more, those that begin alike and are as long."""


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The help text with the known name that is meant; none where nothing is near."""
    known = list(known)
    stem = name.lower().removesuffix("s")
    parts = (
        [candidate for candidate in known if candidate[-1:].isdecimal() and candidate[:-1] == stem]
        if stem != name.lower()
        else []
    )
    if len(parts) > 1:  # `betas` for `beta1` and `beta2`
        return f"did you mean {' and '.join(f'`{part}`' for part in parts)}?"
    near = nearest(name, known)
    return f"did you mean `{near}`?" if near is not None else None


_OTHERS: Final = frozenset(
    "bilinear glu log_softmax max_unpool pixel_unshuffle se sep_conv sepconv separable_conv softmax2d".split()
)
"""What other libraries have and no op here is, near as the names of some are."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is meant: a synonym, else the nearest; none where nothing is near."""
    if name.lower() in _OTHERS:
        return None
    from difflib import get_close_matches  # here, as heapq: most names are known
    from heapq import nsmallest

    candidates = {candidate.lower(): candidate for candidate in known}
    plain = re.sub(r"_|[1-3]d_?$", "", name.lower())
    same = (meant for meant in (name.lower(), SYNONYMS.get(plain, plain)) if meant in candidates)
    near = next(same, None)
    if near is None:
        alike = nsmallest(_COMPARED, candidates, key=lambda other: (other[:1] != name[:1].lower(), abs(len(other) - len(name))))
        near = next(iter(get_close_matches(name.lower(), alike, n=1, cutoff=0.7 if len(name) > 2 else 0.6)), None)
    return candidates[near] if near is not None else None
