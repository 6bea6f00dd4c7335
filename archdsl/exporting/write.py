"""Export a network: write the file, run it, compare it with the network, and keep it only if they agree."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from archdsl import __version__
from archdsl.diagnostics import Diagnostic, Severity, SpecError, codes
from archdsl.exporting.agreement import BOUNDS, Agreement, Measured, accepted, misfit, misprediction, worst
from archdsl.exporting.certificate import Certificate, certificate_path, hashes
from archdsl.exporting.examples import Examples, examples_of
from archdsl.exporting.format import Format, Precision, Runner, format_named, name_for_file
from archdsl.exporting.placing import folder_beside, place, require_space
from archdsl.exporting.program import quiet
from archdsl.exporting.samples import Refused, invalid, points
from archdsl.file_io import cannot_write
from archdsl.optional_dependencies import extra_needed

if TYPE_CHECKING:
    from archdsl.exporting.subject import Subject


def export(
    subject: Subject,
    path: Path,
    to: str | None = None,
    *,
    precision: Precision = "fp32",
    fold: bool = True,
    examples: Examples | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Certificate:
    """Write a network as a file with its certificate, and return the certificate.

    `to` is a format; default: that of the suffix. `examples` are data for `int8`, and for the agreement of predictions. `say` is
    told what is done next. Raise `ValueError` for an unknown format, and `SpecError`: E0606 if the file cannot be written, E0608
    and E1101 if something is missing, E1102 if the format does not support the network, and E1103 if the file does not agree.
    """
    name = name_for_file(path, to)
    chosen = require_format(name, precision)
    subject.network.check_output(path)
    with folder_beside(path) as folder:
        file = folder / path.name
        say(f"writing {subject.network.name} as {name}")
        with _reported(subject, name, folder, path):
            program = subject.program(precision, fold=fold, examples=examples)
            written = chosen.write(program, file)
        say("comparing it with the network")
        with _reported(subject, name, folder, path):
            verified = verify_file(subject, name, precision, chosen.run(file), examples)
        certificate = Certificate(
            archdsl=__version__, format=name, precision=precision, folded=fold, files=hashes(written),
            network=subject.network.name, run=None if subject.run is None else str(subject.run),
            spec_sha256=subject.spec_sha256, spec=subject.network.files(), origin=subject.network.origin(),
            weights_sha256=subject.weights_sha256, weights=dict(subject.weights),
            data=None if examples is None else examples.as_data(), versions=versions(chosen, precision), bound=BOUNDS[precision],
            largest_error=worst(verified.sizes).error, sizes=[one.as_data() for one in verified.sizes],
            refused=[one.reason for one in verified.refused], top1=verified.top1,
        )  # fmt: skip
        _require_kept(subject, [path.with_name(one.name) for one in written])
        beside = certificate_path(file)
        try:
            beside.write_text(certificate.text(), encoding="utf-8")
        except OSError as error:
            raise cannot_write(path, error) from error
        place((*written, beside), path)
    return certificate


def export_with_data(
    subject: Subject,
    path: str | os.PathLike[str],
    to: str | None = None,
    *,
    precision: Precision = "fp32",
    fold: bool = True,
    data: str | os.PathLike[str] | None = None,
    say: Callable[[str], None] = lambda text: None,
    warn: Callable[[Diagnostic], None] = lambda found: None,
) -> Certificate:
    """Export a network as `export` does, with the data of its run or recipe, or at a path.

    If the data is not there, predictions are not compared, and `warn` gets the reason; `int8` and a path need the data. Raise
    `ValueError` and `SpecError` as `export` does, and E08 if the data cannot be read.
    """
    target = Path(path)
    require_format(name_for_file(target, to), precision)
    examples = None
    if precision == "int8" or data is not None or subject.run is not None or subject.network.recipe is not None:
        if precision == "int8" and data is None and subject.network.recipe is None:
            raise SpecError(codes.exporting.NoCalibration(subject.network.name))
        try:
            examples = examples_of(subject, data)
        except SpecError as error:
            if precision == "int8" or data is not None:
                raise
            note = "predictions on the validation set are not compared"
            warn(error.diagnostic.with_severity(Severity.WARNING).with_notes([note]))
    return export(subject, target, to, precision=precision, fold=fold, examples=examples, say=say)


def require_format(name: str, precision: Precision) -> Format:
    """Return a format. Raise `SpecError` E0608 or E1101 if it cannot be written here, or has no such precision."""
    chosen = format_named(name)
    if precision not in chosen.precisions:
        supported = [one for one in BOUNDS if one in chosen.precisions]
        raise SpecError(codes.exporting.UnsupportedPrecision(name, precision, supported))
    for package in _packages(chosen, precision):
        with extra_needed("train" if package == "torch" else "export", f"the format {name}"), quiet():
            import_module(package)
    chosen.check()
    return chosen


def _require_kept(subject: Subject, targets: list[Path]) -> None:
    """Raise `SpecError` E0606 if one of the files would replace that of the weights, as the .bin of OpenVINO may."""
    weights = subject.weights.get("file")
    for target in targets:
        if weights is not None and os.path.exists(weights) and target.exists() and target.samefile(weights):
            raise SpecError(codes.files.SourceOverwritten(str(target), subject.network.name))


def _packages(chosen: Format, precision: Precision) -> tuple[str, ...]:
    """Return the packages that an export needs, as they are imported."""
    return (*chosen.packages, *(["torchao"] if precision == "int8" else []))


class Verified(NamedTuple):
    """What was found of a file that agrees with its network."""

    sizes: list[Measured]
    refused: list[Refused]
    top1: dict[str, float] | None


def verify_file(subject: Subject, name: str, precision: Precision, run: Runner, examples: Examples | None) -> Verified:
    """Compare a file with its network. Raise `SpecError` E1103 if they do not agree."""
    interface, network = subject.interface, subject.network.name
    reference = subject.reference()
    tried = points(interface.graph, interface.sizes)
    agreement = Agreement(interface, reference, tried)
    measured = agreement.measure(run)
    wrong = misfit(network, name, precision, measured)
    if wrong is not None:
        plain = worst(agreement.measure(subject.runner())).error
        raise SpecError(wrong.with_fields(plain=plain))
    refused = invalid(interface.graph, interface.sizes, tried[0])
    passed = accepted(run, interface, refused)
    if passed is not None:
        raise SpecError(codes.exporting.AcceptsInvalid(network, name, passed.reason))
    top1 = None if examples is None else examples.top1(run, reference, BOUNDS[precision])
    if top1 is not None and (found := misprediction(network, name, precision, top1)) is not None:
        raise SpecError(found)
    return Verified(measured, refused, top1)


def versions(chosen: Format, precision: Precision) -> dict[str, str]:
    """Return the versions of everything that takes part in an export, and the machine."""
    found = {"python": platform.python_version(), "archdsl": __version__}
    for package in _packages(chosen, precision):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found | {"machine": f"{platform.system()} {platform.machine()}"}


@contextmanager
def _reported(subject: Subject, name: str, folder: Path, path: Path) -> Iterator[None]:
    """Raise errors of exporters and runtimes as `SpecError`: E0606 if the disk is full, else E1102."""
    try:
        yield
    except SpecError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from error
    except Exception as error:  # each library has its own
        require_space(folder, path, sum(value.nbytes for value in subject.state.values()))
        reason = next((line for line in str(error).splitlines() if line.strip()), "").strip()[:300]
        raise SpecError(codes.exporting.ExportFailed(subject.network.name, name, type(error).__name__, reason)) from error
