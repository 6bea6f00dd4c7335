"""The options for weights from a file, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from archdsl.starting_weights import Weights
from archdsl.weights.pairing import Channels, Pairing

F = TypeVar("F", bound=Callable[..., Any])


def weights_options(command: F) -> F:
    """The options `--weights` and those that say how; the command gets `weights`, none where no file is named."""

    @wraps(command)
    def combined(
        *arguments: Any, weights: Path | None, weights_partial: bool, weights_without_heads: bool, weights_map: Pairing,
        weights_prefix: str | None, weights_channels: Channels | None, **others: Any
    ) -> Any:  # fmt: skip
        how = (weights_partial, weights_without_heads, weights_map, weights_prefix, weights_channels)
        if weights is None and how != (False, False, "name", None, None):
            raise click.UsageError("say which weights: --weights FILE")
        given = Weights(weights, *how) if weights is not None else None
        return command(*arguments, weights=given, **others)

    options = (
        click.option("--weights", type=click.Path(path_type=Path), metavar="FILE",
                     help="Weights to start from: a .safetensors file, or a .pt or .pth file that holds tensors alone."),
        click.option("--weights-partial", is_flag=True, help="Take the tensors that fit, as for other classes, and leave the rest."),
        click.option("--weights-without-heads", is_flag=True, help="The file may lack auxiliary heads."),
        click.option("--weights-map", type=click.Choice(get_args(Pairing)), default="name", show_default=True,
                     help="Pair tensors by name, or by order where names differ and shapes agree."),
        click.option("--weights-prefix", metavar="LABEL",
                     help="The label under which the tensors are, in the file or in the network; found if it is not said."),
        click.option("--weights-channels", type=click.Choice(get_args(Channels)),
                     help="Adapt the first convolution to another number of input channels."),
    )  # fmt: skip
    for option in reversed(options):
        combined = option(combined)
    return combined  # type: ignore[return-value]
