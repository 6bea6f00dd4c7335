"""Sources of examples: opened, described and compared with the network without PyTorch, which takes seconds to import."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archdsl.data.inputs import Input
    from archdsl.data.labels import IGNORED, Labels
    from archdsl.data.opening import Opened, open_data
    from archdsl.data.reading import AS_IT_IS, Reading

__all__ = ["AS_IT_IS", "IGNORED", "Input", "Labels", "Opened", "Reading", "open_data"]

_HOMES = {
    "AS_IT_IS": "reading", "IGNORED": "labels", "Input": "inputs", "Labels": "labels", "Opened": "opening", "Reading": "reading",
    "open_data": "opening",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a name's home when it is first asked for: most of them need NumPy, and `archdsl train --help` does not."""
    if name not in _HOMES:
        raise AttributeError(f"module 'archdsl.data' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"archdsl.data.{_HOMES[name]}"), name)
    return value
