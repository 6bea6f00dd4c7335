"""Learning curves of runs, drawn by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from archdsl.optional_dependencies import extra_needed
from archdsl.runs.record import RunRecord

FORMATS: Final = ("svg", "png", "pdf")


def draw_curves(records: Sequence[RunRecord], names: Sequence[str], format: str) -> bytes:
    """Return a picture with the loss by epoch, and one metric: validation as lines, training as dotted lines.

    The metric is the first that all runs have besides the loss. Raise `SpecError` E0608 if matplotlib is not installed.
    """
    with extra_needed("plot", "drawing curves"):
        import matplotlib as mpl
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

    metrics = ["loss", *_common_metrics(records)[:1]]
    # Text stays text, and equal runs give equal bytes.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "archdsl", "font.size": 9}):
        figure = Figure(figsize=(4.4 * len(metrics), 3.2), layout="constrained")
        axes = figure.subplots(1, len(metrics), squeeze=False)[0]
        for axis, metric in zip(axes, metrics, strict=True):
            for number, (record, name) in enumerate(zip(records, names, strict=True)):
                for part, style, label in (("val", "-", name), ("train", ":", None)):
                    points = [(row["epoch"], row.get(f"{part}_{metric}")) for row in record.history]
                    known = [(epoch, value) for epoch, value in points if epoch is not None and value is not None]
                    if known:
                        axis.plot(*zip(*known, strict=True), style, color=f"C{number % 10}", label=label, linewidth=1.3)
            axis.set(xlabel="epoch", title=metric)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.grid(alpha=0.3)
        axes[0].legend(title="validation (training dotted)", fontsize=8, title_fontsize=8)
        written = BytesIO()
        figure.savefig(written, format=format, dpi=200, metadata={"Date": None} if format == "svg" else None)
    return written.getvalue()


def _common_metrics(records: Sequence[RunRecord]) -> list[str]:
    """Return the validation metrics that all runs have, without the loss."""
    first, *others = [list(record.metrics) for record in records]
    return [name for name in first if name != "loss" and all(name in other for other in others)]


def format_of(path: Path) -> str | None:
    """Return the format that a suffix names; None for another suffix."""
    suffix = path.suffix.removeprefix(".").lower()
    return suffix if suffix in FORMATS else None
