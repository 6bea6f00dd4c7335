"""Facts about a network that follow from its graph, without running it."""

from typing import TYPE_CHECKING

from archdsl.analysis.cost import Cost, Costs, Counts
from archdsl.analysis.size_verdict import Coupling, Demand, SymbolicSizes
from archdsl.analysis.table import Row, Table, describe, layer_table, op_form, varies
from archdsl.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from archdsl.analysis.specialize import at_sizes, numbers_instead
    from archdsl.analysis.symbolic_sizes import decide_sizes
    from archdsl.analysis.tensor_limits import beyond_all_limits
    from archdsl.analysis.training import unknown_labels

__all__ = [
    "Cost", "Costs", "Counts", "Coupling", "Demand", "Row", "SymbolicSizes", "Table", "at_sizes", "beyond_all_limits",
    "decide_sizes", "describe", "layer_table", "numbers_instead", "op_form", "unknown_labels", "varies",
]  # fmt: skip

_MODULES = {
    "at_sizes": "archdsl.analysis.specialize",
    "beyond_all_limits": "archdsl.analysis.tensor_limits",
    "decide_sizes": "archdsl.analysis.symbolic_sizes",
    "numbers_instead": "archdsl.analysis.specialize",
    "unknown_labels": "archdsl.analysis.training",
}
__getattr__ = lazy_exports(__name__, _MODULES)
