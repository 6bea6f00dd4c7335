"""archdsl: a text language for neural-network architectures, and a compiler to PyTorch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archdsl.diagnostics import Diagnostic, SpecError
    from archdsl.importers.importing import from_module
    from archdsl.ir import Graph
    from archdsl.limits import Limits
    from archdsl.literals import Expression
    from archdsl.loading import check, load, loads
    from archdsl.network import Network
    from archdsl.trained import list_runs, run

__version__ = "0.1.0"
__all__ = [
    "Diagnostic",
    "Expression",
    "Graph",
    "Limits",
    "Network",
    "SpecError",
    "Weights",
    "__version__",
    "check",
    "from_module",
    "list_runs",
    "load",
    "loads",
    "run",
]

_HOMES = {
    "Diagnostic": "archdsl.diagnostics",
    "Expression": "archdsl.literals",
    "Graph": "archdsl.ir",
    "Limits": "archdsl.limits",
    "Network": "archdsl.network",
    "SpecError": "archdsl.diagnostics",
    "Weights": "archdsl.initial_weights",
    "check": "archdsl.loading",
    "from_module": "archdsl.importers.importing",
    "load": "archdsl.loading",
    "loads": "archdsl.loading",
    "list_runs": "archdsl.trained",
    "run": "archdsl.trained",
}


def __getattr__(name: str) -> Any:
    """Import a name from its module when it is first used, so that `import archdsl` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'archdsl' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
