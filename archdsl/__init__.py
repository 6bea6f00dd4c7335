"""archdsl: a text language for neural-network architectures, and a compiler to PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from archdsl.diagnostics import Diagnostic, SpecError
    from archdsl.importers.importing import from_module
    from archdsl.initial_weights import Weights
    from archdsl.ir import Graph
    from archdsl.limits import Limits
    from archdsl.literals import Expression
    from archdsl.loading import check, format, load, loads
    from archdsl.network import Network
    from archdsl.notebook_editor import Editor
    from archdsl.sweeps import sweep
    from archdsl.trained import list_runs, run
    from archdsl.trained_network import with_weights

__version__ = "0.1.0"
__all__ = [
    "Diagnostic",
    "Editor",
    "Expression",
    "Graph",
    "Limits",
    "Network",
    "SpecError",
    "Weights",
    "__version__",
    "check",
    "format",
    "from_module",
    "list_runs",
    "load",
    "loads",
    "run",
    "sweep",
    "with_weights",
]

_MODULES = {
    "Diagnostic": "archdsl.diagnostics",
    "Editor": "archdsl.notebook_editor",
    "Expression": "archdsl.literals",
    "Graph": "archdsl.ir",
    "Limits": "archdsl.limits",
    "Network": "archdsl.network",
    "SpecError": "archdsl.diagnostics",
    "Weights": "archdsl.initial_weights",
    "check": "archdsl.loading",
    "format": "archdsl.loading",
    "from_module": "archdsl.importers.importing",
    "load": "archdsl.loading",
    "loads": "archdsl.loading",
    "list_runs": "archdsl.trained",
    "run": "archdsl.trained",
    "with_weights": "archdsl.trained_network",
    "sweep": "archdsl.sweeps",
}


__getattr__ = lazy_exports(__name__, _MODULES)


def __dir__() -> list[str]:
    return __all__
