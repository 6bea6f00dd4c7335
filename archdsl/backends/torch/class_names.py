"""Names of the generated classes: that of the block, and what tells a class from the others of its block."""

from __future__ import annotations

import keyword
import re

from archdsl.backends.torch.attributes import is_attribute
from archdsl.backends.torch.class_templates import ClassTemplate
from archdsl.backends.torch.outline_classes import TAKEN, Classes
from archdsl.ir import Function


def name_classes(classes: Classes, network: str, further: tuple[str, ...]) -> None:
    """Set the name of each class. `further` are names of other classes in the source."""
    parameters = {parameter.name for template in classes.in_order for parameter in template.parameters}
    taken = {*TAKEN, *further, *parameters}
    *templates, root = classes.in_order
    root.name = _fresh(camel_case(network), taken)
    by_stem: dict[str, list[ClassTemplate]] = {}
    for template in templates:
        by_stem.setdefault(_stem(template.first.function), []).append(template)
    for stem, group in by_stem.items():
        usual = max(group, key=lambda template: sum(len(member.calls) for member in template.members))
        for template in group:
            template.name = _fresh(stem + ("" if template is usual else _difference(template, usual)), taken)


def camel_case(name: str) -> str:
    """Return `resnet_block` as `ResnetBlock`."""
    words = "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", name))
    return words if words.isidentifier() and not keyword.iskeyword(words) else f"Network{words}"


def _stem(function: Function) -> str:
    if function.kind == "block":
        return camel_case(function.name)
    word = camel_case(function.name.rstrip("0123456789"))
    return f"Group{word.removeprefix('Network')}" if word.startswith("Network") else word


def _difference(template: ClassTemplate, usual: ClassTemplate) -> str:
    """Return what a class has that the usual one of its block has not, such as `WithDownsample`."""
    own, others = _child_names(template), _child_names(usual)
    extra = [name for name in own if name not in others]
    missing = [name for name in others if name not in own]
    return f"With{camel_case(extra[0])}" if extra else f"Without{camel_case(missing[0])}" if missing else ""


def _child_names(template: ClassTemplate) -> dict[str, None]:
    return dict.fromkeys(name for step in template.first.steps for name in step.key if is_attribute(name))


def _fresh(name: str, taken: set[str]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}{number}", number + 1
    taken.add(candidate)
    return candidate
