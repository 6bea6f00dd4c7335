"""Damaged files against the commands that read them: `python -m tests.fuzz.files --seconds 600 --seed 1`.

A file is whole, or it is refused with a code, the file's name and a remedy. Changes are made to the bytes of a file, and to
those of a part of an archive that is packed again, so that no checksum gives them away.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np
import safetensors.torch
import torch
from click.testing import CliRunner
from PIL import Image

import archdsl
from archdsl import Network, SpecError, loads
from archdsl.cli import root as command_line
from archdsl.diagnostics import codes
from archdsl.recipe import Recipe
from archdsl.train import Experiment, Hardware, Input, fit
from archdsl.train.data import load

TEXT = """
network net(classes: int = 2) {
  input image [1, 4, 4]
  conv(2, 3) -> bn -> relu
  gap; flatten
  fc: linear(classes)
}
train { data = "data.npz"; epochs = 1; batch = 8 }
"""
INPUTS = (Input("image", (1, 4, 4)),)
KINDS = ("npz", "packed npz", "safetensors", "pt", "ckpt", "run.json", "png", "jpg")


@dataclass
class Summary:
    """What came out."""

    outcomes: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)


class Files:
    """Whole files of every kind in a folder, and how each is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.network: Network = loads(TEXT)
        x, y = np.random.default_rng(0).random((20, 1, 4, 4), dtype=np.float32), np.arange(20) % 2
        np.savez(folder / "data.npz", x=x, y=y)
        (folder / "net.arch").write_text(TEXT)
        module = self.network.build()
        run = folder / "run"
        with warnings.catch_warnings(action="ignore"):
            self._fit(run, resume=False)
        (run / "model.py").write_text(archdsl.load(folder / "net.arch").source())
        (run / "run.json").write_text(json.dumps({"network": "net", "settings": {"classes": "2"}, "weights": {"file": "w.pt"}}))
        torch.save(module.state_dict(), folder / "w.pt")
        compressed = io.BytesIO()
        np.savez_compressed(compressed, x=x, y=y)
        pictures = {ending: io.BytesIO() for ending in ("png", "jpg")}
        for ending, picture in pictures.items():
            Image.fromarray((x[0, 0] * 255).astype(np.uint8)).save(picture, "jpeg" if ending == "jpg" else ending)
        for name in (f"{label}/{number}.png" for label in "ab" for number in range(5)):
            (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "images" / name).write_bytes(pictures["png"].getvalue())
        self.whole = {
            "npz": (folder / "data.npz").read_bytes(), "packed npz": compressed.getvalue(),
            "safetensors": safetensors.torch.save(dict(module.state_dict()), {"format": "pt"}),
            "pt": (folder / "w.pt").read_bytes(),
            "ckpt": (run / "checkpoints" / "last.ckpt").read_bytes(), "run.json": (run / "run.json").read_bytes(),
            **{ending: picture.getvalue() for ending, picture in pictures.items()},
        }  # fmt: skip
        self.readers: dict[str, Callable[[bytes], None]] = {
            "npz": self._npz, "packed npz": self._npz, "safetensors": self._weights, "pt": self._weights,
            "ckpt": self._checkpoint,
            "run.json": self._run, "png": lambda data: self._image("png", data), "jpg": lambda data: self._image("jpg", data),
        }  # fmt: skip

    def _npz(self, data: bytes) -> None:
        (self.folder / "changed.npz").write_bytes(data)
        self._read("changed.npz")

    def _read(self, path: str) -> None:
        """Every example of a data set."""
        data = load(Recipe.create({"data": path, "workers": 0}), self.folder, INPUTS)
        for split in (data.train, data.held_out):
            for _ in data.evaluation_batches(split):
                pass

    def _weights(self, data: bytes) -> None:
        """What `check` says of a file is what loading it does."""
        path = self.folder / "changed.weights"
        path.write_bytes(data)
        shown = CliRunner().invoke(command_line, ["check", str(self.folder / "net.arch"), "--weights", str(path)])
        if shown.exception is not None and not isinstance(shown.exception, SystemExit):
            raise shown.exception
        try:
            self.network.build(weights=path)
        except SpecError as error:
            assert shown.exit_code == 1 and f"error[{error.diagnostics[0].code}]" in shown.stderr, (
                f"check: {shown.output}, load: {error}"
            )
            raise
        assert shown.exit_code == 0, shown.stderr

    def _fit(self, run: Path, *, resume: bool) -> None:
        network = self.network
        assert network.recipe is not None
        torch.manual_seed(0)
        fit(
            Experiment("net", network.build(), network.recipe, INPUTS, root=self.folder),
            run,
            resume=resume,
            hardware=Hardware("cpu"),
        )

    def _checkpoint(self, data: bytes) -> None:
        run = self.folder / "changed"
        (run / "checkpoints").mkdir(parents=True, exist_ok=True)
        (run / "checkpoints" / "last.ckpt").write_bytes(data)
        with warnings.catch_warnings(action="ignore"):  # Lightning's, of checkpoints of other versions
            self._fit(run, resume=True)

    def _run(self, data: bytes) -> None:
        run = self.folder / "run"
        (run / "run.json").write_bytes(data)
        (run / "checkpoints" / "last.ckpt").write_bytes(b"PK")  # so that it goes no further than to read the description
        shown = CliRunner().invoke(command_line, ["train", str(self.folder / "net.arch"), "-o", str(run), "--resume"])
        if shown.exception is not None and not isinstance(shown.exception, SystemExit):
            raise shown.exception
        assert shown.exit_code == 1 and "error[E0903]" in shown.stderr and "help: " in shown.stderr, shown.output
        if "run.json is damaged" in shown.stderr:
            raise SpecError(codes.outputs.DamagedRun(str(run / "run.json"), "..."))

    def _image(self, ending: str, data: bytes) -> None:
        path = self.folder / "images" / "a" / f"changed.{ending}"
        path.write_bytes(data)
        try:
            with warnings.catch_warnings(action="ignore"):  # Pillow's, of what it passes over
                self._read("images")
        finally:
            path.unlink()


