"""Files that are not valid: an error with a code, the line, and the section or layer."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from archdsl.diagnostics import SpecError
from archdsl.importers.configs.formats import config_format
from archdsl.importers.configs.importing import import_file, import_source
from archdsl.source import SourceFile
from tests.importers.configs import caffe_files as caffe
from tests.importers.configs import darknet_files as darknet
from tests.importers.configs import keras_files as keras
from tests.importers.configs import ultralytics_files as ultralytics

NET = "[net]\nheight=8\nwidth=8\n"
CONV = "[convolutional]\nfilters=4\nsize=3\npad=1\nactivation=leaky\n"
HEAD = caffe.head("n", 8)
LAYER = 'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }\n'
YAML = "nc: 4\nbackbone:\n  - [-1, 1, Conv, [64, 3, 2]]\nhead:\n"


def with_layer(old: str, new: str) -> str:
    return HEAD + LAYER.replace(old, new)


def keras_with(**config: object) -> str:
    first = ("InputLayer", {"name": "i", "batch_input_shape": [None, 8, 8, 3]})
    return keras.sequential(first, ("Conv2D", {"name": "c", "filters": 4, "kernel_size": 3, **config}))


WRONG = {
    # Darknet
    "an empty net": (".cfg", NET, 1, "the file ends after `[net]`"),
    "no net": (".cfg", "# only\n[convolutional]\n[net]\n", 2, "the first section is `[convolutional]`, and must be `[net]`"),
    "an unknown section": (".cfg", NET + "[convolutionl]\n", 4, "Darknet has no section of the kind `convolutionl`"),
    "an unknown option": (".cfg", NET + CONV + "filter=3\n", 9, "unknown option `filter`"),
    "a negative size": (".cfg", NET + CONV.replace("size=3", "size=-3"), 6, "`size` is -3, and must be at least 1"),
    "a word for a number": (".cfg", NET + CONV.replace("=4", "=many"), 5, "`filters` is `many`, and must be an integer"),
    "no option": (".cfg", NET + "[convolutional]\nfilters\n", 5, "`filters` is no option: `key=value` was expected"),
    "an open bracket": (".cfg", NET + "[convolutional\n", 4, "is no section"),
    "a window that is too large": (
        ".cfg",
        NET + CONV.replace("pad=1", "pad=0").replace("=3", "=9"),
        4,
        "a window of 9 does not fit a size of 8",
    ),
    "a layer before the first": (
        ".cfg",
        NET + CONV + "[shortcut]\nfrom=-3\n",
        10,
        "`from` names layer -3, and the layers before it are 0 to 0",
    ),
    "a later layer": (".cfg", NET + CONV + "[route]\nlayers=-1, 7\n", 10, "names layer 7, and the layers before it are 0 to 0"),
    "a group too many": (".cfg", NET + CONV + "[route]\nlayers=-1\ngroups=2\ngroup_id=2\n", 12, "there are 2 groups: 0 to 1"),
    "other heights": (".cfg", NET + CONV + "[maxpool]\nstride=2\n[route]\nlayers=0,1\n", 12, "differ in height or width"),
    "an unknown activation": (".cfg", NET + CONV.replace("leaky", "leeky"), 4, "Darknet has no activation `leeky`"),
    "no height": (".cfg", "[net]\nwidth=8\n" + CONV, 1, "`height` is 0, and must be at least 1"),
    # Caffe
    "a brace too few": (".prototxt", HEAD + LAYER.replace(" } }", " }"), 7, "its `}` is missing"),
    "a brace too many": (".prototxt", HEAD + LAYER + "}\n", 8, "`}` without a `{`"),
    "an open text": (".prototxt", HEAD + 'layer { name: "c }\n}\n', 7, "a text without its closing quote"),
    "half a field": (".prototxt", HEAD + LAYER + "name:\n", 8, "the file ends in the middle of a field"),
    "an unknown bottom": (".prototxt", with_layer('"data"', '"date"'), 7, "no layer makes its bottom `date`"),
    "its own bottom": (".prototxt", with_layer('bottom: "data"', 'bottom: "c"'), 7, "its bottom `c` is its own top"),
    "a later bottom": (".prototxt", with_layer('"data"', '"d"') + LAYER.replace('"c"', '"d"'), 7, "is made by a later layer"),
    "two tops": (".prototxt", HEAD + LAYER + LAYER.replace('name: "c"', 'name: "d"'), 8, "a second layer makes the top `c`"),
    "no outputs": (".prototxt", with_layer("num_output: 4 ", ""), 7, "`num_output` is missing"),
    "a negative number": (".prototxt", with_layer("4", "-4"), 7, "`num_output` is -4, and must be at least 1"),
    "a word as a number": (".prototxt", with_layer(": 4", ': "4"'), 7, "`num_output` must be an integer"),
    "no type": (".prototxt", with_layer('type: "Convolution" ', ""), 7, "it has no `type`"),
    "a misspelled type": (".prototxt", with_layer("Convolution", "Convolutin"), 7, "Caffe has no layer of the type `Convolutin`"),
    "no layers": (".prototxt", HEAD, 1, "the file has no `layer`"),
    "a solver": (".prototxt", 'net: "train_val.prototxt"\nbase_lr: 0.01\n', 2, "belongs to a solver"),
    "shapes of a sum": (".prototxt", HEAD + LAYER + caffe.layer("s", "Eltwise", ["c", "data"]), 9, "and must have one"),
    # Keras
    "half a file": (".json", keras_with()[:-9], None, "the file ends in the middle of a value"),
    "a JSON of something else": (".json", '{"class_name": "Dense", "config": {}}', 1, "`class_name` is 'Dense'"),
    "a negative number of filters": (".json", keras_with(filters=-4), None, "`filters` is -4, and must be an integer from 1 on"),
    "an unknown padding": (".json", keras_with(padding="full"), None, "`padding` is `full`"),
    "a text as a number": (".json", keras_with(kernel_size="big"), None, "`kernel_size` is big"),
    # Ultralytics
    "a row of three": (".yaml", YAML + "  - [-1, 1, Conv]\n", 5, "row 1 has 3 entries"),
    "an unknown module": (".yaml", YAML + "  - [-1, 1, Covn, [64]]\n", 5, "Ultralytics has no module `Covn`"),
    "an unknown key": (".yaml", YAML.replace("nc:", "nx:"), 1, "unknown key `nx`"),
    "a row too far": (".yaml", YAML + "  - [[-1, 6], 1, Concat, [1]]\n", 5, "`from` names row 6"),
    "a bomb": (".yaml", "nc: 4\na: &a [1, 1]\nbackbone: [*a, *a]\nhead: []\n", 2, "anchors and aliases"),
    "no backbone": (".yaml", "nc: 4\nhead: []\n", 1, "`backbone` is missing"),
    "no channels": (".yaml", YAML + "  - [-1, 1, Conv, []]\n", 5, "must be the number of output channels"),
    "a window that is none": (
        ".yaml",
        YAML + "  - [-1, 1, Bottleneck, [64, True, 1, 3]]\n",
        5,
        "`k` is 3, which is not possible",
    ),
    "an open list": (".yaml", YAML + "  - [-1, 1, Conv, [64\n", None, "no valid YAML"),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_line_is_named(case: str, tmp_path: Path) -> None:
    suffix, text, line, reason = WRONG[case]
    (tmp_path / f"net{suffix}").write_text(text)
    with pytest.raises(SpecError) as raised:
        import_file(tmp_path / f"net{suffix}")
    found = raised.value.diagnostics[0]
    assert found.code == "E1211" and reason in found.message
    assert found.span is not None and (line is None or found.span.line_column[0] == line)


LACKING = {
    ".cfg": (NET + CONV + "[lstm]\noutput=4\n", "[lstm] (layer 1): recurrent layers"),
    ".prototxt": (
        HEAD + LAYER + caffe.layer("p", "Python", "c"),
        'layer "p": a layer in Python, with a rule of its own, cannot be expressed',
    ),
    ".json": (keras_with(activation="softsign"), 'Conv2D "c": the activation `softsign` cannot be expressed'),
    ".yaml": (YAML + "  - [-1, 1, C2PSA, [64]]\n", "row 1 (C2PSA): the module `C2PSA` cannot be read"),
}


@pytest.mark.parametrize("suffix", LACKING)
def test_what_the_language_lacks(suffix: str, tmp_path: Path) -> None:
    text, reason = LACKING[suffix]
    path = tmp_path / f"net{suffix}"
    path.write_text(text)
    with pytest.raises(SpecError) as raised:
        import_file(path)
    assert raised.value.diagnostics[0].code == "E1212" and reason in raised.value.diagnostics[0].message
    partial = import_file(path, partial=True)
    assert "# not imported: " in partial.text and "expect params" not in partial.text


def test_a_circle(tmp_path: Path) -> None:
    k = keras.Keras("circle", (8, 8, 3))
    k.add("Add", ["input_1", "b"], "a")
    k.relu("a", "b")
    (tmp_path / "net.json").write_text(k.text("b"))
    with pytest.raises(SpecError, match="what flows into it depends on itself, by `b`: layers form a circle"):
        import_file(tmp_path / "net.json")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[net]\nname=\xff\n", "line 2 has the byte 0xff"),
        (b"[net]\0", "it is binary"),
        (b"[net]\n" * 400_000, "more than 2,000,000 bytes"),
    ],
)
def test_no_text(data: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "net.cfg").write_bytes(data)
    with pytest.raises(SpecError) as raised:
        import_file(tmp_path / "net.cfg")
    assert raised.value.diagnostics[0].code == "E1211" and reason in raised.value.diagnostics[0].message


def test_deep_messages(tmp_path: Path) -> None:
    for name, text in [
        ("a.prototxt", "layer { " * 5000),
        ("b.json", '{"class_name": ' + "[" * 100_000),
        ("c.yaml", "nc: " + "[" * 90_000),
    ]:
        (tmp_path / name).write_text(text)
        with pytest.raises(SpecError) as raised:
            import_file(tmp_path / name)
        assert raised.value.diagnostics[0].code == "E1211"


def test_damaged_files_give_errors_with_codes() -> None:
    """Files with lines that are missing, doubled, cut or exchanged. More of them: raise the number of rounds."""
    chance = random.Random(1)
    texts = [
        (".cfg", darknet.yolov4_tiny()),
        (".prototxt", caffe.squeezenet()),
        (".json", keras.unet()),
        (".yaml", ultralytics.YOLOV5),
    ]
    found = set()
    for _ in range(60):
        suffix, text = chance.choice(texts)
        lines = text.split("\n")
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        change = chance.randrange(5)
        if change == 0:
            del lines[at]
        elif change == 1:
            lines.insert(at, lines[other])
        elif change == 2:
            lines = lines[: at + 1]
        elif change == 3:
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] = re.sub(r"\d+", chance.choice(["0", "-1", "7", "x", "99999999999"]), lines[at], count=1)
        damaged = "\n".join(lines)
        form = config_format(f"net{suffix}", damaged)
        if form is None:
            continue
        try:
            import_source(SourceFile(f"net{suffix}", damaged), form)
        except SpecError as error:
            assert error.diagnostics[0].span is not None
            found.add(error.diagnostics[0].code)
    assert found <= {"E1211", "E1212"}


def test_the_command(cli: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "tiny.cfg").write_text(darknet.yolov3_tiny())
    result = cli("import", "tiny.cfg", "-o", "tiny.arch")
    assert result.exit_code == 0 and "equal: 8_852_366 parameters, by the formulas of the format" in result.stderr
    assert cli("check", "tiny.arch").exit_code == 0
    (tmp_path / "wrong.cfg").write_text(NET + "[convolutionl]\n")
    result = cli("import", "wrong.cfg", "-o", "wrong.arch")
    assert result.exit_code == 1 and "wrong.cfg:4:1" in result.stderr and not (tmp_path / "wrong.arch").exists()
    assert "E1201" in cli("import", "missing.cfg").stderr
    assert "`--call` is for a class" in cli("import", "tiny.cfg", "--call", "(a=1)").stderr
    result = cli("import", "tiny.cfg", "--weights", "w.safetensors", "-o", "other.arch")
    assert result.exit_code == 1 and "has no weights" in result.stderr and not (tmp_path / "other.arch").exists()
    (tmp_path / "net.cfg").write_text("[tool]\na = 1\n")
    assert "net.cfg is an INI or TOML file" in cli("import", "net.cfg").stderr


def test_check_reads_them(cli: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "my net.cfg").write_text(darknet.yolov3_tiny())
    result = cli("check", "my net.cfg")
    assert result.exit_code == 0 and "8,852,366" in result.stdout and "imported my net.cfg" in result.stderr
