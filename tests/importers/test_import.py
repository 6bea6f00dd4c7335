"""Models as texts: tiny modules, each for one construct, and the proof that text and module are the same network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import archdsl
from archdsl.diagnostics import SpecError
from archdsl.importers.importing import Imported, import_loaded
from archdsl.importers.load_module import Loaded
from archdsl.importers.proof import prove
from archdsl.importers.recording import recorded


class Basic(nn.Module):
    def __init__(self, inplanes: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inplanes != planes:
            self.downsample = nn.Sequential(nn.Conv2d(inplanes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class Residual(nn.Module):
    def __init__(self, layers: tuple[int, ...] = (1, 2, 2), num_classes: int = 5) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        width = 4
        for i, n in enumerate(layers):
            units = []
            for j in range(n):
                units.append(Basic(width, 4 * 2**i, 2 if i > 0 and j == 0 else 1))
                width = 4 * 2**i
            setattr(self, f"layer{i + 1}", nn.Sequential(*units))
        self.count = len(layers)
        self.fc = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for i in range(self.count):
            x = getattr(self, f"layer{i + 1}")(x)
        return self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


RESIDUAL = """\
block basic(planes, stride = 1) {
  skip {
    conv1: conv(planes, 3, stride); bn1: bn; relu
    conv2: conv(planes, 3); bn2: bn
  } via { if stride != 1 or x.c != planes { downsample: conv(planes, 1, stride) -> bn } }
  relu
}

network residual(classes: int = 5) {
  input image [3, 16, 16]
  stem: conv(4, 3)
  for i, n in [1, 2, 2] {
    "layer{i + 1}": for j in 0..n { basic(4 * 2^i, stride = 2 if i > 0 and j == 0 else 1) }
    expect x.shape == [4 * 2^i, 16 // 2^i, 16 // 2^i]
  }
  gap -> flatten
  fc: linear(classes)
"""


class Dense(nn.Module):
    """Each layer takes the list of all that is before it, as in DenseNet."""

    class Layer(nn.Module):
        def __init__(self, inputs: int, growth: int) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(inputs)
            self.conv = nn.Conv2d(inputs, growth, 3, padding=1, bias=False)

        def forward(self, values: list[Tensor]) -> Tensor:
            result: Tensor = self.conv(torch.relu(self.norm(torch.cat(values, 1))))
            return result

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({f"layer{i + 1}": Dense.Layer(3 + 4 * i, 4) for i in range(4)})

    def forward(self, x: Tensor) -> Tensor:
        values = [x]
        for layer in self.layers.values():
            values.append(layer(values))
        return torch.cat(values, 1)


class Heads(nn.Module):
    """An auxiliary head, dropout, and stochastic depth: what evaluation does not show."""

    class StochasticDepth(nn.Module):
        def __init__(self, p: float, mode: str) -> None:
            super().__init__()
            self.p, self.mode = p, mode

        def forward(self, x: Tensor) -> Tensor:
            if not self.training:
                return x
            noise = torch.empty([x.shape[0]] + [1] * (x.ndim - 1), dtype=x.dtype).bernoulli_(1 - self.p).div_(1 - self.p)
            return x * noise

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.drop_path = Heads.StochasticDepth(0.2, "row")
        self.early = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
        self.drop = nn.Dropout(0.3)
        self.last = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> Any:
        x = x + self.drop_path(self.conv(x))
        result = self.last(self.drop(x.mean((2, 3))))
        return (result, self.early(x)) if self.training else result


class Two(nn.Module):
    """Two results, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = self.a(x)
        return {"mask": self.b(y), "logits": self.c(y.mean((2, 3)))}


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.cls = nn.Parameter(torch.zeros(1, 1, 8))
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], 1)
        y = self.norm(x)
        return x + self.attention(y, y, y, need_weights=False)[0]


def shown(imported: Imported) -> str:
    """The text without its header."""
    return imported.text.partition("\n\n")[2]


def brought(make: Callable[[], nn.Module], name: str, shape: tuple[int, ...] = (3, 16, 16), *, fixed: bool = True) -> Imported:
    """The import of a module whose constructors are observed, as on the command line with `--fixed`."""
    torch.manual_seed(0)
    module, arguments = recorded(make)
    return import_loaded([Loaded(module, name, arguments, "here:Here")], shape, fixed=fixed).require_proved()


@pytest.fixture(scope="module")
def residual() -> Imported:
    return brought(Residual, "residual")


def test_residual_networks(residual: Imported) -> None:
    assert shown(residual).startswith(RESIDUAL)
    assert "expect params == " in residual.text and "expect macs == " in residual.text
    assert residual.proved and residual.reports["residual"].differences == []
    assert "evaluation at 3x40x49: bit for bit" in residual.reports["residual"].lines


