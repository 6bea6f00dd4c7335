"""U-Nets with several skips at a resolution, whose levels are frames: diffusion networks without their time embedding.

python -m tests.backends.diagram.test_u_frames --programs 1000 --seed 1
"""

from __future__ import annotations

from itertools import combinations, pairwise
from random import Random
from typing import NamedTuple

import pytest

from archdsl.backends.diagram import Drawing, Level, build_diagram, place
from archdsl.backends.diagram.model import Edge, Frame
from archdsl.backends.diagram.placed import Line
from archdsl.backends.diagram.scene import Group, Way, scene_of
from archdsl.backends.diagram.theme import THEMES
from archdsl.driver import compile_address, compile_text
from tests.backends.diagram.geometry import faults, parser_of_seeds, seeds_of

BLOCKS = """
block resnet(out) {
  skip { gn(4) -> silu -> conv(out, 3); gn(4) -> silu -> conv(out, 3) } via { if x.c != out { conv(out, 1) } }
}
block attention {
  let width = x.c
  skip {
    before: x
    tokens: rearrange("c h w -> (h w) c")
    to_q: linear(width); to_k: tokens -> linear(width); to_v: tokens -> linear(width)
    attend(to_q, to_k, to_v); rearrange("(h w) c -> c h w", h = before.h)
  }
}
block plain(out) { conv(out, 3) -> gn(4) -> silu }
"""


class Form(NamedTuple):
    """What a network of this form has: blocks at each resolution, and which of the values that go down are taken again."""

    depths: tuple[int, ...]
    block: str = "resnet"
    attended: int = -1
    framed: bool = True
    nested: bool = True
    begins: bool = True
    """Whether the value with which a resolution begins is taken, too."""
    join: str = "concat"
    size: str = "64, 64"
    at_once: bool = False
    """Whether one join takes everything of a resolution."""
    on_skip: str = ""


DIFFUSION = Form((2, 2, 2))


def program(form: Form) -> str:
    """Return a network: down with blocks and downsamplers, a middle, and up with a join before each block."""
    rows, kept = [f"conv_in: conv({width(form, 0)}, 3)"], list[list[str]]()
    for i, depth in enumerate(form.depths):
        prefix = f"down_blocks[{i}]" if form.framed else ""
        names = [("start", "x")] if form.begins else []
        steps = []
        for j in range(depth):
            attention = "; attention" if i == form.attended else ""
            steps.append(f"{_label(form, 'resnets', i, j)}: {form.block}({width(form, i)}){attention}")
            names.append((f"kept{j}", "x"))
        lines = [f"{_kept(form, i, names[0][0])}: x"] if form.begins else []
        for step, (name, _) in zip(steps, names[1:] if form.begins else names, strict=True):
            lines += [step, f"{_kept(form, i, name)}: x"]
        if i + 1 < len(form.depths):
            lines.append(f"conv({width(form, i)}, 3, stride = 2)")
        kept.append([f"{prefix}.{name}" if prefix else _kept(form, i, name) for name, _ in names])
        rows += [f"{prefix}: {{ {'; '.join(lines)} }}"] if form.framed else lines
    rows.append("mid_block: { resnet(x.c); resnet(x.c) }" if form.nested else f"conv({width(form, len(form.depths) - 1)}, 3)")
    for number, i in enumerate(reversed(range(len(form.depths)))):
        lines = []
        groups = [kept[i][::-1]] if form.at_once else [[name] for name in reversed(kept[i])]
        for j, group in enumerate(groups):
            taken = "; ".join(name + (f" -> {form.on_skip}" if form.on_skip else "") for name in group)
            lines += [f"{form.join} {{ x; {taken} }}", f"{_label(form, 'up', i, j)}: {form.block}({width(form, i)})"]
            lines += ["attention"] if i == form.attended else []
        if i:
            lines += ["upsample(2)", f"conv({width(form, i - 1)}, 3)"]
        rows += [f"up_blocks[{number}]: {{ {'; '.join(lines)} }}"] if form.framed else lines
    body = "\n  ".join([*rows, "conv_out: conv(3, 3)"])
    return f"{BLOCKS}\nnetwork net {{\n  input image [3, {form.size}]\n  {body}\n}}\n"


def width(form: Form, level: int) -> int:
    return 8 if form.join == "add" else 8 * 2**level


def _kept(form: Form, level: int, name: str) -> str:
    return name if form.framed else f"{name}_{level}"


def _label(form: Form, name: str, level: int, number: int) -> str:
    return f"{name}[{number}]" if form.framed else f"{name}_{level}_{number}"


FORMS = {
    "diffusion": DIFFUSION,
    "one block": Form((1, 1, 1)),
    "three blocks": Form((3, 3)),
    "other numbers": Form((1, 3, 2)),
    "without frames": DIFFUSION._replace(framed=False),
    "attention": DIFFUSION._replace(attended=1),
    "symbolic": DIFFUSION._replace(size="H, W", attended=1),
    "not the beginnings": DIFFUSION._replace(begins=False),
    "sums": DIFFUSION._replace(join="add"),
    "plain blocks": DIFFUSION._replace(block="plain"),
    "all at once": Form((2, 2, 2), at_once=True),
    "convolutions on skips": DIFFUSION._replace(on_skip="conv(8, 1) -> gn(4)"),
    "deep": Form((2, 2, 2, 2, 2), begins=False),
}


