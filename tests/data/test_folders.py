"""Folders of images: layouts, formats, sizes, masks, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from archdsl.data import IGNORED, Input, ReadOptions
from archdsl.diagnostics import SpecError
from archdsl.recipe import Augmentation, Transform
from tests.data.reading import call, everything, folder, read, save

RGB = Input("x", (3, None, None))


def classes(root: Path, count: int = 5, size: tuple[int, int] = (4, 5)) -> Path:
    """`count` images of each of two classes, the second one brighter."""
    for label in "ab":
        for number in range(count):
            save(np.full((*size, 3), 100 * (label == "b") + number, np.uint8), root / label / f"{number}.png")
    return root


@pytest.mark.parametrize(
    ("parts", "message", "help"),
    [
        (["train", "valid"], "the folders `train`, `valid`, where", "rename `valid` to `val`"),
        (["Train", "Validation"], "the folders `Train`, `Validation`, where", "rename `Train` to `train`, `Validation` to `val`"),
        (
            ["training", "testing"],
            "the folders `testing`, `training`, where",
            "rename `testing` to `test`, `training` to `train`",
        ),
        (["photographs"], "has one folder, `photographs`, and that has no images", 'write `data = "all/photographs"`'),
    ],
)
def test_parts_under_other_names(tmp_path: Path, parts: list[str], message: str, help: str) -> None:
    for part in parts:
        classes(tmp_path / "all" / part)
    with pytest.raises(SpecError, match=message) as caught:
        read("all", tmp_path, RGB)
    assert caught.value.diagnostic.help == help


def test_classes_may_be_called_like_parts(tmp_path: Path) -> None:
    for part in ("valid", "test"):
        for number in range(5):
            save(np.zeros((4, 5, 3), np.uint8), tmp_path / part / f"{number}.png")
    assert read(str(tmp_path), Path(), RGB).labels.names == ("test", "valid")


def test_train_and_test(tmp_path: Path) -> None:
    for part, label, level in (("train", "cat", 51), ("train", "dog", 102), ("test", "dog", 255), ("train", ".cache", 0)):
        save(Image.new("RGB", (5, 4), (level, 0, 0)), tmp_path / part / label / "0.png")
    shape = Input("x", (3, 4, 5))
    data = read(str(tmp_path), Path(), shape)
    images, labels = everything(data, data.train)
    assert (labels.tolist(), images[:, 0, 0, 0].tolist(), images.dtype) == ([0, 1], [51, 102], torch.uint8)
    assert everything(data, data.held_out)[1].tolist() == [1]
    assert data.labels.names == ("cat", "dog") and data.preparation(data.recipe).as_data()["classes"] == ["cat", "dog"]
    with pytest.raises(SpecError) as caught:
        read(str(tmp_path), Path(), Input("x", (3, 8, 8)))
    assert (
        caught.value.diagnostic.code,
        "`transform = [resize([8, 8])]`, or `input image [3, 4, 5]`" in (caught.value.diagnostic.help or ""),
    ) == (
        "E0803",
        True,
    )
    (tmp_path / "test").rename(tmp_path / "val")
    save(Image.new("RGB", (5, 4)), tmp_path / "test" / "cat" / "0.png")  # for the end, if there is `val`
    data = read(str(tmp_path), Path(), shape)
    assert data.test is not None
    assert (everything(data, data.held_out)[1].tolist(), everything(data, data.test)[1].tolist()) == ([1], [0])
    (tmp_path / "train" / "cat" / "._0.png").write_bytes(b"what a Mac leaves there")
    assert len(read(str(tmp_path), Path(), shape).train) == 2
    (tmp_path / "train" / "cat" / "1.png").write_bytes(b"no image")
    with pytest.raises(SpecError, match=r"cannot read .*1\.png"):
        read(str(tmp_path), Path(), shape)


def test_a_fifth_of_each_class_is_held_out(tmp_path: Path) -> None:
    data = read(str(classes(tmp_path, 10)), Path(), RGB)
    assert [everything(data, split)[1].bincount().tolist() for split in (data.train, data.held_out)] == [[8, 8], [2, 2]]
    assert data.shapes == ((3, 4, 5),)


def test_folders_that_are_no_classes(tmp_path: Path) -> None:
    classes(tmp_path)
    grey = Input("x", (1, 4, 5))
    (tmp_path / "a" / "d.png").mkdir()  # passed over
    assert len(read(str(tmp_path), Path(), grey).train) == 8
    (tmp_path / "a" / "e.png").symlink_to("nowhere")
    with pytest.raises(SpecError, match=r"cannot read .*e\.png: No such file or directory\n"):
        read(str(tmp_path), Path(), grey)
    (tmp_path / "a" / "e.png").unlink()
    (tmp_path / "c").mkdir()
    for said in ("c has no images", "c has no images; it has 0.txt"):
        with pytest.raises(SpecError) as caught:
            read(str(tmp_path), Path(), grey)
        assert (
            caught.value.diagnostic.code == "E0802"
            and caught.value.diagnostic.message.endswith(said)
            and ".png, .jpg" in (caught.value.diagnostic.help or "")
        )
        (tmp_path / "c" / "0.txt").write_bytes(b"")
    (tmp_path / "c" / "0.txt").unlink()
    save(Image.new("L", (5, 4)), tmp_path / "c" / "0.png")
    with pytest.raises(SpecError, match="no example can be held out of the class `c`, which has one") as caught:
        read(str(tmp_path), Path(), grey)
    assert "test/CLASS/*.png" in (caught.value.diagnostic.help or "") and "astype" not in (caught.value.diagnostic.help or "")


@pytest.mark.parametrize(
    ("files", "help"),
    [
        (["images/0.png", "masks/0.png"], 'imagefolder("{}", masks = "masks")'),
        (["data_batch_1"], 'cifar10("{}")'),
        (["train-images-idx3-ubyte.gz"], 'mnist("{}")'),
        (["train.parquet"], 'hf("{}")'),
        (["000.tar"], 'webdataset("{}/*.tar")'),
    ],
)
def test_folders_in_another_known_format(tmp_path: Path, files: list[str], help: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(SpecError) as caught:
        read(str(tmp_path), Path(), RGB)
    assert help.format(tmp_path) in (caught.value.diagnostic.help or "")


def test_images_of_different_sizes(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for label in "ab":
            save(Image.new("L", (5, 4)), tmp_path / part / label / "0.png")
    save(Image.new("L", (6, 4)), tmp_path / "test" / "b" / "1.png")
    with pytest.raises(
        SpecError, match=r"1\.png is \[4, 6\], .*0\.png is \[4, 5\], and the network's input is \[1, 4, 5\]"
    ) as caught:
        read(str(tmp_path), Path(), Input("x", (1, 4, 5)))
    assert (caught.value.diagnostic.code, caught.value.diagnostic.help) == (
        "E0803",
        "bring all images to one size: `transform = [resize([4, 5])]`",
    )
    with pytest.raises(SpecError) as caught:
        read(str(tmp_path), Path(), RGB)
    assert caught.value.diagnostic.help == "bring all images to one size: `transform = [resize(256), center_crop(224)]`"
    data = read(str(tmp_path), Path(), RGB, transform=call(Transform, "resize", size=(4, 5)))
    assert everything(data, data.held_out)[0].shape == (3, 3, 4, 5)


def test_every_mode_becomes_the_channels_of_the_input(tmp_path: Path) -> None:
    """Palette, CMYK, grey with alpha, one bit: as the picture looks; what is transparent is white."""
    red = Image.new("RGB", (4, 4), (255, 0, 0))
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    palette = red.convert("P")
    see_through = palette.copy()
    see_through.info["transparency"] = palette.getpixel((0, 0))
    for number, (image, name) in enumerate(
        [
            (red, "a.bmp"),
            (palette, "b.gif"),
            (red.convert("CMYK"), "c.tiff"),
            (clear, "d.png"),
            (see_through, "e.png"),
            (red.convert("RGBA"), "f.webp"),
        ]
    ):
        save(image, tmp_path / "train" / "a" / f"{number}{name}", **({"lossless": True} if name.endswith("webp") else {}))
        save(image, tmp_path / "test" / "a" / f"{number}{name}", **({"lossless": True} if name.endswith("webp") else {}))
    save(Image.new("1", (4, 4), 1), tmp_path / "train" / "b" / "9.png")
    data = read(str(tmp_path), Path(), RGB)
    images, _ = everything(data, data.train)
    assert images[:, :, 0, 0].tolist() == [[255, 0, 0]] * 3 + [[255, 255, 255]] * 2 + [[255, 0, 0], [255, 255, 255]]
    grey = read(str(tmp_path), Path(), Input("x", (1, 4, 4)))
    assert everything(grey, grey.train)[0][:, 0, 0, 0].tolist() == [76, 76, 76, 255, 255, 76, 255]
    rgba = read(str(tmp_path), Path(), Input("x", (4, 4, 4)))
    assert everything(rgba, rgba.train)[0][:, 3, 0, 0].tolist() == [255, 255, 255, 0, 0, 255, 255]
    with pytest.raises(SpecError, match=r"images have 1, 3 or 4 channels, and the network's input is \[2, \?, \?\]"):
        read(str(tmp_path), Path(), Input("x", (2, None, None)))


def test_grey_of_16_bits_is_scaled(tmp_path: Path) -> None:
    for part, level in (("train", 13107), ("test", 65535)):
        save(np.full((4, 5), level, np.uint16), tmp_path / part / "a" / "0.png")
    save(Image.new("L", (5, 4), 102), tmp_path / "train" / "a" / "1.png")
    save(Image.new("L", (5, 4), 102), tmp_path / "train" / "b" / "1.png")
    for channels in (1, 3, 4):
        data = read(str(tmp_path), Path(), Input("x", (channels, 4, 5)))
        images, _ = everything(data, data.train)
        torch.testing.assert_close(images[:2, 0], torch.tensor([0.2, 0.4])[:, None, None].expand(2, 4, 5))
        assert bool((everything(data, data.held_out)[0] == 1).all())


def test_the_camera_says_which_side_is_up(tmp_path: Path) -> None:
    """An image that is stored lying has the shape, and the pixels, of the upright one; with a crop, too."""
    upright = np.arange(12 * 8 * 3, dtype=np.uint8).reshape(12, 8, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(upright).transpose(Image.Transpose.ROTATE_90)
    for part in ("train", "test"):
        for label in "ab":
            save(upright, tmp_path / part / label / "0.png")
            save(lying, tmp_path / part / label / "1.tiff", exif=exif)
    data = read(str(tmp_path), Path(), RGB)
    assert data.shapes == ((3, 12, 8),)
    images, _ = everything(data, data.train)
    assert torch.equal(images[0], images[1]) and images[0, 0, :, 0].tolist() == upright[:, 0, 0].tolist()
    crop = read(str(tmp_path), Path(), RGB, transform=call(Transform, "center_crop", size=(4, 2)))
    assert torch.equal(everything(crop, crop.train)[0], images[:, :, 4:8, 3:5])


def test_transforms_are_those_of_torchvision(tmp_path: Path) -> None:
    """Resizing the shorter side, then the middle, in one resampling that is as good as two."""
    photograph = np.asarray(Image.effect_mandelbrot((90, 60), (-2, -1, 1, 1), 50).convert("RGB"))
    for part in ("train", "test"):
        for label in "ab":
            save(photograph, tmp_path / part / label / "0.png")
    keys = {"transform": [call(Transform, "resize", size=32), call(Transform, "center_crop", size=28)]}
    data = read(str(tmp_path), Path(), RGB, **keys)
    assert data.shapes == ((3, 28, 28),)
    expected = Image.fromarray(photograph).resize((48, 32), Image.Resampling.BILINEAR).crop((10, 2, 38, 30))
    difference = everything(data, data.train)[0][0].int() - torch.from_numpy(np.array(expected)).permute(2, 0, 1).int()
    assert float(difference[:, 1:-1, 1:-1].abs().float().mean()) < 0.5 and int(difference.abs().max()) < 40
    np.savez(tmp_path / "data.npz", x=np.stack([photograph.transpose(2, 0, 1)] * 10), y=np.arange(10) % 2)
    arrays = read("data.npz", tmp_path, RGB, **keys)
    batch = next(arrays.evaluation_batches(arrays.held_out))
    [images], _ = arrays.preparation(arrays.recipe).vary(batch, training=False)
    assert float((images[0] * 255 - torch.from_numpy(np.array(expected)).permute(2, 0, 1)).abs().max()) < 2


def test_large_photographs_are_decoded_small(tmp_path: Path) -> None:
    """What a JPEG's draft gives is near to resizing all of its pixels."""
    photograph = Image.effect_mandelbrot((600, 400), (-2, -1, 1, 1), 50).convert("RGB")
    for part in ("train", "test"):
        for label in "ab":
            save(photograph, tmp_path / part / label / "0.jpg", quality=95)
    data = read(
        str(tmp_path), Path(), RGB, transform=[call(Transform, "resize", size=40), call(Transform, "center_crop", size=32)]
    )
    expected = np.asarray(photograph.resize((60, 40), Image.Resampling.BILINEAR).crop((14, 4, 46, 36)))
    assert np.abs(everything(data, data.train)[0][0].permute(1, 2, 0).numpy() - expected.astype(int)).mean() < 3


