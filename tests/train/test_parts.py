"""The parts of the training: chance, augmentations, data, losses, files."""

import errno
import os
import resource
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from archdsl.declared import Declared, Fault
from archdsl.recipe import Augmentation, Dataset, Loss, Optimizer
from archdsl.train.augment import augment
from archdsl.train.batches import TrainingBatches
from archdsl.train.data import Split, load
from archdsl.train.experiment import Input
from archdsl.train.files import write
from archdsl.train.keys import drawer, key
from archdsl.train.losses import Criterion, predicted


def call(family: type[Declared], name: str, **arguments: Any) -> Any:
    entry = family.registry.get(name)
    assert entry is not None
    return entry.create(arguments)


def test_draws_are_even_and_depend_on_the_key_alone() -> None:
    keys = key(0, 2, 5, torch.arange(2000))
    values = drawer(keys)(50)
    assert torch.equal(values[:, 7:9], drawer(keys[7:9])(50))
    assert 0 < float(values.min()) < float(values.max()) < 1
    assert float(values.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(values.std()) == pytest.approx(12**-0.5, abs=0.01)
    assert len(values.unique()) > 0.99 * values.numel()
    assert abs(float(torch.corrcoef(values[:2])[0, 1])) < 0.1


def test_batches_hold_every_example_once_and_start_anywhere() -> None:
    x, step = torch.arange(100), 0
    batches = TrainingBatches(Split((x,), x), 33, 0, lambda: step)
    assert len(batches) == 3  # the hundredth would be alone
    first = list(batches)
    assert len(torch.cat([labels for _, labels, _ in first]).unique()) == 99
    step = 2
    assert torch.equal(next(iter(batches)).labels, first[2].labels)
    step = 3
    assert not torch.equal(next(iter(batches)).labels, first[0].labels)


IMAGE = torch.rand(4, 2, 8, 8)
KEYS = key(torch.arange(4))


@pytest.mark.parametrize("name", Augmentation.registry.names())
def test_augmentations_keep_shape_and_depend_on_the_key_alone(name: str) -> None:
    arguments = {
        "shift": {"pixels": 2},
        "rotate": {"degrees": 20},
        "zoom": {"by": 0.2},
        "noise": {"std": 0.1},
        "cutout": {"size": 3},
    }
    one = call(Augmentation, name, **arguments.get(name, {}))
    changed = augment([one], IMAGE, KEYS)
    assert changed.shape == IMAGE.shape
    assert not torch.equal(changed, IMAGE)
    torch.testing.assert_close(augment([one], IMAGE[2:3], KEYS[2:3]), changed[2:3], rtol=0, atol=1e-6)


def test_shift_moves_by_whole_pixels() -> None:
    spot = torch.zeros(500, 1, 8, 8)
    spot[:, :, 4, 4] = 1
    moved = augment([call(Augmentation, "shift", pixels=1)], spot, key(torch.arange(500)))
    assert sorted(moved.mean(0).nonzero()[:, 1:].tolist()) == [[i, j] for i in (3, 4, 5) for j in (3, 4, 5)]
    torch.testing.assert_close(moved.flatten(1).max(1).values, torch.ones(500))


def test_movements_compose_in_the_order_written() -> None:
    """Turned by a right angle after the shift is not the same as before it; two flips are nothing."""
    flip, shift = call(Augmentation, "flip", p=1.0), call(Augmentation, "shift", pixels=2)
    torch.testing.assert_close(augment([flip, flip], IMAGE, KEYS), IMAGE)
    torch.testing.assert_close(augment([shift, flip], IMAGE, KEYS), augment([shift], IMAGE, KEYS).flip(-1))


def test_flip_both_ways() -> None:
    torch.testing.assert_close(augment([call(Augmentation, "flip", p=1.0)], IMAGE, KEYS), IMAGE.flip(-1))
    torch.testing.assert_close(augment([call(Augmentation, "flip", axis="vertical", p=1.0)], IMAGE, KEYS), IMAGE.flip(-2))


def test_cutout_of_one_pixel_blackens_one_pixel() -> None:
    cut = augment([call(Augmentation, "cutout", size=1)], IMAGE + 1, KEYS)
    assert (cut == 0).sum((1, 2, 3)).tolist() == [2, 2, 2, 2]


def test_noise_has_its_deviation() -> None:
    noisy = augment([call(Augmentation, "noise", std=0.3)], torch.zeros(100, 1, 16, 16), key(torch.arange(100)))
    assert float(noisy.std()) == pytest.approx(0.3, rel=0.02)


def test_digits_hold_out_360_evenly() -> None:
    data = load(call(Dataset, "digits"), Path(), (Input("x", (1, 8, 8)),))
    assert (len(data.train.inputs[0]), len(data.held_out.inputs[0]), data.classes) == (1437, 360, 10)
    assert {int(count) for count in data.held_out.labels.bincount()} <= {35, 36, 37}
    assert (float(data.train.inputs[0].min()), float(data.train.inputs[0].max())) == (0, 1)
    rows = torch.cat([data.train.inputs[0], data.held_out.inputs[0]]).flatten(1)
    assert len(rows) == 1797
    assert torch.equal(load(call(Dataset, "digits"), Path(), (Input("x", (1, 8, 8)),)).held_out.inputs[0], data.held_out.inputs[0])


def test_npz_with_and_without_a_split(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).integers(0, 256, (50, 4, 4), dtype=np.uint8), np.arange(50) % 5
    np.savez(tmp_path / "one.npz", x=x, y=y)
    np.savez(tmp_path / "two.npz", x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])
    for name, held_out in (("one.npz", 10), ("two.npz", 20)):
        data = load(name, tmp_path, (Input("x", (1, 4, 4)),))
        assert data.held_out.inputs[0].shape == (held_out, 1, 4, 4)
        assert (data.classes, float(data.train.inputs[0].max()) <= 1) == (5, True)