def drawing_of(form: Form) -> Drawing:
    return place(build_diagram(compile_text(program(form), "net").require()))


def crossings(lines: list[Line]) -> list[tuple[str, str]]:
    """Return the lines of which one crosses another."""
    found = []
    for one, other in combinations(lines, 2):
        if one.edge.source == other.edge.source:
            continue
        for a, b in pairwise(one.points):
            for c, d in pairwise(other.points):
                level, upright = ((a, b), (c, d)) if a.y == b.y else ((c, d), (a, b))
                x, y = upright[0].x, level[0].y
                within = min(p.x for p in level) < x < max(p.x for p in level)
                if upright[0].x == upright[1].x and within and min(p.y for p in upright) < y < max(p.y for p in upright):
                    found.append((one.edge.source, other.edge.source))
    return found


def between_columns(drawing: Drawing) -> list[Line]:
    """Return the lines that leave the trunk of the column that goes down for the right, but the one below everything."""
    left, right = drawing.boxes[drawing.diagram.boxes[0].key].center.x, drawing.boxes["result"].center.x
    inside = {box.key for frame in drawing.diagram.frames if drawing.frames[frame.key].right < right for box in frame.boxes()}
    across = [line for line in drawing.lines if line.points[0].x == left and line.edge.target not in inside]
    across = [line for line in across if line.points[-1].x > left + 30]
    return sorted(across, key=lambda line: max(point.y for point in line.points))[:-1]


def wrong(drawing: Drawing) -> list[str]:
    """Return what is wrong with the picture of a U."""
    found = faults(drawing)
    image, result = drawing.boxes[drawing.diagram.boxes[0].key], drawing.boxes["result"]
    if result.left <= image.right:
        return [*found, "no U"]
    across = between_columns(drawing)
    found += [f"skips cross: {pair}" for pair in crossings(across)]
    for line in across:
        levels = [a.y for a, b in pairwise(line.points) if a.y == b.y]
        if line.edge.skip and len(levels) != 1:
            found.append(f"{line.edge.source}-{line.edge.target} has {len(levels)} level pieces")
    return found


def rungs_of(form: Form) -> int:
    return sum(form.depths) + len(form.depths) * form.begins


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_several_skips_of_one_resolution(form: Form) -> None:
    drawing = drawing_of(form)
    assert not wrong(drawing), program(form)
    assert len(between_columns(drawing)) == rungs_of(form)


def test_frames_of_a_resolution_are_level() -> None:
    """Each frame contains its level of both columns, and stands beside the frame of the same resolution."""
    form = FORMS["deep"]
    drawing = drawing_of(form)
    places = {frame.name: drawing.frames[frame.key] for frame in drawing.diagram.frames}
    assert "down_blocks" not in places, "its members say what it would"
    last = len(form.depths) - 1
    for i in range(len(form.depths)):
        down, up = places[f"down_blocks.{i}"], places[f"up_blocks.{last - i}"]
        assert down.right < up.left
        assert min(down.bottom, up.bottom) - max(down.top, up.top) > 0.5 * down.height


def test_titles_of_frames_stand_beside_the_trunk() -> None:
    drawing = drawing_of(DIFFUSION)
    by_name = {frame.name: frame.key for frame in drawing.diagram.frames}
    for name in ("down_blocks.0", "up_blocks.0"):
        title, frame = drawing.captions[by_name[name]], drawing.frames[by_name[name]]
        assert title.top - frame.top < 10


SIDES = """
network net {
  input image [3, 64, 64]
  stem: conv(8, 3)
  down[0]: { body: { conv(8, 3) -> bn -> relu; conv(8, 3) }; side: conv(4, 1) -> bn; body -> maxpool(2) }
  down[1]: { body: { conv(8, 3) -> bn -> relu; conv(8, 3) }; side: conv(4, 1) -> bn; body -> maxpool(2) }
  conv(8, 3) -> relu
  up[0]: { upsample(2); concat { x; down[1].side -> conv(4, 3) }; conv(8, 3) }
  up[1]: { upsample(2); concat { x; down[0].side }; conv(8, 3) }
}
"""


def test_boxes_on_a_skip_stand_near_the_column_of_their_frame() -> None:
    drawing = place(build_diagram(compile_text(SIDES, "net").require()))
    assert not wrong(drawing)
    frames = {frame.name: drawing.frames[frame.key] for frame in drawing.diagram.frames}
    assert max(frames["down.0"].right, frames["down.1"].right) < min(frames["up.0"].left, frames["up.1"].left)
    assert frames["up.0"].width > 1.5 * frames["up.1"].width


