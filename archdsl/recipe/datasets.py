"""Sources of examples: `data = digits`, `data = imagefolder("photographs")`. A string alone is a path; `archdsl.data` reads them."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from archdsl.declared import Declared, Registry


class Dataset(Declared):
    """Base of every source of examples. Each is read by a function of `archdsl.data`."""

    registry: ClassVar[Registry[Any]] = Registry("data set")
    target: ClassVar[str]
    """The function that opens it."""


class Digits(Dataset, name="digits"):
    """1,797 handwritten digits of 8 by 8 pixels in ten classes: Alpaydin & Kaynak 1998, as scikit-learn ships them."""

    target = "archdsl.data.bundled.open_bundled"
    held_out: int = Field(360, ge=10, le=1700, description="number of images in the validation set, evenly over the classes")
    split: int = Field(0, ge=0, description="number of the split; 0 is the one that published results use")


class Iris(Dataset, name="iris"):
    """150 flowers, four lengths each, in three classes: Fisher 1936, as scikit-learn ships them."""

    target = "archdsl.data.bundled.open_bundled"
    held_out: int = Field(30, ge=3, le=140, description="number of flowers in the validation set, evenly over the classes")
    split: int = Field(0, ge=0, description="number of the split; 0 is the one that published results use")


class ImageFolder(Dataset, name="imagefolder"):
    """A folder of images: one folder for each class, or images with masks. Images are decoded when they are needed."""

    target = "archdsl.data.folders.open_folder"
    path: str = Field(description="the folder")
    masks: str | None = Field(
        None, description="for a class for each pixel: the name of the folders of masks, beside those of images"
    )
    images: str = Field("images", description="with `masks`: the name of the folders of images")
    values: tuple[int, ...] | None = Field(
        None, description="with `masks`: the value that stands for each class, such as `[0, 255]`"
    )
    skip_bad: bool = Field(
        False, description="decode every file once and leave out those that cannot be read, as `--skip-bad` does"
    )


class HuggingFace(Dataset, name="hf"):
    """A data set of Hugging Face: a name on the hub, or a folder of parquet files or images. Needs `datasets`."""

    target = "archdsl.data.hub.open_hub"
    path: str = Field(description="the name, such as `uoft-cs/cifar10`, or the folder")
    image: str = Field("image", description="column of the input")
    label: str = Field("label", description="column of the label; a column of images holds masks")
    config: str | None = Field(None, description="the configuration, for a data set that has several")
    train: str = Field("train", description="split to train on")
    validation: str | None = Field(None, description="split to validate on; `none` takes `validation` or `test`, or else a fifth")
    download: bool = Field(False, description="download what is not in the cache, as `--download` does")


class WebDataset(Dataset, name="webdataset"):
    """Tar files that are read in sequence, for data larger than a disk: the files of an example share their name up to the first dot."""

    target = "archdsl.data.shards.open_shards"
    path: str = Field(description="the tar files, such as `shards-{000..099}.tar`")
    validation: str | None = Field(
        None, description="the tar files to validate on; `none` takes the last tenth of the files, at least one"
    )
    label: str = Field("cls", description="ending of the file that holds the number of the class")
    examples: int | None = Field(None, ge=1, description="number of training examples; `none` counts them first")
    classes: int | None = Field(None, ge=2, description="number of classes; `none` looks for the greatest label first")
    buffer: int = Field(1000, ge=1, description="number of examples among which each next one is drawn")


class Cifar10(Dataset, name="cifar10"):
    """CIFAR-10 as published, binary or for Python: 60,000 images of 3 x 32 x 32 in ten classes: Krizhevsky 2009. Nothing is executed."""

    target = "archdsl.data.archives.open_cifar10"
    path: str = Field(description="the archive `cifar-10-binary.tar.gz` or `cifar-10-python.tar.gz`, or its extracted folder")


class Mnist(Dataset, name="mnist"):
    """MNIST and sets in its format, such as Fashion-MNIST: 70,000 images of 1 x 28 x 28 in ten classes: LeCun et al. 1998."""

    target = "archdsl.data.archives.open_mnist"
    path: str = Field(description="the folder with `train-images-idx3-ubyte` and the other three files, gzipped or not")