def test_crops_see_the_image_as_it_is_in_its_file(tmp_path: Path) -> None:
    """A crop at the start of `augment` takes the place of `center_crop`, so that all of the image can come into it."""
    classes(tmp_path, 5, (40, 80))
    ramp = np.tile(np.arange(80, dtype=np.uint8)[None, :, None], (40, 1, 3))
    for file in tmp_path.glob("*/*.png"):
        save(ramp, file)
    keys = {"transform": [call(Transform, "resize", size=40), call(Transform, "center_crop", size=32)]}
    data = read(str(tmp_path), Path(), RGB, **keys, augment=call(Augmentation, "random_crop", size=32), batch=8, epochs=1)
    seen = {
        int(value)
        for step in range(30)
        for value in next(iter(data.training_batches(8, 0, lambda step=step: step))).inputs[0][:, 0, 0, 0]
    }  # type: ignore[misc]
    assert min(seen) < 5 and max(seen) > 43
    assert everything(data, data.train)[0][:, 0, 0, 0].tolist() == [24] * 8
    resized = read(str(tmp_path), Path(), RGB, **keys, augment=call(Augmentation, "random_resized_crop", size=16))
    assert (resized.shapes, resized.training_shapes) == (((3, 32, 32),), ((3, 16, 16),))


def test_all_files_that_cannot_be_read_are_told_at_once(tmp_path: Path) -> None:
    classes(tmp_path, 8)
    (tmp_path / "a" / "0.png").write_bytes(b"no image")
    (tmp_path / "b" / "1.png").write_bytes((tmp_path / "b" / "2.png").read_bytes()[:20])
    with pytest.raises(SpecError) as caught:
        read(str(tmp_path), Path(), RGB)
    found = caught.value.diagnostic
    assert found.message == "cannot read 2 of 16 images"
    assert "a/0.png" in found.notes[0] and "b/1.png" in found.notes[1]
    assert "--skip-bad" in (caught.value.diagnostic.help or "")
    whole = save(np.random.default_rng(0).integers(0, 255, (4, 5, 3), dtype=np.uint8), tmp_path / "b" / "3.png").read_bytes()
    (tmp_path / "b" / "3.png").write_bytes(whole[:-40])  # its header is right
    for reading, arguments in ((ReadOptions(skip_bad=True), {}), (None, {"skip_bad": True})):
        data = folder(tmp_path, Path(), RGB, reading=reading, **arguments)
        assert sorted(Path(name).name for name in data.left_out) == ["0.png", "1.png", "3.png"]
        assert len(data.train) + len(data.held_out) == 13
        everything(data, data.train)


