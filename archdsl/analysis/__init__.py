"""What a graph says of a network without running it."""

from archdsl.analysis.cost import Cost, Costs, counts, depth
from archdsl.analysis.table import Row, Table, describe, layer_table

__all__ = ["Cost", "Costs", "Row", "Table", "counts", "depth", "describe", "layer_table"]
