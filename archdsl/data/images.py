"""Read image files: their headers, and their pixels in the form that the network needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from archdsl.data.labels import IGNORED
from archdsl.data.sources import Header, Images
from archdsl.diagnostics import Diagnostic, SpecError, codes

if TYPE_CHECKING:
    from archdsl.recipe.transforms import Region

FORMATS: Final = (
    "PNG", "JPEG", "MPO", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM", "TGA", "ICO", "JPEG2000", "AVIF", "PCX", "SGI", "DDS",
    "QOI", "PSD"
)  # fmt: skip
"""The raster formats of Pillow; others, such as EPS, would start another program."""
ENDINGS: Final = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm",
    ".tga", ".ico", ".jp2", ".j2k", ".jpx", ".avif", ".pcx", ".sgi", ".dds", ".qoi", ".psd", ".mpo",
)  # fmt: skip
_MODES: Final = {1: "L", 3: "RGB", 4: "RGBA"}
_ORIENTATION: Final = 0x0112
"""The EXIF tag of the orientation."""
_LYING: Final = (5, 6, 7, 8)
"""The orientations that are rotated by a right angle."""
_THREADS: Final = 4
"""Pillow releases Python's lock while it decodes."""
_LOOKED_AT: Final = 4000
"""Before training, the headers of this many images are read, evenly spaced over the data set."""


def opened(source: Any, name: str) -> Any:
    """Open an image and read its header. Raise `SpecError` E0802 if it is not an image."""
    try:
        from PIL import Image, UnidentifiedImageError  # here: an optional dependency, of this one format
    except ModuleNotFoundError as error:
        raise SpecError(codes.data.NoPackage("reading images", "Pillow", "pillow")) from error
    try:
        try:
            return Image.open(source, formats=_known(usual=True))
        except UnidentifiedImageError:
            return Image.open(source, formats=_known(usual=False))
    except Exception as error:  # damaged files raise many kinds of errors in the decoders
        raise unreadable(name, error) from error


@cache
def _known(*, usual: bool) -> tuple[str, ...]:
    """Return the formats that the installed Pillow can read: the common ones, or all, which take longer to import."""
    from PIL import Image

    Image.preinit() if usual else Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def unreadable(name: str, error: Exception) -> SpecError:
    """Return the error for one image."""
    reason = str(getattr(error, "strerror", None) or error or type(error).__name__).partition("\n")[0]
    return SpecError(codes.images.UnreadableImage(name, reason))


def orientation(image: Any) -> int:
    """Return the EXIF orientation; 1 if there is none.

    For PNG, only data before the pixels counts, since the rest requires decoding.
    """
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return 1  # Pillow rotates TIFF images itself
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged EXIF data, which other programs ignore, too
        return 1


def header(source: Any, name: str) -> Header:
    """Return the size and mode of an image without decoding it."""
    with opened(source, name) as image:
        width, height = image.size
        return Header(width, height, image.mode) if orientation(image) in _LYING else Header(height, width, image.mode)


