"""Findings about a file as data: typed fields, from which every text and edit is made when it is shown.

Each kind of finding is a subclass of `Diagnostic`, beside the explanation of its code in `archdsl.diagnostics.codes`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Self, dataclass_transform

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.source import Span


class Severity(StrEnum):
    """How much a finding matters: an error stops the work."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Applicability(StrEnum):
    """How sure a remedy is. `archdsl check --fix` applies those that are certain."""

    CERTAIN = "certain"
    GUESS = "guess"


class Mark(NamedTuple):
    """A place, with what is to be seen there."""

    span: Span
    text: str = ""


class Edit(NamedTuple):
    """A text that replaces a place; an empty place is where the text goes in."""

    span: Span
    text: str


class Remedy(NamedTuple):
    """What to do, as a sentence, and the edits that do it; without edits, a sentence alone."""

    text: str
    edits: tuple[Edit, ...] = ()
    applicability: Applicability = Applicability.GUESS


def certain(text: str, *edits: Edit) -> Remedy:
    """Return a remedy with one meaning, which `--fix` may apply without asking."""
    return Remedy(text, edits, Applicability.CERTAIN)


def guess(text: str, *edits: Edit) -> Remedy:
    """Return a remedy that may not be what the author means; an editor may offer it."""
    return Remedy(text, edits, Applicability.GUESS)


_SEVERITIES = {"E": Severity.ERROR, "W": Severity.WARNING, "N": Severity.NOTE}


