"""The index of ops, by which their families are imported when they are needed."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

from archdsl import ops
from archdsl.ops import Op
from archdsl.ops.index import FAMILIES, JOIN_FAMILIES, MODULES
from archdsl.ops.join import Join, joins


def test_the_index_lists_every_op_at_its_family() -> None:
    modules = [import_module(f"archdsl.ops.{module.name}") for module in iter_modules(ops.__path__)]
    defined = {op.name: op.__module__ for op in Op.registry if op.__module__ in {module.__name__ for module in modules}}
    assert defined == dict(MODULES), "archdsl/ops/index.py does not list the ops as they are defined"
    for family, names in FAMILIES.items():
        assert [name for name, module in defined.items() if module == f"archdsl.ops.{family}"] == list(names)


def test_the_lexer_knows_every_join() -> None:
    assert joins() == {op.name: op for op in Op.registry if issubclass(op, Join)}
    assert set(JOIN_FAMILIES) <= set(FAMILIES)


def test_a_family_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys; from archdsl.ops import Op; loaded = lambda: 'archdsl.ops.windows' in sys.modules; "
        "assert 'pad_to' in Op.registry and 'pad_to' in Op.registry.names() and Op.registry.get('nothing') is None; "
        "assert not loaded(); assert Op.registry.get('pad_to').name == 'pad_to'; assert loaded()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