def test_the_text_is_a_network_of_its_own(residual: Imported) -> None:
    network = archdsl.loads(residual.text, classes=7)
    assert network.build()(torch.zeros(1, 3, 16, 16)).shape == (1, 7)
    assert not [found for found in archdsl.check(residual.text) if found.is_error]


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("relu\n}", "relu6\n}", "the results differ"),
        ("stem:", "root:", "it lacks 2 keys (`stem.bias`)"),
        ("stem: conv(4, 3)", "stem: conv(4, 5)", "shapes of `stem.weight`"),
        ("gap ->", "maxpool_to(1) ->", "the results differ"),
        ("bn1: bn;", "bn1: bn(momentum = 0.2);", "running statistics differ"),
        ("gap -> flatten", "gap -> flatten -> dropout(0.5)", "training, in double precision: the results differ"),
        ("fc: linear(classes)", "fc: linear(classes) -> nothing", "the text does not compile"),
    ],
)
def test_the_proof_finds_differences(residual: Imported, old: str, new: str, difference: str) -> None:
    """Each change of the text makes another network, and the proof says in what."""
    assert old in residual.text
    torch.manual_seed(0)
    text = residual.text.replace(old, new).replace("expect", "# expect")
    report = prove(Residual(), text, "residual", [torch.randn(2, 3, 16, 16)], {}, sizes=0)
    assert not report.proved
    assert any(difference in found for found in report.differences), report.differences


def test_the_proof_leaves_the_module_as_it_was(residual: Imported) -> None:
    module = Residual().eval()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    prove(module, residual.text, "residual", [torch.randn(2, 3, 16, 16)], {}, sizes=0)
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items()) and not module.training


def test_growing_concatenations_are_a_loop() -> None:
    text = shown(brought(Dense, "dense"))
    assert 'layers: for i in 0..4 { concat { x; "layer{i + 1}": layer } }' in text


def test_what_evaluation_does_not_show() -> None:
    imported = brought(Heads, "heads")
    text = shown(imported)
    assert "skip(drop = 0.2) { conv: conv(3, 3) }" in text
    assert "aux early: { gap -> flatten -> linear(2) }" in text or "aux early: gap -> flatten -> linear(2)" in text
    assert "dropout(0.3)" in text
    assert "training, `early`: bit for bit" in imported.reports["heads"].lines


class Classifier(nn.Module):
    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        self.pool, self.out = nn.AdaptiveAvgPool2d(1), nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.out(self.pool(x).flatten(1))
        return result


class Classified(nn.Module):
    """The number of classes is an argument of the network and of both heads."""

    def __init__(self, num_classes: int = 6) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.early, self.last = Classifier(3, num_classes), Classifier(4, num_classes)

    def forward(self, x: Tensor) -> Any:
        result = self.last(self.conv(x))
        return (result, self.early(x)) if self.training else result


def test_blocks_get_the_number_of_classes() -> None:
    text = brought(Classified, "classified").text
    assert "block classifier(classes)" in text and "aux early: classifier(classes)" in text
    assert archdsl.loads(text, classes=9).build().early.out.out_features == 9  # type: ignore[union-attr]


def test_several_results() -> None:
    imported = brought(Two, "two")
    assert "output logits: x" in imported.text
    assert "evaluation at 3x16x16, `logits`: bit for bit" in imported.reports["two"].lines


def test_tokens() -> None:
    text = shown(brought(Attention, "attention"))
    assert 'rearrange("c h w -> (h w) c")' in text
    assert "cls: param([1, 8], batch_axis = true)" in text
    assert "attention: mha(2)" in text and "norm: ln(axis = -1)" in text


def test_families_share_their_blocks() -> None:
    torch.manual_seed(0)
    loaded = []
    for name, layers in (("net_a", (1, 1, 1)), ("net_b", (2, 1, 1))):
        module, arguments = recorded(lambda layers=layers: Residual(layers))  # type: ignore[misc]
        loaded.append(Loaded(module, name, arguments, f"here:{name}"))
    imported = import_loaded(loaded, (3, 8, 8), fixed=True).require_proved()
    assert imported.text.count("block basic(") == 1
    assert "network net_a = net_a_2" not in imported.text
    assert "([1, 1, 1])" in imported.text and "([2, 1, 1])" in imported.text, imported.text
    assert [archdsl.loads(imported.text, name).name for name in imported.names] == ["net_a", "net_b"]


def test_from_module_needs_no_constructor() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2))
    imported = archdsl.from_module(model, torch.randn(1, 3, 16, 16), name="small")
    assert "conv(8, 3, bias = true) -> bn -> relu\n  maxpool(2)\n" in imported.text
    assert str(imported) == imported.text


