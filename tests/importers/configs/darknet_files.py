"""Darknet files, written section by section as those of the reference implementation are."""

from __future__ import annotations

from collections.abc import Callable

POOL = "[maxpool]\nsize=2\nstride=2\n"
CLASSIFIER = "[avgpool]\n\n[softmax]\ngroups=1\n"
YOLO = "[yolo]\nmask = 6,7,8\nanchors = 10,13,  16,30,  33,23\nclasses=80\nnum=9\njitter=.3\n"


def net(size: int, channels: int = 3) -> str:
    """The first section, with settings of training as they stand there."""
    training = "momentum=0.9\npolicy=steps\nsteps=100,200\n"
    return f"[net]\n# Testing\nbatch=1\nsubdivisions=1\nheight={size}\nwidth = {size}\nchannels={channels}\n{training}"


def conv(filters: int, size: int, stride: int = 1, *, norm: bool = True, act: str = "leaky", more: str = "") -> str:
    """A convolution with `pad=1`, which pads half the window."""
    normed = "batch_normalize=1\n" if norm else ""
    return f"[convolutional]\n{normed}filters={filters}\nsize={size}\nstride={stride}\npad=1\nactivation={act}\n{more}"


def route(*layers: int, more: str = "") -> str:
    return f"[route]\nlayers = {', '.join(map(str, layers))}\n{more}"


def shortcut(layer: int, act: str = "linear") -> str:
    return f"[shortcut]\nfrom={layer}\nactivation={act}\n"


def plain(filters: int) -> str:
    return conv(filters, 1, norm=False, act="linear")


