"""The result of a generated network: a tensor, or named tuples if it has auxiliary heads or further outputs."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.backends.torch.class_names import camel_case
from archdsl.ir import Graph, Value


class Results(NamedTuple):
    """The values that the network returns by name, in training and in evaluation, and the classes that hold them."""

    training: tuple[tuple[str, Value], ...]
    evaluation: tuple[tuple[str, Value], ...]
    class_names: tuple[str, ...]

    @classmethod
    def of(cls, graph: Graph, aux: bool) -> Results:
        """Return the results of a network. Without `aux`, the heads are left out."""
        main = ("main", graph.result)
        heads = tuple([(result.name, value) for result, value in graph.heads]) if aux else ()
        outputs = tuple([(result.name, value) for result, value in graph.outputs])
        name = camel_case(graph.name)
        names = (f"{name}Training",) * bool(heads) + (f"{name}Result",) * bool(outputs)
        return cls((main, *heads, *outputs), (main, *outputs), names)

    def lines(self) -> list[str]:
        """Return the classes of the results."""
        found: list[str] = []
        for name in self.class_names:
            fields = self.training if name.endswith("Training") else self.evaluation
            when = "training" if name.endswith("Training") else "evaluation" if len(self.class_names) == 2 else "every mode"
            found += ["", "", f"class {name}(NamedTuple):", f'    """What the network returns in {when}."""', ""]
            found += [f"    {field}: torch.Tensor" for field, _ in fields]
        return found

    def returns(self, names: dict[Value, str]) -> list[str]:
        """Return the last lines of `forward`, given the variable of each value."""

        def result(fields: tuple[tuple[str, Value], ...], kind: str) -> str:
            if len(fields) == 1:
                return f"        return {names[fields[0][1]]}"
            name = next(n for n in self.class_names if n.endswith(kind))
            return f"        return {name}({', '.join(names[value] for _, value in fields)})"

        if self.training == self.evaluation:
            return [result(self.evaluation, "Result")]
        return ["        if self.training:", "    " + result(self.training, "Training"), result(self.evaluation, "Result")]