@pytest.mark.parametrize("workers", [0, 1])
def test_pixels_that_cannot_be_decoded_are_told_when_they_are_met(tmp_path: Path, workers: int) -> None:
    """All of them, not the first one alone; from a worker process, too."""
    classes(tmp_path, 8)
    for file in (tmp_path / "a" / "0.png", tmp_path / "b" / "3.png"):
        whole = save(np.random.default_rng(0).integers(0, 255, (4, 5, 3), dtype=np.uint8), file).read_bytes()
        file.write_bytes(whole[:-40])
    data = folder(tmp_path, Path(), RGB, keys={"workers": workers})
    with pytest.raises(SpecError, match="cannot read 2 of 16 images") as caught:
        for split in (data.train, data.held_out):
            everything(data, split)
    assert "a/0.png" in caught.value.diagnostic.notes[0] and "b/3.png" in caught.value.diagnostic.notes[1]


def streets(root: Path, values: tuple[int, ...] = (0, 1, 2), count: int = 10, mode: str = "L") -> Path:
    """Images that are bright where their masks have the second value."""
    random = np.random.default_rng(0)
    for number in range(count):
        places = random.integers(0, len(values), (8, 6))
        save(np.repeat((places == 1)[..., None] * np.uint8(200), 3, 2), root / "images" / f"{number}.png")
        mask = Image.fromarray(np.array(values, np.uint8)[places])
        if mode == "P":
            mask.putpalette([channel for color in range(256) for channel in (color, 255 - color, 7)])
        save(mask.convert(mode), root / "masks" / f"{number}.png")
    return root


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_masks_beside_images(tmp_path: Path, mode: str) -> None:
    data = folder(streets(tmp_path, mode=mode), Path(), RGB, masks="masks")
    assert (data.labels.kind, data.labels.count, data.labels.shape, data.shapes) == ("mask", 3, (8, 6), ((3, 8, 6),))
    images, masks = everything(data, data.train)
    assert torch.equal(images[:, 0] == 200, masks == 1)


