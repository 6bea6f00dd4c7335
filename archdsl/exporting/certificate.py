"""The certificate of an exported file: from what it was made, how it was compared with its network, and all hashes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from archdsl.diagnostics import SpecError, codes
from archdsl.exporting.format import Precision
from archdsl.weights.weight_files import fingerprint

SUFFIX: Final = ".certificate.json"
"""What follows the whole name of the file, so that several files of one folder, such as net.onnx and net.pt2, have their own."""


class Certificate(BaseModel):
    """What `archdsl export` writes beside a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    archdsl: str = Field(description="version of archdsl")
    format: str
    precision: Precision
    folded: bool = Field(description="whether batch norm was folded")
    files: dict[str, str] = Field(min_length=1, description="each file of the export with its SHA-256, the file itself first")
    network: str
    run: str | None = None
    spec_sha256: str
    spec: dict[str, str] = Field(description="the texts of the spec and its imports")
    origin: dict[str, Any] = Field(description="settings, sizes and limits of the network")
    weights_sha256: str
    weights: dict[str, Any] = Field(description="the file of the weights, or the random seed of fresh ones")
    data: dict[str, Any] | None = Field(None, description="the data of calibration and of `top1`")
    versions: dict[str, str]
    bound: float
    largest_error: float = Field(description="against the network in float64, as a fraction of the largest output")
    sizes: list[dict[str, Any]]
    refused: list[str] = Field(description="invalid inputs that the file refused")
    top1: dict[str, Any] | None = Field(None, description="agreement and accuracy on the validation set")

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(self.model_dump(), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, file: Path) -> Self:
        """Return the certificate of a file. Raise `SpecError` E1104 if there is none, or it is damaged."""
        path = certificate_path(file)
        if not path.is_file():
            raise SpecError(codes.exporting.NoCertificate(str(file), str(path)))
        try:
            return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))
        except ValidationError as error:
            first = error.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or "it is not JSON"
        raise SpecError(codes.exporting.DamagedCertificate(str(path), reason))


def certificate_path(file: Path) -> Path:
    """Return the path of the certificate of a file."""
    return file.with_name(file.name + SUFFIX)


def hashes(files: Sequence[Path]) -> dict[str, str]:
    """Return the SHA-256 of each file by its name."""
    return {file.name: fingerprint(file) for file in files}
