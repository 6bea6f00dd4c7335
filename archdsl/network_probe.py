"""The part of a loaded network that measures it by depth, and the log of its warnings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from archdsl.diagnostics import Diagnostic, render_text
from archdsl.optional_dependencies import extra_needed

if TYPE_CHECKING:
    from archdsl.initial_weights import Weights
    from archdsl.network import Network
    from archdsl.probing import Probe


class Probed:
    """Base of `Network`."""

    def probe(self, *, label: str | None = None, weights: Weights | None = None, **options: Any) -> list[Probe]:
        """Measure activations and gradients by depth, as `archdsl probe` does, and return a `Probe`; after training a second one.

        `options` are the fields of `archdsl.probing.Options`, such as `train=100`. Print a probe for its table, and draw several
        with `archdsl.probing.draw_probes`. Warnings go to the logger `archdsl`. Raise `SpecError` as `fit` does.
        """
        with extra_needed("train", "probing a network"):
            from archdsl.probing import Options, probe  # here: torch takes over a second to import
        return probe(cast("Network", self), Options(**options), label=label, weights=weights, warn=log_warning)


def log_warning(found: Diagnostic) -> None:
    """Log a diagnostic as a warning of the logger `archdsl`."""
    logging.getLogger("archdsl").warning("%s", render_text([found]).rstrip())