@pytest.mark.parametrize("level", ["blocks", 0, 1])
def test_diffusion_with_its_time_embedding(level: Level) -> None:
    """The U of Ho et al. 2020, in which each block has the time embedding as a tag beside it."""
    drawing = place(build_diagram(compile_address("specs/ddpm.arch:ddpm").require(), level))
    assert not wrong(drawing)
    assert len(between_columns(drawing)) == {"blocks": 12, 0: 8, 1: 12}[level]


def test_bands_end_where_the_network_turns_up() -> None:
    drawing = place(build_diagram(compile_address("specs/ddpm.arch:ddpm").require(), 1), bands=True)
    assert [band.text for band in drawing.bands] == ["H×W", "H/2×W/2", "H/4×W/4", "H/8×W/8"]


BESIDE = """
network net {
  input image [3, 64, 64]
  input mask [8, 32, 32]
  input other [3, 64, 64]
  concat { image; other }; a: conv(8, 3)
  maxpool(2); mul { x; mask }; b: conv(8, 3)
  maxpool(2); conv(8, 3) -> relu
  upsample(2); concat { x; b }; conv(8, 3)
  upsample(2); concat { x; a }; up: conv(8, 3)
  low: conv(2, 1); high: up -> conv(3, 1)
}
"""


def test_further_inputs_stand_beside_what_takes_them() -> None:
    drawing = place(build_diagram(compile_text(BESIDE, "net").require()))
    assert not wrong(drawing)
    inputs = {box.key: drawing.boxes[box.key] for box in drawing.diagram.boxes if box.text.startswith(("mask", "other"))}
    for line in drawing.lines:
        if line.edge.source in inputs:
            taker = drawing.boxes[line.edge.target]
            assert line.points[0].y == line.points[1].y == pytest.approx(taker.center.y)
            assert inputs[line.edge.source].left > taker.right
    assert len(inputs) == 2


def test_an_input_without_room_beside_its_taker_is_no_obstacle() -> None:
    text = BESIDE.replace("concat { image; other }", "image -> concat { x; conv(8, 3); other }")
    drawing = place(build_diagram(compile_text(text, "net").require()))
    assert not wrong(drawing)


def random_form(random: Random) -> Form:
    """Return a form with at least two skips around a lower resolution, or from frame to frame."""
    join = random.choice(("concat", "concat", "add"))
    form = Form(
        tuple(random.choice((1, 1, 2, 3)) for _ in range(random.choice((2, 2, 3, 4)))),
        random.choice(("resnet", "plain")),
        random.choice((-1, 0, 1)),
        random.random() < 0.7,
        random.random() < 0.5,
        random.random() < 0.5,
        join,
        random.choice(("64, 64", "64, 64", "H, W")),
        join == "concat" and random.random() < 0.2,
        random.choice(("", "", "", "conv(8, 1)", "conv(8, 1) -> gn(4)", "plain(8)")) if join == "concat" else "",
    )
    return form if sum(form.depths[:-1]) > 1 else form._replace(depths=(2, *form.depths))


def examined(seed: int) -> None:
    form = random_form(Random(f"u frames:{seed}"))
    found = wrong(drawing_of(form))
    assert not found, f"seed {seed} {form}: {found[:5]}\n{program(form)}"


def test_random_networks() -> None:
    for seed in range(8):
        examined(seed)


def test_a_skip_is_drawn_from_where_it_leaves_the_trunk() -> None:
    drawing = drawing_of(DIFFUSION)
    scene = scene_of(drawing, THEMES["light"])
    groups = {group.of: group for group in scene.items if isinstance(group, Group) and isinstance(group.of, Edge)}
    across = [line for line in between_columns(drawing) if line.edge.skip]
    assert len(across) == rungs_of(DIFFUSION)
    for line in across:
        [way] = [item for item in groups[line.edge].items if isinstance(item, Way)]
        assert way.points[1:] == line.points[1:]
        assert way.points[0].x == line.points[0].x and 0 < line.points[1].y - way.points[0].y < 10


FAMILY = """
network net {
  input image [3, 64, 64]
  for i in 0..4 { down[i]: { conv(8, 3) -> relu; kept: conv(8, 3) } }
  for i in 0..4 { up[i]: { concat { x; down[3 - i].kept }; conv(8, 3) -> relu; conv(8, 3) } }
  more: { a: { conv(8, 3) -> relu; conv(8, 3) }; b: { conv(8, 3) -> relu; conv(8, 5) } }
  for i in 0..3 { last[i]: { conv(2 * i + 4, 3) -> relu; conv(8, 2 * i + 1) } }
}
"""


def test_families_used_one_by_one_have_no_frame() -> None:
    root = build_diagram(compile_text(FAMILY, "net").require()).root
    names = [item.name for item in root.items if isinstance(item, Frame)]
    assert names == [*(f"down.{i}" for i in range(4)), *(f"up.{i}" for i in range(4)), "more", "last"]


if __name__ == "__main__":
    given = parser_of_seeds().parse_args()
    for number in seeds_of(given):
        examined(number)
    print(f"{given.programs} drawn")
