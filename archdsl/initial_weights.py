"""The initial weights of a run: a file and the options for loading it, from the command line or from a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import Diagnostic, Severity
from archdsl.weights import Channels, MatchBy

if TYPE_CHECKING:
    from torch import nn

    from archdsl.network import Network
    from archdsl.weights.report import WeightsReport


@dataclass(frozen=True)
class Weights:
    """A file of weights, and the options for loading it."""

    path: Path
    partial: bool = False
    without_heads: bool = False
    by: MatchBy = "name"
    prefix: str | None = None
    channels: Channels | None = None

    def check(self, network: Network) -> WeightsReport:
        """Return a report on how the file matches a network. Raise `SpecError` if it cannot be read."""
        return network.check_weights(
            self.path, without_heads=self.without_heads, by=self.by, prefix=self.prefix, channels=self.channels
        )

    def load(self, network: Network, module: nn.Module) -> WeightsReport:
        """Load the tensors into a module. Raise `SpecError` if they do not fit."""
        return network.load_weights(
            module, self.path, partial=self.partial, without_heads=self.without_heads, by=self.by, prefix=self.prefix,
            channels=self.channels,
        )  # fmt: skip

    def accepted(self, report: WeightsReport) -> bool:
        """Return whether the match is sufficient."""
        return report.ok or (self.partial and not report.fit.useless)

    def finding(self, report: WeightsReport) -> Diagnostic | None:
        """Return a diagnostic about tensors that do not fit: a warning if `partial` accepts them; None if all fit."""
        severity = Severity.WARNING if self.accepted(report) else Severity.ERROR
        return None if report.ok else report.diagnostic(severity)

    def facts(self) -> dict[str, Any]:
        """Return the record of the file for environment.json."""
        from archdsl.weights.weight_files import fingerprint  # here: most commands read no weights

        return {"file": self.path.name, "sha256": fingerprint(self.path), "partial": self.partial}


def weights_of(network: Network) -> Weights | None:
    """Return the initial weights in the recipe of a network; None if it has none."""
    from archdsl.recipe.pretrained import Pretrained  # here: most commands look at no recipe

    start = network.recipe.weights if network.recipe is not None else None
    if not isinstance(start, Pretrained):
        return None
    path = network.path_of("weights", start.file)
    return Weights(path, start.partial, start.without_heads, start.by, start.prefix, start.channels)
