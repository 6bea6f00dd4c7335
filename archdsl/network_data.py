"""The data set of a recipe beside the network that it trains: opened and compared without PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.diagnostics import SpecError
from archdsl.ir import Graph
from archdsl.optional_dependencies import extra_needed
from archdsl.shapes import Shape

if TYPE_CHECKING:
    from archdsl.data import Input, Opened, ReadOptions
    from archdsl.network import Network


def inputs_of(graph: Graph) -> tuple[Input, ...]:
    """Return the inputs of a network, as data is read for them."""
    from archdsl.data.inputs import Input  # here: checking needs no data

    return tuple(Input(str(value), _known(value.shape), value.dtype == "int", value.dtype == "bool") for value in graph.inputs)


def open_data(network: Network, reading: ReadOptions | None = None) -> Opened:
    """Open the data set of a network's recipe and compare it with the network. Raise `SpecError` if they do not match."""
    with extra_needed("train", "reading data"):
        from archdsl import data  # here: checking needs no data
        from archdsl.data.label_check import check_labels

    recipe = network.recipe
    assert recipe is not None
    with network.at_keys():
        ignore = getattr(recipe.loss, "ignore", None)
        opened = data.open_data(recipe, network.data_folder, network.inputs(), reading or data.DEFAULT_OPTIONS, ignore=ignore)
        for shapes in dict.fromkeys((opened.training_shapes, opened.shapes)):
            graph, found = network.at_shapes(shapes)
            if graph is None:
                raise SpecError(*found)
            check_labels(opened.labels, recipe, _output_shapes(graph), network.graph.main.arguments)
    return opened


def _output_shapes(graph: Graph) -> dict[str, tuple[int | None, ...]]:
    """Return the output shapes of the network and its heads, by their names in messages."""
    heads = {f"the head `{head.name}`": _known(value.shape) for head, value in graph.heads}
    return {"the network": _known(graph.result.shape), **heads}


def _known(shape: Shape) -> tuple[int | None, ...]:
    """Return a shape with None for each symbolic size."""
    return tuple(size if isinstance(size, int) else None for size in shape)