def changed(data: bytes, random: Random) -> bytes:
    """The bytes with one to three changes."""
    if data[:2] == b"PK" and random.random() < 0.5:
        return _repacked(data, random)
    for _ in range(random.randint(1, 3)):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice([1, 1, 1, 2, 4, 8, 100]))
        new = random.choice([
            lambda part: bytes([part[0] ^ 1 << random.randrange(8)]) + part[1:] if part else b"",
            lambda part: random.randbytes(len(part)), lambda part: b"", lambda part: b"\xff" * len(part),
            lambda part: bytes(len(part)),
            lambda part: part + part, lambda part: random.choice([b"9", b"[", b'"', b"-", b"\x80", b"0" * 30]) + part,
        ])(data[start:end])  # fmt: skip
        data = data[:start] + new + (data[end:] if random.random() < 0.95 else b"")
    return data


def _repacked(data: bytes, random: Random) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as other:
        names = archive.namelist()
        chosen = random.choice([name for name in names if name.endswith((".npy", ".pkl"))] * 3 + names)
        for name in names:
            content = archive.read(name)
            if name == chosen and random.random() < 0.05:
                continue
            other.writestr(name, changed(content[:300], random) + content[300:] if name == chosen else content)
    return packed.getvalue()


def run(seed: int, folder: Path, *, files: int = 1 << 60, seconds: float = 1e9, summary: Summary | None = None) -> Summary:
    """Change and read files of every kind in turn; file `i` has the seed `seed:i`."""
    summary, read, until = summary if summary is not None else Summary(), Files(folder), time.monotonic() + seconds
    for index in range(files):
        if time.monotonic() > until:
            break
        kind, name = KINDS[index % len(KINDS)], f"{seed}:{index}"
        if index < len(KINDS):
            read.readers[kind](read.whole[kind])  # which is not refused
        data = changed(read.whole[kind], Random(name))
        outcome = "read"
        try:
            read.readers[kind](data)
        except SpecError as error:
            outcome = error.diagnostic.code if error.diagnostic.help else "no remedy"
        except Exception as error:
            outcome = "other"
            summary.found.append(f"{kind} {name}: {type(error).__name__}: {str(error)[:300]}")
        summary.outcomes[f"{kind} {outcome}"] += 1
    return summary


def main() -> int:
    """Run, print a summary, also of a run that is interrupted, and return how it went as an exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=int, default=1 << 60)
    given = parser.parse_args()
    torch.set_num_threads(1)
    summary, interrupted, folder = Summary(), False, Path(tempfile.mkdtemp())
    try:
        run(given.seed, folder, files=given.files, seconds=given.seconds, summary=summary)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        shutil.rmtree(folder)
    print(*summary.found, sep="\n")
    print(
        f"seed {given.seed}: {summary.outcomes.total():,} files; "
        + ", ".join(f"{name} {n:,}" for name, n in sorted(summary.outcomes.items()))
    )
    return 130 if interrupted else 1 if summary.found else 0


if __name__ == "__main__":
    sys.exit(main())
