"""Headers of safetensors files: `check` says OK to those that the library loads, and to no others."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
import safetensors

from archdsl.diagnostics import SpecError
from archdsl.limits import Limits
from archdsl.weights.weight_files import read_header

ONE = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
TWO = {**ONE, "b": {"dtype": "F16", "shape": [2, 1], "data_offsets": [4, 8]}}
TEXT = json.dumps(ONE)
FOUR, EIGHT = b"1234", b"12345678"
EXTRA = TEXT[:-2] + ', "more": %s}}'


def written(path: Path, header: object, data: bytes) -> Path:
    text = header if isinstance(header, bytes) else (header if isinstance(header, str) else json.dumps(header)).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def loads(path: Path) -> bool:
    """Whether the library gives every tensor."""
    try:
        file = safetensors.safe_open(path, framework="pt")
        for key in file.keys():  # it is no mapping
            file.get_tensor(key)
    except (safetensors.SafetensorError, TypeError, RuntimeError, OverflowError):
        return False
    return True


def accepted(path: Path) -> bool:
    try:
        read_header(path)
    except SpecError as error:
        assert error.diagnostic.code == "E0906" and error.diagnostic.message.startswith(path.name) and error.diagnostic.help
        return False
    return True


def at(start: int, end: int, shape: list[object] | None = None, dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": [1] if shape is None else shape, "data_offsets": [start, end]}


BOTH = {
    "trailing bytes": (ONE, FOUR + b"5", "1 bytes at its end"),
    "hole": ({"a": at(4, 8)}, EIGHT, "`a` leaves bytes before it"),
    "overlap": ({"a": at(0, 4), "b": at(0, 4)}, FOUR, "`b` overlaps"),
    "overlap in part": ({"a": at(0, 8, [2]), "b": at(4, 8)}, EIGHT, "`b` overlaps"),
    "metadata of numbers": ({**ONE, "__metadata__": {"a": 1}}, FOUR, "`__metadata__`"),
    "metadata that is a list": ({**ONE, "__metadata__": []}, FOUR, "`__metadata__`"),
    "a dtype that is none": ({"a": at(0, 4, dtype="F33")}, FOUR, "'F33'"),
    "true for 1": ({"a": at(0, 4, [True])}, FOUR, "contradicts itself at `a`"),
    "a fraction": ({"a": at(0, 4, [1.0])}, FOUR, "contradicts itself"),
    "minus zero": (TEXT.replace("[0, 4]", "[-0, 4]"), FOUR, "contradicts itself"),
    "beyond 64 bits": ({"a": at(0, 0, [0, 2**64])}, b"", "contradicts itself"),
    "beyond what PyTorch counts": ({"a": at(0, 0, [0, 2**63, 2**63])}, b"", "contradicts itself"),
    "three offsets": (TEXT.replace("[0, 4]", "[0, 4, 4]"), FOUR, "contradicts itself"),
    "NaN": (EXTRA % "NaN", FOUR, "not JSON"),
    "infinite": (EXTRA % "1e999", FOUR, "contradicts itself"),
    "half a pair": (EXTRA % '"\\ud800"', FOUR, "not JSON"),
    "half a pair as a key": (TEXT.replace('"a"', '"\\ud800"'), FOUR, "not JSON"),
    "half a pair in metadata": (TEXT[:-1] + ', "__metadata__": {"k": "\\udfff"}}', FOUR, "not JSON"),
    "Latin-1": (TEXT.replace('"a"', '"é"').encode("latin-1"), FOUR, "not JSON"),
    "UTF-16": (b"{\0" + TEXT[1:].encode("utf-16-le"), FOUR, "not JSON"),
    "deep": (EXTRA % ("[" * 200 + "]" * 200), FOUR, "contradicts itself"),
    "a field twice": (TEXT.replace('"shape"', '"dtype": "F32", "shape"'), FOUR, "`dtype` twice"),
    "metadata twice": (TEXT[:-1] + ', "__metadata__": {}, "__metadata__": {}}', FOUR, "`__metadata__` twice"),
}


@pytest.mark.parametrize("name", BOTH)
def test_what_the_library_refuses_is_refused(tmp_path: Path, name: str) -> None:
    header, data, said = BOTH[name]
    path = written(tmp_path / "w.safetensors", header, data)
    assert not loads(path)
    with pytest.raises(SpecError, match="is a damaged safetensors file") as caught:
        read_header(path)
    assert caught.value.diagnostic.code == "E0906" and said in caught.value.diagnostic.message and caught.value.diagnostic.help


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (TWO, EIGHT),
        (dict(reversed(TWO.items())), EIGHT),
        ({**ONE, "__metadata__": None}, FOUR),
        ({**ONE, "__metadata__": {"format": "pt", "x": "1"}}, FOUR),
        ({"a": at(0, 4, []), "empty": at(4, 4, [0, 3])}, FOUR),
        ({"empty": at(0, 0, [0]), "a": at(0, 4)}, FOUR),
        (TEXT + "   \n", FOUR),
        (EXTRA % '"text"', FOUR),
        ({"é😀": at(0, 4)}, FOUR),
        *(({"a": at(0, width, dtype=kind)}, EIGHT[:width]) for kind, width in (
            ("F64", 8), ("BF16", 2), ("F8_E4M3", 1), ("F8_E5M2", 1), ("F8_E8M0", 1), ("F8_E4M3FNUZ", 1), ("F8_E5M2FNUZ", 1),
            ("C64", 8), ("I64", 8), ("U16", 2), ("U32", 4), ("U64", 8), ("I8", 1), ("U8", 1))),
        ({"a": at(0, 1, dtype="BOOL")}, b"\1"),
        ({"a": at(0, 1, [2], dtype="F4")}, b"\1"),
    ],
)  # fmt: skip
def test_what_the_library_loads_is_accepted(tmp_path: Path, header: object, data: bytes) -> None:
    path = written(tmp_path / "w.safetensors", header, data)
    assert loads(path) and accepted(path)


def test_a_key_twice_is_refused_as_the_format_says(tmp_path: Path) -> None:
    assert not accepted(written(tmp_path / "w.safetensors", TEXT[:-1] + "," + TEXT[1:], FOUR))


def test_mutated_headers_are_judged_as_the_library_judges_them(tmp_path: Path) -> None:
    random = Random(20)
    path = tmp_path / "w.safetensors"
    whole = json.dumps({"__metadata__": {"format": "pt"}, **TWO})
    words = [
        "0",
        "1",
        "4",
        "8",
        "-1",
        "1.0",
        "true",
        "null",
        '"',
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"F16"',
        '"a"',
        '"dtype"',
        " ",
        "\\u0061",
        "9" * 25,
    ]
    verdicts = {True: 0, False: 0}
    for _ in range(600):
        text = whole
        for _ in range(random.choice([0, 1, 1, 2])):
            start = random.randrange(len(text))
            text = text[:start] + random.choice(["", *words]) + text[start + random.randint(0, 3) :]
        path = written(path, text, EIGHT[: random.choice([8, 8, 8, 4, 7])])
        if not text.startswith("{"):
            continue
        verdict = accepted(path)
        verdicts[verdict] += 1
        assert loads(path) == verdict, text
    assert min(verdicts.values()) > 20


def test_headers_of_many_tensors_end_before_they_are_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(tensors=3)
    path = written(tmp_path / "w.safetensors", {str(i): at(4 * i, 4 * i + 4) for i in range(4)}, FOUR * 4)
    with pytest.raises(SpecError, match="more than 3 tensors") as caught:
        read_header(path, limits)
    assert caught.value.diagnostic.help == "`--limit tensors=N` raises the limit"
    path = written(path, '{"a": [' + "[]," * 100 + "[]]}", b"")
    monkeypatch.setattr(json, "loads", None)
    with pytest.raises(SpecError, match="more than 3 tensors"):
        read_header(path, limits)