class Decides(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv(self.conv(x))
        return result


class Spectral(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.fft(torch.relu(x)).real


class Unit(nn.Module):
    """A unit that the language lacks, and what only follows from it."""

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        y = torch.fft.fft(x.view(b * c, h, w)).abs().view(b, c, h, w)
        return torch.relu(y)


class Picks(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[x > 0]


class Tied(nn.Module):
    """Two layers that have one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.other.weight = self.one.weight

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.other(self.one(x))
        return result


class TakesTwo(nn.Module):
    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return x * mask


class ByBatch(nn.Module):
    """Its result depends on the batch, which no text can say."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.conv(x) + x.shape[0]
        return result


@pytest.mark.parametrize(
    ("make", "code", "words"),
    [
        (Decides, "E1202", ("data-dependent", "test_import.py:")),
        (Picks, "E1202", ("the size of a tensor depends on the content of another, in `return x[x > 0]`", "test_import.py:")),
        (TakesTwo, "E1202", ("`forward` takes x, mask", "--input 3x8x8,3x8x8")),
        (partial(nn.Conv2d, 4, 2, 1), "E1202", ("the model fails on the example", "the example is 3x8x8, without the batch")),
        (Twice, "E1204", ("`conv` is used",)),
        (Tied, "E1204", ("`one.weight` and `other.weight` are one tensor", "test_import.py:")),
        (Spectral, "E1203", ("aten.fft_fft", "torch.fft.fft(torch.relu(x)).real", "test_import.py:")),
        (ByBatch, "E1205", ("evaluation at 3x8x8",)),
    ],
)
def test_refusals(make: Callable[[], nn.Module], code: str, words: tuple[str, ...]) -> None:
    with pytest.raises(SpecError) as caught:
        archdsl.from_module(make(), (3, 8, 8))
    assert [found.code for found in caught.value.diagnostics] == [code]
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_line_of_the_source_is_refused_once() -> None:
    """It is one line for all modules of a class, and what follows from it is none."""
    with pytest.raises(SpecError) as caught:
        archdsl.from_module(nn.Sequential(Unit(), Unit(), Unit()), (3, 8, 8))
    (found,) = caught.value.diagnostics
    assert "uses an operation" in found.message, found.message
    (line,) = found.details()
    assert line.startswith("`0` (") and "), and in 2 more modules: PyTorch's `aten.fft_fft.default`" in line, line


def test_partial_and_unproved_texts_say_so() -> None:
    partial = archdsl.from_module(Spectral(), (3, 8, 8), partial=True)
    assert partial.marked().startswith("# PARTIAL:") and "# not imported: PyTorch's `aten.fft_fft" in partial.text
    assert not partial.proved
    unproved = archdsl.from_module(ByBatch(), (3, 8, 8), unproved=True)
    assert unproved.marked().startswith("# UNPROVED: evaluation at 3x8x8")
    assert not unproved.proved


def test_nothing_is_written_without_a_proof(tmp_path: Path, cli: Any) -> None:
    Path("by_batch_net.py").write_text(
        "from torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.conv = nn.Conv2d(3, 3, 1)\n    def forward(self, x):\n        return self.conv(x) + x.shape[0]\n"
    )
    result = cli("import", "by_batch_net:Net", "--input", "3x8x8", "-o", "net.arch", "--weights", "net.safetensors")
    assert result.exit_code == 1 and "error[E1205]" in result.stderr
    assert not Path("net.arch").exists() and not Path("net.safetensors").exists()
    result = cli("import", "by_batch_net:Net", "--input", "3x8x8", "-o", "net.arch", "--unproved")
    assert result.exit_code == 0 and Path("net.arch").read_text().startswith("# UNPROVED:")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import no_such_package_of_theirs", "it needs the package `no_such_package_of_theirs`"),
        ("\nraise RuntimeError('no device')", "net_that_fails.py:2: RuntimeError: no device"),
        ("raise RuntimeError('operator torchvision::nms does not exist')", "was built for another PyTorch"),
    ],
)
def test_modules_that_cannot_be_imported(cli: Any, source: str, words: str) -> None:
    Path("net_that_fails.py").write_text(source)
    result = cli("import", "net_that_fails:Net")
    assert result.exit_code == 1 and words in result.stderr, result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["no_such_package:Net"], 1, "there is no Python module `no_such_package`"),
        (["collections"], 1, "it has no name behind a colon"),
        (["collections:Counte"], 1, "did you mean `Counter`?"),
        (["collections:Counter"], 1, "gives Counter, and no `nn.Module`"),
        (["torch.nn:Linear"], 1, "calling `Linear` fails"),
        (["torch.nn:Linear", "--call", "(3,"], 1, "is no list of literal arguments"),
        (["torch.nn:Linear", "--input", "3xx"], 2, "is not a size"),
        (["torch.nn:Linear", "--input", "3x0"], 2, "has a size of zero"),
    ],
)
def test_bad_addresses(cli: Any, arguments: list[str], status: int, words: str) -> None:
    result = cli("import", *arguments)
    assert result.exit_code == status
    assert words in result.stderr and "Traceback" not in result.stderr
