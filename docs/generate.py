"""Write the generated pages and the index of the specs, from the registries, the table of codes, the specs and their tests.

`python docs/generate.py` writes them, `--check` only says whether they are as they would be written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from inspect import cleandoc
from pathlib import Path
from typing import get_origin

from archdsl.backends.torch.expressions import source
from archdsl.backends.torch.lowerings import has_lowering, lower
from archdsl.cli.specs import INDEX, index_text
from archdsl.declared import Declared, describe, signature
from archdsl.diagnostics import render_text
from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.codes.table import CODES, GROUPS
from archdsl.driver import check_text, compile_text
from archdsl.initializers import Initializer
from archdsl.literals import show
from archdsl.ops import Op
from archdsl.ops.base import Category
from archdsl.recipe import Recipe
from archdsl.recipe.metrics import METRICS, Kind, default_best, default_metrics

sys.path.insert(0, str(Path(__file__).parents[1]))  # the zoo's page tells of the tests, and reads their tables
from docs.zoo import draw_pictures, stale_pictures, zoo_page

FOLDER = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py; change the source code instead. -->"


def ops_page() -> str:
    """Every op, by family, and the rules of initialization."""
    parts = [f"# Ops\n\n{NOTE}\n\nWhat each op does, takes and becomes. `archdsl ops NAME` prints the same in a terminal."]
    for category in Category:
        ops = [op for op in Op.registry if op.category is category]
        if ops and category is not Category.INPUT:
            parts.append(f"## {category.value.capitalize()}")
            parts += [_op(op) for op in ops]
    parts.append("## Rules of initialization\n\nFor `init { conv = he() }` and an op's own `init = ...`.")
    parts += [_declared(rule) for rule in Initializer.registry]
    return "\n\n".join(parts) + "\n"


def _op(op: type[Op]) -> str:
    parts = [_declared(op, head=f"{op.name} {{ ... }}" if op.statement else None)]
    parts.append(f"```arch\n{_example(op)}```")
    lowered = _lowering(op)
    if lowered:
        parts.append(f"In PyTorch: {lowered}.")
    return "\n\n".join(parts)


def _example(op: type[Op]) -> str:
    """A whole file around an op's example."""
    gap = "" if op.example_input.startswith(":") else " "
    return f"network example {{\n  input value{gap}{op.example_input}\n  {op.example}\n}}\n"


def _lowering(op: type[Op]) -> str:
    """How the example's op is written in PyTorch."""
    if not has_lowering(op):
        return ""
    graph = compile_text(_example(op)).require()
    node = next(node for node in graph.main.ops if isinstance(node.op, op))
    low = lower(node.op, *node.input_shapes)
    shown = low.module or low.function
    return f"`{source(shown, ['x', 'y', 'z'], parameter='self.parameter')}`" if shown is not None else ""


def _declared(entry: type[Declared], head: str | None = None) -> str:
    """A heading, the documentation and the parameters of something that is called by name."""
    operands = getattr(entry, "operands", ())
    call = head or _call(entry, operands)
    parts = [f"### {entry.name}", f"`{call}`", cleandoc(entry.__doc__ or "")]
    rows = [f"| `{name}` | a value of the network | | |" for name in operands]
    rows += [_row(entry, name) for name in entry.parameters_in_order()]
    if rows:
        parts.append("| parameter | is | default | |\n| --- | --- | --- | --- |\n" + "\n".join(rows))
    return "\n\n".join(parts)


def _call(entry: type[Declared], operands: tuple[str, ...]) -> str:
    """The call with its parameters, values of the network first."""
    own = signature(entry).removeprefix(entry.name).strip("()")
    given = ", ".join([*operands, *([own] if own else [])])
    return f"{entry.name}({given})" if given else entry.name


def _row(entry: type[Declared], name: str) -> str:
    field = entry.model_fields[name]
    default = "" if field.is_required() else f"`{show(field.default, entry.words(name))}`"
    registry = Recipe.registry_for(name) if entry is Recipe else None
    many = registry is not None and get_origin(field.annotation) is tuple
    kind = f"a list of {registry.kind}s" if registry is not None and many else describe(field.annotation)
    return f"| `{name}` | {kind} | {default} | {field.description or ''} |"


