"""The proof that an imported text is the model: keys, shapes, counts, and the results in evaluation and training."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from archdsl.diagnostics import SpecError
from archdsl.importers.open_sizes import other_inputs
from archdsl.loading import loads
from archdsl.network import Network

TOLERANCE = 1e-5
"""The largest difference of results, as a fraction of the largest number, where other kernels compute them."""


@dataclass
class Report:
    """What was compared, and with what result. A line is a fact that holds; a difference one that does not."""

    lines: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    claims: dict[str, int] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)
    """Differences at sizes that a text with fixed ones does not claim."""

    @property
    def proved(self) -> bool:
        """Whether everything agrees."""
        return not self.differences

    def note(self, agrees: bool, fact: str, difference: str) -> bool:
        """Note a fact if it holds, else how it differs."""
        (self.lines if agrees else self.differences).append(fact if agrees else difference)
        return agrees

    def __str__(self) -> str:
        return "\n".join(
            [
                *(f"  {'' if 'only' in line else 'equal: '}{line}" for line in self.lines),
                *(f"  differs: {line}" for line in self.differences),
                *(f"  only at the size of the text: {line}" for line in self.elsewhere),
            ]
        )


def prove(
    module: nn.Module, text: str, name: str, example: Sequence[Tensor], heads: Mapping[str, str], *, sizes: int = 2,
    modes: Sequence[str] = ("evaluation", "other sizes", "training"), whole: bool = False,
) -> Report:  # fmt: skip
    """Compare the network of a text with a module at the size of an example, and at `sizes` others at which the module works.

    `heads` are the names of the module's results by the labels of the network's. The weights of the module are changed while it
    runs, since errors hide behind those of a fresh one, and restored. Of the modes, results are compared in those given, and in
    evaluation with one example of the batch, or the `whole` batch if the module takes no other.
    """
    report = Report()
    try:
        network = loads(text, name)
        built = network.build(check_sizes=False)
    except SpecError as error:
        report.differences.append("the text does not compile: " + error.diagnostics[0].message)
        return report
    ours = {key: tuple(value.shape) for key, value in built.state_dict().items()}
    theirs = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    missing, extra = sorted(theirs.keys() - ours.keys()), sorted(ours.keys() - theirs.keys())
    same_keys = report.note(not missing and not extra, f"{len(ours)} keys", _key_difference(missing, extra))
    wrong = [key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]]
    same_shapes = report.note(
        not wrong, "all shapes", "shapes of " + ", ".join(f"`{k}`: {ours[k]} for {theirs[k]}" for k in wrong[:3])
    )
    table = network.table()
    counted = sum(parameter.numel() for parameter in module.parameters())
    report.claims["params"] = table.params
    report.note(table.params == counted, f"{counted:_} parameters", f"{table.params:_} parameters for {counted:_}")
    one = list(example) if whole else [tensor[:1] for tensor in example]
    at_sizes = _AtSizes(text, name, network, built)
    _compare_macs(report, at_sizes.network_at(one), module, one)
    if same_keys and same_shapes:
        _compare_results(report, module, at_sizes, example, one, heads, sizes, modes)
    return report


def _key_difference(missing: list[str], extra: list[str]) -> str:
    parts = [f"it lacks {len(missing)} keys (`{missing[0]}`)"] if missing else []
    parts += [f"it has {len(extra)} other keys (`{extra[0]}`)"] if extra else []
    return "; ".join(parts)


def _compare_macs(report: Report, network: Network, module: nn.Module, example: Sequence[Tensor]) -> None:
    """Compare the MACs with those that PyTorch's counter finds on the meta device."""
    from torch.utils.flop_counter import FlopCounterMode

    macs = network.table().macs
    if not isinstance(macs, int):
        return
    try:
        on_meta = copy.deepcopy(module).to("meta").eval()
        inputs = [tensor.to("meta") for tensor in example]
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            on_meta(*inputs)
    except Exception:
        report.lines.append(f"{macs:_} MACs (not compared: the model does not run on the meta device)")
        return
    counted = counter.get_total_flops() // 2 // inputs[0].shape[0]
    report.claims["macs"] = macs
    report.note(macs == counted, f"{macs:_} MACs", f"{macs:_} MACs for {counted:_}")


