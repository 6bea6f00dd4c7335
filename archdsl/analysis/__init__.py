"""Facts about a network that follow from its graph, without running it."""

from archdsl.analysis.cost import Cost, Costs, Counts, value_counts
from archdsl.analysis.size_verdict import Coupling, Demand, SymbolicSizes
from archdsl.analysis.specialize import at_sizes
from archdsl.analysis.symbolic_sizes import decide_sizes
from archdsl.analysis.table import Row, Table, describe, layer_table, op_form, varies
from archdsl.analysis.tensor_limits import beyond_all_limits
from archdsl.analysis.training import unknown_labels

__all__ = [
    "Cost", "Costs", "Counts", "Coupling", "Demand", "Row", "SymbolicSizes", "Table", "at_sizes", "beyond_all_limits",
    "decide_sizes", "describe", "layer_table", "op_form", "unknown_labels", "value_counts", "varies",
]  # fmt: skip
