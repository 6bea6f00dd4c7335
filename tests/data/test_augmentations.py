"""Augmentations: what they do to images, to labels of pixels, and to classes; normalizations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from archdsl.data import IGNORED, Input
from archdsl.diagnostics import SpecError
from archdsl.recipe import Augmentation, Loss, Normalization, Transform
from archdsl.train.augment import Mixing
from archdsl.train.augment import augment as apply
from archdsl.train.batches import Batch
from archdsl.train.rng import key, random_draws
from tests.data.reading import call, everything, read

IMAGE = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
KEYS = key(torch.arange(4))
ARGUMENTS: dict[str, dict[str, Any]] = {
    "shift": {"pixels": 2}, "rotate": {"degrees": 20}, "zoom": {"by": 0.2}, "noise": {"std": 0.1}, "cutout": {"size": 3},
    "random_crop": {"size": 8, "pad": 2}, "random_resized_crop": {"size": 8}, "random_erasing": {"p": 1.0},
    "grayscale": {"p": 1.0},
    "rand_augment": {"n": 3},
}  # fmt: skip


def augment(augmentations: list[Any], images: Tensor, keys: Tensor) -> Tensor:
    return apply(augmentations, images, random_draws(keys))[0]


@pytest.mark.parametrize("name", [entry.name for entry in Augmentation.registry if not entry.mixes])
def test_augmentations_keep_shape_and_depend_on_the_key_alone(name: str) -> None:
    """So a run on two devices, or one that is resumed, sees the same images as another."""
    one = call(Augmentation, name, **ARGUMENTS.get(name, {}))
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
    assert (cut == 0).sum((1, 2, 3)).tolist() == [3, 3, 3, 3]


def test_noise_has_its_deviation() -> None:
    noisy = augment([call(Augmentation, "noise", std=0.3)], torch.zeros(100, 1, 16, 16), key(torch.arange(100)))
    assert float(noisy.std()) == pytest.approx(0.3, rel=0.02)


def test_random_crop_is_every_part_of_the_padded_image() -> None:
    padded = torch.nn.functional.pad(IMAGE[:1], (2, 2, 2, 2))
    crops = augment(
        [call(Augmentation, "random_crop", size=6, pad=2)], IMAGE[:1].expand(2000, -1, -1, -1), key(torch.arange(2000))
    )
    assert crops.shape == (2000, 3, 6, 6)
    parts = padded.unfold(2, 6, 1).unfold(3, 6, 1)[0].permute(1, 2, 0, 3, 4).flatten(0, 1)
    distance = torch.cdist(crops.flatten(1), parts.flatten(1), compute_mode="donot_use_mm_for_euclid_dist")
    assert float(distance.min(1).values.max()) < 1e-4
    counts = distance.argmin(1).bincount(minlength=49)
    assert len(counts) == 49 and 15 <= int(counts.min()) and int(counts.max()) <= 75


def test_random_resized_crop_has_its_areas_and_shapes() -> None:
    """A ramp tells where a crop is from."""
    down, across = torch.meshgrid(torch.arange(64.0), torch.arange(96.0), indexing="ij")
    ramp = torch.stack([down, across])[None].expand(1000, -1, -1, -1)
    crops = augment([call(Augmentation, "random_resized_crop", size=32, scale=(0.2, 0.5))], ramp, key(torch.arange(1000)))
    tall, wide = (crops[:, 0, -2, 5] - crops[:, 0, 1, 5]) * 32 / 29, (crops[:, 1, 5, -2] - crops[:, 1, 5, 1]) * 32 / 29
    area, ratio = tall * wide / (64 * 96), wide / tall
    assert 0.19 < float(area.min()) < 0.22 and 0.47 < float(area.max()) < 0.51
    assert 0.74 < float(ratio.min()) < 0.78 and 1.29 < float(ratio.max()) < 1.35


def test_random_erasing() -> None:
    erased = augment(
        [call(Augmentation, "random_erasing", p=0.5, scale=(0.1, 0.2))], torch.ones(400, 1, 20, 20), key(torch.arange(400))
    )
    share = (erased == 0).float().mean((1, 2, 3))
    assert 150 < int((share > 0).sum()) < 250
    assert 0.08 < float(share[share > 0].min()) and float(share.max()) < 0.23


def test_color_jitter_has_its_strengths() -> None:
    grey = augment(
        [call(Augmentation, "color_jitter", brightness=0.3, contrast=0.0)],
        torch.full((500, 1, 4, 4), 0.5),
        key(torch.arange(500)),
    )
    assert 0.35 < float(grey.min()) < 0.37 and 0.63 < float(grey.max()) < 0.65
    hue = call(Augmentation, "color_jitter", brightness=0.0, contrast=0.0, saturation=0.0, hue=0.5)
    turned = augment([hue], torch.tensor([1.0, 0.0, 0.0])[:, None, None].expand(200, 3, 2, 2), key(torch.arange(200)))
    assert bool((turned.amax(1) > 0.99).all()) and float(turned[:, 2].max()) > 0.99
    colorless = augment([call(Augmentation, "grayscale", p=1.0)], IMAGE, KEYS)
    torch.testing.assert_close(colorless[:, 0], colorless[:, 2])


def test_rand_augment_applies_every_operation() -> None:
    images = (
        (0.1 + 0.8 * torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))).expand(600, -1, -1, -1).contiguous()
    )
    changed = augment([call(Augmentation, "rand_augment", n=1)], images, key(torch.arange(600)))
    assert 0 <= float(changed.min()) and float(changed.max()) <= 1
    kinds = (random_draws(key(torch.arange(600)))(2)[0] * 14).long()
    alike = [bool((changed[kinds == kind] - images[kinds == kind]).abs().max() < 1e-5) for kind in range(14)]
    assert alike == [False] * 13 + [True]  # the last one leaves the image as it is


MOVING = ["shift", "rotate", "zoom", "flip", "random_crop", "random_resized_crop", "rand_augment"]


@pytest.mark.parametrize("name", MOVING)
def test_masks_move_with_their_images(name: str) -> None:
    """Each pixel keeps its class; pixels from outside have none, and others all have one."""
    random = torch.Generator().manual_seed(0)
    masks = torch.randint(0, 5, (200, 4, 4), generator=random).repeat_interleave(6, 1).repeat_interleave(6, 2)
    one_hot = torch.nn.functional.one_hot(masks, 5).permute(0, 3, 1, 2).float()
    op = call(
        Augmentation,
        name,
        **(
            {"size": 18, "pad": 4}
            if name == "random_crop"
            else {"size": 16}
            if name == "random_resized_crop"
            else ARGUMENTS.get(name, {})
        ),
    )
    keys = key(torch.arange(200))
    if name == "rand_augment":  # its colours would change the classes in this picture
        images, moved = one_hot[:, :3], apply([op], one_hot[:, :3], random_draws(keys), masks)[1]
        plain = apply([op], one_hot[:, :3], random_draws(keys))[0]
        torch.testing.assert_close(apply([op], images, random_draws(keys), masks)[0], plain)
        assert (
            moved is not None and moved.shape == masks.shape and not torch.equal(moved, masks) and bool((moved == IGNORED).any())
        )
        return
    images, moved = apply([op], one_hot, random_draws(keys), masks)
    assert moved is not None and moved.shape == (200, *images.shape[2:])
    present = images.sum(1)
    assert bool((moved[present < 0.01] == IGNORED).all()) and bool((moved[present > 0.99] != IGNORED).all())
    sure = images.amax(1) > 0.9
    assert float(sure.float().mean()) > 0.3
    assert torch.equal(images.argmax(1)[sure], moved[sure])
    enters = {"shift", "rotate", "zoom", "random_crop"}
    assert bool((moved == IGNORED).any()) is (name in enters)
    assert not torch.equal(moved[:, :16, :16], masks[:, :16, :16])


def test_shares_of_mixtures() -> None:
    """What `mixup` adds up, and what `cutmix` leaves, is what the labels say; one of the two for each image."""
    images = torch.eye(4)[:, :, None, None].expand(4, 4, 12, 12).repeat(100, 1, 1, 1)
    labels = torch.arange(4).repeat(100)
    ops = [call(Augmentation, "mixup", alpha=0.4), call(Augmentation, "cutmix")]
    for mixtures in (ops, ops[:1], ops[1:]):
        mixed, soft = Mixing(mixtures, 4)(images, labels, key(torch.arange(400)))
        torch.testing.assert_close(mixed.mean((2, 3)), soft, atol=1e-5, rtol=0)
        torch.testing.assert_close(soft.sum(1), torch.ones(400))
        assert torch.equal(soft + soft.roll(-1, 1) > 0.999, (soft.roll(-1, 1) + soft) > 0.999)
        assert float(soft[torch.arange(400), labels].min()) < 0.2
    values = Mixing(ops[:1], None)(images, labels.float(), key(torch.arange(400)))[1]
    assert values.shape == (400,) and 0 <= float(values.min()) and float(values.max()) <= 3
    _, share = Mixing(ops[:1], 4)(images[:1].expand(400, -1, -1, -1), torch.tensor([0, 1] * 200), key(torch.arange(400)))
    assert float(share.var()) == pytest.approx(0.25 / (2 * 0.4 + 1), rel=0.15)  # of Beta(a, a): 1 / (4 (2 a + 1))


def test_an_ignored_class_stays_without_a_share() -> None:
    _, soft = Mixing([call(Augmentation, "mixup")], 3)(torch.rand(2, 1, 4, 4), torch.tensor([IGNORED, 1]), KEYS[:2])
    assert soft[:, [0, 2]].abs().sum() == 0 and float(soft.sum()) == pytest.approx(1, abs=0.2)


def test_cutmix_takes_the_classes_of_pixels_along() -> None:
    images = torch.arange(8.0)[:, None, None, None].expand(8, 1, 10, 10)
    mixed, masks = Mixing([call(Augmentation, "cutmix")], 8)(images, images[:, 0].long(), key(torch.arange(8)))
    assert torch.equal(mixed[:, 0].long(), masks) and not torch.equal(mixed, images)


MISTAKES: list[tuple[dict[str, Any], tuple[int, ...], Any, str, str]] = [
    ({"augment": call(Augmentation, "shift", pixels=20)}, (1, 9, 9), None,
     "moves images by up to 20 pixels, and the images have 9 x 9", "`shift(1)`"),
    ({"augment": call(Augmentation, "random_crop", size=32)}, (1, 9, 9), None, "cuts out 32 x 32 pixels, and the image has 9 x 9",
     "resize it first"),
    ({"augment": call(Augmentation, "random_crop", size=9)}, (1, 9, 9), None, "which changes nothing", "random_crop(9, pad = 1)"),
    ({"augment": call(Augmentation, "random_crop", size=8)}, (1, 9, 9), None,
     "makes images [1, 8, 8], and the network's input is [1, 9, 9]", "the size 9"),
    ({"augment": call(Augmentation, "cutout", size=30)}, (1, 9, 9), None,
     "blackens a square of 30 pixels, and the images have 9 x 9", "`cutout(2)`"),
    ({"augment": call(Augmentation, "grayscale")}, (1, 9, 9), None, "changes nothing in grey images", "leave `grayscale` out"),
    ({"augment": call(Augmentation, "rand_augment")}, (1, 9, 9), None, "is for images of 3 channels, and the input has 1",
     "leave"),
    ({"augment": call(Augmentation, "color_jitter", brightness=0.0, contrast=0.0)}, (1, 9, 9), None,
     "changes nothing in grey images", "leave"),
    ({"augment": call(Augmentation, "color_jitter")}, (4, 9, 9), None, "is for images of 1 or 3 channels", "leave"),
    ({"augment": call(Augmentation, "mixup"), "batch": 1}, (1, 9, 9), None, "mixes two examples of a batch", "`batch = 2`"),
    ({"augment": call(Augmentation, "shift", pixels=1)}, (9,), None, "`shift` is for images, and the input is [9]",
     "`augment = []`"),
    ({"transform": call(Transform, "resize", size=9)}, (9,), None, "`resize` is for images, and the input is [9]",
     "`transform = []`"),
    ({"transform": call(Transform, "center_crop", size=10)}, (1, 9, 9), None, "cuts out 10 x 10 pixels, and the image has 9 x 9",
     "resize(10), center_crop(10)"),
    ({"transform": call(Transform, "resize", size=10)}, (1, 9, 9), None, "examples of the data set are [1, 10, 10]",
     "resize([9, 9])"),
    ({"augment": call(Augmentation, "mixup")}, (1, 9, 9), (9, 9), "has a class for each pixel", "use `cutmix`"),
    ({"augment": call(Augmentation, "rotate", degrees=9.0)}, (1, 9, 9), (5, 5),
     "moves the pixels of an image, and a label is [5, 5]", "of the size of the images"),
    ({"augment": call(Augmentation, "zoom", by=0.1), "loss": call(Loss, "mse")}, (1, 9, 9), "map",
     "brings in pixels from outside", "or `flip`"),
    ({"augment": call(Augmentation, "cutmix"), "loss": call(Loss, "mse")}, (1, 9, 9), "value", "`cutmix` mixes classes",
     "use `mixup`"),
    ({"normalize": call(Normalization, "imagenet")}, (1, 9, 9), None, "`imagenet` is for images of 3 channels",
     "normalize = data"),
    ({"normalize": call(Normalization, "fixed", mean=(0.5, 0.5), std=(1.0,))}, (1, 9, 9), None,
     "has 2 numbers, and the input has 1", "give 1 numbers"),
    ({"normalize": call(Normalization, "whiten")}, (1, 99, 99), None, "takes at most 4,096 values, and an example has 9,801",
     "`whiten(over = channels)`"),
    ({"sampler": "balanced"}, (1, 9, 9), (9, 9), "have no single class", "sampler = shuffle"),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "shape", "labels", "message", "help"), MISTAKES)
def test_mistakes(tmp_path: Path, keys: dict[str, Any], shape: tuple[int, ...], labels: Any, message: str, help: str) -> None:
    y: Any = np.arange(10) % 2
    if labels == "map":
        y = np.random.default_rng(0).normal(size=(10, 9, 9))
    elif labels == "value":
        y = y / 3
    elif labels is not None:
        y = np.broadcast_to(y[:, None, None], (10, *labels)).copy()
    np.savez(tmp_path / "data.npz", x=np.zeros((10, *shape), np.uint8), y=y)
    with pytest.raises(SpecError) as caught:
        data = read("data.npz", tmp_path, Input("x", shape), **keys)
        data.preparation(data.recipe)
    assert caught.value.diagnostic.argument in (*keys, "data")
    assert message in caught.value.diagnostic.message and help in (caught.value.diagnostic.help or "")


def test_two_inputs_of_images_are_not_varied_apart(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", a=np.zeros((10, 1, 9, 9)), b=np.zeros((10, 1, 9, 9)), y=np.arange(10) % 2)
    inputs = Input("a", (1, 9, 9)), Input("b", (1, 9, 9))
    assert read("data.npz", tmp_path, *inputs).shapes == ((1, 9, 9), (1, 9, 9))
    for keys in ({"augment": call(Augmentation, "flip")}, {"transform": call(Transform, "resize", size=9)}):
        with pytest.raises(SpecError, match="is for one input of images, and the network has 2") as caught:
            read("data.npz", tmp_path, *inputs, **keys)
        assert caught.value.diagnostic.argument in keys


def test_labels_of_another_size_are_not_transformed(tmp_path: Path) -> None:
    """They happen to have the size after the transform, which would be applied to the images alone."""
    np.savez(
        tmp_path / "data.npz",
        x=np.zeros((10, 1, 11, 11), np.uint8),
        y=np.broadcast_to(np.arange(10)[:, None, None] % 2, (10, 9, 9)),
    )
    with pytest.raises(
        SpecError, match=r"`center_crop` changes images of \[11, 11\], and cannot change a label of \[9, 9\] alike"
    ):
        read("data.npz", tmp_path, Input("x", (1, 9, 9)), transform=call(Transform, "center_crop", size=9))


def prepared(tmp_path: Path, x: Any, **keys: Any) -> tuple[Tensor, dict[str, Any]]:
    """All examples after normalization, and what is recorded of it."""
    np.savez(tmp_path / "data.npz", x_train=x, y_train=np.arange(len(x)) % 2, x_test=x[:4], y_test=np.arange(4) % 2)
    data = read("data.npz", tmp_path, Input("x", x.shape[1:]), **keys)
    preparation = data.preparation(data.recipe)
    images, labels = everything(data, data.train)
    return preparation(Batch((images,), labels, labels), training=False)[0][0], preparation.as_data()


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_normalization_of_the_data(tmp_path: Path, dtype: Any) -> None:
    """In float64, however far the values are from zero; a channel that is constant is shifted alone."""
    x = np.random.default_rng(0).integers(0, 256, (3000, 3, 5, 5)).astype(dtype)
    x[:, 1] = 7
    if dtype is np.float64:
        x += 1000
    images, record = prepared(tmp_path, x)
    unit = x / 255 if dtype is np.uint8 else x
    np.testing.assert_allclose(record["mean"], unit.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(record["std"], [unit[:, 0].std(ddof=1), 1, unit[:, 2].std(ddof=1)], rtol=1e-5)
    assert float(images[:, 1].abs().max()) < 1e-3 and float(images[:, 0].std()) == pytest.approx(1, abs=1e-3)


def test_normalizations_by_given_numbers(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (20, 3, 4, 4), dtype=np.uint8)
    unit = torch.from_numpy(x) / 255
    torch.testing.assert_close(prepared(tmp_path, x, normalize=None)[0], unit)
    images, record = prepared(tmp_path, x, normalize=call(Normalization, "imagenet"))
    torch.testing.assert_close(images[:, 2], (unit[:, 2] - 0.406) / 0.225)
    assert record["normalize"] == "imagenet" and record["mean"] == pytest.approx([0.485, 0.456, 0.406])
    images, _ = prepared(tmp_path, x, normalize=call(Normalization, "fixed", mean=(0.5,), std=(0.25, 0.5, 1.0)))
    torch.testing.assert_close(images[:, 1], unit[:, 1] * 2 - 1)


@pytest.mark.parametrize("over", ["channels", "values"])
@pytest.mark.parametrize("name", ["pca", "whiten"])
def test_no_correlation_is_left(tmp_path: Path, name: str, over: str) -> None:
    """Between channels of a pixel, or between all values; whitened values have variance 1, and zca stays near the input."""
    random = np.random.default_rng(0)
    x = (random.normal(size=(2000, 3, 2, 2)).swapaxes(1, 3) @ random.normal(size=(3, 3))).swapaxes(1, 3) + 5
    arguments = {"over": over, **({"eps": 1e-9} if name == "whiten" else {})}
    images, record = prepared(tmp_path, x, normalize=call(Normalization, name, **arguments))
    rows = images.double().movedim(1, -1).reshape(-1, 3) if over == "channels" else images.double().flatten(1)
    covariance = rows.T.cov()
    torch.testing.assert_close(covariance, covariance.diag().diag(), atol=2e-3, rtol=0)
    torch.testing.assert_close(rows.mean(0), torch.zeros(rows.shape[1]).double(), atol=1e-4, rtol=0)
    matrix = torch.tensor(record["matrix"])
    if name == "whiten":
        torch.testing.assert_close(covariance.diag(), torch.ones(len(covariance)).double(), atol=2e-3, rtol=0)
        torch.testing.assert_close(matrix, matrix.T, atol=1e-3, rtol=1e-3)
    else:
        torch.testing.assert_close(matrix @ matrix.T, torch.eye(len(matrix)), atol=1e-5, rtol=0)
        assert covariance.diag().tolist() == sorted(covariance.diag().tolist(), reverse=True)
