"""YAML files as values with places. Anchors and aliases are refused: small files can stand for huge values with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from archdsl.diagnostics import SpecError, codes
from archdsl.optional_dependencies import extra_needed
from archdsl.source import SourceFile, Span

ULTRALYTICS = "Ultralytics YAML"
_LONGEST, _DEEPEST = 100_000, 12


@dataclass(eq=False)
class Item:
    """A value with its place: a scalar, a list of items, or a mapping from names to items."""

    value: Any
    span: Span

    def plain(self) -> Any:
        """Return the value without places."""
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        if isinstance(self.value, dict):
            return {name: item.plain() for name, item in self.value.items()}
        return self.value


def invalid(span: Span, reason: str, where: str | None = None, help: str | None = None) -> NoReturn:
    """Raise `SpecError` E1211 at a place."""
    raise SpecError(codes.configs.InvalidConfig(ULTRALYTICS, reason, where, help).at(span))


def read_yaml(source: SourceFile) -> Item:
    """Return the mapping in a YAML file. Raise `SpecError` E1211 with the place if it is none."""
    with extra_needed("import", "reading YAML"):
        import yaml

    if len(source.text) > _LONGEST:
        invalid(Span(source, 0, 1), f"the file has {len(source.text):,} characters, and no such file has more than {_LONGEST:,}")

    try:
        _check_events(source, yaml)
        root = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        index = min(mark.index if mark is not None else 0, max(len(source.text) - 1, 0))
        invalid(Span(source, index, index + 1), f"no valid YAML: {error.problem or 'the file ends too early'}")
    except yaml.YAMLError as error:
        invalid(Span(source, 0, 1), f"no valid YAML: {str(error).splitlines()[0]}")
    if not isinstance(root, yaml.MappingNode):
        invalid(Span(source, 0, 1), "the file is no mapping: `nc:`, `backbone:` and `head:` were expected")
    return _Converter(source, yaml).item(root)


def _span(source: SourceFile, start: Any, end: Any = None) -> Span:
    return Span(source, start.index, max(end.index if end is not None else start.index + 1, start.index + 1))


def _check_events(source: SourceFile, yaml: Any) -> None:
    """Raise `SpecError` for anchors, aliases, and lists inside one another that no file needs."""
    depth = 0
    for event in yaml.parse(source.text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            invalid(_span(source, event.start_mark, event.end_mark), "anchors and aliases (`&name`, `*name`) are not read")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            invalid(_span(source, event.start_mark), f"more than {_DEEPEST} lists are inside one another")


class _Converter:
    """Makes items of the nodes of a file. Nesting is limited before, so that this recursion is, too."""

    def __init__(self, source: SourceFile, yaml: Any) -> None:
        self._source, self._yaml, self._resolver = source, yaml, yaml.SafeLoader("")

    def item(self, node: Any) -> Item:
        """Return the item of a node."""
        place = _span(self._source, node.start_mark, node.end_mark)
        if isinstance(node, self._yaml.SequenceNode):
            return Item([self.item(child) for child in node.value], place)
        if isinstance(node, self._yaml.MappingNode):
            return Item(self._mapping(node), place)
        try:
            return Item(self._resolver.construct_object(node), place)
        except (self._yaml.YAMLError, ValueError, OverflowError):
            invalid(place, f"`{str(node.value)[:40]}` is no value that such a file can have")

    def _mapping(self, node: Any) -> dict[str, Item]:
        found: dict[str, Item] = {}
        for key, child in node.value:
            place = _span(self._source, key.start_mark, key.end_mark)
            if not isinstance(key, self._yaml.ScalarNode):
                invalid(place, "a key must be a word")
            if key.value in found:
                invalid(place, f"`{key.value[:40]}` is there twice")
            found[key.value] = self.item(child)
        return found
