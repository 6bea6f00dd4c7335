"""Packages that import some of their names when they are first used."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module

import pytest

PACKAGES = ("archdsl", "archdsl.analysis", "archdsl.ir")


@pytest.mark.parametrize("name", PACKAGES)
def test_type_checkers_see_the_names_that_are_imported_late(name: str) -> None:
    package = import_module(name)
    tree = ast.parse(inspect.getsource(package))
    (checked,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in checked.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == package._MODULES
    assert set(package._MODULES) <= set(package.__all__)
    for exported in package.__all__:
        assert getattr(package, exported) is not None


@pytest.mark.parametrize("name", PACKAGES)
def test_other_names_are_refused_as_by_any_module(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'nothing'"):
        import_module(name).nothing
