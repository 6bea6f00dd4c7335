"""The options for initial weights from a file."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from archdsl.weights import Channels, MatchBy

F = TypeVar("F", bound=Callable[..., Any])


def weights_options(command: F) -> F:
    """Add the options `--weights` and `--weights-...`. The command receives them as `weights`; None without a file."""

    @wraps(command)
    def combined(
        *arguments: Any, weights: Path | None, weights_partial: bool, weights_without_heads: bool, weights_map: MatchBy,
        weights_prefix: str | None, weights_channels: Channels | None, **others: Any
    ) -> Any:  # fmt: skip
        how = (weights_partial, weights_without_heads, weights_map, weights_prefix, weights_channels)
        if weights is None and how != (False, False, "name", None, None):
            raise click.UsageError("say which weights: --weights FILE")
        if weights is None:
            return command(*arguments, weights=None, **others)
        from archdsl.initial_weights import Weights  # here: most commands load none

        return command(*arguments, weights=Weights(weights, *how), **others)

    options = (
        click.option("--weights", type=click.Path(path_type=Path), metavar="FILE",
                     help="Weights to load: a .safetensors file, or a .pt or .pth file that contains only tensors."),
        click.option("--weights-partial", is_flag=True, help="Load the tensors that fit; the rest keep their initialization."),
        click.option("--weights-without-heads", is_flag=True, help="Accept a file without the auxiliary heads."),
        click.option("--weights-map", type=click.Choice(get_args(MatchBy)), default="name", show_default=True,
                     help="Match tensors by name; or by order, if names differ and shapes agree."),
        click.option("--weights-prefix", metavar="LABEL",
                     help="Label of the network inside the file, or of the submodule inside the network. [default: detected]"),
        click.option("--weights-channels", type=click.Choice(get_args(Channels)),
                     help="Adapt the first convolution to another number of input channels."),
    )  # fmt: skip
    for option in reversed(options):
        combined = option(combined)
    return combined  # type: ignore[return-value]
