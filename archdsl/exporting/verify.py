"""Repeat the comparison of an exported file with its network, from the file and its certificate."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from archdsl.diagnostics import Diagnostic, SpecError, codes
from archdsl.driver import compile_source
from archdsl.elaborate import read_source
from archdsl.exporting.agreement import worst
from archdsl.exporting.certificate import Certificate, certificate_path
from archdsl.exporting.examples import Examples, examples_of
from archdsl.exporting.format import names
from archdsl.exporting.subject import Subject, subject_of, subject_of_run
from archdsl.exporting.write import require_format, verify_file, versions
from archdsl.input_sizes import parse_sizes
from archdsl.limits import limits_from
from archdsl.network import Network
from archdsl.session import Session
from archdsl.trained import run as read_run
from archdsl.weights.weight_files import fingerprint


class Verification(NamedTuple):
    """The result of verifying a file that agrees with its network.

    `changed` names each version that is not that of the certificate, with both.
    """

    certificate: Certificate
    largest_error: float
    changed: Mapping[str, tuple[str, str]]


def verify(path: str | os.PathLike[str], weights: str | os.PathLike[str] | None = None) -> Verification:
    """Compare a file with its network again.

    `weights` are those from which it was made, if they are not where the certificate says. Raise `SpecError`: E1104 if
    something is missing or has changed, E1103 if the file does not agree, and E0608 if a package is missing.
    """
    file = Path(path)
    certificate = Certificate.read(file)
    if certificate.format not in names():
        reason = f"there is no format {certificate.format!r}"
        raise SpecError(codes.exporting.DamagedCertificate(str(certificate_path(file)), reason))
    paths = [file, *(file.with_name(name) for name in list(certificate.files)[1:])]  # the file itself may have another name now
    changed = [found for path, digest in zip(paths, certificate.files.values(), strict=True)
               if (found := _changed(f"the file {path.name}", digest, fingerprint(path))) is not None]  # fmt: skip
    if changed:
        raise SpecError(*changed)
    chosen = require_format(certificate.format, certificate.precision)
    subject = _subject(file, certificate, weights)
    differ = [
        _changed(f"the spec of `{certificate.network}`", certificate.spec_sha256, subject.spec_sha256),
        _changed(f"the weights of `{certificate.network}`", certificate.weights_sha256, subject.weights_sha256),
    ]
    if others := [one for one in differ if one is not None]:
        raise SpecError(*others)
    examples = _examples(subject, certificate)
    verified = verify_file(subject, certificate.format, certificate.precision, chosen.run(file), examples)
    now = versions(chosen, certificate.precision)
    differences = {
        name: (before, now.get(name, "none")) for name, before in certificate.versions.items() if now.get(name) != before
    }
    return Verification(certificate, worst(verified.sizes).error, differences)


def _changed(what: str, expected: str, found: str) -> Diagnostic | None:
    return None if expected == found else codes.exporting.ChangedSinceExport(what, expected, found)


def _subject(file: Path, certificate: Certificate, weights: str | os.PathLike[str] | None) -> Subject:
    """Return the network of a certificate, with its weights."""
    stored = certificate.weights.get("file")
    source = weights if weights is not None else stored
    if weights is None and stored is None and "seed" not in certificate.weights:
        raise SpecError(codes.exporting.NoWeightsToVerify(str(certificate_path(file)), "a state_dict"))
    if weights is None and stored is not None and not Path(stored).is_file():
        raise SpecError(codes.exporting.NoWeightsToVerify(str(certificate_path(file)), stored))
    if certificate.run is not None:
        if not isinstance(source, str | os.PathLike):
            raise TypeError("the weights of a run are `last`, `best` or the path of a file")
        return subject_of_run(read_run(certificate.run), source)
    return subject_of(_network(file, certificate), source)


def _network(file: Path, certificate: Certificate) -> Network:
    """Return the network from the texts in the certificate."""
    origin = certificate.origin
    try:
        session = Session(limits_from(dict(origin["limits"])))
        sizes = tuple(size for text in origin["sizes"] for size in parse_sizes(text))
        with tempfile.TemporaryDirectory() as folder:
            for name, text in certificate.spec.items():
                path = Path(folder) / name
                if not path.resolve().is_relative_to(Path(folder).resolve()):
                    raise ValueError(f"the file {name} is outside of its folder")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            path = Path(folder) / origin["file"]
            source = read_source(path, limits=session.limits)
            if isinstance(source, Diagnostic):
                raise SpecError(source)
            settings = dict(origin["settings"])
            return Network(compile_source(source, path, certificate.network, settings, session=session, sizes=sizes))
    except (LookupError, TypeError, ValueError, OSError) as error:
        raise SpecError(codes.exporting.DamagedCertificate(str(certificate_path(file)), str(error))) from error


def _examples(subject: Subject, certificate: Certificate) -> Examples | None:
    """Return the data with which the file was compared; None without."""
    return None if certificate.data is None else examples_of(subject, certificate.data.get("path"))
