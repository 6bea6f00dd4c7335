"""The one table of error codes: `archdsl explain`, the reference page and the tests read it."""

from archdsl.diagnostics.codes.entry import Code
from archdsl.diagnostics.codes.table import CODES, GROUPS

__all__ = ["CODES", "GROUPS", "Code"]
