"""Encoders and decoders as a U: skips straight across between equal resolutions, whatever stands on them.

python -m tests.backends.diagram.test_u --programs 1000 --seed 1
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from archdsl.backends.diagram import Drawing, build_diagram, place
from archdsl.driver import compile_address, compile_text
from tests.backends.diagram.geometry import faults, parser_of_seeds, seeds_of

BLOCKS = """
block double(out) { conv(out, 3) -> bn -> relu -> conv(out, 3) -> bn -> relu }
block residual(out) { skip { conv(out, 3) -> bn -> relu -> conv(out, 3) -> bn } via { conv(out, 1) }; relu }
block up(out, high) { upconv(out, 2, stride = 2); concat { high; x }; double(out) }
block up_crop(out, high) { u: upconv(out, 2, stride = 2); concat { high -> crop_like(u); u }; double(out) }
block up_resize(out, high) { upsample(2); resize_like(high); concat { high; x }; double(out) }
block up_conv(out, high) { upsample(2); concat { high -> conv(out, 1) -> bn; x }; double(out) }
block up_chain(out, high) { upsample(2); concat { high -> chain(out); x }; double(out) }
block up_twice(out, high) { upsample(2); concat { high; x }; add { conv(out, 3); high -> conv(out, 1) } }
block chain(out) { conv(out, 3) -> relu -> residual(out) }
"""
BODIES = ("double", "residual", "chain")
JOINS: dict[str, Callable[[int, int], str]] = {
    "concat": lambda i, w: f"upconv({w}, 2, stride = 2); concat {{ e{i}; x }}",
    "add": lambda i, w: f"upconv({w}, 2, stride = 2); add {{ x; e{i} }}",
    "conv": lambda i, w: f"upconv({w}, 2, stride = 2); concat {{ e{i} -> conv({w}, 1) -> bn; x }}",
    "two boxes": lambda i, w: f"upsample(2); concat {{ e{i} -> dropout(0.1) -> conv({w}, 3); x }}",
    "frame": lambda i, w: f"upconv({w}, 2, stride = 2); concat {{ e{i} -> chain({w}); x }}",
    "crop": lambda i, w: f"u{i}: upconv({w}, 2, stride = 2); concat {{ e{i} -> crop_like(u{i}); u{i} }}",
    "resize": lambda i, w: f"upsample(2); resize_like(e{i}); concat {{ e{i}; x }}",
}
BLOCKS_UP = ("up", "up_crop", "up_resize", "up_conv", "up_chain", "up_twice")
"""Blocks that enlarge what comes up and join it with a skip."""
JOINS |= {block: lambda i, w, block=block: f"{block}({w}, e{i})" for block in BLOCKS_UP}  # type: ignore[misc]


def program(seed: int) -> str:
    """A random encoder and decoder."""
    random = Random(f"u:{seed}")
    depth = random.choice((2, 2, 3, 4))
    down, ups = [], []
    for i in range(depth):
        width = 8 * 2**i
        down.append(f"e{i}: {random.choice(BODIES)}({width})")
        down.append(random.choice(("maxpool(2)", f"conv({width}, 3, stride = 2) -> bn", "dropout(0.5); maxpool(2)")))
        ups.insert(0, f"{JOINS[random.choice(list(JOINS))](i, width)}; {random.choice(BODIES)}({width})")
    middle = random.choice(("double(64)", "residual(64); residual(64)", "conv(64, 1)"))
    stem = random.choice(("", "conv(4, 3) -> relu", "conv(4, 7, stride = 2) -> bn"))
    body = "\n  ".join([*([stem] if stem else []), *down, middle, *ups, "conv(2, 1)"])
    return f"{BLOCKS}\nnetwork net {{\n  input image [3, 64, 64]\n  {body}\n}}\n"


def drawing_of(text: str) -> Drawing:
    return place(build_diagram(compile_text(text, "net").require()))


def examined(seed: int) -> None:
    drawing = drawing_of(program(seed))
    wrong = faults(drawing)
    assert not wrong, f"seed {seed}: {wrong[:5]}\n{program(seed)}"
    image, result = drawing.boxes[drawing.diagram.boxes[0].key], drawing.boxes["result"]
    assert result.left > image.right, f"seed {seed}: no U\n{program(seed)}"
    lowest = max(place.bottom for place in drawing.boxes.values())
    assert result.bottom < lowest and image.bottom < lowest


def test_random_encoders_and_decoders() -> None:
    for seed in range(12):
        examined(seed)


@pytest.mark.parametrize("kind", [kind for kind in JOINS if kind != "up_twice"])
def test_a_join_is_level_with_what_it_joins(kind: str) -> None:
    levels = [f"e{i}: double({8 * 2**i}); maxpool(2)" for i in range(3)]
    ups = [f"{JOINS[kind](i, 8 * 2**i)}; double({8 * 2**i})" for i in (2, 1, 0)]
    drawing = drawing_of(f"{BLOCKS} network net {{ input image [3, 64, 64]; {'; '.join([*levels, 'double(64)', *ups])} }}")
    assert not faults(drawing)
    ends = [line for line in drawing.lines if line.edge.target in drawing.boxes and _is_level(line.points[-2:])]
    assert len({line.edge.target for line in ends if line.points[-1].x - line.points[-2].x > 15}) >= 3


def _is_level(points: tuple[tuple[float, float], ...]) -> bool:
    return len(points) > 1 and points[0][1] == points[1][1]


def test_the_crops_of_the_paper() -> None:
    drawing = place(build_diagram(compile_address("specs/unet.arch:unet_2015").require()))
    assert not faults(drawing)
    by_key = {box.key: box for box in drawing.diagram.boxes}
    crops = [key for key, box in by_key.items() if box.text == "crop_like"]
    assert len(crops) == 4
    for key in crops:
        [onward] = [line for line in drawing.lines if line.edge.source == key]
        [into] = [line for line in drawing.lines if line.edge.target == key and not line.edge.size_only]
        [size] = [line for line in drawing.lines if line.edge.target == key and line.edge.size_only]
        level = drawing.boxes[key].center.y
        assert onward.points[0].y == onward.points[-1].y == into.points[-1].y == into.points[-2].y == pytest.approx(level)
        assert onward.edge.skip and into.edge.skip and not size.edge.skip
        assert size.points[-1].y == pytest.approx(drawing.boxes[key].bottom), "the size comes from below"


LATTICE = """
block unit(width) { conv(width, 3) -> bn -> relu -> conv(width, 3) -> bn -> relu }
network net(depth = 4, width = 8) {
  input image [3, 256, 256]
  for i in 0..depth + 1 {
    node[i][0]: unit(width * 2^i)
    for j in 1..i + 1 {
      concat { for k in 0..j { node[i - j][k] }; node[i - j + 1][j - 1] -> upsample(2) -> conv(width * 2^(i - j), 1) }
      node[i - j][j]: unit(width * 2^(i - j))
    }
    if i < depth { node[i][0] -> maxpool(2) }
  }
}
"""


def test_nested_skips_are_a_lattice() -> None:
    """In a U-Net++ (Zhou et al. 2018, arXiv:1807.10165), each resolution has columns of its own, and the finest is the first."""
    drawing = place(build_diagram(compile_text(LATTICE, "net").require(), 0))
    assert not faults(drawing)
    extents: dict[int, list[float]] = {}
    for box in drawing.diagram.boxes:
        level, _, index = box.name.removeprefix("node.").partition(".")
        if level.isdecimal() and index.isdecimal() and int(index) and int(level) + int(index) < 4:
            extents.setdefault(int(level), []).extend(drawing.boxes[box.key][::2])
    assert sorted(extents) == [0, 1, 2]
    assert max(extents[0]) < min(extents[1]) and max(extents[1]) < min(extents[2])


if __name__ == "__main__":
    given = parser_of_seeds().parse_args()
    for number in seeds_of(given):
        examined(number)
    print(f"{given.programs} drawn")
