"""A label names the values of an op as a family: `parts: split(n)`."""

import torch

import archdsl

RES2 = """
block res2(scales) {
  parts: split(scales)
  done[0]: parts[0]
  for i in 1..scales {
    parts[i]
    if i > 1 { add { x; done[i - 1] } }
    relu
    done[i]: x
  }
  concat { for v in done { v } }
}
network n(scales = 4) {
  input image [24, H, W]
  res2(scales)
  both: res2(scales)
  p: split(2)
  expect len(p) == 2 and p[0].c == 12
  mul { p[0]; p[1]; both.parts[0] -> conv(12, 1) }
}
"""


def test_the_number_of_parts_follows_from_a_parameter() -> None:
    net = archdsl.loads(RES2, scales=3)
    module, image = net.build().eval(), torch.randn(2, 24, 4, 5)

    def res2(x: torch.Tensor) -> torch.Tensor:
        a, b, c = x.chunk(3, 1)
        b = b.relu()
        return torch.cat([a, b, (c + b).relu()], 1)

    before = res2(image)
    a, b = res2(before).chunk(2, 1)
    torch.testing.assert_close(module(image), a * b * module.get_submodule("3")(before.chunk(3, 1)[0]))


def test_a_block_gives_the_family_by_its_path() -> None:
    text = """
    block halves { p: split(2) }
    network n {
      input image [4, 8, 8]
      two: halves
      add { two.p[0]; two.p[1] }
    }
    """
    image = torch.randn(2, 4, 8, 8)
    assert torch.equal(archdsl.loads(text).build()(image), image[:, :2] + image[:, 2:])


def test_each_round_of_a_loop_in_a_block_has_its_own() -> None:
    text = """
    block fold(n) {
      parts: split(n)
      add { for v in parts { v } }
    }
    network n {
      input image [8, 4, 4]
      repeat 3 { fold(2) }
    }
    """
    image = torch.randn(2, 8, 4, 4)
    assert torch.allclose(archdsl.loads(text).build()(image)[:, 0], image.sum(1), atol=1e-6)
