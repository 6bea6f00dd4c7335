"""What a graph says of a network without running it."""

from archdsl.analysis.cost import Cost, Costs, Counts, value_counts
from archdsl.analysis.largest import beyond_all_limits
from archdsl.analysis.open_sizes import Demand, OpenSizes, Together, open_sizes
from archdsl.analysis.specialize import at_sizes
from archdsl.analysis.table import Row, Table, describe, layer_table, op_form, varies
from archdsl.analysis.training import unknown_labels

__all__ = [
    "Cost", "Costs", "Counts", "Demand", "OpenSizes", "Row", "Table", "Together", "at_sizes", "beyond_all_limits", "describe",
    "layer_table", "op_form", "open_sizes", "unknown_labels", "value_counts", "varies",
]  # fmt: skip
