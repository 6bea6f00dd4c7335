"""The differences of two networks: what changed in their graphs, their totals, and the keys of their weights."""

from typing import TYPE_CHECKING

from archdsl.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from archdsl.differences.changes import Argument, Change
    from archdsl.differences.compare import Difference
    from archdsl.differences.comparison import Comparison
    from archdsl.differences.keys import KeyChanges

__all__ = ["Argument", "Change", "Comparison", "Difference", "KeyChanges"]

_MODULES = {
    "Argument": "archdsl.differences.changes",
    "Change": "archdsl.differences.changes",
    "Comparison": "archdsl.differences.comparison",
    "Difference": "archdsl.differences.compare",
    "KeyChanges": "archdsl.differences.keys",
}
__getattr__ = lazy_exports(__name__, _MODULES)