def headers(pictures: Images, rows: Sequence[int] | None = None) -> tuple[list[tuple[str, Header]], list[tuple[str, str]]]:
    """Return names and headers of images, and the unreadable ones with the reasons; of many images, an evenly spaced sample."""
    numbers = range(len(pictures)) if rows is None else rows
    if len(numbers) > _LOOKED_AT:
        numbers = [numbers[i * len(numbers) // _LOOKED_AT] for i in range(_LOOKED_AT)]
    return _each(pictures, numbers, lambda index: header(pictures.source(index), pictures.name(index)))


def undecodable(pictures: Images) -> list[tuple[int, str, str]]:
    """Decode all images. Return the numbers and names of the unreadable ones, with the reasons."""

    def decode(index: int) -> None:
        with opened(pictures.source(index), pictures.name(index)) as image:
            try:
                image.load()
            except Exception as error:
                raise unreadable(pictures.name(index), error) from error

    bad = dict(_each(pictures, range(len(pictures)), decode, _THREADS)[1])
    return [(index, name, bad[name]) for index in range(len(pictures)) if (name := pictures.name(index)) in bad]


def _each(
    pictures: Images, numbers: Sequence[int], read: Callable[[int], Any], threads: int = 1
) -> tuple[list[tuple[str, Any]], list[tuple[str, str]]]:  # fmt: skip
    """Return the results of reading some images, and the errors of others."""

    def outcome(index: int) -> Any:
        try:
            return read(index)
        except SpecError as error:
            return error

    if threads > 1:
        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(outcome, numbers))
    else:
        found = [outcome(index) for index in numbers]
    named = [(pictures.name(index), result) for index, result in zip(numbers, found, strict=True)]
    good = [(name, result) for name, result in named if not isinstance(result, SpecError)]
    return good, [(name, _reason(result.diagnostic)) for name, result in named if isinstance(result, SpecError)]


def _reason(found: Diagnostic) -> str:
    return found.reason if isinstance(found, codes.images.UnreadableImage) else found.message


def all_bad(bad: Sequence[tuple[str, str]], total: int) -> SpecError:
    """Return one error for all images that cannot be read."""
    found = [codes.images.UnreadableImage(name, reason) for name, reason in bad]
    return SpecError(found[0] if len(found) == 1 else codes.images.UnreadableImages(found, total))


def is_deep(found: Sequence[tuple[str, Header]]) -> bool:
    """Return whether some images have more than 8 bits, so that all are read as floats."""
    return any(head.mode.startswith(("I", "F")) for _, head in found)


def upright_size(image: Any) -> tuple[int, int]:
    """Return height and width of the upright image."""
    width, height = image.size
    return (width, height) if orientation(image) in _LYING else (height, width)


def pixels(image: Any, name: str, channels: int, cut: Region | None, *, deep: bool) -> Any:
    """Return a region of an opened image, upright, as [channels, height, width]: bytes, or floats from 0 to 1 if `deep`."""
    from PIL import Image, ImageOps

    try:
        turned = orientation(image)
        if cut is not None and turned == 1 and image.format in ("JPEG", "MPO"):
            width, height = image.size
            scale = max(cut.size[0] / cut.height, cut.size[1] / cut.width)
            image.draft(None, (int(2 * scale * width), int(2 * scale * height)))  # decodes fewer pixels of a large image
            cut = _scaled(cut, image.size[1] / height, image.size[0] / width)
        image.load()
        upright = ImageOps.exif_transpose(image) if turned != 1 else image
        made = _deep(upright, channels) if deep else [_flat(upright, channels)]
        if cut is not None:
            made = [_cut(part, cut, Image.Resampling.BILINEAR) for part in made]
        arrays = [np.asarray(part) for part in made]
    except Exception as error:  # damaged pixels raise many kinds of errors in the decoders
        raise unreadable(name, error) from error
    array = arrays[0] if len(arrays) == 1 else np.stack(arrays, 2)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def _flat(image: Any, channels: int) -> Any:
    """Convert an image to 8 bits and a number of channels. Transparent pixels become white if there is no alpha channel."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        [grey] = _deep(image, 1)
        image = Image.fromarray((np.asarray(grey) * 255).round().astype(np.uint8))
    mode = _MODES[channels]
    if channels != 4 and (image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info):
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, rgba)
    return image if image.mode == mode else image.convert(mode)


def _deep(image: Any, channels: int) -> list[Any]:
    """Return each channel as floats from 0 to 1. Pillow's own conversion would clip 16-bit grey at 255."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        values = np.asarray(image).astype(np.float32)
        grey = values if image.mode == "F" else values / np.float32(65535)
        planes = [grey, grey, grey, np.ones_like(grey)][:channels]
    else:
        flat = np.asarray(_flat(image, channels)).astype(np.float32) / np.float32(255)
        planes = [flat] if flat.ndim == 2 else list(flat.transpose(2, 0, 1))
    return [Image.fromarray(plane) for plane in planes]


def _scaled(cut: Region, down: float, across: float) -> Region:
    return cut._replace(top=cut.top * down, left=cut.left * across, height=cut.height * down, width=cut.width * across)


def _cut(image: Any, cut: Region, how: Any) -> Any:
    """Return a region of an image, resized with antialiasing, and black beyond the image."""
    from PIL import Image

    box, size, place = _inside(cut, image.size)
    same = size == (box[2] - box[0], box[3] - box[1]) and all(float(side).is_integer() for side in box)
    part = image.crop(tuple(int(side) for side in box)) if same else image.resize(size, how, box)
    if size == (cut.size[1], cut.size[0]):
        return part
    whole = Image.new(image.mode, (cut.size[1], cut.size[0]))
    whole.paste(part, place)
    return whole


def _inside(cut: Region, size: tuple[int, int]) -> tuple[tuple[float, float, float, float], tuple[int, int], tuple[int, int]]:
    """Return the part of a region inside the image, its size in the result, and its position in the result."""
    bounds, lengths, starts = [], [], []
    for start, length, out, whole in ((cut.left, cut.width, cut.size[1], size[0]), (cut.top, cut.height, cut.size[0], size[1])):
        low, high = max(0.0, start), min(float(whole), start + length)
        first = round((low - start) * out / length)
        last = max(first + 1, round((high - start) * out / length))
        bounds.append((low, high))
        lengths.append(min(last, out) - min(first, out - 1))
        starts.append(min(first, out - 1))
    (left, right), (top, bottom) = bounds
    return (left, top, right, bottom), (lengths[0], lengths[1]), (starts[0], starts[1])


def mask(source: Any, name: str, cut: Region, values: tuple[int, ...] | None, known: frozenset[int] | None = None) -> Any:
    """Return the class of each pixel as int32 [height, width], with nearest-neighbour sampling; pixels outside are `IGNORED`.

    Raise `SpecError` E0801 if it has a number that is not `known`.
    """
    from PIL import Image, ImageOps

    with opened(source, name) as image:
        try:
            image.load()
            upright = ImageOps.exif_transpose(image) if orientation(image) != 1 else image
        except Exception as error:
            raise unreadable(name, error) from error
        numbers = mask_values(upright, name)
    if values is not None:
        numbers = as_listed(numbers, values, name)
    others = sorted(set(np.unique(numbers).tolist()) - known) if known is not None else []
    if others:
        raise SpecError(codes.masks.UnknownMaskValue(name, others[0], tuple(sorted({*(known or ()), *others}))))
    box, size, place = _inside(cut, (numbers.shape[1], numbers.shape[0]))
    part = np.asarray(Image.fromarray(numbers).resize(size, Image.Resampling.NEAREST, box))
    whole = np.full(cut.size, IGNORED, np.int32)
    whole[place[1] : place[1] + size[1], place[0] : place[0] + size[0]] = part
    return whole


def mask_values(image: Any, name: str) -> Any:
    """Return the palette indices or grey values of a mask as int32. Raise `SpecError` E0801 for a colour image."""
    if image.mode in ("P", "L", "1") or image.mode.startswith("I"):
        return np.asarray(image).astype(np.int32)
    array = np.asarray(image.convert("RGB"))
    if bool((array == array[..., :1]).all()):
        return array[..., 0].astype(np.int32)
    colors = len(np.unique(array.reshape(-1, 3), axis=0))
    raise SpecError(codes.masks.ColorMask(name, colors))


def as_listed(numbers: Any, values: tuple[int, ...], name: str) -> Any:
    """Return the index of each value in the list of values."""
    places = np.full(numbers.shape, IGNORED, np.int32)
    known = np.zeros(numbers.shape, bool)
    for place, value in enumerate(values):
        places[numbers == value] = place
        known |= numbers == value
    if not known.all():
        other = int(numbers[~known][0])
        raise SpecError(codes.masks.UnlistedMaskValue(name, other, values, is_lossy(name)))
    return places


def is_lossy(name: str) -> bool:
    """Return whether a mask is in a format that does not keep values."""
    return os.path.splitext(name)[1].lower() in (".jpg", ".jpeg", ".jpe", ".jfif")
