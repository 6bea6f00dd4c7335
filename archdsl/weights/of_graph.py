"""The tensors that a file of a network's weights has, by key, without building the network."""

from __future__ import annotations

from archdsl.ir import FlatNode, Graph, flatten, state
from archdsl.ops.positions import RelativeBias
from archdsl.weights.stored import StoredTensor, StoredWeights
from archdsl.weights.unwrap import COUNTER


def holds_positions(key: str, node: FlatNode) -> bool:
    """Return whether a tensor of an op holds positions in a table, which are integers."""
    return isinstance(node.op, RelativeBias) and key == node.path


def stored_of(graph: Graph, name: str) -> StoredWeights:
    """Return the weights of a network as its `state_dict` stores them, under the name of a file."""
    positions = {node.path for node in flatten(graph).nodes if holds_positions(node.path, node)}
    entries = {
        key: StoredTensor(shape, "int64" if key in positions or key.rpartition(".")[2] == COUNTER else "float32")
        for key, shape in state(graph).items()
    }
    return StoredWeights(name, entries)