def test_masks_are_framed_with_their_images(tmp_path: Path) -> None:
    """Resized and cropped, with a border that is left out."""
    data = folder(
        streets(tmp_path), Path(), RGB, masks="masks",
        keys={"transform": call(Transform, "resize", size=(16, 12)),
              "augment": call(Augmentation, "random_crop", size=(18, 14), pad=2)},
    )  # fmt: skip
    images, masks = everything(data, data.held_out)
    assert set(masks.unique().tolist()) == {0, 1, 2} and masks.shape == (2, 16, 12)
    assert bool(((images[:, 0] > 190) <= (masks == 1)).all())
    batch = next(iter(data.training_batches(8, 0, lambda: 0)))
    assert batch.labels.shape == (8, 18, 14) and bool((batch.labels == IGNORED).any())
    assert bool((batch.inputs[0][:, 0][batch.labels == IGNORED] == 0).all())
    assert bool(((batch.inputs[0][:, 0] > 190) <= (batch.labels == 1)).all())


def test_values_of_masks(tmp_path: Path) -> None:
    data = folder(streets(tmp_path, (0, 255)), Path(), RGB, masks="masks", values=(0, 255))
    assert (data.labels.count, data.labels.values) == (2, (0, 1))
    assert set(everything(data, data.train)[1].unique().tolist()) == {0, 1}
    with pytest.raises(SpecError, match=r"has the value 255, and `values` is \[0, 7\]") as caught:
        folder(tmp_path, Path(), RGB, masks="masks", values=(0, 7))
    assert caught.value.diagnostic.help == "add it: `values = [0, 7, 255]`"


