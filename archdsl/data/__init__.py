"""Data sets: open them, describe them, and compare them with a network, without importing PyTorch, which takes seconds."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archdsl.data.inputs import Input
    from archdsl.data.labels import IGNORED, Labels
    from archdsl.data.open_dataset import Opened, open_data
    from archdsl.data.read_options import DEFAULT_OPTIONS, ReadOptions

__all__ = ["DEFAULT_OPTIONS", "IGNORED", "Input", "Labels", "Opened", "ReadOptions", "open_data"]

_MODULES = {
    "DEFAULT_OPTIONS": "read_options",
    "IGNORED": "labels",
    "Input": "inputs",
    "Labels": "labels",
    "Opened": "open_dataset",
    "ReadOptions": "read_options",
    "open_data": "open_dataset",
}


def __getattr__(name: str) -> Any:
    """Import the module of a name on first use: most of them need NumPy, which `archdsl train --help` does not."""
    if name not in _MODULES:
        raise AttributeError(f"module 'archdsl.data' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"archdsl.data.{_MODULES[name]}"), name)
    return value
