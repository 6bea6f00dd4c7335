"""E0801, of masks: images that give each pixel a class."""

from __future__ import annotations

from archdsl.diagnostics.codes.recipe import E0801
from archdsl.diagnostics.record import Diagnostic


class UnknownMaskValue(Diagnostic, code=E0801, argument="data"):
    """A value in a mask that none of the masks had that were looked at before."""

    mask: str
    value: int
    known: tuple[int, ...]

    def summary(self) -> str:
        return f"the mask {self.mask} has the value {self.value}, which no mask had that was looked at before"

    def remedy(self) -> str:
        return f"list the values of all classes: `values = {list(self.known)}` in `imagefolder`"


class UnlistedMaskValue(Diagnostic, code=E0801, argument="data"):
    """A value in a mask that `values` does not list; `lossy` if the format changes values."""

    mask: str
    value: int
    listed: tuple[int, ...]
    lossy: bool

    def summary(self) -> str:
        return f"the mask {self.mask} has the value {self.value}, and `values` is {list(self.listed)}"

    def remedy(self) -> str:
        return _JPEG if self.lossy else f"add it: `values = {[*self.listed, self.value]}`"


class ColorMask(Diagnostic, code=E0801, argument="data"):
    """A mask that is an image in colors."""

    mask: str
    colors: int

    def summary(self) -> str:
        return f"the mask {self.mask} is an image with {self.colors:,} colors; expected a class number for each pixel"

    def remedy(self) -> str:
        if self.colors > 256:
            return "give masks that were saved without loss, as PNG: a photograph, or a JPEG, has no class numbers"
        return (
            "save each color's place in the list of all colors: `Image.fromarray(numpy.array([colors.index(tuple(c)) for c in "
            "array.reshape(-1, 3)], numpy.uint8).reshape(array.shape[:2]))`, with the same `colors` for all masks"
        )


class LossyMasks(Diagnostic, code=E0801, argument="data"):
    """Masks in a format that changes values."""

    values: tuple[int, ...]

    def summary(self) -> str:
        return f"the masks are .jpg files and have {len(self.values)} values, from {self.values[0]} to {self.values[-1]}"

    def remedy(self) -> str:
        return _JPEG


_JPEG = (
    "JPEG changes values: save masks as .png; for two classes, `Image.fromarray((numpy.array(mask) > 127).astype(numpy.uint8))` "
    "restores one, with the values 0 and 1"
)