@dataclass
class _AtSizes:
    """The network of a text, built once if its sizes are symbolic, else again for another size of its input."""

    text: str
    name: str
    network: Network
    built: nn.Module

    def network_at(self, inputs: Sequence[Tensor]) -> Network:
        """Return the network with fixed sizes, those of the inputs. Raise `SpecError` if it does not take them."""
        if self.is_symbolic:
            return loads(self.text, self.name, size=[tuple(tensor.shape[1:]) for tensor in inputs])
        return self.network

    @property
    def is_symbolic(self) -> bool:
        """Whether the input has symbolic sizes."""
        return bool(self.network.sizes.work)

    def at(self, inputs: Sequence[Tensor]) -> nn.Module:
        """Return the network for inputs of other sizes, with the same weights. Raise `SpecError` if it does not take them."""
        if self.is_symbolic:
            return self.built
        made = loads(self.text, self.name, size=tuple(inputs[0].shape[1:])).build(check_sizes=False)
        made.load_state_dict(self.built.state_dict())
        return made

    def other_inputs(self, example: Sequence[Tensor], count: int) -> list[list[Tensor]]:
        """Return inputs of other sizes: valid ones if the sizes are symbolic."""
        if self.is_symbolic:
            return list(other_inputs(example, self.network.graph.inputs[0].shape, self.network.sizes))[:count]
        return _other_sizes(example, count)


def _compare_results(
    report: Report, module: nn.Module, network: _AtSizes, example: Sequence[Tensor], one: Sequence[Tensor],
    heads: Mapping[str, str], sizes: int, modes: Sequence[str],
) -> None:  # fmt: skip
    training, built = module.training, network.built
    tensors = [*module.parameters(), *module.buffers()]
    before = [tensor.detach().clone() for tensor in tensors]
    try:
        with torch.no_grad():
            _scatter(module)
        built.load_state_dict(module.state_dict())
        if "evaluation" in modes:
            _compare_evaluation(report, module, built, one, heads, "")
            large = [10 * tensor if tensor.is_floating_point() else tensor for tensor in one]
            _compare_evaluation(report, module, built, large, heads, ", large numbers")  # beyond the bends of activations
            for inputs in network.other_inputs(one, sizes) if "other sizes" in modes else ():
                _compare_evaluation(report, module, network, inputs, heads, "", optional=True)
        if "training" in modes:
            _compare_training(report, module, built, example, heads)
    except Exception as error:
        report.differences.append(f"running the network fails: {type(error).__name__}: {str(error).splitlines()[0][:200]}")
    finally:
        with torch.no_grad():
            for tensor, value in zip(tensors, before, strict=True):
                tensor.copy_(value)
        module.train(training)


def _compare_training(
    report: Report, module: nn.Module, built: nn.Module, example: Sequence[Tensor], heads: Mapping[str, str]
) -> None:
    """Compare the results in training mode, in double precision if rounding makes them differ, and then the buffers."""
    expected, found = (_trained(m, example) for m in (module, built))
    note = "training"
    if not _agree(found, expected):
        doubled = [tensor.double() if tensor.is_floating_point() else tensor for tensor in example]
        expected, found = (_trained(copy.deepcopy(m).double(), doubled) for m in (module, built))
        note = "training, in double precision"
    _compare(report, note, found, expected, heads)
    _compare_buffers(report, built, module)


def _trained(module: nn.Module, inputs: Sequence[Tensor]) -> Any:
    torch.manual_seed(0)
    return module.train()(*inputs)


def _compare_evaluation(
    report: Report, module: nn.Module, built: nn.Module | _AtSizes, inputs: Sequence[Tensor], heads: Mapping[str, str], note: str,
    *, optional: bool = False,
) -> None:  # fmt: skip
    """Compare the results for some inputs; if they are `optional`, only where the module takes them."""
    shape = ", ".join("x".join(map(str, tensor.shape[1:])) for tensor in inputs)
    with torch.no_grad():
        try:
            expected = module.eval()(*inputs)
        except Exception:
            if not optional:
                raise
            return
        try:
            network = built.at(inputs) if isinstance(built, _AtSizes) else built
            found = network.eval()(*inputs)
        except Exception as error:
            if not optional:
                raise
            reason = error.diagnostics[0].message if isinstance(error, SpecError) else str(error).splitlines()[0]
            report.lines.append(f"size {shape} works in the model only: {reason[:120]}")
            return
    if not _agree(found, expected):  # rounding grows with the depth; in double precision, it does not reach the tolerance
        doubled = [tensor[:1].double() if tensor.is_floating_point() else tensor[:1] for tensor in inputs]
        with torch.no_grad():
            found, expected = (copy.deepcopy(m).double().eval()(*doubled) for m in (network, module))
        note += ", in double precision"
    compared = Report()
    _compare(compared, f"evaluation at {shape}{note}", found, expected, heads)
    report.lines += compared.lines
    claimed = not isinstance(built, _AtSizes) or built.is_symbolic
    (report.differences if claimed else report.elsewhere).extend(compared.differences)