def _darknet53() -> list[str]:
    found = [conv(32, 3)]
    for filters, n in [(64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)]:
        found += [conv(filters, 3, 2), *([conv(filters // 2, 1), conv(filters, 3), shortcut(-3)] * n)]
    return found


def darknet53() -> str:
    return "\n".join([net(256), *_darknet53(), "[avgpool]\n", plain(1000), "[softmax]\ngroups=1\n"])


def yolov3() -> str:
    def head(filters: int) -> list[str]:
        return [*([conv(filters, 1), conv(2 * filters, 3)] * 3), plain(255), YOLO]

    def up(filters: int, layer: int) -> list[str]:
        return [route(-4), conv(filters, 1), "[upsample]\nstride=2\n", route(-1, layer)]

    return "\n".join([net(416), *_darknet53(), *head(512), *up(256, 61), *head(256), *up(128, 36), *head(128)])


def yolov3_tiny() -> str:
    body = [part for filters in (16, 32, 64, 128, 256) for part in (conv(filters, 3), POOL)]
    tail = [conv(512, 3), "[maxpool]\nsize=2\nstride=1\n", conv(1024, 3), conv(256, 1), conv(512, 3), plain(255), YOLO, route(-4)]
    return "\n".join(
        [net(416), *body, *tail, conv(128, 1), "[upsample]\nstride=2\n", route(-1, 8), conv(256, 3), plain(255), YOLO]
    )


def yolov4_tiny() -> str:
    found = [net(416), conv(32, 3, 2), conv(64, 3, 2)]
    for filters in (64, 128, 256):
        half = route(-1, more="groups=2\ngroup_id=1\n")
        found += [conv(filters, 3), half, *[conv(filters // 2, 3)] * 2, route(-1, -2), conv(filters, 1), route(-6, -1), POOL]
    found += [
        conv(512, 3),
        conv(256, 1),
        conv(512, 3),
        plain(255),
        YOLO,
        route(-4),
        conv(128, 1),
        "[upsample]\nstride=2\n",
        route(-1, 23),
    ]
    return "\n".join([*found, conv(256, 3), plain(255), YOLO])


def yolov2() -> str:
    def stage(filters: int, n: int) -> list[str]:
        return [conv(filters if at % 2 == 0 else filters // 2, 3 if at % 2 == 0 else 1) for at in range(n)]

    body = [
        conv(32, 3),
        POOL,
        conv(64, 3),
        POOL,
        *stage(128, 3),
        POOL,
        *stage(256, 3),
        POOL,
        *stage(512, 5),
        POOL,
        *stage(1024, 5),
    ]
    tail = [conv(1024, 3), conv(1024, 3), route(-9), conv(64, 1), "[reorg]\nstride=2\n", route(-1, -4), conv(1024, 3), plain(425)]
    return "\n".join([net(608), *body, *tail, "[region]\nanchors = 0.57, 0.67\nclasses=80\n"])


def resnet50(groups: int = 1, factor: int = 4, width: int = 64) -> str:
    found = [net(256), conv(64, 7, 2), POOL]
    for stage, n in enumerate((3, 4, 6, 3)):
        filters = width * 2**stage
        for block in range(n):
            stride = 2 if stage > 0 and block == 0 else 1
            found += [
                conv(filters, 1),
                conv(filters, 3, stride, more=f"groups={groups}\n"),
                conv(factor * filters, 1, act="linear"),
            ]
            if block == 0:
                found += [route(-4), conv(factor * filters, 1, stride, act="linear"), shortcut(-3, "leaky")]
            else:
                found.append(shortcut(-4, "leaky"))
    return "\n".join([*found, "[avgpool]\n", plain(1000), "[softmax]\ngroups=1\n", "[cost]\ntype=sse\n"])


def padded_resnet50() -> str:
    """The file of the reference implementation, whose shortcuts between different shapes have no weights."""
    found = [net(256), conv(64, 7, 2), POOL]
    for stage, n in enumerate((3, 4, 6, 3)):
        for block in range(n):
            filters, stride = 64 * 2**stage, 2 if stage > 0 and block == 0 else 1
            found += [conv(filters, 1), conv(filters, 3, stride), conv(4 * filters, 1, act="linear"), shortcut(-4, "leaky")]
    return "\n".join([*found, "[avgpool]\n", plain(1000), "[softmax]\ngroups=1\n"])


def densenet201() -> str:
    found = [net(256), conv(64, 7, 2), POOL]
    for stage, n in enumerate((6, 12, 48, 32)):
        found += [conv(128, 1), conv(32, 3), route(-1, -3)] * n
        found += [conv((128, 256, 896)[stage], 1), POOL] if stage < 3 else []
    return "\n".join([*found, plain(1000), CLASSIFIER])


def alexnet() -> str:
    pool = "[maxpool]\nsize=3\nstride=2\npadding=0\n"
    first = "[convolutional]\nfilters=96\nsize=11\nstride=4\npad=0\nactivation=relu\n"
    body = [first, pool, conv(256, 5, norm=False, act="relu"), pool, *[conv(384, 3, norm=False, act="relu")] * 2]
    dense = ["[connected]\noutput=4096\nactivation=relu\n", "[dropout]\nprobability=.5\n"]
    tail = [conv(256, 3, norm=False, act="relu"), pool, *dense, *dense, "[connected]\noutput=1000\nactivation=linear\n"]
    return "\n".join([net(227), *body, *tail, "[softmax]\ngroups=1\n"])


def squeeze_and_excite() -> str:
    """A file as that of EfficientNet, with gates, depthwise convolutions and swish."""
    gate = [
        "[avgpool]\n",
        conv(8, 1, norm=False, act="swish"),
        conv(96, 1, norm=False, act="logistic"),
        "[scale_channels]\nfrom=-4\n",
    ]
    inside = [conv(96, 1, act="swish"), conv(96, 3, act="swish", more="groups=96\n"), *gate, conv(32, 1, act="linear")]
    unit = [*inside, "[dropout]\nprobability=.0\n", shortcut(-9)]
    return "\n".join([net(64), conv(32, 3, 2, act="swish"), *unit, *unit, *unit, "[avgpool]\n", plain(10), "[softmax]\n"])


def every_section() -> str:
    """The sections that the other files do not have."""
    return "\n".join([
        net(32), "[crop]\ncrop_height=24\ncrop_width=24\nflip=1\n", conv(8, 3, more="dilation=2\n"), "[batchnorm]\n",
        "[activation]\nactivation=mish\n", "[deconvolutional]\nfilters=8\nsize=2\nstride=2\npadding=0\nactivation=linear\n",
        route(-2), conv(8, 3, 1, norm=False, act="hardtan"), shortcut(-4, "relu6"), "[sam]\nfrom=-2\n", "[empty]\n",
        "[maxpool]\nsize=3\nstride=2\n", "[maxpool]\nsize=2\nstride=1\n", "[upsample]\nstride=2\nscale=0.5\n",
        "[connected]\noutput=7\nbatch_normalize=1\nactivation=logistic\n",
    ])  # fmt: skip


PARAMS: dict[Callable[[], str], int] = {
    darknet53: 41_609_928, yolov3: 61_949_149, yolov3_tiny: 8_852_366, yolov4_tiny: 6_056_606, yolov2: 50_962_889,
    resnet50: 25_557_032, densenet201: 19_818_920, alexnet: 62_378_344,
}  # fmt: skip
"""Parameters of the networks, as published for them or for the same networks of other programs."""
