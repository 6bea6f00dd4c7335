"""Load stored weights into a module: read files that contain only tensors, and copy the tensors that match."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, NamedTuple

import safetensors
import torch
from torch import Tensor, nn

from archdsl.diagnostics import SpecError
from archdsl.file_io import damaged_part
from archdsl.limits import DEFAULT, Limits
from archdsl.weights import Channels
from archdsl.weights.match import Fit
from archdsl.weights.stored import StoredTensor, StoredWeights, unreadable
from archdsl.weights.unwrap import unwrap
from archdsl.weights.weight_files import file_kind, foreign, not_tensors, read_header


class Tensors(NamedTuple):
    """The list of stored tensors, and a function that reads one by its key as stored."""

    stored: StoredWeights
    get: Callable[[str], Tensor]


def read(source: Path | Mapping[str, Any], limits: Limits = DEFAULT) -> Tensors:
    """Return the tensors in a file or state_dict, without executing its code. Raise `SpecError` E0601 or E0906 if that fails."""
    if isinstance(source, Mapping):
        return _tensors("the state_dict", source, ordered=True)
    if file_kind(source) == "torch":
        return _require_numbers(_tensors(source.name, _load(source), ordered=True))
    try:
        return Tensors(read_header(source, limits), safetensors.safe_open(source, framework="pt").get_tensor)
    except (safetensors.SafetensorError, OSError) as error:
        raise unreadable(source.name, f"is a damaged safetensors file: {error}") from error


def _load(path: Path) -> Any:
    with path.open("rb") as file:
        if file.read(2) == b"PK":
            if b"PK\5\6" not in _last_bytes(file):
                raise unreadable(path.name, "is cut off: the end of the archive is missing", "download or copy it again")
            part = damaged_part(file)
            if part is not None:
                raise unreadable(path.name, f"is damaged: the checksum of `{part}` in it is wrong", "download or copy it again")
        file.seek(0)
        try:
            with warnings.catch_warnings(action="ignore"):  # of pickle protocols that the reader refuses anyway
                return torch.load(file, map_location="cpu", weights_only=True)  # by a path it would judge by the name's ending
        except Exception as error:  # whatever a damaged or hostile file provokes in the reader
            raise _refusal(path.name, str(error)) from error


def _last_bytes(file: IO[bytes]) -> bytes:
    """Return the last 64 KiB of a file, in which the table of contents of an archive ends."""
    file.seek(max(0, file.seek(0, 2) - (1 << 16) - 22))
    return file.read()


def _refusal(name: str, said: str) -> SpecError:
    """Return the error for a file that PyTorch refuses: PyTorch's own message advises to load the file with its code."""
    what = foreign(said)
    if what is not None:
        return not_tensors(name, what)
    reason = said.partition("\n")[0].strip()
    return unreadable(name, "is damaged, or no file of weights" + (f": {reason}" if reason else ""))


def _tensors(name: str, loaded: Any, *, ordered: bool) -> Tensors:
    tensors, notes = unwrap(name, loaded, lambda value: isinstance(value, Tensor))
    nested = next((key for key, value in tensors.items() if value.is_nested), None)
    if nested is not None:
        raise unreadable(name, f"holds `{nested}`, a nested tensor, which has no shape", "save plain tensors")
    entries = {key: StoredTensor(tuple(value.shape), _dtype(value)) for key, value in tensors.items()}
    return Tensors(
        StoredWeights(name, entries, ordered, notes, lambda key, wanted: _spoiled(tensors[key], torch.float32)),
        tensors.__getitem__,
    )


def _require_numbers(tensors: Tensors) -> Tensors:
    """Return the tensors. Raise `SpecError` E0906 if one has only a shape, as in a module on the meta device."""
    bare = next((key for key in tensors.stored.entries if tensors.get(key).is_meta), None)
    if bare is None:
        return tensors
    why = f"holds no numbers for `{bare}`: it was saved on the meta device, which keeps shapes alone"
    raise unreadable(tensors.stored.name, why, "save the weights of a module on the CPU or a GPU, after they were loaded into it")


def _dtype(tensor: Tensor) -> str:
    name = str(tensor.dtype).removeprefix("torch.")
    return name if tensor.layout is torch.strided and not tensor.is_quantized else f"sparse or quantized {name}"


def adapted(weight: Tensor, channels: int, how: Channels) -> Tensor:
    """Return a convolution's weight for another number of input channels; see `Channels`."""
    before = weight.shape[1]
    if how == "repeat":
        return weight[:, torch.arange(channels) % before] * (before / channels)
    one = weight.mean(1, keepdim=True) if how == "mean" else weight.sum(1, keepdim=True) / channels
    return one.repeat_interleave(channels, 1)


def counting_spoiled(tensors: Tensors, module: nn.Module) -> StoredWeights:
    """Return what is stored, with a count of the numbers that are NaN or infinite in the dtypes of the module."""
    state = module.state_dict()

    def spoiled(key: str, wanted: str) -> int:
        kind = state[wanted].dtype
        return _spoiled(tensors.get(key), kind if kind.is_floating_point else torch.float32)

    return replace(tensors.stored, spoiled=spoiled)


def _spoiled(value: Tensor, kind: torch.dtype) -> int:
    """Return how many numbers of a tensor are NaN or infinite in another dtype; 0 on the meta device."""
    return 0 if value.is_meta else int((~value.to(kind).isfinite()).sum())


def move(module: nn.Module, tensors: Tensors, fit: Fit) -> tuple[str, ...]:
    """Put what fits into a module, which keeps its device and kinds of number; says which were converted."""
    state = module.state_dict()
    counts: dict[tuple[str, str], int] = {}
    assigned: dict[str, Tensor] = {}
    with torch.no_grad():
        for key, stored in fit.pairs.items():
            value, target = tensors.get(stored), state[key]
            if key in fit.adapted:
                value = adapted(value, target.shape[1], fit.adapted[key])
            value = value.reshape(target.shape)  # a tensor that fits differs at most in axes of size one
            if value.dtype != target.dtype:
                kinds = (_dtype(value), _dtype(target))
                counts[kinds] = counts.get(kinds, 0) + 1
            if target.is_meta:  # which has no memory to copy to
                assigned[key] = value.to(target.dtype)
            else:
                target.copy_(value)
        if assigned:
            module.load_state_dict(assigned, strict=False, assign=True)
    return tuple(f"{n:,} converted from {a} to {b}" for (a, b), n in counts.items())
