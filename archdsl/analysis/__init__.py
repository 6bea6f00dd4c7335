"""What a graph says of a network without running it."""

from archdsl.analysis.cost import Cost, Costs, counts, depth
from archdsl.analysis.largest import beyond_all_limits
from archdsl.analysis.one_size import at_sizes, simplify
from archdsl.analysis.open_sizes import Demand, OpenSizes, Together, open_sizes
from archdsl.analysis.table import Row, Table, describe, layer_table, op_form, varies
from archdsl.analysis.training import recipe_findings

__all__ = [
    "Cost", "Costs", "Demand", "OpenSizes", "Row", "Table", "Together", "at_sizes", "beyond_all_limits", "counts", "depth", "describe",
    "layer_table", "op_form", "open_sizes", "recipe_findings", "simplify", "varies",
]  # fmt: skip
