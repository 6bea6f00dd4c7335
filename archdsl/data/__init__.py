"""Sources of examples: opened, described and compared with the network without PyTorch, which takes seconds to import."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archdsl.data.inputs import Input
    from archdsl.data.labels import IGNORED, Labels
    from archdsl.data.open_dataset import Opened, open_data
    from archdsl.data.read_options import DEFAULT_OPTIONS, ReadOptions

__all__ = ["DEFAULT_OPTIONS", "IGNORED", "Input", "Labels", "Opened", "ReadOptions", "open_data"]

_HOMES = {
    "DEFAULT_OPTIONS": "read_options", "IGNORED": "labels", "Input": "inputs", "Labels": "labels", "Opened": "open_dataset", "ReadOptions": "read_options",
    "open_data": "open_dataset",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a name's home when it is first asked for: most of them need NumPy, and `archdsl train --help` does not."""
    if name not in _HOMES:
        raise AttributeError(f"module 'archdsl.data' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"archdsl.data.{_HOMES[name]}"), name)
    return value
