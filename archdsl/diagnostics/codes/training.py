"""E0805 to E0808: training."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code

E0805 = Code(
    "E0805",
    "the device cannot be used",
    """PyTorch cannot train on the device that was asked for: there is none, or the driver does not fit. `--device cpu` works
    everywhere.""",
    situation="`archdsl train net.arch --device cuda` on a machine without one.",
)

E0806 = Code(
    "E0806",
    "the network cannot be trained as it is",
    """Training needs a recipe: the file's `train { ... }` block, or its keys given by `--set`.""",
    situation="`archdsl train resnet50`, whose file has no `train` block.",
)

E0807 = Code(
    "E0807",
    "the recipe names a part that the network does not have",
    """`freeze`, `unfreeze` and `groups` name parts of the network by their labels: `layer1` is every tensor whose key in the
    `state_dict` begins with `layer1.`. A part that the network does not have is an error, and so is a `freeze` that leaves
    nothing to train. In a file of several networks, which share its recipe, `archdsl check` warns, and training refuses.""",
    bad="""
    network tiny {
      input image [1, 8, 8]
      stem: conv(8, 3) -> relu
      gap; flatten
      fc: linear(10)
    }
    train { data = digits; freeze = [steam] }
    """,
    good="""
    network tiny {
      input image [1, 8, 8]
      stem: conv(8, 3) -> relu
      gap; flatten
      fc: linear(10)
    }
    train { data = digits; freeze = [stem] }
    """,
)

E0808 = Code(
    "E0808",
    "another process of the run died",
    """A run on several devices has a process for each, and cannot go on without one of them. What that process said is above
    this message, if it could say anything: a process that is killed for lack of memory cannot. The last checkpoint is whole:
    `--resume` continues from it.""",
    situation="`archdsl train net.arch --devices 2`, when the system kills one of the two processes.",
)