@dataclass_transform(frozen_default=True, eq_default=False)
class Diagnostic:
    """One kind of finding. The annotations of a subclass are its fields, in order; `code=` is its code.

    A subclass defines `summary`, and where there is something to say `label`, `marks`, `details` and `remedy`. Who raises
    it may not know the place: `at` adds that later. Made without `dataclass`, which would compile a constructor
    for each of some 300 classes.
    """

    code: ClassVar[str] = ""
    default_severity: ClassVar[Severity] = Severity.ERROR
    evidence: ClassVar[Evidence] = Evidence.VALUES
    """What shows it if values are unknown; of the code, unless a class says otherwise."""
    depends_on_braces: ClassVar[bool] = False
    """Whether it may follow from a brace that is missing around it, as its code says."""
    _fields: ClassVar[tuple[str, ...]] = ()

    _argument: ClassVar[str | None] = None
    _span: ClassVar[Span | None] = None
    _file: ClassVar[str | None] = None
    _severity: ClassVar[Severity | None] = None
    _notes: ClassVar[tuple[str, ...]] = ()
    _marks: ClassVar[tuple[Mark, ...]] = ()
    _remedy: ClassVar[Remedy | str | None] = None

    def __init_subclass__(cls, *, code: Code | None = None, argument: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if code is not None:
            cls.code = code.code
            if "evidence" not in cls.__dict__:
                cls.evidence = code.evidence
            cls.default_severity = _SEVERITIES[code.code[0]]
            cls.depends_on_braces = code.depends_on_braces
        if argument is not None:
            cls._argument = argument
        own = cls.__annotations__
        if own:
            cls._fields += tuple([name for name, kind in own.items() if not str(kind).startswith("ClassVar")])

    def __init__(self, *positional: Any, **fields: Any) -> None:
        names = self._fields
        if len(positional) > len(names):
            raise TypeError(f"{type(self).__name__} takes {len(names)} fields, and gets {len(positional)}")
        given = dict(zip(names, positional, strict=False))
        for name, value in fields.items():
            if name in given or name not in names:
                raise TypeError(f"{type(self).__name__} has {'already' if name in given else 'no'} field {name!r}")
            given[name] = value
        for name in names:
            if name not in given and not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} needs the field {name!r}")
        self.__dict__.update(given)

    # -- what a subclass says --

    def summary(self) -> str:
        """Return one line that says what is wrong, with the numbers in it."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """What is to be seen at its own place; a subclass may set a plain string."""
        return ""

    def marks(self) -> Iterable[Mark]:
        """Return further places that explain it."""
        return ()

    def details(self) -> Iterable[str]:
        """Return further sentences."""
        return ()

    def remedy(self) -> Remedy | str | None:
        """Return what to do about it; a sentence alone where no edit does it."""
        return None

    def same_mistake(self) -> tuple[object, ...] | None:
        """Return what those of one class and file have in common that are shown as one; None if each is shown."""
        return None

    # -- what a reader sees --

    @property
    def message(self) -> str:
        """What is wrong, in one line; of a file of data, with its name."""
        return f"{self._file}: {self.summary()}" if self._file is not None else self.summary()

    @property
    def span(self) -> Span | None:
        """Its place; None if it has none in a file, or none yet."""
        return self._span

    @property
    def mark(self) -> Mark | None:
        """Its place, with what is to be seen there."""
        return Mark(self._span, self.label) if self._span is not None else None

    @property
    def related(self) -> tuple[Mark, ...]:
        """Further places that explain it."""
        return (*self.marks(), *self._marks)

    @property
    def notes(self) -> tuple[str, ...]:
        """Further sentences, and the chain of calls that led to it."""
        return (*self.details(), *self._notes)

    @property
    def help(self) -> str | None:
        """What to do, as a sentence."""
        remedy = self._remedy or self.remedy()
        return remedy.text if isinstance(remedy, Remedy) else remedy

    @property
    def fix(self) -> Remedy | None:
        """The remedy, if edits carry it out."""
        remedy = self._remedy or self.remedy()
        return remedy if isinstance(remedy, Remedy) and remedy.edits else None

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return self._severity or self.default_severity

    @property
    def is_error(self) -> bool:
        """Whether it stops the work."""
        return self.severity is Severity.ERROR

    @property
    def argument(self) -> str | None:
        """The argument or key at fault, by which its place is found: a field, or one for the class; None if there is none."""
        own = self.__dict__
        return own.get("_argument") or own.get("argument") or self._argument

    @property
    def about_shapes(self) -> bool:
        """Whether the shapes of the inputs explain it."""
        return False

    # -- how it changes on its way --

    def at(self, span: Span | None) -> Self:
        """Return it at a place, unless it has one."""
        return self if self._span is not None else self._changed(_span=span)

    def moved(self, span: Span | None) -> Self:
        """Return it at another place."""
        return self._changed(_span=span)

    def in_file(self, name: str) -> Self:
        """Return it about a file of data, such as an image, which has no place in a text."""
        return self._changed(_file=name)

    def about(self, argument: str) -> Self:
        """Return it about another argument or key, whose place is looked for."""
        return self._changed(_argument=argument)

    def with_notes(self, notes: Iterable[str]) -> Self:
        """Return it with further sentences, such as the chain of calls that led to it."""
        return self._changed(_notes=(*self._notes, *notes))

    def with_marks(self, marks: Iterable[Mark]) -> Self:
        """Return it with further places that explain it."""
        return self._changed(_marks=(*self._marks, *marks))

    def with_remedy(self, remedy: Remedy | str) -> Self:
        """Return it with a better remedy, which comes of what only the caller knows."""
        return self._changed(_remedy=remedy)

    def with_severity(self, severity: Severity) -> Self:
        """Return it as an error, a warning or a note."""
        return self._changed(_severity=severity)

    def of(self, owner: str, argument: str) -> Self:
        """Return it about an argument of something else: `skip(scale = ...)` hands its `scale` on as `factor` of an op."""
        return self

    def with_fields(self, **fields: Any) -> Self:
        """Return it with other values for some of its fields."""
        unknown = fields.keys() - set(self._fields)
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        return self._changed(**fields)

    def _changed(self, **attributes: Any) -> Self:
        other = copy.copy(self)
        other.__dict__.update(attributes)
        return other

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), self._span))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        place = f" at {self._span.place}" if self._span is not None else ""
        return f"<{self.code} {type(self).__name__}({fields}){place}>"
