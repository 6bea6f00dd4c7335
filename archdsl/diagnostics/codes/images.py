"""E0802, of folders of images and masks."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.data import E0802
from archdsl.diagnostics.record import Diagnostic


class UnreadableImage(Diagnostic, code=E0802, argument="data"):
    """An image that cannot be read."""

    image: str
    reason: str

    def summary(self) -> str:
        return f"cannot read {self.image}: {self.reason}"

    def remedy(self) -> str:
        return "replace or remove it, or leave out all images that cannot be read: `--skip-bad`"


class UnreadableImages(Diagnostic, code=E0802, argument="data"):
    """Several images that cannot be read, of all."""

    bad: Sequence[UnreadableImage]
    total: int

    def summary(self) -> str:
        return f"cannot read {len(self.bad)} of {self.total:,} images"

    def details(self) -> list[str]:
        shown = [f"{image.image}: {image.reason}" for image in self.bad[:_MOST]]
        return shown + ([f"and {len(self.bad) - _MOST} others"] if len(self.bad) > _MOST else [])

    def remedy(self) -> str:
        return "replace or remove them, or leave them out: `--skip-bad`"


_MOST = 20
"""How many images are named."""


class NoneReadable(Diagnostic, code=E0802, argument="data"):
    """A data set none of whose images can be read."""

    total: int
    what: str
    first: str
    reason: str

    def summary(self) -> str:
        return f"none of {self.total:,} {self.what}s can be read; the first is {self.first}: {self.reason}"

    def remedy(self) -> str:
        return f"replace the {self.what}s"


class EmptySplit(Diagnostic, code=E0802, argument="data"):
    """A split that has no image that can be read."""

    path: str
    masks: bool

    def summary(self) -> str:
        return f"{self.path} has no image{' with a mask' if self.masks else ''} that can be read in one of its splits"

    def remedy(self) -> str:
        return "replace the files" if self.masks else "replace the images"


class NoClassFolders(Diagnostic, code=E0802, argument="data"):
    """A folder without folders of classes."""

    path: str
    below_train: bool
    advice: str

    def summary(self) -> str:
        return f"{self.path} has no folders {'train/CLASS' if self.below_train else 'of images'}"

    def remedy(self) -> str:
        return self.advice


class MasksAsClasses(Diagnostic, code=E0802, argument="data"):
    """Folders of images and masks, which look like two classes."""

    path: str
    written: str

    def summary(self) -> str:
        return f"{self.path} has the folders `images` and `masks`, which are taken for two classes"

    def remedy(self) -> str:
        return f'for a class for each pixel write `data = imagefolder("{self.written}", masks = "masks")`'


class ExtraClass(Diagnostic, code=E0802, argument="data"):
    """A class that the training set lacks."""

    split: str
    name: str
    train: str

    def summary(self) -> str:
        return f"{self.split} has a class `{self.name}` that train lacks"

    def remedy(self) -> str:
        return f"put images of it into {self.train}/{self.name}, or remove {self.split}/{self.name}"


class SplitNames(Diagnostic, code=E0802, argument="data"):
    """Folders of splits under other names than those that are looked for."""

    path: str
    folders: Sequence[str]
    renamed: Sequence[tuple[str, str]]

    def summary(self) -> str:
        shown = ", ".join(f"`{name}`" for name in self.folders)
        return f"{self.path} has the folders {shown}, where `train`, `val` and `test` are looked for"

    def remedy(self) -> str:
        return "rename " + ", ".join(f"`{name}` to `{right}`" for name, right in self.renamed)


class NestedFolder(Diagnostic, code=E0802, argument="data"):
    """A folder around the one that has the classes."""

    path: str
    inner: str
    written: str

    def summary(self) -> str:
        return f"{self.path} has one folder, `{self.inner}`, and that has no images, but folders"

    def remedy(self) -> str:
        return f'write `data = "{self.written.rstrip("/")}/{self.inner}"`'


class EmptyClass(Diagnostic, code=E0802, argument="data"):
    """A class without images; `held` is another file in its folder."""

    folder: str
    held: str | None
    formats: Sequence[str]

    def summary(self) -> str:
        return f"{self.folder} has no images" + (f"; it has {self.held}" if self.held else "")

    def remedy(self) -> str:
        return f"put images into it ({', '.join(self.formats)} and others are read), or remove the folder"


class NoImages(Diagnostic, code=E0802, argument="data"):
    """A folder without images."""

    folder: str
    advice: str

    def summary(self) -> str:
        return f"{self.folder} has no images"

    def remedy(self) -> str:
        return self.advice


class NoMaskFolder(Diagnostic, code=E0802, argument="data"):
    """A folder of images or masks that does not exist; `near` is one that may be meant."""

    folder: str
    parameter: str
    near: str | None
    folders: tuple[str, str]

    def summary(self) -> str:
        return f"{self.folder} does not exist"

    def remedy(self) -> str:
        if self.near is not None:
            return f'write `{self.parameter} = "{self.near}"`'
        return f"put images into {self.folders[0]} and masks of the same names into {self.folders[1]}"


class LoneImages(Diagnostic, code=E0802, argument="data"):
    """Images without a mask of their name; `held` is a mask, if none has the name of an image."""

    images: Sequence[str]
    total: int
    folders: tuple[str, str]
    held: str | None

    def summary(self) -> str:
        shown = ", ".join(self.images[:5]) + (", ..." if len(self.images) > 5 else "")
        counts = f"{len(self.images)} of {self.total} images in {self.folders[0]}"
        return f"{counts} have no mask of their name in {self.folders[1]}: {shown}" + (
            f"; it has {self.held}" if self.held else ""
        )

    def remedy(self) -> str:
        stem = self.images[0].rpartition(".")[0]
        if self.held is not None:
            return f"rename each mask as its image, {self.held} to {stem}.{self.held.rpartition('.')[2]}"
        return f"add the masks, such as {self.folders[1]}/{stem}.png, or remove the images"


class MaskSizeDiffers(Diagnostic, code=E0802, argument="data"):
    """A mask of another size than its image."""

    image: str
    size: Sequence[int]
    mask: str
    mask_size: Sequence[int]

    def summary(self) -> str:
        return f"{self.image} is {list(self.size)}, and its mask {self.mask} is {list(self.mask_size)}"

    def remedy(self) -> str:
        return "save each mask in the size of its image"
