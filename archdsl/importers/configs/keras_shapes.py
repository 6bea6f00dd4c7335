"""Keras layers that only arrange values, and the layout of values: channels first, or features last as for tokens."""

from __future__ import annotations

from math import prod

from archdsl.importers.configs.keras_config import Config
from archdsl.importers.configs.layers import Layers, compact
from archdsl.importers.model import Value

_FLATTENED = "`Flatten` has channels first here: the weights of the layer behind it are those of Keras in another order"
_SHAPED = "`Reshape` to an image has channels first here: the weights of the layer before it are those of Keras in another order"


class KerasShapes:
    """What all layers know: the layout of their values."""

    def __init__(self, layers: Layers, config: Config, key: str) -> None:
        self.layers, self.config, self.key = layers, config, key
        self.last: set[Value] = layers.features_last

    # -- layouts --

    def is_last(self, value: Value) -> bool:
        """Whether the features of a value are its last axis: of what embeddings give, and of signals from outside."""
        return value in self.last or (len(value.shape) == 2 and value.producer is None)

    def first(self, value: Value) -> Value:
        """Return a value with channels first."""
        if len(value.shape) < 2 or not self.is_last(value):
            return value
        if len(value.shape) == 2:
            return self.layers.op("transpose", {"a": 0, "b": 1}, value)
        axes = len(value.shape)
        return self.layers.op("permute", {"order": (axes - 1, *range(axes - 1))}, value)

    def tokens(self, value: Value) -> Value:
        """Return a value of two axes with features last."""
        if len(value.shape) != 2 or self.is_last(value):
            return value
        found = self.layers.op("transpose", {"a": 0, "b": 1}, value)
        self.last.add(found)
        return found

    def keep(self, found: Value, value: Value) -> Value:
        """Return a value, noted to have the layout of another."""
        if self.is_last(value):
            self.last.add(found)
        return found

    def vector(self, value: Value) -> Value:
        """Return a value of one axis; it has either layout."""
        return value

    def on_channels(self, axis: object, value: Value) -> bool:
        """Whether an axis of Keras, counted with the batch, is that of the channels."""
        while isinstance(axis, list) and len(axis) == 1:
            axis = axis[0]
        if not isinstance(axis, int) or isinstance(axis, bool):
            return False
        axes = len(value.shape)
        if '"channels_first"' in self.layers.source.text and axes > 2:
            return axis in (1, -axes)
        return axis in (-1, axes)

    def _axis(self, axis: int, value: Value) -> int | None:
        """Return an axis of Keras, counted with the batch, as one of the value here; None for that of the batch."""
        axes = len(value.shape)
        at = axis - 1 if axis > 0 else axis + axes if axis < 0 else -1
        if not 0 <= at < axes:
            return None
        if axes < 3 and (axes == 1 or self.is_last(value)):
            return at
        if '"channels_first"' in self.layers.source.text and axes > 2:
            return at
        if self.is_last(value):
            return at
        return 0 if at == axes - 1 else at + 1

    # -- layers --

    def _flatten(self, values: list[Value]) -> Value:
        value = values[0]
        if len(value.shape) == 1:
            return value
        if len(value.shape) > 1 and not self.is_last(value) and prod(value.shape[1:]) > 1 and value.shape[0] > 1:
            if '"channels_first"' not in self.layers.source.text and _FLATTENED not in self.layers.remarks:
                self.layers.remarks.append(_FLATTENED)
        return self.layers.op("flatten", {}, value)

    def _reshape(self, values: list[Value]) -> Value:
        value, target = values[0], self.config.data.get("target_shape")
        if not isinstance(target, list) or not target or any(isinstance(n, bool) or not isinstance(n, int) for n in target):
            self.layers.invalid("`target_shape` must be a list of integers")
        total = prod(value.shape)
        known = prod(n for n in target if n != -1)
        if known < 1 or total % known or (target.count(-1) != 1 if known != total else target.count(-1) > 1):
            self.layers.invalid(f"`target_shape` is {target}, and the input has {total} elements: {list(value.shape)}")
        sizes = [total // known if n == -1 else n for n in target]
        if len(sizes) == 1:
            return self._flatten(values)
        if '"channels_first"' in self.layers.source.text:
            return self.layers.op("reshape", {"sizes": tuple(sizes)}, value)
        if len(sizes) == 2:
            return self._reshape_to_tokens(value, sizes)
        shape = (sizes[-1], *sizes[:-1])
        if prod(value.shape[1:]) == 1 and value.shape[0] > 1 and prod(shape[1:]) > 1:
            if _SHAPED not in self.layers.remarks:
                self.layers.remarks.append(_SHAPED)
        elif prod(shape[1:]) != 1 and not (value.shape[0] == shape[0] and not self.is_last(value)):
            return self.layers.refuse("`Reshape` of an image to other channels, which Keras has last, cannot be expressed", value)
        return self.layers.op("reshape", {"sizes": shape}, value)

    def _reshape_to_tokens(self, value: Value, sizes: list[int]) -> Value:
        if len(value.shape) == 3 and not self.is_last(value) and sizes[1] == value.shape[0]:
            found = self.layers.op("rearrange", {"pattern": "c h w -> (h w) c"}, value)
        elif len(value.shape) == 1 or self.is_last(value) or prod(value.shape[1:]) == 1:
            found = self.layers.op("reshape", {"sizes": tuple(sizes)}, value)
        else:
            return self.layers.refuse("`Reshape` of an image to other channels, which Keras has last, cannot be expressed", value)
        self.last.add(found)
        return found

    def _permute(self, values: list[Value]) -> Value:
        value, dims = values[0], self.config.data.get("dims")
        if not isinstance(dims, list) or sorted(str(n) for n in dims) != [str(n) for n in range(1, len(value.shape) + 1)]:
            self.layers.invalid(f"`dims` must have the numbers from 1 to {len(value.shape)}")
        if len(value.shape) > 2 and not self.is_last(value) and '"channels_first"' not in self.layers.source.text:
            axes = [*range(1, len(value.shape)), 0]  # the axes of Keras, in the order of this layout
            order = [axes[n - 1] for n in dims]
            shown = (order[-1], *order[:-1])
        else:
            shown = tuple(n - 1 for n in dims)
        if shown == tuple(range(len(shown))):
            return value
        return self.keep(self.layers.op("permute", {"order": shown}, value), value)

    def _sides(self, name: str, axes: int) -> list[tuple[int, int]]:
        """Return the rows before and after, for each axis."""
        given = self.config.data.get(name, 1)
        pairs: list[object] = [given] * axes if isinstance(given, int) else list(given) if isinstance(given, list) else []
        if axes == 1 and len(pairs) == 2 and all(isinstance(n, int) for n in pairs):
            pairs = [pairs]
        found = []
        for pair in pairs:
            both = [pair, pair] if isinstance(pair, int) else pair
            if (
                not isinstance(both, list)
                or len(both) != 2
                or any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in both)
            ):
                self.layers.invalid(f"`{name}` must be numbers from 0 on, or pairs of them")
            found.append((both[0], both[1]))
        if len(found) != axes:
            self.layers.invalid(f"`{name}` has {len(found)} entries, and the input {axes} spatial axes")
        return found

    def _zero_padding(self, values: list[Value]) -> Value:
        value = self.first(values[0])
        sides = self._sides("padding", len(value.shape) - 1)
        before, after = compact(tuple(a for a, _ in sides)), compact(tuple(b for _, b in sides))
        args = {"amount": before} if before == after else {"before": before, "after": after}
        found = self.layers.op("pad", {**args, "mode": "zeros", "value": 0.0}, value)
        self.layers.claims(found, (value.shape[0], *(n + a + b for n, (a, b) in zip(value.shape[1:], sides, strict=True))))
        return found

    def _cropping(self, values: list[Value]) -> Value:
        value = self.first(values[0])
        sides = self._sides("cropping", len(value.shape) - 1)
        for axis, (before, after) in enumerate(sides, 1):
            if before + after >= value.shape[axis]:
                self.layers.invalid(f"`cropping` takes {before + after} of {value.shape[axis]} rows away")
            if before or after:
                value = self.layers.op("slice", {"part": range(before, value.shape[axis] - after), "axis": axis}, value)
        return value

    def _upsampling(self, values: list[Value]) -> Value:
        value = self.first(values[0])
        size = self.config.sizes("size", len(value.shape) - 1, 2)
        mode = self.config.text("interpolation", "nearest")
        if mode not in ("nearest", "bilinear"):
            return self.layers.refuse(f"the interpolation `{mode[:40]}` cannot be expressed", value)
        found = self.layers.op("upsample", {"scale": compact(size), "mode": mode, "align_corners": False}, value)
        self.layers.claims(found, (value.shape[0], *(n * s for n, s in zip(value.shape[1:], size, strict=True))))
        return found

    def _resizing(self, values: list[Value]) -> Value:
        size = (self.config.number("height"), self.config.number("width"))
        mode = self.config.text("interpolation", "bilinear")
        if mode not in ("nearest", "bilinear") or self.config.flag("crop_to_aspect_ratio", False):
            return self.layers.refuse(
                f"`Resizing` with the interpolation `{mode[:40]}`, or with a crop, cannot be expressed", values[0]
            )
        args = {"size": compact(size), "mode": mode, "align_corners": False, "antialias": False}
        return self.layers.op("resize", args, self.first(values[0]))

    # -- joins --

    def _joined(self, values: list[Value], op: str, broadcast: bool = False) -> Value:
        if len(values) < 2:
            self.layers.invalid(f"it joins {len(values)} value; at least two are needed")
        shapes = {value.shape for value in values}
        if len(shapes) > 1 and not broadcast:
            shown = " and ".join(str(list(value.shape)) for value in values)
            return self.layers.refuse(
                f"a join of the shapes {shown}, of which Keras stretches one, cannot be expressed", values[0]
            )
        return self.keep(self.layers.op(op, {}, *values), values[0])

    def _add(self, values: list[Value]) -> Value:
        return self._joined(values, "add")

    def _multiply(self, values: list[Value]) -> Value:
        return self._joined(values, "mul", broadcast=True)

    def _subtract(self, values: list[Value]) -> Value:
        return self._joined(values, "sub")

    def _maximum(self, values: list[Value]) -> Value:
        return self._joined(values, "max")

    def _minimum(self, values: list[Value]) -> Value:
        return self._joined(values, "min")

    def _average(self, values: list[Value]) -> Value:
        total = self._joined(values, "add")
        return self.keep(self.layers.op("div", {"number": len(values)}, total), values[0])

    def _concatenate(self, values: list[Value]) -> Value:
        given = self.config.data.get("axis", -1)
        axis = self._axis(given, values[0]) if isinstance(given, int) and not isinstance(given, bool) else None
        if axis is None:
            return self.layers.refuse("a concatenation along the batch axis cannot be expressed", *values)
        if len({len(value.shape) for value in values}) > 1 or len({self.is_last(value) for value in values}) > 1 < len(
            values[0].shape
        ):
            return self.layers.refuse("a concatenation of values of different layouts cannot be expressed", *values)
        if len(values) == 1:
            return values[0]
        found = self.layers.op("concat", {"axis": axis if axis < len(values[0].shape) - 1 or axis == 0 else -1}, *values)
        shape = list(values[0].shape)
        shape[axis] = sum(value.shape[axis] for value in values)
        self.layers.claims(found, tuple(shape))
        return self.keep(found, values[0])
