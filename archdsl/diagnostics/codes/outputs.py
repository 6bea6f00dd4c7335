"""E09: what is written, and weights from files."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code

E0901 = Code(
    "E0901",
    "no usable Graphviz",
    """A diagram of this form is laid out by Graphviz, and none was found that can draw even two boxes this way. archdsl looks
    for `dot` on the PATH and for the library that installs with pip. The message says for each whether it cannot be used at
    all, or does not support the format.""",
    situation="`archdsl render net.arch -o net.pdf` where the PATH has a `dot` that does not start.",
)

E0902 = Code(
    "E0902",
    "something cannot be written",
    """The folder cannot be made or written, or the disk is full. What was there before is as it was: every file is written
    beside its target and then put in its place in one step.""",
    situation="`archdsl train net.arch -o /readonly/run`.",
)

E0903 = Code(
    "E0903",
    "a run cannot be resumed",
    """There is no checkpoint to go on from, it or the run's description is damaged or of another program, or the spec has changed since in a way that
    makes the old weights meaningless. Start again in another folder, without `--resume`, or put the old spec back.""",
    situation="`archdsl train net.arch -o runs/a --resume` where `runs/a` holds no checkpoint.",
)

E0904 = Code(
    "E0904",
    "there is more to draw than a picture can show",
    """The diagram would have more boxes or more connections than anybody can read, and the layout would take too long.
    `--detail blocks`, the default, folds equal parts. If they still are too many, define a network of one block, and
    draw that; `archdsl check` lists the layers of a network of any size.""",
    situation="`archdsl render` of a network of 10,000 layers that all differ.",
)

E0905 = Code(
    "E0905",
    "the weights do not fit",
    """The tensors of a file and those of the network differ in keys or shapes, or tensors of the file spoil every result. The message says how many fit, and shows
    every layer of which one is missing, has another shape, or holds numbers that are NaN or infinite. `--weights-partial` loads what fits, as for other
    classes; `--weights-without-heads` leaves out heads that the file does not have; `--weights-map order` goes by
    position where the names differ and the shapes agree in order.""",
    situation="""`archdsl check resnet50 --set classes=10 --weights resnet50.pth`, where the file is of 1,000 classes: `fc.weight` is
    [10, 2048], in the file [1000, 2048].""",
)

E0906 = Code(
    "E0906",
    "weights cannot be read",
    """The file is no safetensors file and none that `torch.save` wrote, is damaged or cut off, or holds more than tensors and plain
    values. A safetensors file is damaged where its own library would refuse it, too, and one of `torch.save` where a checksum in
    it is wrong. Python objects in such a file can execute code when they are loaded, so archdsl never loads them.""",
    situation="`archdsl train net.arch --weights model.pt`, where `torch.save(model, ...)` wrote the whole module, not its state_dict.",
)

E0907 = Code(
    "E0907",
    "the diagram cannot be drawn",
    """Graphviz is installed and works, but refused this diagram or did not end in time; the message has its words. `--format
    dot` writes the graph without a layout, for another program to draw, and a smaller network, of one block, may be drawn.
    A run goes on without the diagram, and says so with this code if a mistake in archdsl is the cause, too.""",
    situation="`archdsl render` of a network of 1,400 boxes, on a machine that is busy with other work.",
)
