"""`slice(a..b by n)`: calls of one block with other parts and steps."""

import torch

import archdsl


def test_calls_with_other_steps() -> None:
    text = """
    block part(from, to, step) { slice(from..to by step) -> conv(4, 1) }
    network n {
      input image [12, 5, 5]
      a: part(0, 12, 3)
      image -> part(0, 8, 2)
      b: x
      image -> part(1, 12, 3)
      c: x
      image -> part(2, 6, 1)
      add { a; b; c; x }
    }
    """
    module, image = archdsl.loads(text).build(), torch.randn(2, 12, 5, 5)
    convolutions = [layer for layer in module.modules() if isinstance(layer, torch.nn.Conv2d)]
    parts = (image[:, 0:12:3], image[:, 0:8:2], image[:, 1:12:3], image[:, 2:6])
    wanted = sum(convolution(part) for convolution, part in zip(convolutions, parts, strict=True))
    torch.testing.assert_close(module(image), wanted)
