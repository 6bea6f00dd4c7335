"""E0802, of images: folders of them, tar files, and data sets of Hugging Face."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.diagnostics.codes.data import E0802
from archdsl.diagnostics.record import Diagnostic

# -- folders of images --


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


# -- tar files --


class NoLabelFile(Diagnostic, code=E0802, argument="data"):
    """An example in a tar file without a label."""

    example: str
    ending: str

    def summary(self) -> str:
        return f"{self.example} has no file `.{self.ending}` with the number of its class"

    def remedy(self) -> str:
        return "name the ending of the labels: `label` of `webdataset`"


class NoImageFile(Diagnostic, code=E0802, argument="data"):
    """An example in a tar file without an image."""

    example: str
    formats: Sequence[str]

    def summary(self) -> str:
        return f"{self.example} has no image"

    def remedy(self) -> str:
        return f"give each example an image ({', '.join(self.formats)} and others are read)"


class LabelNoNumber(Diagnostic, code=E0802, argument="data"):
    """A label in a tar file that is no number."""

    example: str
    text: str

    def summary(self) -> str:
        return f"the label of {self.example} is {self.text!r}, and no number of a class"

    def remedy(self) -> str:
        return "write the number of its class into the file, from 0"


class OneShard(Diagnostic, code=E0802, argument="data"):
    """A single tar file, of which none can be held out."""

    shard: str

    def summary(self) -> str:
        return f"there is one tar file, {self.shard}, and none can be held out"

    def remedy(self) -> str:
        return "name the files to validate on: `validation = ...` in `webdataset`"


class EmptyShard(Diagnostic, code=E0802, argument="data"):
    """A tar file without examples."""

    shard: str
    held_out: bool

    def summary(self) -> str:
        return f"{self.shard} has no examples"

    def remedy(self) -> str:
        return "name files with examples" if self.held_out else "give each example files of one name, such as 000.jpg and 000.cls"


class NotAPath(Diagnostic, code=E0802, argument="data"):
    """A URL in place of a path."""

    pattern: str

    def summary(self) -> str:
        return f"`{self.pattern}` is no path, and only files are read"

    def remedy(self) -> str:
        return "download the files, or mount the storage as a folder"


class MissingShards(Diagnostic, code=E0802, argument="data"):
    """Tar files that do not exist."""

    missing: int
    total: int
    first: str
    root: str

    def summary(self) -> str:
        return f"{self.missing} of {self.total} tar files do not exist, the first is {self.first}"

    def remedy(self) -> str:
        return f"paths start at {self.root}; a range is `{{000..099}}`"


class BadRange(Diagnostic, code=E0802, argument="data"):
    """A range of tar files from a greater number to a lesser one, or too long."""

    pattern: str

    def summary(self) -> str:
        return f"`{self.pattern}` is no range of up to a million files"

    def remedy(self) -> str:
        return "write the lesser number first: `{000..099}`"


# -- Hugging Face --


class NoSplit(Diagnostic, code=E0802, argument="data"):
    """A split that a data set does not have; `validation` if it is the one to validate on."""

    path: str
    split: str
    present: Sequence[str]
    validation: bool

    def summary(self) -> str:
        return f"`{self.path}` has no split `{self.split}`: it has {', '.join(self.present)}"

    def remedy(self) -> str:
        if self.validation:
            return "leave `validation` out, and a fifth is held out"
        return f'write `train = "{self.present[0]}"` in `hf(...)`'


class NoColumn(Diagnostic, code=E0802, argument="data"):
    """A column that a data set does not have."""

    path: str
    column: str
    present: Sequence[str]
    parameter: str
    meant: str

    def summary(self) -> str:
        return f"`{self.path}` has no column `{self.column}`: it has {', '.join(self.present)}"

    def remedy(self) -> str:
        return f'name it: `{self.parameter} = "{self.meant}"` in `hf(...)`'


class NotInCache(Diagnostic, code=E0802, argument="data"):
    """A data set that is neither in a folder nor in the cache of Hugging Face."""

    path: str
    root: str

    def summary(self) -> str:
        return f"`{self.path}` is neither a folder below {self.root} nor a data set in the cache of Hugging Face"

    def remedy(self) -> str:
        return "download it: `--download`; or correct the path"


class TextsDiffer(Diagnostic, code=E0802, argument="data"):
    """Names of classes that differ between the splits."""

    column: str

    def summary(self) -> str:
        return f"`{self.column}` has other texts in the validation set than in the training set"

    def remedy(self) -> str:
        return "give both the same classes"


class LabelsAreImages(Diagnostic, code=E0802, argument="data"):
    """A column of labels that holds images, for examples that are none."""

    labels: str
    examples: str

    def summary(self) -> str:
        return f"`{self.labels}` holds images, and `{self.examples}` does not"

    def remedy(self) -> str:
        return "name the columns: `hf(..., image = ..., label = ...)`"


class RaggedColumn(Diagnostic, code=E0802, argument="data"):
    """A column of lists of different lengths."""

    column: str

    def summary(self) -> str:
        return f"`{self.column}` holds lists of different lengths"

    def remedy(self) -> str:
        return "bring them to one length"