def test_folder_of_images(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for part, label, level in (("train", "cat", 51), ("train", "dog", 102), ("test", "dog", 255), ("train", ".cache", 0)):
        (tmp_path / part / label).mkdir(parents=True)
        image.new("RGB", (5, 4), (level, 0, 0)).save(tmp_path / part / label / "0.png")
    data = load(str(tmp_path), Path(), (Input("x", (3, 4, 5)),))
    assert data.train.labels.tolist() == [0, 1]
    assert data.held_out.labels.tolist() == [1]
    torch.testing.assert_close(data.train.inputs[0][:, 0, 0, 0], torch.tensor([0.2, 0.4]))
    with pytest.raises(Fault) as caught:
        load(str(tmp_path), Path(), (Input("x", (3, 8, 8)),))
    assert caught.value.code == "E0803"
    (tmp_path / "test").rename(tmp_path / "val")
    (tmp_path / "test").mkdir()  # for the end: not looked at where there is `val`
    assert load(str(tmp_path), Path(), (Input("x", (3, 4, 5)),)).held_out.labels.tolist() == [1]
    (tmp_path / "train" / "cat" / "._0.png").write_bytes(b"what a Mac leaves there")
    assert len(load(str(tmp_path), Path(), (Input("x", (3, 4, 5)),)).train.inputs[0]) == 2
    (tmp_path / "train" / "cat" / "1.png").write_bytes(b"no image")
    with pytest.raises(Fault, match=r"cannot read .*1\.png"):
        load(str(tmp_path), Path(), (Input("x", (3, 4, 5)),))


def _saved(image: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def test_grey_of_16_bits_is_scaled(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for part, level in (("train", 13107), ("test", 65535)):
        _saved(image.fromarray(np.full((4, 5), level, np.uint16)), tmp_path / part / "a" / "0.png")
    _saved(image.new("L", (5, 4), 102), tmp_path / "train" / "a" / "1.png")
    for channels in (1, 3, 4):
        data = load(str(tmp_path), Path(), (Input("x", (channels, 4, 5)),))
        torch.testing.assert_close(data.train.inputs[0][:, 0], torch.tensor([0.2, 0.4])[:, None, None].expand(2, 4, 5))
        assert bool((data.held_out.inputs[0] == 1).all())


def test_folders_that_are_no_classes(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for label in "ab":
        for number in range(5):
            _saved(image.new("L", (5, 4)), tmp_path / label / f"{number}.png")
    (tmp_path / "a" / "d.png").mkdir()  # passed over
    assert len(load(str(tmp_path), Path(), (Input("x", (1, 4, 5)),)).train.inputs[0]) == 8
    (tmp_path / "a" / "e.png").symlink_to("nowhere")  # an image that is lacking
    with pytest.raises(Fault, match=r"cannot read .*e\.png: No such file or directory$"):
        load(str(tmp_path), Path(), (Input("x", (1, 4, 5)),))
    (tmp_path / "a" / "e.png").unlink()
    (tmp_path / "c").mkdir()
    for said in ("c has no images", "c has no images; it has 0.tiff"):
        with pytest.raises(Fault) as caught:
            load(str(tmp_path), Path(), (Input("x", (1, 4, 5)),))
        assert caught.value.code == "E0802" and caught.value.message.endswith(said) and ".png, .jpg" in (caught.value.help or "")
        (tmp_path / "c" / "0.tiff").write_bytes(b"")
    (tmp_path / "c" / "0.tiff").unlink()
    _saved(image.new("L", (5, 4)), tmp_path / "c" / "0.png")
    with pytest.raises(Fault, match="no example can be held out of the class `c`, which has one") as caught:
        load(str(tmp_path), Path(), (Input("x", (1, 4, 5)),))
    assert "test/CLASS/*.png" in (caught.value.help or "") and "astype" not in (caught.value.help or "")


def test_one_image_of_another_size(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for part in ("train", "test"):
        for label in "ab":
            _saved(image.new("L", (5, 4)), tmp_path / part / label / "0.png")
    _saved(image.new("L", (6, 4)), tmp_path / "test" / "b" / "1.png")
    with pytest.raises(Fault, match=r"1\.png is \[4, 6\], .*0\.png is \[4, 5\], and the network's input is \[1, 4, 5\]") as caught:
        load(str(tmp_path), Path(), (Input("x", (1, 4, 5)),))
    assert (caught.value.code, caught.value.help) == ("E0803", "bring all images to the size of the input: `ImageOps.fit(image, (5, 4))`")


def test_folder_without_a_split(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for label in ("dog", "cat"):
        (tmp_path / label).mkdir()
        for number in range(10):
            image.new("L", (5, 4), number).save(tmp_path / label / f"{number}.png")
    data = load(str(tmp_path), Path(), (Input("x", (1, 4, 5)),))
    assert (data.train.labels.bincount().tolist(), data.held_out.labels.bincount().tolist()) == ([8, 8], [2, 2])


def test_masks_are_held_out_by_the_picture(tmp_path: Path) -> None:
    np.savez(tmp_path / "masks.npz", x=np.zeros((10, 4, 4)), y=np.arange(160).reshape(10, 4, 4) % 3)
    data = load("masks.npz", tmp_path, (Input("x", (1, 4, 4)),))
    assert (data.train.labels.shape, data.held_out.labels.shape, data.classes) == ((8, 4, 4), (2, 4, 4), 3)


def test_arrays_to_validate_with_leave_those_to_test_with_alone(tmp_path: Path) -> None:
    x, y = np.zeros((6, 4)), np.arange(6) % 2
    np.savez(tmp_path / "both.npz", x_train=x, y_train=y, x_val=x[:4], y_val=y[:4], x_test=x[:2], y_test=y[:2])
    assert len(load("both.npz", tmp_path, (Input("x", (4,)),)).held_out.inputs[0]) == 4


@pytest.mark.parametrize(
    ("arrays", "shape", "code", "help"),
    [
        ({"x": np.zeros((10, 4, 4, 3)), "y": np.arange(10) % 2}, (3, 4, 4), "E0803", "channels first"),
        ({"x": np.zeros((10, 3, 5, 5)), "y": np.arange(10) % 2}, (3, 4, 4), "E0803", "write `input image [3, 5, 5]`"),
        ({"x": np.zeros((10, 4)), "y": np.arange(10) % 2 - 1}, (4,), "E0801", "from 0"),
        ({"x": np.zeros((10, 4)), "y": np.arange(9) % 2}, (4,), "E0802", "one label to each"),
        ({f"{name}_{part}": np.zeros(len(part) - (name == "y")) for name in "xy" for part in ("train", "test")}, (1,), "E0802", "one label"),
        ({"x": np.zeros((10, 4)), "y": np.zeros((10, 0), int)}, (4,), "E0802", "not empty"),
        ({"x": np.zeros((10, 4)), "y": np.arange(10)}, (4,), "E0802", "x_test"),
        ({"x": np.full((10, 4), np.nan), "y": np.arange(10) % 2}, (4,), "E0802", "remove"),
        ({"x": np.array([None] * 10), "y": np.arange(10) % 2}, (4,), "E0802", "arrays of numbers"),
        ({"x": np.zeros((10, 4)), "y": np.array(["a", "b"] * 5)}, (4,), "E0802", "numpy.unique"),
        ({"x": np.array(1), "y": np.array(1)}, (4,), "E0802", "savez"),
        ({"z": np.zeros(3)}, (4,), "E0802", "savez"),
    ],
)
def test_data_that_does_not_fit(tmp_path: Path, arrays: dict[str, Any], shape: tuple[int, ...], code: str, help: str) -> None:
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(Fault) as caught:
        load("data.npz", tmp_path, (Input("x", shape),))
    assert (caught.value.code, caught.value.argument) == (code, "data")
    assert help in (caught.value.help or "")


PARTS = {"x_train": np.zeros((6, 4)), "y_train": np.arange(6) % 2, "x_test": np.zeros((4, 4)), "y_test": np.arange(4) % 2}


@pytest.mark.parametrize(
    ("changes", "code", "message", "help"),
    [
        ({"y_test": np.arange(4.0) % 2}, "E0801", "`y_test` is float64, which means values, and `y_train`", "`y_test.astype(int)`; or"),
        ({"y_test": np.arange(4) / 3}, "E0801", "`y_test` is float64", "save both as floats: `y_train.astype(float)`"),
        ({"y_train": np.arange(6.0) % 2}, "E0801", "`y_train` is float64, which means values, and `y_test`", "`y_train.astype(int)`; or"),
        ({"y_test": np.zeros((4, 1), int)}, "E0801", "and in `y_test` [1]", "`y_test.reshape(4)`"),
        ({"y_train": np.zeros((6, 1), int)}, "E0801", "and in `y_test` []", "`y_train.reshape(6)`"),
        ({"y_test": np.zeros((4, 3), int)}, "E0801", "and in `y_test` [3]", "`y_test` as [4]"),
        ({"y_test": np.eye(4, 2, dtype=int) + np.eye(4, 2, -2, dtype=int)}, "E0801", "and in `y_test` [2]", "`y_test.argmax(1)`"),
        ({"x_test": np.zeros((4, 5))}, "E0803", "those of `x_test` are [5]", "one shape"),
        ({"x_train": np.zeros((6, 4), np.uint8)}, "E0802", "`x_train` is uint8, which is divided by 255, and `x_test` is float64", "`x_train / 255`"),
        ({"x_test": np.full((4, 4), 200, np.uint8)}, "E0802", "`x_test` is uint8", "`x_test / 255`"),
        ({"x_train": np.zeros((6, 4), np.uint8), "x_test": np.full((4, 4), 255)}, "E0802", "x_test` is int64", "`x_test.round().astype(numpy.uint8)`"),
        ({"x_train": np.zeros((6, 4), np.uint8), "x_test": -np.ones((4, 4))}, "E0802", "x_test` is float64", "`x_train.astype(float)`"),
        ({"y_train": np.array([0, 1, 2, 0, 1, np.nan])}, "E0802", "`y_train` has labels that are not finite, the first at `y_train[5]`", "numpy.argwhere"),
        ({"y_train": np.arange(6, dtype=np.uint64) + np.uint64(2**64 - 9)}, "E0801", "a label in `y_train` is 18446744073709551612", "numpy.unique"),
        ({"y_train": np.arange(6) * 1j}, "E0802", "`y_train` is complex128", "`y_train.real`"),
        ({"x_test": np.zeros((0, 4)), "y_test": np.zeros(0, int)}, "E0802", "`x_test` has the shape [0, 4]", "not empty"),
        ({"x_test": np.full((4, 4), 1e300)}, "E0802", "`x_test` has values up to 1e+300", "`x_test / 1e+300`"),
    ],
)  # fmt: skip
def test_parts_that_do_not_go_together(tmp_path: Path, changes: dict[str, Any], code: str, message: str, help: str) -> None:
    np.savez(tmp_path / "data.npz", **{**PARTS, **changes})
    with pytest.raises(Fault) as caught:
        load("data.npz", tmp_path, (Input("x", (4,)),))
    assert (caught.value.code, caught.value.argument) == (code, "data")
    assert message in caught.value.message and help in (caught.value.help or "")


@pytest.mark.parametrize(
    ("x", "help"),
    [
        (np.zeros((10, 8, 8, 3)), "`x.transpose(0, 3, 1, 2)`, and write `input image [3, 8, 8]`"),
        (np.zeros((10, 8, 8, 1)), "put the channels first: `x.transpose(0, 3, 1, 2)`"),
        (np.zeros((10, 9)), "write `input row [9]`"),
        (np.zeros(10), "save rows of one number: `x[:, None]`, and write `input row [1]`"),
    ],
)
def test_examples_of_another_shape(tmp_path: Path, x: Any, help: str) -> None:
    np.savez(tmp_path / "data.npz", x=x, y=np.arange(10) % 2)
    with pytest.raises(Fault) as caught:
        load("data.npz", tmp_path, (Input("x", (1, 8, 8)),))
    assert caught.value.code == "E0803" and help in (caught.value.help or "")


@pytest.mark.parametrize("examples", [0, 1, 20])
def test_too_few_to_hold_out_of(tmp_path: Path, examples: int) -> None:
    """In our words, not in scikit-learn's."""
    np.savez(tmp_path / "data.npz", x=np.zeros((examples, 4)), y=np.arange(examples) // 2)
    with pytest.raises(Fault, match=r"one example|no numbers in it|a fifth of 20 examples, 4, are fewer than the 10 classes") as caught:
        load("data.npz", tmp_path, (Input("x", (4,)),))
    assert caught.value.code == "E0802"


def test_data_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.npz").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "bytes.npz", "w") as archive:
        archive.writestr("x", "no array")
        archive.writestr("y", "no array")
    np.save(tmp_path / "array.npy", np.zeros(3))
    for name, said in (
        ("absent.npz", "does not exist"),
        ("empty", "has no folders of images"),
        ("bytes.npz", "`x`, which is no array"),
        ("text.npz", "is not a .npz file"),
        ("array.npy", "is not a .npz file"),
    ):
        with pytest.raises(Fault) as caught:
            load(name, tmp_path, (Input("x", (1,)),))
        assert (caught.value.code, caught.value.argument) == ("E0802", "data")
        assert said in caught.value.message and "pickle" not in caught.value.message


@pytest.mark.parametrize("name", Loss.registry.names())
def test_losses_fall_towards_the_right_answer(name: str) -> None:
    loss, labels = call(Loss, name), torch.tensor([0, 2])
    right = torch.nn.functional.one_hot(labels, 3).float()
    if loss.wants == "values":
        labels = right
    criterion = Criterion(loss, "value" if loss.wants == "values" else "class")
    assert criterion(right, labels)[0] < criterion(right.roll(1, 1), labels)[0]


def test_one_output_holds_two_classes() -> None:
    output, labels = torch.tensor([[2.0], [-2.0]]), torch.tensor([1, 0])
    assert float(Criterion(call(Loss, "bce"), "class")(output, labels)[0]) == pytest.approx(0.1269, abs=1e-4)
    assert predicted(output).tolist() == [1, 0]


@pytest.mark.parametrize("name", Optimizer.registry.names())
def test_optimizers_exist_and_step(name: str) -> None:
    import pkgutil

    weight = torch.nn.Parameter(torch.ones(3))
    entry = call(Optimizer, name)
    optimizer = pkgutil.resolve_name(entry.target)([weight], **entry.arguments())
    weight.square().sum().backward()
    optimizer.step()
    assert bool((weight < 1).all())


def test_nesterov_without_momentum_is_refused() -> None:
    with pytest.raises(Fault, match="momentum"):
        call(Optimizer, "sgd", nesterov=True)


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.ckpt"
    write(path, b"before")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Fault, match="No space left on device; the earlier one is intact") as caught:
        write(path, b"after")
    assert caught.value.code == "E0902"
    assert caught.value.help == "free some space"
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"before"]


def test_a_tensor_that_does_not_fit_on_the_disk(tmp_path: Path) -> None:
    """A limit on file sizes does what a full disk does: the write itself fails, inside `torch.save`."""
    path, before = tmp_path / "last.ckpt", resource.getrlimit(resource.RLIMIT_FSIZE)
    torch.save({}, path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(Fault) as caught:
            write(path, lambda file: torch.save(torch.zeros(1_000_000), file))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.code == "E0902"
    assert torch.load(path, weights_only=True) == {}
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Fault, match="cannot write"):
        write(tmp_path / "file" / "last.ckpt", b"")


def test_written_files_have_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write(tmp_path / "written", b"")
    assert (tmp_path / "plain").stat().st_mode == (tmp_path / "written").stat().st_mode
