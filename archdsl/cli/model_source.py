"""The text of a model that is no spec: commands that take NETWORK accept what `archdsl import` does."""

from __future__ import annotations

import click

from archdsl.diagnostics import SpecError, codes
from archdsl.importers.addresses import ModelFile, PythonName, import_model, model_at
from archdsl.input_sizes import InputSizes
from archdsl.source import SourceFile


def imported_text(address: str, sizes: InputSizes = (), *, fixed: bool = False) -> SourceFile | None:
    """Import the model at an address, and return its text, which is proved; None for the address of a spec.

    `sizes` are those of the example for a model in Python, and of the axes that a file leaves open. With them,
    or if they shall be `fixed`, no size is symbolic. Standard error tells of running the user's Python, and of the proof.
    """
    model = model_at(address)
    if model is None:
        return None
    given = [size.sizes for size in sizes] or None
    fixed = fixed or given is not None
    if isinstance(model, PythonName):
        click.echo(f"running the Python of {address.partition(':')[0]}", err=True)
        imported = import_model(address, sizes=given, fixed=fixed)
    else:
        try:
            imported = import_model(address, fixed=fixed)
        except SpecError as error:
            if given is None or not isinstance(error.diagnostics[0], codes.importing.OpenSizes):
                raise
            imported = import_model(address, sizes=given, fixed=fixed)
    imported.require_proved()
    click.echo(f"imported {address}: the text is proved to be the same network", err=True)
    return SourceFile(f"{address} (imported)", imported.text)


def refuse_model(address: str, option: str) -> None:
    """Raise a usage error for an option that needs a spec, if the address is that of another model."""
    if isinstance(model_at(address), ModelFile | PythonName):
        raise click.UsageError(f"{option} is for specs: write {address} as one with `archdsl import {address} -o FILE.arch`")
