"""E03: tensors that do not fit."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code

E0301 = Code(
    "E0301",
    "the two sides of a skip differ",
    """`skip { body }` adds the body's result to what came in, so both need the same shape. The marks show where the
    shape changes. Where the change is meant, project the shortcut with `via { ... }`, usually by a 1x1
    convolution with the body's channels and stride.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
      skip { conv(32, 3, stride = 2) -> bn -> relu }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3)
      skip { conv(32, 3, stride = 2) -> bn -> relu } via { conv(32, 1, stride = 2) -> bn }
    }
    """,
)

E0302 = Code(
    "E0302",
    "branches of different shapes are added or multiplied",
    """`add` and `shake` need branches of one shape. `mul` also takes a size of 1 where another branch has more, which is
    how a gate `[C, 1, 1]` scales `[C, H, W]`.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      add { conv(16, 3); conv(8, 1) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      add { conv(16, 3); conv(16, 1) }
    }
    """,
)

E0303 = Code(
    "E0303",
    "branches cannot be concatenated",
    """`concat` puts branches side by side along the channels, or along `axis`; all other sizes have to agree. Where one
    branch was pooled, `upsample`, `resize_like` or `crop_like` bring the sizes together.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      concat { conv(16, 3); maxpool(2) }
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      concat { conv(16, 3); maxpool(2) -> upsample(2) }
    }
    """,
)

E0304 = Code(
    "E0304",
    "no size is left",
    """A window does not fit into what it slides over, so that the result would have a size of zero or less. The input is
    too small for the network's strides and poolings, or the window is too large.""",
    bad="""
    network tiny {
      input image [3, 4, 4]
      repeat 3 { conv(16, 3) -> maxpool(2) }
    }
    """,
    good="""
    network tiny {
      input image [3, 8, 8]
      repeat 3 { conv(16, 3) -> maxpool(2) }
    }
    """,
)

E0305 = Code(
    "E0305",
    "an op gets a tensor of the wrong rank",
    """The op works on tensors with another number of axes. Convolutions and pools take `[C, L]`, `[C, H, W]` or
    `[C, D, H, W]`; `linear` works on the last axis of features. `gap` and `flatten` lead from images to features.""",
    bad="""
    network tiny {
      input features [128]
      conv(16, 3)
    }
    """,
    good="""
    network tiny {
      input signal [1, 128]
      conv(16, 3)
    }
    """,
)

E0306 = Code(
    "E0306",
    "the channels do not divide",
    """A grouped operation splits the channels into equal groups, so the number of channels has to be a multiple of the
    number of groups (for `pixel_shuffle`, of the square of the factor).""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      conv(16, 3, groups = 2)
    }
    """,
    good="""
    network tiny {
      input image [4, 32, 32]
      conv(16, 3, groups = 2)
    }
    """,
)

E0307 = Code(
    "E0307",
    "a fixed number is needed, and the size is open",
    """`input image [3, H, W]` leaves sizes open, so nothing may depend on their value: not the features of a `linear`, not
    the condition of an `if`, not the count of a loop. `gap` and `avgpool_to` give a fixed size for any input;
    or fix the size in `input`.""",
    bad="""
    network tiny {
      input image [3, H, W]
      conv(16, 3) -> flatten -> linear(10)
    }
    """,
    good="""
    network tiny {
      input image [3, H, W]
      conv(16, 3) -> gap -> flatten -> linear(10)
    }
    """,
)

E0308 = Code(
    "E0308",
    "integers where real numbers are needed, or the other way round",
    """An input declared `int` holds tokens. `embedding` turns them into vectors; everything else takes real numbers.""",
    bad="""
    network tiny {
      input tokens: int [512]
      linear(64)
    }
    """,
    good="""
    network tiny {
      input tokens: int [512]
      embedding(1000, 64) -> linear(64)
    }
    """,
)

E0309 = Code(
    "E0309",
    "a reshape changes the number of elements",
    """`reshape` arranges the same numbers differently: the product of the sizes before and after is equal.""",
    bad="""
    network tiny {
      input features [12]
      reshape([3, 5])
    }
    """,
    good="""
    network tiny {
      input features [12]
      reshape([3, 4])
    }
    """,
)

E0310 = Code(
    "E0310",
    "no size works",
    """The input leaves a size open, and no value of it satisfies everything that the network asks: two sides of a join that
    are never equal, a condition that an earlier one rules out, or one that holds only above the largest size there is,
    2,147,483,647. The marks show what each place needs.""",
    bad="""
    network tiny {
      input image [3, H, 32]
      add { conv(8, 3, pad = [0, 1]); conv(8, 3) }
    }
    """,
    good="""
    network tiny {
      input image [3, H, 32]
      add { conv(8, 3); conv(8, 1) }
    }
    """,
)

E0311 = Code(
    "E0311",
    "the stated condition is not enough",
    """`where` states for which sizes the network is meant, and it fails for some of them. The message names the smallest such
    size, the marks the places that need more, and the help the whole condition.""",
    bad="""
    network tiny {
      input image [3, H, 32] where H % 2 == 0
      skip { maxpool(4) -> upsample(4) }
    }
    """,
    good="""
    network tiny {
      input image [3, H, 32] where H % 4 == 0 and H >= 4
      skip { maxpool(4) -> upsample(4) }
    }
    """,
)

E0312 = Code(
    "E0312",
    "the network does not work at this size",
    """`archdsl check --size 3x517x389` asks about one size of the inputs. The message names the place that fails there and
    the two sides that meet, the help what the size must be.""",
    situation="`archdsl check unet --size 1x65x65`: U-Net needs multiples of 16.",
)
