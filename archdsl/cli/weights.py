"""The options for weights from a file, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from archdsl.diagnostics import Diagnostic, Severity
from archdsl.network import Network
from archdsl.weights.pairing import Channels, Pairing

if TYPE_CHECKING:
    from torch import nn

    from archdsl.weights.report import WeightsReport

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Weights:
    """The file that was named, and how it is to be taken."""

    path: Path
    partial: bool
    without_heads: bool
    by: Pairing
    prefix: str | None = None
    channels: Channels | None = None

    def check(self, network: Network) -> WeightsReport:
        """What it would give the network; raises `SpecError` where it cannot be read."""
        return network.check_weights(
            self.path, without_heads=self.without_heads, by=self.by, prefix=self.prefix, channels=self.channels
        )

    def load(self, network: Network, module: nn.Module) -> WeightsReport:
        """Put them into a module; raises `SpecError` where they do not fit."""
        return network.load_weights(
            module, self.path, partial=self.partial, without_heads=self.without_heads, by=self.by, prefix=self.prefix,
            channels=self.channels,
        )  # fmt: skip

    def accepted(self, report: WeightsReport) -> bool:
        """Whether that is enough."""
        return report.ok or (self.partial and not report.fit.useless)

    def finding(self, report: WeightsReport) -> Diagnostic | None:
        """What does not fit, as a warning where only that much was asked for."""
        severity = Severity.WARNING if self.accepted(report) else Severity.ERROR
        return None if report.ok else report.diagnostic(severity)

    def facts(self) -> dict[str, Any]:
        """For a run's record."""
        from archdsl.weights.stored import fingerprint  # here: most commands read no weights

        return {"file": self.path.name, "sha256": fingerprint(self.path), "partial": self.partial}


def weights_of(network: Network) -> Weights | None:
    """Those that the network's recipe starts from; none where it names no file."""
    from archdsl.recipe.starts import Pretrained  # here: most commands look at no recipe

    start = network.recipe.weights if network.recipe is not None else None
    if not isinstance(start, Pretrained):
        return None
    path = network.path_of("weights", start.file)
    return Weights(path, start.partial, start.without_heads, start.by, start.prefix, start.channels)


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
