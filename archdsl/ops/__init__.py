"""The ops. `Op.registry` has all of them by name, and imports the family of an op when it is first asked for it."""

from archdsl.ops.base import Category, Op

__all__ = ["Category", "Op"]
