"""A value that many nested frames take: the fork of a frame is itself among what the frames around it take."""

from __future__ import annotations

import archdsl

TEXT = """
block unit(time) { add { conv(8, 3); { time -> linear(8); reshape([8, 1, 1]) } } }

network conditioned {
  input image [8, 16, 16]
  input step [4]
  time: step -> linear(8)
  image
  for i in 0..3 {
    level[i]: {
      unit[0]: { one: unit(time); two: unit(time) }
      unit[1]: unit(time)
      conv(8, 3)
    }
  }
}
"""


def test_it_is_drawn() -> None:
    text = TEXT.replace("add {", "add(broadcast = true) {")
    assert b"<svg" in archdsl.loads(text).render()