def _lone(root: Path) -> None:
    (root / "masks" / "3.png").unlink()


def _other_size(root: Path) -> None:
    save(np.zeros((8, 7), np.uint8), root / "masks" / "3.png")


def _colors(root: Path) -> None:
    save(np.random.default_rng(0).integers(0, 2, (8, 6, 3), dtype=np.uint8) * np.uint8(255), root / "masks" / "3.png")


def _photograph(root: Path) -> None:
    save(np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8), root / "masks" / "3.png")
    save(np.zeros((20, 30, 3), np.uint8), root / "images" / "3.png")


def _gone(root: Path) -> None:
    (root / "masks").rename(root / "labels")


def _none(root: Path) -> None:
    rmtree(root / "masks")


def _suffixed(root: Path) -> None:
    for mask in (root / "masks").iterdir():
        mask.rename(mask.with_stem(f"{mask.stem}_mask"))


def _compressed(root: Path) -> None:
    rmtree(root / "masks")
    values = np.random.default_rng(0).integers(0, 2, (8, 6), dtype=np.uint8) * np.uint8(255)
    for number in range(10):
        save(values, root / "masks" / f"{number}.jpg")


@pytest.mark.parametrize(
    ("spoil", "message", "help"),
    [
        (_lone, r"1 of 10 images in .*images have no mask of their name in .*masks: 3\.png", "masks/3.png"),
        (_other_size, r"3\.png is \[8, 6\], and its mask .*3\.png is \[8, 7\]", "in the size of its image"),
        (_colors, "3.png is an image with 8 colors", "save each color's place in the list"),
        (_photograph, "is an image with 600 colors", "without loss"),
        (_gone, "masks does not exist", 'write `masks = "labels"`'),
        (_none, "masks does not exist", "masks of the same names into"),
        (_suffixed, r"10 of 10 images .*; it has 0_mask\.png", "rename each mask as its image, 0_mask.png to 0.png"),
        (_compressed, r"the masks are \.jpg files and have \d+ values", "JPEG changes values: save masks as .png"),
    ],
)
def test_masks_that_do_not_fit(tmp_path: Path, spoil: Any, message: str, help: str) -> None:
    spoil(streets(tmp_path))
    with pytest.raises(SpecError, match=message) as caught:
        folder(tmp_path, Path(), RGB, masks="masks")
    assert help in (caught.value.diagnostic.help or "")


