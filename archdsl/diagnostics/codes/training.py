"""E08 and E09: training, and what is written."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code

CODES = (
    Code(
        "E0801",
        "the recipe does not fit the data",
        """Network, loss and data do not go together: the network has another number of outputs than the data has classes, a
        label is not a class number, all examples are of one class, the labels of the two parts are of two kinds, or an
        augmentation cannot do what it is for: it is for images and meets something else, moves pixels whose labels it cannot
        move, changes nothing, or leaves nothing of the images. The help names what to change, after a look at the values.""",
        situation="`archdsl train` of a network with 1,000 classes on `data = digits`, which has 10: `--set classes=10`.",
    ),
    Code(
        "E0802",
        "the data cannot be read",
        """The path of `data` does not exist, or holds nothing in the layout that is looked for; or there is not one label to each
        example, a class has no images, files are damaged, or there are numbers that are not finite. Paths in a file start at
        that file, paths on the command line at the current directory. All damaged images are listed at once; `--skip-bad`
        goes on without them. Nothing is downloaded without `--download`.""",
        situation="""`data = "digits.npz"` where there is no such file beside the spec.""",
    ),
    Code(
        "E0803",
        "the examples have another shape than the input",
        """Examples have another shape than the network's `input`, or images have different sizes. Bring all images to one size by
        `transform = [resize(256), center_crop(224)]`, or change the `input`; its symbolic sizes take those of the images.""",
        situation="`data = digits` (1 x 8 x 8) with `input image [3, 224, 224]`.",
    ),
    Code(
        "E0804",
        "the loss is no longer a number",
        """The loss became infinite or not a number, and nothing after that would mean anything. A smaller learning rate, a
        warm-up (`schedule = cosine(warmup = 2)`) or `clip = 1.0` usually helps.""",
        situation="`optimizer = sgd(lr = 100)`.",
    ),
    Code(
        "E0805",
        "the device cannot be used",
        """PyTorch cannot train on the device that was asked for: there is none, or the driver does not fit. `--device cpu` works
        everywhere.""",
        situation="`archdsl train net.arch --device cuda` on a machine without one.",
    ),
    Code(
        "E0806",
        "the network cannot be trained as it is",
        """Training needs a recipe: the file's `train { ... }` block, or its keys given by `--set`.""",
        situation="`archdsl train resnet50`, whose file has no `train` block.",
    ),
    Code(
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
    ),
    Code(
        "E0808",
        "another process of the run died",
        """A run on several devices has a process for each, and cannot go on without one of them. What that process said is above
        this message, if it could say anything: a process that is killed for lack of memory cannot. The last checkpoint is whole:
        `--resume` continues from it.""",
        situation="`archdsl train net.arch --devices 2`, when the system kills one of the two processes.",
    ),
    Code(
        "E0901",
        "no usable Graphviz",
        """A diagram of this form is laid out by Graphviz, and none was found that can draw even two boxes this way. archdsl looks
        for `dot` on the PATH and for the library that installs with pip. The message says for each whether it cannot be used at
        all, or does not support the format.""",
        situation="`archdsl render net.arch -o net.pdf` where the PATH has a `dot` that does not start.",
    ),
    Code(
        "E0902",
        "something cannot be written",
        """The folder cannot be made or written, or the disk is full. What was there before is as it was: every file is written
        beside its target and then put in its place in one step.""",
        situation="`archdsl train net.arch -o /readonly/run`.",
    ),
    Code(
        "E0903",
        "a run cannot be resumed",
        """There is no checkpoint to go on from, it or the run's description is damaged or of another program, or the spec has changed since in a way that
        makes the old weights meaningless. Start again in another folder, without `--resume`, or put the old spec back.""",
        situation="`archdsl train net.arch -o runs/a --resume` where `runs/a` holds no checkpoint.",
    ),
    Code(
        "E0904",
        "there is more to draw than a picture can show",
        """The diagram would have more boxes or more connections than anybody can read, and the layout would take too long.
        `--detail blocks`, the default, folds equal parts. If they still are too many, define a network of one block, and
        draw that; `archdsl check` lists the layers of a network of any size.""",
        situation="`archdsl render` of a network of 10,000 layers that all differ.",
    ),
    Code(
        "E0907",
        "the diagram cannot be drawn",
        """Graphviz is installed and works, but refused this diagram or did not end in time; the message has its words. `--format
        dot` writes the graph without a layout, for another program to draw, and a smaller network, of one block, may be drawn.
        A run goes on without the diagram, and says so with this code if a mistake in archdsl is the cause, too.""",
        situation="`archdsl render` of a network of 1,400 boxes, on a machine that is busy with other work.",
    ),
)
