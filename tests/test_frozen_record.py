"""`record`: classes that behave as those of `dataclass` do, and take less to define."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest

from archdsl.frozen_record import record


class Fields:
    """Fields of every kind: required, with a default, with a factory, and hidden."""

    first: int
    second: str = "two"
    third: list[int] = field(default_factory=list)
    hidden: int | None = field(default=None, repr=False)
    counted: int = field(default=7, init=False)
    kept: list[int] = field(default_factory=list, init=False)
    computed: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "computed", self.first * 2)


def defined(decorator: Any) -> type[Any]:
    """Return a class of those fields, and one field of its own before a default is needed."""
    annotations = dict(Fields.__annotations__)
    values = {name: value for name, value in vars(Fields).items() if name in annotations or name == "__post_init__"}
    made: type[Any] = decorator(type("Made", (), {"__annotations__": annotations, "__doc__": "A class.", **values}))
    return made


def test_instances_have_what_those_of_a_dataclass_have() -> None:
    ours, theirs = defined(record), defined(dataclass(eq=False))
    for values, by_name in (((1,), {}), ((1, "b"), {"hidden": 4}), ((), {"third": [3], "first": 2}), ((1, "b", [2], 5), {})):
        one, other = ours(*values, **by_name), theirs(*values, **by_name)
        assert [getattr(one, f.name) for f in fields(one)] == [getattr(other, f.name) for f in fields(other)]
        assert repr(one) == repr(other).replace("test_instances_have_what_those_of_a_dataclass_have.<locals>.", "")
    assert ours(1).third is not ours(1).third and ours(1).kept is not ours(1).kept
    assert not hasattr(ours(1), "__dict__")


def test_the_first_instance_compiles_the_init() -> None:
    made = defined(record)
    before = made.__init__
    made(1)
    assert made.__init__ is not before
    assert list(inspect.signature(made).parameters) == list(inspect.signature(defined(dataclass)).parameters)


@pytest.mark.parametrize("values", [(), (1, 2, 3, 4, 5)])
def test_wrong_arguments_raise_at_the_first_instance_too(values: tuple[int, ...]) -> None:
    made = defined(record)
    for _ in range(2):
        with pytest.raises(TypeError, match="argument"):
            made(*values)
    with pytest.raises(TypeError, match="fifth"):
        made(1, fifth=5)


def test_a_subclass_has_the_fields_of_its_base_first() -> None:
    @record
    class Base:
        """A base."""

        span: int

    @record
    class Below(Base):
        """With a field more."""

        name: str = "none"

    class Plain(Below):
        """Without the decorator."""

    assert (Below(1).span, Below(1).name, Base(2).span, Plain(3, "x").name) == (1, "none", 2, "x")
    assert replace(Below(1, "a"), span=5).span == 5
    assert Below(1) != Below(1)
