"""Keras models as JSON: `Sequential` and `Functional`, as Keras 2 and Keras 3 write them with `model.to_json()`.

Keras has channels last; the language has them first. Every value is kept with the layout that it has here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archdsl.diagnostics import SpecError, codes
from archdsl.importers.configs.keras_config import KERAS, Config
from archdsl.importers.configs.keras_layers import KerasLayers
from archdsl.importers.configs.layers import Layer, Layers, key_of
from archdsl.importers.model import Apply, Call, Origin, Value, applications, walk
from archdsl.importers.naming import can_name_a_value, kind_of_input
from archdsl.source import SourceFile, Span

_MODELS = frozenset({"Functional", "Model", "Sequential"})
_DEEPEST = 8
_SIZE = 224
"""The size of an image where the file leaves it open, unless another one is given."""


def read_keras(source: SourceFile, *, partial: bool = False, sizes: Sequence[tuple[int, ...]] = ()) -> Layers:
    """Return the layers of a Keras model. `sizes` are those of its inputs, channels first; they replace those of the file.

    Raise `SpecError` E1211 or E1212 with the line.
    """
    return KerasReader(Layers(KERAS, source, partial), list(sizes)).read(_parsed(source))


def _parsed(source: SourceFile) -> Any:
    try:
        return json.loads(source.text)
    except json.JSONDecodeError as error:
        at = min(error.pos, max(len(source.text.rstrip()) - 1, 0))
        ends = error.pos >= len(source.text.rstrip()) or error.msg.startswith("Unterminated string")
        reason = "the file ends in the middle of a value" if ends else f"no valid JSON: {error.msg[0].lower()}{error.msg[1:]}"
        raise SpecError(codes.configs.InvalidConfig(KERAS, reason).at(Span(source, at, at + 1))) from None
    except RecursionError:
        reason = "its values are nested too deeply"
        raise SpecError(codes.configs.InvalidConfig(KERAS, reason).at(Span(source, 0, 1))) from None
    except ValueError as error:
        raise SpecError(codes.configs.InvalidConfig(KERAS, str(error)).at(Span(source, 0, 1))) from None


class KerasReader:
    """Reads one file. `values` has the result of each layer of the model that is read, by name."""

    def __init__(self, layers: Layers, sizes: list[tuple[int, ...]]) -> None:
        self.layers, self._sizes = layers, sizes
        self.version = 2
        self.seen: dict[str, int] = {}
        self._before: dict[str, dict[str, dict[str, int]]] = {}
        """For each layer that runs several times, by the path of its model, what `seen` was before it ran."""

    def read(self, data: Any) -> Layers:
        """Return all layers."""
        layers = self.layers
        layers.layer = Layer("the model", Span(layers.source, 0, 1))
        if isinstance(data, dict) and "class_name" not in data and isinstance(data.get("model_config"), dict):
            data = data["model_config"]
        if not isinstance(data, dict) or data.get("class_name") not in _MODELS:
            found = data.get("class_name") if isinstance(data, dict) else type(data).__name__
            layers.invalid(f"`class_name` is {str(found)[:40]!r}; `Functional` and `Sequential` models can be read",
                           help="write the model with `model.to_json()`")  # fmt: skip
        version = str(data.get("keras_version") or "")
        self.version = 3 if version.startswith("3") or "module" in data else 2
        layers.version = f"Keras {version}" if version else ""
        results = self._model(data, None, "", 0)
        layers.main.outputs = [results[-1], *results[:-1]]
        for value in results[:-1]:
            if isinstance(value.producer, Apply):
                layers.names[value] = layers.result_name(value.producer.place.module)
        if not any(True for _ in walk(layers.main)):
            layers.invalid("the network computes nothing: it has no layer behind its input")
        layers.classes(results[-1])
        return layers

    # -- models --

    def _model(self, data: Mapping[str, Any], given: list[Value] | None, path: str, depth: int) -> list[Value]:
        """Add a model; `given` are its inputs if it is a layer of another one. Return its results."""
        layers = self.layers
        if depth > _DEEPEST:
            layers.invalid(f"more than {_DEEPEST} models are inside one another")
        config = data.get("config")
        entries = config if isinstance(config, list) else config.get("layers") if isinstance(config, dict) else None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            layers.invalid("its `config` has no list `layers`")
        if not entries:
            layers.invalid("it has no layers")
        own = Config(layers, config if isinstance(config, dict) else {})
        if depth == 0:
            layers.title = own.text("name", "")
        if data["class_name"] == "Sequential":
            return self._sequential(entries, own, given, path, depth)
        return self._functional(entries, own, given, path, depth)

    def _sequential(
        self, entries: list[dict[str, Any]], own: Config, given: list[Value] | None, path: str, depth: int
    ) -> list[Value]:
        x = given[0] if given else None
        for entry in entries:
            config = self._enter(entry)
            if entry.get("class_name") == "InputLayer":
                x = x if given else self._input(config)
                continue
            if x is None:
                x = self._sequential_input(config, own, entry)
            x = self._layer(entry, config, [x], path, depth)[0]
        assert x is not None
        return [x]

    def _sequential_input(self, config: Config, own: Config, entry: Mapping[str, Any]) -> Value:
        """Return the input of a sequential model, whose shape its first layer has, or the model itself."""
        if config.has("batch_input_shape") or config.has("batch_shape") or self._sizes:
            return self._input(config)
        if own.has("build_input_shape") or config.has("build_input_shape"):
            return self._input(own if own.has("build_input_shape") else config)
        nested = entry.get("config")
        if entry.get("class_name") in _MODELS and isinstance(nested, dict) and isinstance(nested.get("layers"), list):
            for inner in nested["layers"]:
                found = Config(self.layers, inner.get("config", {}) if isinstance(inner, dict) else {})
                if found.has("batch_input_shape") or found.has("batch_shape"):
                    return self._input(found)
        self.layers.invalid("the file does not say which sizes the input has", help="give them: `--input 3x224x224`")

    def _functional(
        self, entries: list[dict[str, Any]], own: Config, given: list[Value] | None, path: str, depth: int
    ) -> list[Value]:
        layers, values = self.layers, _Values()
        names = [Config(layers, entry.get("config")).text(
            "name", str(entry.get("name", ""))) for entry in entries]  # fmt: skip
        twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
        if twice is not None:
            layers.layer = Layer(f'layer "{twice[:60]}"', self._span(twice))
            layers.invalid("two layers have this name")
        inputs = [name for name, _, _ in _tensors_in(own.data.get("input_layers"))]
        if given is not None:
            if len(inputs) != len(given):
                layers.invalid(f"it takes {len(inputs)} values, and gets {len(given)}")
            values.made.update({(name, 0, 0): value for name, value in zip(inputs, given, strict=True)})
        waiting = []
        for entry, name in zip(entries, names, strict=True):
            nodes = entry.get("inbound_nodes")
            values.runs[name] = max(len(nodes), 1) if isinstance(nodes, list) else 1
            waiting += [(entry, name, run) for run in range(values.runs[name])]
        while waiting:
            later = [item for item in waiting if not self._functional_layer(*item, values, path, depth)]
            if len(later) == len(waiting):
                self._stuck([(entry, name) for entry, name, _ in later], names)
            waiting = later
        return self._results(own, values)

    def _functional_layer(self, entry: dict[str, Any], name: str, run: int, values: _Values, path: str, depth: int) -> bool:
        """Add a run of a layer, if all that flows into it is there. Return whether it is."""
        nodes = entry.get("inbound_nodes") or []
        reads = list(_tensors_in(nodes[run])) if isinstance(nodes, list) and nodes else []
        if any(values.get(key) is None for key in reads):
            return False
        config = self._enter(entry)
        if entry.get("class_name") == "InputLayer":
            if (name, 0, 0) not in values.made:
                values.made[name, 0, 0] = self._input(config)
            return True
        if not reads:
            self.layers.invalid("its `inbound_nodes` name no value that flows into it")
        taken = [value for key in reads if (value := values.get(key)) is not None]
        if len(nodes) > 1:
            made = self._run(entry, config, taken, path, depth)
        else:
            made = self._layer(entry, config, taken, path, depth)
        values.made.update({(name, run, at): value for at, value in enumerate(made)})
        return True

    def _run(self, entry: dict[str, Any], config: Config, values: list[Value], path: str, depth: int) -> list[Value]:
        """Add one run of a layer or model that runs several times: a `module`, unless it has no weights."""
        layers = self.layers
        assert layers.layer is not None
        first = layers.layer.name not in self._before.setdefault(path, {})
        before = self._before[path].setdefault(layers.layer.name, dict(self.seen))
        seen, self.seen = self.seen, dict(before)  # so that its keys are those of the first run
        counts = dict(layers.counts)
        scope = layers.call(self._key(layers.layer.name, path), Origin(""))
        self.seen = dict(before)
        with scope:
            made = self._layer(entry, config, values, path, depth)
        if not first:
            self.seen, layers.counts = seen, counts
        call = scope.call
        own = [node for node in call.body if isinstance(node, Apply) and node.key == call.path]
        if own or not any(node.key is not None for node in applications(call)):
            layers.unwrap(call, own)  # an activation is no part of the layer
        if not own and call.body == []:
            return made
        label = call.path.removeprefix(f"{path}.") if path else call.path
        if len(values) > 1 or len(made) > 1 or not can_name_a_value(label):
            why = "its name is that of an op" if len(values) == len(made) == 1 else "it takes or gives several values"
            return [layers.refuse(f"it runs several times, and cannot be a `module`: {why}", *made)]
        inner = call.body[0]
        if isinstance(inner, Call) and inner.path == call.path:  # a model, which is a call already
            call.body = inner.body
        call.shared = True
        return made

    def _stuck(self, waiting: list[tuple[dict[str, Any], str]], names: list[str]) -> None:
        """Raise `SpecError` for layers that take a value that no layer makes, or that take one another's."""
        entry = waiting[0][0]
        self._enter(entry)
        unknown = next((key for key, _, _ in _tensors_in(entry.get("inbound_nodes") or [None]) if key not in names), None)
        if unknown is not None:
            from archdsl.diagnostics.suggest import did_you_mean

            self.layers.invalid(
                f"it takes the value of `{unknown[:60]}`, and there is no such layer", help=did_you_mean(unknown, names)
            )
        others = ", ".join(f"`{other}`" for _, other in waiting[1:4])
        self.layers.invalid(f"what flows into it depends on itself{f', by {others}' if others else ''}: layers form a circle")

    def _results(self, own: Config, values: _Values) -> list[Value]:
        wanted = list(_tensors_in(own.data.get("output_layers")))
        if not wanted:
            self.layers.invalid("its `output_layers` name no layer")
        missing = next((key for key in wanted if values.get(key) is None), None)
        if missing is not None:
            self.layers.invalid(f"its `output_layers` name `{missing[0][:60]}`, and there is no such layer")
        return list(dict.fromkeys(value for key in wanted if (value := values.get(key)) is not None))

    # -- layers --

    def _enter(self, entry: Mapping[str, Any]) -> Config:
        """Make a layer the one that messages are about; return its configuration."""
        config = entry.get("config")
        own = Config(self.layers, config if isinstance(config, dict) else {})
        name = str(own.data.get("name") or entry.get("name") or entry.get("class_name") or "layer")
        self.layers.layer = Layer(f'{str(entry.get("class_name"))[:40]} "{name[:60]}"', self._span(name), name)
        if not isinstance(config, dict | list):
            self.layers.invalid("it has no `config`")
        return own

    def _span(self, name: str) -> Span:
        """Return the place of the layer of a name."""
        text = self.layers.source.text
        match = re.search(r'"name"\s*:\s*' + re.escape(json.dumps(name)), text)
        return Span(self.layers.source, match.start(), match.end()) if match else Span(self.layers.source, 0, 1)

    def _layer(self, entry: Mapping[str, Any], config: Config, values: list[Value], path: str, depth: int) -> list[Value]:
        layers, kind = self.layers, str(entry.get("class_name"))
        assert layers.layer is not None
        key = self._key(layers.layer.name, path)
        if kind in _MODELS:
            outer = layers.layer
            with layers.call(key, Origin("")):
                found = self._model(entry, values, key, depth + 1)
            layers.layer = outer
            return found
        return [KerasLayers(self, config, key).read(kind.removeprefix("Custom>"), values)]

    def _key(self, name: str, path: str) -> str:
        key = f"{path}.{key_of(name)}" if path else key_of(name)
        self.seen[key] = self.seen.get(key, 0) + 1
        return key if self.seen[key] == 1 else f"{key}_{self.seen[key]}"

    def _input(self, config: Config) -> Value:
        """Add an input: its shape without the batch, channels first. Tokens and signals keep their features last."""
        layers = self.layers
        name = layers.input_name(config.text("name", "input"), 0)
        kind = config.text("dtype", "float32")
        given = self._sizes.pop(0) if self._sizes else None
        raw = config.first("batch_input_shape", "batch_shape", "build_input_shape")
        while isinstance(raw, list) and len(raw) == 1 and isinstance(raw[0], list):
            raw = raw[0]
        if given is None and (not isinstance(raw, list) or len(raw) < 2):
            layers.invalid("the file does not say which sizes the input has", help="give them: `--input 3x224x224`")
        if given is None:
            shape = self._shape(raw[1:])
            shape = (shape[-1], *shape[:-1]) if len(shape) > 2 and not self.channels_first() else shape
        else:
            shape = given
        axes = len(shape)
        if name in ("value", "input") or not re.match(r"[a-z]\w*$", name) or re.match(r"input", name):
            name = kind_of_input(axes, {value.name for value in layers.main.inputs})
        value = layers.input(name, shape, "int" if kind.startswith(("int", "uint")) and axes == 1 else "float")
        return value

    def _shape(self, sizes: list[Any]) -> tuple[int, ...]:
        found = []
        for at, size in enumerate(sizes):
            if size is None and at < len(sizes) - 1:
                remark = f"The sizes of its input are open; {_SIZE} stands for them"
                if remark not in self.layers.remarks:
                    self.layers.remarks.append(remark)
                size = _SIZE
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                self.layers.invalid(f"the sizes of its input are {sizes}, and must be integers from 1 on")
            found.append(size)
        return tuple(found)

    def channels_first(self) -> bool:
        """Whether the file has channels first, as its convolutions say."""
        return '"data_format": "channels_first"' in self.layers.source.text


