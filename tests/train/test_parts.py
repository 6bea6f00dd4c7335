"""The parts of the training: chance, losses, optimizers, files."""

import errno
import os
import resource
from pathlib import Path
from typing import Any

import pytest
import torch

from archdsl.diagnostics import SpecError
from archdsl.recipe import Loss, Optimizer
from archdsl.registry import Registered
from archdsl.train.checkpoint_files import write
from archdsl.train.losses import Criterion, predicted
from archdsl.train.rng import key, random_draws


def call(family: type[Registered], name: str, **arguments: Any) -> Any:
    entry = family.registry.get(name)
    assert entry is not None
    return entry.create(arguments)


def test_draws_are_even_and_depend_on_the_key_alone() -> None:
    keys = key(0, 2, 5, torch.arange(2000))
    values = random_draws(keys)(50)
    assert torch.equal(values[:, 7:9], random_draws(keys[7:9])(50))
    assert 0 < float(values.min()) < float(values.max()) < 1
    assert float(values.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(values.std()) == pytest.approx(12**-0.5, abs=0.01)
    assert len(values.unique()) > 0.99 * values.numel()
    assert abs(float(torch.corrcoef(values[:2])[0, 1])) < 0.1


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
    with pytest.raises(SpecError, match="momentum"):
        call(Optimizer, "sgd", nesterov=True)


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.ckpt"
    write(path, b"before")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SpecError, match="No space left on device; the earlier one is intact") as caught:
        write(path, b"after")
    assert caught.value.diagnostic.code == "E0902"
    assert caught.value.diagnostic.help == "free some space"
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"before"]


def test_a_tensor_that_does_not_fit_on_the_disk(tmp_path: Path) -> None:
    """A limit on file sizes does what a full disk does: the write itself fails, inside `torch.save`."""
    path, before = tmp_path / "last.ckpt", resource.getrlimit(resource.RLIMIT_FSIZE)
    torch.save({}, path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(SpecError) as caught:
            write(path, lambda file: torch.save(torch.zeros(1_000_000), file))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.diagnostic.code == "E0902"
    assert torch.load(path, weights_only=True) == {}
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpecError, match="cannot write"):
        write(tmp_path / "file" / "last.ckpt", b"")


def test_written_files_have_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write(tmp_path / "written", b"")
    assert (tmp_path / "plain").stat().st_mode == (tmp_path / "written").stat().st_mode
