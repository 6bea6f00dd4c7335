"""Data sets: `data = digits`, `data = imagefolder("photographs")`. A plain string is a path. `archdsl.data` reads them."""

from __future__ import annotations

from typing import Any, ClassVar

from archdsl.fields import Field
from archdsl.registry import Registered, Registry


class Dataset(Registered):
    """Base of all data sets."""

    registry: ClassVar[Registry[Any]] = Registry("data set")
    target: ClassVar[str]
    """Path of the function in `archdsl.data` that opens the data set."""


class Digits(Dataset, name="digits"):
    """Handwritten digits from scikit-learn: 1,797 images of 8 by 8 pixels in ten classes (Alpaydin & Kaynak 1998)."""

    target = "archdsl.data.bundled.open_bundled"
    held_out: int = Field(360, ge=10, le=1700, description="size of the validation set, stratified by class")
    split: int = Field(0, ge=0, description="number of the split; 0 is the one that published results use")


class Iris(Dataset, name="iris"):
    """Iris flowers from scikit-learn: 150 examples of four measurements in three classes (Fisher 1936)."""

    target = "archdsl.data.bundled.open_bundled"
    held_out: int = Field(30, ge=3, le=140, description="size of the validation set, stratified by class")
    split: int = Field(0, ge=0, description="number of the split; 0 is the one that published results use")


class ImageFolder(Dataset, name="imagefolder"):
    """A folder of images: one subfolder per class, or images with masks. Images are decoded on demand."""

    target = "archdsl.data.folders.open_folder"
    path: str = Field(description="the folder")
    masks: str | None = Field(None, description="for segmentation: name of the folders with masks, next to those with images")
    images: str = Field("images", description="with `masks`: name of the folders with images")
    values: tuple[int, ...] | None = Field(
        None, description="with `masks`: pixel value of each class, such as `[0, 255]`; default: 0, 1, 2, ..."
    )
    skip_bad: bool = Field(False, description="decode all files before training and skip unreadable ones, like `--skip-bad`")


class HuggingFace(Dataset, name="hf"):
    """A Hugging Face data set: its name on the Hub, or a folder of Parquet files or images. Needs the package `datasets`."""

    target = "archdsl.data.hub.open_hub"
    path: str = Field(description="name on the Hub, such as `uoft-cs/cifar10`, or a folder")
    image: str = Field("image", description="column with the inputs")
    label: str = Field("label", description="column with the labels; a column of images is read as masks")
    config: str | None = Field(None, description="configuration of a data set that has several")
    train: str = Field("train", description="name of the training split")
    validation: str | None = Field(
        None, description="name of the validation split; `none`: `validation` or `test`, else a fifth of the training split"
    )
    download: bool = Field(False, description="download the data set if it is not in the cache, like `--download`")


class WebDataset(Dataset, name="webdataset"):
    """Tar files that are read sequentially, for data sets larger than a disk.

    The files of an example share their name up to the first dot.
    """

    target = "archdsl.data.shards.open_shards"
    path: str = Field(description="tar files of the training set, such as `shards-{000..099}.tar`")
    validation: str | None = Field(
        None, description="tar files of the validation set; `none`: the last tenth of the training files, at least one"
    )
    label: str = Field("cls", description="extension of the file that contains the class number")
    examples: int | None = Field(None, ge=1, description="number of training examples; `none`: counted before training")
    classes: int | None = Field(
        None, ge=2, description="number of classes; `none`: the largest label plus one, found before training"
    )
    buffer: int = Field(1000, ge=1, description="size of the shuffle buffer, in examples")


class Cifar10(Dataset, name="cifar10"):
    """CIFAR-10 as published, in its binary or Python format: 60,000 images of 3 x 32 x 32 in ten classes (Krizhevsky 2009).

    No code in the file is executed.
    """

    target = "archdsl.data.archives.open_cifar10"
    path: str = Field(description="archive `cifar-10-binary.tar.gz` or `cifar-10-python.tar.gz`, or its extracted folder")


class Mnist(Dataset, name="mnist"):
    """MNIST and data sets in its format, such as Fashion-MNIST.

    70,000 images of 1 x 28 x 28 in ten classes (LeCun et al. 1998).
    """

    target = "archdsl.data.archives.open_mnist"
    path: str = Field(description="folder with `train-images-idx3-ubyte` and the other three files, optionally gzipped")