def _agree(found: Any, expected: Any) -> bool:
    """Whether results have the same shapes, and do not differ by more than the tolerance."""
    pairs = list(zip(_results(found).values(), _results(expected).values(), strict=False))
    if any(a.shape != b.shape for a, b in pairs):
        return True  # it is another network, which precision does not change
    return all(distance(a.detach(), b.detach()) <= TOLERANCE for a, b in pairs)


def _scatter(module: nn.Module) -> None:
    """Change weights that a fresh module fills with one number, so that they count."""
    generator = torch.Generator().manual_seed(1)

    def noise(tensor: Tensor) -> Tensor:
        return torch.rand(tensor.shape, generator=generator).to(tensor.dtype)

    for parameter in module.parameters():
        if parameter.numel() and parameter.is_floating_point() and bool((parameter == parameter.flatten()[0]).all()):
            value = float(parameter.flatten()[0])
            parameter.copy_((0.8 + 0.4 * noise(parameter)) * value if value > 0.01 else 0.2 * noise(parameter) - 0.1 + value)
    for key, buffer in module.named_buffers():
        if key.endswith("running_mean"):
            buffer.copy_(0.2 * noise(buffer) - 0.1)
        elif key.endswith("running_var"):
            buffer.copy_(0.8 + 0.4 * noise(buffer))


def _other_sizes(example: Sequence[Tensor], count: int) -> list[list[Tensor]]:
    """Return inputs of other sizes: somewhat larger ones, and ones that are not square."""
    if len(example) != 1 or example[0].dim() != 4 or not example[0].is_floating_point():
        return []
    n, c, h, w = example[0].shape
    generator = torch.Generator().manual_seed(2)
    sizes = [(h + 32, w + 64), (h // 2 + 32, w + 33)][:count]
    return [[torch.randn((n, c, height, width), generator=generator)] for height, width in sizes]


def _compare(report: Report, what: str, found: Any, expected: Any, heads: Mapping[str, str]) -> None:
    ours, theirs = _results(found), _results(expected)
    if len(ours) != len(theirs):
        report.differences.append(f"{what}: {len(ours)} results for {len(theirs)}")
        return
    for at, (label, tensor) in enumerate(ours.items()):
        other = theirs.get(heads.get(label, label))
        if other is None:
            other = list(theirs.values())[at]
        if tensor.shape != other.shape:
            report.differences.append(f"{what}: {tuple(tensor.shape)} for {tuple(other.shape)}")
            continue
        difference = distance(tensor.detach(), other.detach())
        name = f"{what}, `{label}`" if len(ours) > 1 else what
        exact = "bit for bit" if difference == 0 else f"to {difference:.0e}"
        report.note(difference <= TOLERANCE, f"{name}: {exact}", f"{name}: the results differ by {difference:.1e} of the largest")


def distance(found: Tensor, expected: Tensor) -> float:
    """Return the largest difference of results, as a fraction of the largest number.

    Where both are not finite, and the same, they agree. Return NaN if only one is, or if no number is left to compare.
    """
    finite = expected.isfinite()
    if not finite.any() or not torch.allclose(found[~finite], expected[~finite], equal_nan=True):
        return math.nan
    found, expected = found[finite], expected[finite]
    return float((found - expected).abs().max()) / (float(expected.abs().max()) or 1.0)


def _results(output: Any) -> dict[str, Tensor]:
    """Return the tensors of a result by name."""
    found: dict[str, Tensor] = {}

    def visit(item: Any, name: str) -> None:
        if isinstance(item, Tensor):
            found[name or "main"] = item
        elif hasattr(item, "_asdict"):
            visit(item._asdict(), name)
        elif isinstance(item, Mapping):
            for key, inner in item.items():
                visit(inner, f"{name}_{key}" if name else str(key))
        elif isinstance(item, list | tuple):
            for at, inner in enumerate(item):
                visit(inner, f"{name}_{at}" if name else f"out{at}")

    visit(output, "")
    return found


def _compare_buffers(report: Report, built: nn.Module, module: nn.Module) -> None:
    ours = dict(built.named_buffers())
    worst = 0.0
    for key, buffer in module.named_buffers():
        if key in ours and buffer.is_floating_point() and buffer.shape == ours[key].shape and key.endswith(("mean", "var")):
            largest = float(buffer.abs().max()) or 1.0
            worst = max(worst, float((buffer - ours[key]).abs().max()) / largest)
    if any(key.endswith("running_mean") for key in ours):
        report.note(worst <= TOLERANCE, "running statistics after a step", f"running statistics differ by {worst:.1e}")
