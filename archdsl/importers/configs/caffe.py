"""Caffe `.prototxt`: layers that take blobs by name (`bottom`) and make others (`top`), in the phase of testing.

Layers of the training phase count only where they are heads with a loss of their own. A layer whose top is its bottom works in
place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from archdsl.diagnostics.suggest import did_you_mean
from archdsl.importers.configs.layers import Layer, Layers, bn_args, key_of
from archdsl.importers.configs.prototxt import CAFFE, Entry, Message, invalid, read_prototxt
from archdsl.importers.model import Apply, Value, applications
from archdsl.importers.naming import can_name_a_value
from archdsl.source import SourceFile, Span

_OLD_TYPES = {
    "bnll": "BNLL", "hdf5_data": "HDF5Data", "hdf5_output": "HDF5Output", "lrn": "LRN", "mvn": "MVN", "relu": "ReLU",
    "tanh": "TanH",
    "absval": "AbsVal", "prelu": "PReLU", "elu": "ELU", "softmax_loss": "SoftmaxWithLoss", "argmax": "ArgMax",
    "infogain_loss": "InfogainLoss", "sigmoid_cross_entropy_loss": "SigmoidCrossEntropyLoss",
}  # fmt: skip
"""Names of the enumeration in files of 2014 whose later names are not the same words."""
_DATA = frozenset({"Data", "ImageData", "HDF5Data", "MemoryData", "WindowData", "DummyData", "Input", "AnnotatedData", "Python"})
_LOSSES = frozenset({
    "SoftmaxWithLoss", "EuclideanLoss", "HingeLoss", "SigmoidCrossEntropyLoss", "InfogainLoss", "MultinomialLogisticLoss",
    "ContrastiveLoss", "SmoothL1Loss", "MultiBoxLoss", "L1Loss",
})  # fmt: skip
_WITH_TARGET = _LOSSES - {"EuclideanLoss", "ContrastiveLoss"}
"""Losses whose second bottom is what the first one should be; of others, both may be results."""
_MEASURES = frozenset({"Accuracy", "Silence", "HDF5Output", "DetectionEvaluate"})
_SOLVER = ("base_lr", "lr_policy", "max_iter", "solver_mode", "net", "train_net", "snapshot")


def read_caffe(source: SourceFile, *, partial: bool = False, sizes: Sequence[tuple[int, ...]] = ()) -> Layers:
    """Return the layers of a Caffe file. `sizes` are those of the inputs, if the file leaves them to the data.

    Raise `SpecError` E1211 or E1212 with the line.
    """
    return CaffeReader(Layers(CAFFE, source, partial), read_prototxt(source), list(sizes)).read()


class CaffeReader:
    """Reads one file. `blobs` has the value that each name means at the moment; None for labels and other data."""

    def __init__(self, layers: Layers, net: Message, sizes: list[tuple[int, ...]]) -> None:
        self.layers, self.net, self._sizes = layers, net, sizes
        self.blobs: dict[str, Value | None] = {}
        self._names: dict[str, Span] = {}
        self._tops: dict[str, Span] = {}
        self._heads: dict[Value, tuple[str, float]] = {}
        self._targets: set[Value] = set()
        self._owners: dict[str, str] = {}

    def read(self) -> Layers:
        """Return all layers."""
        layers, net = self.layers, self.net
        entries = [*net.all("layer"), *net.all("layers")]
        solver = next((entry for name in _SOLVER if (entry := net.get(name)) is not None), None)
        if solver is not None and not entries:
            invalid(solver.span, f"`{solver.name}` belongs to a solver: import the file of the network that its `net` names")
        if not entries:
            invalid(net.span, "the file has no `layer`")
        layers.title = net.text("name")
        self._net_inputs()
        messages = [self._layer_message(entry) for entry in entries]
        self._made_later = {top.value for message in messages for top in message.all("top")}
        self._messages = [message for message in messages if self._counts(message)]
        self._find_shared()
        for at, message in enumerate(self._messages):
            self._one(message, at)
        self._results()
        return layers

    # -- which layers there are --

    def _layer_message(self, entry: Entry) -> Message:
        if not isinstance(entry.value, Message):
            invalid(entry.span, f"`{entry.name}` must be a message: `layer {{ ... }}`")
        message = entry.value
        if message.get("layer") is not None:
            invalid(
                entry.span,
                "this is the format of 2013, with a layer in each `layers`: convert it with Caffe's `upgrade_net_proto_text`",
            )
        message.span = entry.span
        return message

    def _counts(self, message: Message) -> bool:
        """Whether a layer is there when the network is tested, or belongs to a head that only training has."""

        def phases(name: str) -> list[str]:
            return [e.value.text("phase") for e in message.all(name) if isinstance(e.value, Message) and e.value.get("phase")]

        include, exclude = phases("include"), phases("exclude")
        if "TEST" in exclude or (include and "TEST" not in include):
            return self._is_training_head(message)
        return True

    def _is_training_head(self, message: Message) -> bool:
        kind = self._type(message)
        return kind in _LOSSES or (kind not in _DATA and kind not in _MEASURES and bool(message.get("name")))

    def _type(self, message: Message) -> str:
        text = message.text("type")
        if text.isupper() and (len(text) > 4 or text in ("RELU", "DATA", "TANH", "MVN", "LRN", "BNLL", "ELU")):
            return _OLD_TYPES.get(text.lower(), "".join(part.capitalize() for part in text.lower().split("_")))
        return text

    # -- inputs --

    def _net_inputs(self) -> None:
        names = self.net.texts("input")
        shapes = [self._dims(entry.value) for entry in self.net.all("input_shape") if isinstance(entry.value, Message)]
        flat = self.net.numbers("input_dim", 1)
        shapes = shapes or [tuple(flat[at : at + 4]) for at in range(0, len(flat), 4)]
        for at, entry in enumerate(names):
            self.layers.layer = Layer(f"input `{entry.value}`", entry.span, entry.value)
            if at >= len(shapes):
                self._given_input(entry.value, entry.value, entry.span)
                continue
            self._add_input(entry.value, shapes[at])

    @staticmethod
    def _dims(message: Message) -> tuple[int, ...]:
        return tuple(message.numbers("dim", 1))

    def _add_input(self, name: str, dims: tuple[int, ...]) -> None:
        """Add an input; its first axis is the batch."""
        if len(dims) < 2:
            self.layers.invalid(f"the shape {list(dims)} needs a batch axis and at least one more")
        given = self._sizes.pop(0) if self._sizes else None
        self.blobs[name] = self.layers.input(self.layers.input_name(name, len(dims) - 1), given or dims[1:])

    def _given_input(self, name: str, what: str, span: Span) -> None:
        if not self._sizes:
            self.layers.invalid("the file does not say which sizes the input has", span, "give them: `--input 3x224x224`")
        self.blobs[name] = self.layers.input(self.layers.input_name(name, len(self._sizes[0])), self._sizes.pop(0))

    def _data(self, message: Message, kind: str, tops: list[str]) -> None:
        """Add the input of a data layer; labels are no input."""
        transform = message.message("transform_param")
        crop = transform.number("crop_size", 0)
        old = message.message("data_param").number("crop_size", 0) or message.message("image_data_param").number("crop_size", 0)
        shapes = [self._dims(e.value) for name in ("input_param", "dummy_data_param") for e in message.message(name).all("shape")
                  if isinstance(e.value, Message)]  # fmt: skip
        memory = message.message("memory_data_param")
        for at, top in enumerate(tops):
            if top in self.blobs:
                continue
            if shapes:
                dims = shapes[min(at, len(shapes) - 1)]
                if kind != "Input" and at > 0:
                    self.blobs[top] = None
                else:
                    self._add_input(top, dims)
            elif at > 0 or re.search(r"label", top):
                self.blobs[top] = None
            elif kind == "MemoryData":
                self._add_input(top, (1, *(memory.number(name, 0, 1) for name in ("channels", "height", "width"))))
            elif crop or old:
                size = crop or old
                gray = message.message("image_data_param").get("is_color") is not None
                self._add_input(top, (1, 1 if gray else 3, size, size))
                if not gray:
                    self.layers.remarks.append("The data layer is left out; its images are taken to have three channels")
            else:
                self._given_input(top, kind, message.span)

    # -- layers --

    def _one(self, message: Message, at: int) -> None:
        layers = self.layers
        name, kind = message.text("name") or f"layer {at}", self._type(message)
        layers.layer = Layer(f'layer "{name[:60]}"', self._head_of(message), name)
        bottoms = [entry.value for entry in message.texts("bottom")]
        tops = [entry.value for entry in message.texts("top")]
        if not kind:
            layers.invalid("it has no `type`")
        if kind == "Python" and message.real("loss_weight", 0.0):
            kind = "EuclideanLoss"  # a loss of its own, of which nothing is known
        if kind in _DATA and not bottoms:
            self._data(message, kind, tops)
            return
        values = [self._bottom(bottom, message, tops) for bottom in bottoms]
        if kind in _MEASURES:
            return
        if kind in _LOSSES:
            self._loss(message, kind, bottoms, values)
            return
        known = [value for value in values if value is not None]
        if not known:
            layers.invalid(f"it takes {'labels' if values else 'no `bottom`'}, and no value of the network")
        self._check_name(name, message)
        self._outputs(message, kind, known, bottoms, tops, at)

    def _outputs(
        self, message: Message, kind: str, values: list[Value], bottoms: list[str], tops: list[str], at: int
    ) -> None:  # fmt: skip
        from archdsl.importers.configs.caffe_layers import CaffeLayers

        if not tops:
            self.layers.invalid("it has no `top`")
        if kind == "Split":
            made = [values[0]] * len(tops)
        else:
            made = CaffeLayers(self, message).read(kind, values, self._next(at, tops[0]), len(tops))
        if len(made) != len(tops):
            self.layers.invalid(f"it has {len(tops)} tops, and a `{kind}` layer gives {len(made)}")
        for top, value in zip(tops, made, strict=True):
            if self.blobs.get(top) is not None and top not in bottoms:
                self.layers.invalid(f"a second layer makes the top `{top}`", self._entry(message, "top", top))
            self.blobs[top] = value
            value.hint = value.hint or (top if len(tops) > 1 and can_name_a_value(top) else "")

    def _next(self, at: int, top: str) -> Message | None:
        """Return the layer behind one, if it is a `Scale` of the same values."""
        if at + 1 >= len(self._messages):
            return None
        following = self._messages[at + 1]
        bottoms = [entry.value for entry in following.texts("bottom")]
        return following if self._type(following) == "Scale" and bottoms == [top] else None

    def _find_shared(self) -> None:
        """Note which layers have the weights of an earlier one: all their `param` have the names of those there.

        Raise `SpecError` E1212 for layers that share some of their weights alone, or that have no name of a `module`.
        """
        first: dict[str, tuple[str, tuple[str, ...]]] = {}
        for at, message in enumerate(self._messages):
            given = [entry.value.text("name") for entry in message.all("param") if isinstance(entry.value, Message)]
            names, own = tuple(filter(None, given)), message.text("name")
            known = {first[name][0] for name in names if name in first}
            if not known:
                first.update({name: (own, names) for name in names})
                continue
            owner = known.pop()
            if known or first[names[0]] != (owner, names) or not can_name_a_value(key_of(owner)):
                self.layers.layer = Layer(f'layer "{(own or f"layer {at}")[:60]}"', self._head_of(message), own)
                self.layers.refuse(f"it shares the weights `{names[0]}` with `{owner}`, and cannot be a run of one `module`")
                continue
            self._owners[own] = owner
            self.layers.shared[key_of(owner)] = None

    def owner(self, message: Message) -> str:
        """Return the name of the layer whose weights a layer has: its own, or that of an earlier one."""
        assert self.layers.layer is not None
        return self._owners.get(message.text("name"), self.layers.layer.name)

    def _check_name(self, name: str, message: Message) -> None:
        first = self._names.setdefault(name, message.span)
        if first is not message.span:
            self.layers.invalid(f"a second layer has this name; the first is in line {first.line_column[0]}")

    def _bottom(self, bottom: str, message: Message, tops: list[str]) -> Value | None:
        if bottom in self.blobs:
            return self.blobs[bottom]
        entry = self._entry(message, "bottom", bottom)
        if bottom in tops:
            self.layers.invalid(f"its bottom `{bottom}` is its own top, and no layer before makes it", entry)
        if bottom in self._made_later:
            self.layers.invalid(
                f"its bottom `{bottom}` is made by a later layer: layers stand in the order in which they run", entry
            )
        self.layers.invalid(f"no layer makes its bottom `{bottom}`", entry, did_you_mean(bottom, self.blobs))

    @staticmethod
    def _entry(message: Message, name: str, value: str) -> Span:
        return next((entry.span for entry in message.all(name) if entry.value == value), message.span)

    @staticmethod
    def _head_of(message: Message) -> Span:
        entry = message.get("name") or message.get("type")
        return entry.span if entry is not None else Span(message.span.file, message.span.start, message.span.start + 5)

    # -- results --

    def _loss(self, message: Message, kind: str, bottoms: list[str], values: list[Value | None]) -> None:
        value = next((value for value in values if value is not None), None)
        if value is not None:
            weight = message.real("loss_weight", 1.0)
            self._heads[value] = (message.text("name"), weight)
        if kind in _WITH_TARGET:
            self._targets |= {target for target in values[1:] if target is not None}
        remark = "Losses are left out: they belong to the recipe"
        if remark not in self.layers.remarks:
            self.layers.remarks.append(remark)

    def _results(self) -> None:
        main = self.layers.main
        read = {value for node in applications(main) for value in node.reads} | self._targets - self._heads.keys()
        made = [value for node in applications(main) for value in node.outputs]
        results = [value for value in made if value not in read or value in self._heads]
        if not results:
            self.layers.layer = None
            invalid(self.net.span, "the network computes nothing: no layer counts in the phase of testing")
        auxiliary = [
            value for value in results if value in self._heads and self._heads[value][1] < 1 and value is not results[-1]
        ]
        for value in auxiliary:
            self.layers.heads[key_of(_stem(self._heads[value][0]))] = value
        rest = [value for value in results if value not in auxiliary]
        main.outputs = [rest[-1], *rest[:-1], *auxiliary]
        for value in rest[:-1]:
            assert isinstance(value.producer, Apply)
            name = value.producer.place.module
            self.layers.names[value] = self.layers.result_name(
                name if key_of(name) not in self.layers.shared else f"{name}_result"
            )
        self.layers.classes(rest[-1])

    # -- for the layers --

    def norm(self, message: Message, value: Value, scale: Message | None, key: str) -> Value:
        """Add a `BatchNorm` with the `Scale` behind it, if there is one: Caffe keeps statistics and parameters in two layers."""
        given = message.message("batch_norm_param")
        momentum = round(1 - given.real("moving_average_fraction", 0.999), 10)
        affine = scale is not None and scale.message("scale_param").flag("bias_term", False)
        found = self.layers.op("bn", bn_args(given.real("eps", 1e-5), momentum, affine), value, key=key)
        self.layers.claims(found, value.shape, 2 * value.shape[0] if affine else 0)
        return found


def _stem(name: str) -> str:
    """Return the name of the module that a loss belongs to: `loss1` of `loss1/loss`."""
    return name.partition("/")[0]
