"""E0801 to E0804: data sets."""

from __future__ import annotations

from archdsl.diagnostics.codes.entry import Code

E0801 = Code(
    "E0801",
    "the recipe does not fit the data",
    """Network, loss and data do not go together: the network has another number of outputs than the data has classes, a
    label is not a class number, all examples are of one class, the labels of the two parts are of two kinds, or an
    augmentation cannot do what it is for: it is for images and meets something else, moves pixels whose labels it cannot
    move, changes nothing, or leaves nothing of the images. The help names what to change, after a look at the values.""",
    situation="`archdsl train` of a network with 1,000 classes on `data = digits`, which has 10: `--set classes=10`.",
)

E0802 = Code(
    "E0802",
    "the data cannot be read",
    """The path of `data` does not exist, or holds nothing in the layout that is looked for; or there is not one label to each
    example, a class has no images, files are damaged, or there are numbers that are not finite. Paths in a file start at
    that file, paths on the command line at the current directory. All damaged images are listed at once; `--skip-bad`
    goes on without them. Nothing is downloaded without `--download`.""",
    situation="""`data = "digits.npz"` where there is no such file beside the spec.""",
)

E0803 = Code(
    "E0803",
    "the examples have another shape than the input",
    """Examples have another shape than the network's `input`, or images have different sizes. Bring all images to one size by
    `transform = [resize(256), center_crop(224)]`, or change the `input`; its symbolic sizes take those of the images.""",
    situation="`data = digits` (1 x 8 x 8) with `input image [3, 224, 224]`.",
)

E0804 = Code(
    "E0804",
    "the loss is no longer a number",
    """The loss became infinite or not a number, and nothing after that would mean anything. A smaller learning rate, a
    warm-up (`schedule = cosine(warmup = 2)`) or `clip = 1.0` usually helps.""",
    situation="`optimizer = sgd(lr = 100)`.",
)
