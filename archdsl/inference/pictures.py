"""Pictures of results: the confusion matrix, drawn by matplotlib, and predicted masks."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

import numpy as np

from archdsl.optional_dependencies import extra_needed
from archdsl.train.batch_image import COLORS

_MOST_NUMBERS: Final = 20
"""Up to this many classes, the cells show their counts."""
_MOST_NAMES: Final = 60


def require_matplotlib() -> None:
    """Raise `SpecError` E0608 if matplotlib is not installed."""
    with extra_needed("plot", "drawing the confusion matrix"):
        import matplotlib  # noqa: F401  # here: an optional dependency


def draw_confusion(confusion: Sequence[Sequence[int]], names: Sequence[str], format: str = "svg") -> bytes:
    """Return a picture of a confusion matrix. The colour of a cell is the fraction of the examples of its row.

    Raise `SpecError` E0608 if matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    counts = np.array(confusion)
    shares = counts / counts.sum(1, keepdims=True).clip(1)
    side = min(12.0, 2.0 + 0.38 * len(names))
    # Text stays text, and equal matrices give equal bytes.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "archdsl", "font.size": 9}):
        figure = Figure(figsize=(side + 1, side), layout="constrained")
        axis = figure.subplots()
        image = axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        figure.colorbar(image, ax=axis, label="fraction of the class", shrink=0.8)
        if len(names) <= _MOST_NAMES:
            axis.set_xticks(range(len(names)), names, rotation=90)
            axis.set_yticks(range(len(names)), names)
        axis.set(xlabel="predicted", ylabel="true")
        if len(names) <= _MOST_NUMBERS:
            for row, column in np.argwhere(counts):
                color = "white" if shares[row, column] > 0.5 else "black"
                axis.text(column, row, f"{counts[row, column]}", ha="center", va="center", color=color, fontsize=7)
        written = BytesIO()
        figure.savefig(written, format=format, dpi=200, metadata={"Date": None} if format == "svg" else None)
    return written.getvalue()


def encode_pixels(pixels: Any) -> tuple[bytes, str]:
    """Return a file of a prediction per pixel, and its suffix.

    A mask [height, width] is a PNG whose pixel values are the numbers of the classes, shown in colours. With more than 256
    classes it has 16 bits. A map of values [planes, height, width] is a NumPy array.
    """
    from PIL import Image

    written = BytesIO()
    if pixels.ndim != 2:
        np.save(written, pixels)
        return written.getvalue(), ".npy"
    if int(pixels.max()) > 255:
        Image.fromarray(pixels.astype(np.uint16)).save(written, "PNG")
        return written.getvalue(), ".png"
    shown = Image.frombytes("P", pixels.shape[::-1], pixels.astype(np.uint8).tobytes())
    shown.putpalette([0, 0, 0, *[level for number in range(255) for level in COLORS[number % len(COLORS)]]])
    shown.save(written, "PNG")
    return written.getvalue(), ".png"