@dataclass
class _Values:
    """The values of a model so far: the name of the layer, which of its runs makes them, and which of its results they are."""

    made: dict[tuple[str, int, int], Value] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    """How often each layer runs."""

    def get(self, key: tuple[str, int, int]) -> Value | None:
        """Return a value if it is there. The runs of a layer that has only one may have any number."""
        name, run, result = key
        return self.made.get((name, run if self.runs.get(name, 1) > 1 else 0, result))


def _tensors_in(node: Any, depth: int = 0) -> Iterator[tuple[str, int, int]]:
    """Yield layer, run and result for each value that a node takes, as Keras 2 or Keras 3 write it."""
    if isinstance(node, dict):
        config = node.get("config")
        history = config.get("keras_history") if isinstance(config, dict) else None
        if node.get("class_name") == "__keras_tensor__" and isinstance(history, list) and len(history) == 3:
            yield str(history[0]), _number(history[1]), _number(history[2])
            return
        if depth < 6:
            for part in node.values():
                yield from _tensors_in(part, depth + 1)
    elif isinstance(node, list):
        if len(node) >= 3 and isinstance(node[0], str) and isinstance(node[1], int) and isinstance(node[2], int):
            yield node[0], node[1], node[2]
        elif depth < 6:
            for part in node:
                yield from _tensors_in(part, depth + 1)


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
