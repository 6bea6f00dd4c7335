"""Probes as one picture by depth, drawn by matplotlib: a panel for each measurement, a line for each probe."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, Final, NamedTuple

from archdsl.optional_dependencies import extra_needed
from archdsl.probing.measurements import Probe, Stage

FORMATS: Final = ("svg", "png", "pdf")
_COLORS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#f0e442")
"""A palette for colour-blind readers: Okabe & Ito 2008, jfly.uni-koeln.de/color."""
_DASHES: Final = ("-", "--", ":", "-.")


class _Panel(NamedTuple):
    """A measurement: its title, the axis, and the value of a stage. A second value is drawn dotted."""

    title: str
    scale: str
    value: Callable[[Stage], float | None]
    second: Callable[[Stage], float | None] | None = None
    dotted: str = ""


_PANELS: Final = (
    _Panel("mean of activations", "linear", lambda stage: stage.end.mean),
    _Panel(
        "standard deviation of activations", "log", lambda stage: stage.end.std, lambda stage: stage.end.evaluation_std,
        "in evaluation mode",
    ),
    _Panel("gradient norm of an example", "log", lambda stage: stage.end.gradient),
    _Panel("gradient norm of weights", "log", lambda stage: stage.weight_gradient),
    _Panel("share of dead units", "share", lambda stage: stage.dead, lambda stage: stage.always_active, "always active"),
    _Panel("correlation of neighbouring gradients", "correlation", lambda stage: stage.end.correlation),
    _Panel(
        "std at batch normalization", "log", lambda stage: stage.batch_std, lambda stage: stage.running_std, "running statistics"
    ),
    _Panel("drift of batch means, in running stds", "linear", lambda stage: stage.drift),
)  # fmt: skip


def draw_probes(found: Sequence[Probe], format: str = "svg") -> bytes:
    """Return a picture of some probes as svg, png or pdf. Panels without any value are left out.

    Raise `SpecError` E0608 if matplotlib is not installed, and `ValueError` for another format.
    """
    if format not in FORMATS:
        raise ValueError(f"a picture is {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, and not {format!r}")
    with extra_needed("plot", "drawing a probe"):
        import matplotlib as mpl
        from matplotlib.figure import Figure

    panels = [panel for panel in _PANELS if any(_points(one, panel.value) for one in found)]
    with_paths = [one for one in found if one.paths is not None and any(one.paths.shares)]
    count = max(1, len(panels) + bool(with_paths))
    columns = 2 if count <= 4 else 3
    # Text stays text, and equal probes give equal bytes.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "archdsl", "font.size": 9}):
        figure = Figure(figsize=(3.9 * columns, 2.7 * -(-count // columns) + 0.5), layout="constrained")
        axes = list(figure.subplots(-(-count // columns), columns, squeeze=False).flat)
        for axis, panel in zip(axes, panels, strict=False):
            _draw_panel(axis, panel, found)
        if with_paths:
            _draw_paths(axes[len(panels)], found)
        for axis in axes[count:]:
            axis.remove()
        handles = [_line(mpl, number, one.label) for number, one in enumerate(found)]
        figure.legend(handles=handles, loc="outside upper left", ncols=4, frameon=False)
        written = BytesIO()
        figure.savefig(written, format=format, dpi=150, metadata=_metadata(format))
    return written.getvalue()


def _metadata(format: str) -> dict[str, None] | None:
    """Return the entries that matplotlib must leave out, so that equal probes give equal bytes."""
    return {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(format)


def _style(number: int) -> dict[str, Any]:
    return {
        "color": _COLORS[number % len(_COLORS)],
        "linestyle": _DASHES[number // len(_COLORS) % len(_DASHES)],
        "linewidth": 1.3,
    }


def _line(mpl: Any, number: int, label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label.replace("$", r"\$"), **_style(number))


def _points(one: Probe, value: Callable[[Stage], float | None]) -> list[tuple[int, float]]:
    """Return depth and value of the stages that have one."""
    known = [(stage.end.depth, value(stage)) for stage in one.stages]
    return [(depth, number) for depth, number in known if number is not None and math.isfinite(number)]


def _draw_panel(axis: Any, panel: _Panel, found: Sequence[Probe]) -> None:
    positive = False
    for number, one in enumerate(found):
        for value, dotted in ((panel.value, False), (panel.second, True)):
            points = _points(one, value) if value is not None else []
            positive = positive or any(height > 0 for _, height in points)
            if points:
                style = {**_style(number), **({"linestyle": ":", "alpha": 0.8} if dotted else {})}
                axis.plot(*zip(*points, strict=True), marker="." if len(points) < _FEW else None, markersize=4, **style)
    title = panel.title + (f"\n(dotted: {panel.dotted})" if panel.dotted else "")
    axis.set_title(title, fontsize=9)
    axis.set_xlabel("depth")
    _whole_numbers(axis)
    if panel.scale == "log" and positive:
        axis.set_yscale("log")
    elif panel.scale == "share":
        axis.set_ylim(-0.03, 1.03)
    elif panel.scale == "correlation":
        axis.set_ylim(-0.25, 1.05)
    axis.grid(alpha=0.3)


def _whole_numbers(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


_FEW: Final = 25
"""Lines with fewer points have markers."""


def _draw_paths(axis: Any, found: Sequence[Probe]) -> None:
    for number, one in enumerate(found):
        if one.paths is not None and any(one.paths.shares):
            lengths = range(one.paths.blocks + 1)
            marker = "." if one.paths.blocks < _FEW else None
            axis.plot(lengths, one.paths.shares, marker=marker, markersize=4, **_style(number))
            axis.plot(lengths, one.paths.paths, **{**_style(number), "linestyle": ":", "alpha": 0.8})
    axis.set_title("share of the gradient by path length\n(dotted: share of all paths)", fontsize=9)
    axis.set_xlabel("residual blocks on the path")
    _whole_numbers(axis)
    axis.grid(alpha=0.3)
