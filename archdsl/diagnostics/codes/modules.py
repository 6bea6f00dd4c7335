"""E0210 to E0212 and E0218: modules that a body declares, and their uses."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.diagnostics.codes.entry import Code, Evidence
from archdsl.diagnostics.codes.keys import E0206
from archdsl.diagnostics.codes.structure import E0501, E0504
from archdsl.diagnostics.record import Diagnostic, Edit, Mark, Remedy, guess
from archdsl.shapes import Shape, format_shape
from archdsl.source import Span

E0210 = Code(
    "E0210",
    "a module that is not the same in each use",
    """A module has one set of weights, and each use runs the same layers. The number of channels of its input, which decides
    about the shapes of weights, must be the same in each use, and so must the number of axes. Spatial sizes may differ, as far
    as nothing in the module depends on them: a `linear` behind `flatten` does, and an `if` that reads `x.h` may.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      module tower: conv(8, 3)
      tower -> tower
    }
    """,
    good="""
    network tiny {
      input image [3, 32, 32]
      module tower: conv(8, 3)
      conv(8, 1) -> tower -> tower
    }
    """,
    depends_on_braces=True,
)


class _Differs(Diagnostic):
    """A use of a module that needs another one than the first use. At `key` each use has something else, as `sides` say."""

    module: str
    key: str
    sides: tuple[str | Shape | None, str | Shape | None]
    first: Span
    first_shape: Shape
    shape: Shape

    @property
    def label(self) -> str:
        """What the second use takes, and what stands there."""
        return f"this use takes {format_shape(self.shape)}: {_side(self.sides[1], self.key)}"

    def marks(self) -> Iterable[Mark]:
        return [Mark(self.first, f"the first use takes {format_shape(self.first_shape)}: {_side(self.sides[0], self.key)}")]


def _side(side: str | Shape | None, key: str) -> str:
    if side is None:
        return f"no `{key}`" if key else "nothing else"
    return f"`{key}` {format_shape(side)}" if isinstance(side, tuple) else f"`{side}`" + (f" as `{key}`" if key else "")


class OtherShapesOfWeights(_Differs, code=E0210):
    """A use whose weights have other shapes."""

    def summary(self) -> str:
        return f"the module `{self.module}` has one set of weights, and this use needs weights of other shapes"

    def remedy(self) -> str:
        if self.shape[:1] != self.first_shape[:1]:
            return (
                f"give both uses the same number of channels, for example by `conv({self.first_shape[0]}, 1)` before this one; "
                "or use a block, whose calls each have weights of their own"
            )
        return f"make what `{self.key}` depends on equal in both uses; or use a block, whose calls each have weights of their own"


class OtherLayers(_Differs, code=E0210):
    """A use that runs other layers, or the same with other parameters."""

    def summary(self) -> str:
        return f"the module `{self.module}` runs the same layers in each use, and this use runs others"

    def remedy(self) -> str:
        return "nothing in a module may depend on the size of its input; a block may, whose calls each have weights of their own"


E0211 = Code(
    "E0211",
    "arguments for a module",
    """`module NAME: ...` declares a module: it has its weights already, so that a use has no arguments. What is to differ between
    uses, with weights of its own, is a block.""",
    bad="""
    network tiny {
      input image [3, 32, 32]
      module tower: conv(3, 3)
      tower(16) -> tower
    }
    """,
    good="""
    block tower(out) { conv(out, 3) }

    network tiny {
      input image [3, 32, 32]
      tower(16) -> tower(3)
    }
    """,
    evidence=Evidence.TEXT,
)


class Arguments(Diagnostic, code=E0211):
    """Arguments for a module. `callee` is its name at this place, `given` the argument that is a value of the network."""

    module: str
    callee: Span
    given: str | None = None

    def summary(self) -> str:
        return f"`{self.module}` is a module, and takes no arguments: it has its weights already"

    def remedy(self) -> Remedy:
        if self.given is not None:
            written = self.callee.text if self.given == "x" else f"{self.given} -> {self.callee.text}"
            return guess(f"what flows is its input: write `{written}`", *([Edit(self.span, written)] if self.span else []))
        edits = [Edit(self.span, self.callee.text)] if self.span is not None else []
        text = f"write `{self.callee.text}`; for an op or a block of that name, give the module another name"
        return guess(text, *edits)


E0212 = Code(
    "E0212",
    "a module needs a name of its own",
    """A module runs where its name is a stage. So it needs a name, which nothing else around it has: a label in quotes is a key
    alone, and a name that is a parameter, a constant or a value already would mean two things.""",
    bad="""
    network tiny(width = 3) {
      input image [3, 32, 32]
      module width: conv(3, 3)
      width -> width
    }
    """,
    good="""
    network tiny(width = 3) {
      input image [3, 32, 32]
      module tower: conv(width, 3)
      tower -> tower
    }
    """,
    evidence=Evidence.TEXT,
)


class NameTaken(Diagnostic, code=E0212):
    """A module, or a constant, with the name of something that is there already."""

    name: str

    def summary(self) -> str:
        return f"`{self.name}` has a meaning here already, and a module needs a name of its own"

    def remedy(self) -> str:
        return "give one of them another name"


class NoName(Diagnostic, code=E0212):
    """A module with a label in quotes."""

    def summary(self) -> str:
        return "a label in quotes is a key alone, and a module runs where its name is a stage"

    def remedy(self) -> Remedy:
        key = self.span.text.strip('"') if self.span is not None else ""
        if not key.isidentifier() or self.span is None:
            return guess("write a name, or an index: `module tower: ...`, `module tower[i]: ...`")
        return guess(f"write `module {key}: ...`", Edit(self.span, key))


class ValueOutside(Diagnostic, code=E0206):
    """A value of the network in the body of a module, which may run at places that do not have it."""

    name: str
    module: str

    def summary(self) -> str:
        return f"`{self.name}` is not visible in the module `{self.module}`, which sees its input `x` and constants alone"

    def remedy(self) -> str:
        return f"for a size, write a constant before the module: `let c = {self.name}.c`; join values after the module has run"


class OutsideItsGroup(Diagnostic, code=E0206):
    """A use of a module outside of the labelled group that has its weights, and that of an `if` or a loop around it."""

    name: str
    group: str
    declared: Span

    def summary(self) -> str:
        return f"the module `{self.name}` belongs to `{self.group}`, and runs inside of it alone"

    def marks(self) -> Iterable[Mark]:
        return [Mark(self.declared, "the module")]

    def remedy(self) -> str:
        return f"declare it before `{self.group}`, in the braces around both"


class ModuleContainsItself(Diagnostic, code=E0501):
    """A module in its own body."""

    name: str
    declared: Span

    def summary(self) -> str:
        return f"a module cannot contain itself: `{self.name}` -> `{self.name}`"

    def marks(self) -> Iterable[Mark]:
        return [Mark(self.declared, "the module")]

    def remedy(self) -> str:
        return "`repeat n { ... }` and `for` say how often"


class ResultInModule(Diagnostic, code=E0504):
    """A head or an output in the body of a module."""

    what: str

    def summary(self) -> str:
        return f"{self.what} cannot be in a module: each use would add it again"

    def remedy(self) -> str:
        return "put it behind a use of the module"


E0218 = Code(
    "E0218",
    "a tied head without an embedding",
    """`unembed(wte)` multiplies with the table of an embedding, which is a module, so that both have one weight. The module is a
    single `embedding`, and runs before: what it embeds decides that the table is there.""",
    bad="""
    network tiny {
      input words: int [16]
      wte: embedding(100, 8)
      unembed(wte)
    }
    """,
    good="""
    network tiny {
      input words: int [16]
      module wte: embedding(100, 8)
      wte
      unembed(wte)
    }
    """,
    depends_on_braces=True,
)


class NoEmbedding(Diagnostic, code=E0218):
    """What `unembed` is given: no module, one that is no embedding, declared at a place, or one that does not run before."""

    text: str
    declared: Span | None = None
    runs: bool = True

    def summary(self) -> str:
        if not self.runs:
            return f"`unembed({self.text})` stands before the first use of `{self.text}`"
        found = "is none" if self.declared is None else "is another one"
        return f"`unembed` expected a module that is a single `embedding`, and `{self.text}` {found}"

    def marks(self) -> Iterable[Mark]:
        return [Mark(self.declared, "declared here")] if self.declared is not None else []

    def remedy(self) -> str:
        if not self.runs:
            return f"embed tokens before: `{self.text}` as a stage"
        return "declare the table as a module: `module wte: embedding(1000, 64)`; `wte` as a stage embeds tokens"
