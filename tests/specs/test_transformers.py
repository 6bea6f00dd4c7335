"""Vision transformers beyond what the comparison with the libraries looks at: other sizes, limits, and their source."""

from __future__ import annotations

from pathlib import Path

import torch

import archdsl

SPECS = Path(__file__).parents[2] / "specs"


def test_vit_at_other_sizes_interpolates_its_positions() -> None:
    network = archdsl.load(f"{SPECS / 'vit.arch'}:vit", width=16, depth=1, heads=2, size=(3, 96, 160))
    module = network.build().eval()
    assert module.encoder.pos_embedding.shape == (1, 1 + 14 * 14, 16)
    assert module(torch.randn(2, 3, 96, 160)).shape == (2, 1000)
    with torch.no_grad():
        module.encoder.pos_embedding[0, 1:] = torch.randn(16)
    declared = archdsl.load(f"{SPECS / 'vit.arch'}:vit", width=16, depth=1, heads=2)
    assert [*declared.build().state_dict()] == [*module.state_dict()]


def test_deit_distilled_is_the_mean_of_two_heads() -> None:
    module = archdsl.load(f"{SPECS / 'deit.arch'}:deit", width=12, depth=2, distilled=True, classes=4).build().eval()
    image = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        both = module(image)
        module.head_dist.weight.zero_(), module.head_dist.bias.zero_()
        one = module(image)
        module.head.weight.zero_(), module.head.bias.zero_()
        module.head_dist.load_state_dict({"weight": torch.ones(4, 12), "bias": torch.zeros(4)})
    assert not torch.allclose(both, one)
    assert module(image).std(1).max() < 1e-6


def _swin_v2() -> torch.nn.Module:
    network = archdsl.load(f"{SPECS / 'swin_v2.arch'}:swin_v2_t", width=8, layers=[2], heads=[2], size=(3, 40, 36), classes=4)
    return network.build().eval()


def test_the_temperature_of_swin_v2_is_bounded() -> None:
    """Equation 2 of the paper: tau is not smaller than 0.01."""
    module, image = _swin_v2(), torch.randn(2, 3, 40, 36)
    scales = [value for key, value in module.named_parameters() if key.endswith("logit_scale")]
    assert len(scales) == 2
    results = []
    with torch.no_grad():
        for value in (4.0, 4.60517, 9.0):
            for scale in scales:
                scale.fill_(value)
            results.append(module(image))
    torch.testing.assert_close(results[1], results[2], atol=1e-4, rtol=1e-4)
    assert (results[0] - results[1]).abs().max() > 1e-4


def test_the_keys_of_swin_v2_have_no_bias() -> None:
    module, image = _swin_v2(), torch.randn(2, 3, 40, 36)
    expected = module(image)
    biases = [value for key, value in module.named_parameters() if key.endswith("qkv.bias")]
    with torch.no_grad():
        for bias in biases:
            bias[8:16] = 7.0
        assert torch.equal(module(image), expected)
        biases[0][:8] = 7.0
        assert not torch.equal(module(image), expected)


def test_the_source_of_swin_computes_its_sizes_from_the_width() -> None:
    """A class has a parameter for each thing that differs, and nothing for what follows."""
    source = archdsl.load(f"{SPECS / 'swin.arch'}:swin_t").source()
    assert "def __init__(self, in_features, heads):\n        super().__init__()\n        self.qkv" in source
    assert "self.qkv = nn.Linear(in_features, 3 * in_features)" in source
    assert "self.proj = nn.Linear(heads * 32, in_features)" in source
    assert "padded.roll((self.shifts, self.shifts), (1, 2))" in source