def recipes_page() -> str:
    """The keys of `train`, and what can stand under each."""
    rows = [_row(Recipe, name) for name in Recipe.parameters_in_order()]
    parts = [
        f"# Recipes\n\n{NOTE}\n\nThe keys of the `train {{ ... }}` block. `--set train.KEY=VALUE` replaces one from the command line, "
        "`--set train.optimizer.lr=0.05` or `--set 'train.augment[0].pixels=2'` a part of one. The page on [training](training.md) goes through a run, and the forms of data.",
        "| key | is | default | |\n| --- | --- | --- | --- |\n" + "\n".join(rows),
    ]
    for key in Recipe.parameters_in_order():
        registry = Recipe.registry_for(key)
        if registry is not None:
            parts.append(f"## {key}")
            parts += [_declared(entry) for entry in registry]
        elif key == "metrics":
            parts.append(_metrics())
    return "\n\n".join(parts) + "\n"


def _metrics() -> str:
    """The metrics, and for which labels each is."""
    rows = [
        f"| `{name}` | {metric.about} | {', '.join(_LABELS[kind] for kind in metric.kinds)} | {'higher' if metric.higher else 'lower'} |"
        for name, metric in METRICS.items()
    ]
    rows_by_default = [
        f"| {text} | {', '.join(f'`{name}`' for name in default_metrics(kind, 2))} | `{default_best(kind)}` |"
        for kind, text in _LABELS.items()
    ]
    return "\n\n".join(
        [
            "## metrics",
            "What `metrics`, `best`, and `metric` of `patience` and `plateau` can name. They are measured on the validation set after each "
            "epoch, by torchmetrics. Labels that are ignored do not count.",
            "| metric | is | for labels that are | better |\n| --- | --- | --- | --- |\n" + "\n".join(rows),
            "Without the keys, these are measured, and choose the best epoch; `top5` too for 20 classes or more:",
            "| labels | `metrics` | `best` |\n| --- | --- | --- |\n" + "\n".join(rows_by_default),
        ]
    )


_LABELS: dict[Kind, str] = {
    "class": "classes", "mask": "masks", "multilabel": "several classes at once", "value": "values", "map": "maps of values",
}  # fmt: skip


def errors_page() -> str:
    """Every code, with its rendered example."""
    parts = [f"# Errors\n\n{NOTE}\n\nWhat each code means and what to do. `archdsl explain CODE` prints the same in a terminal."]
    for group, title in GROUPS.items():
        parts.append(f"## {title}")
        parts += [_code(entry) for code, entry in CODES.items() if code.startswith(group)]
    return "\n\n".join(parts) + "\n"


def _code(entry: Code) -> str:
    parts = [f"### {entry.code}", f"**{entry.title}.** {entry.explanation}"]
    if entry.situation:
        parts.append(f"For example: {entry.situation}")
    if entry.bad:
        said = render_text(check_text(entry.bad, "net.arch")).rstrip()
        parts.append(f"```text\n{said}\n```")
        parts.append(f"Instead:\n\n```arch\n{entry.good}\n```")
    return "\n\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "ops.md": ops_page, "recipes.md": recipes_page, "errors.md": errors_page, "zoo.md": lambda: zoo_page(NOTE),
    f"../specs/{INDEX}": index_text,
}  # fmt: skip


def stale() -> Iterable[str]:
    """The pages and pictures that are not as they would be written."""
    for name, page in PAGES.items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != page():
            yield name
    yield from (str(path.relative_to(FOLDER)) for path in stale_pictures())


def main() -> int:
    """Write the pages, or check them."""
    if "--check" in sys.argv[1:]:
        old = list(stale())
        if old:
            print(f"not up to date: {', '.join(old)}; run `make docs`")
        return bool(old)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
    draw_pictures()
    return 0


if __name__ == "__main__":
    sys.exit(main())