def test_void_is_left_out(tmp_path: Path) -> None:
    data = folder(streets(tmp_path, (0, 1, 255)), Path(), RGB, masks="masks", keys={"ignore": 255})
    assert (data.labels.count, data.labels.values, data.labels.ignore) == (2, (0, 1), 255)
    batch = next(data.evaluation_batches(data.train))
    _, labels = data.preparation(data.recipe)(batch, training=False)
    assert torch.equal(labels == IGNORED, batch.labels == 255) and set(labels.unique().tolist()) == {0, 1, IGNORED}


def test_a_class_that_few_masks_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many masks some are read before training; one with another value is reported when it is met, with the text to write."""
    monkeypatch.setattr("archdsl.data.folders._MASKS_LOOKED_AT", 1)
    streets(tmp_path, (0, 1), 12)
    rare = np.zeros((8, 6), np.uint8)
    rare[0, 0] = 9
    for number in range(2, 12):
        save(rare, tmp_path / "masks" / f"{number}.png")
        save(np.zeros((8, 6, 3), np.uint8), tmp_path / "images" / f"{number}.png")
    data = folder(tmp_path, Path(), RGB, masks="masks")
    if 9 not in data.labels.values:
        with pytest.raises(SpecError, match="has the value 9, which no mask had that was looked at") as caught:
            everything(data, data.train)
        assert "values = [0, 1, 9]" in (caught.value.diagnostic.help or "") or "values = [0, 9]" in (
            caught.value.diagnostic.help or ""
        )
    else:
        with pytest.raises(SpecError, match="has the value 1, which no mask had"):
            everything(data, data.train), everything(data, data.held_out)
    whole = folder(tmp_path, Path(), RGB, masks="masks", values=(0, 1, 9, 7))
    assert whole.labels.count == 4 and set(everything(whole, whole.train)[1].unique().tolist()) <= {0, 1, 2}
