"""Reports on a network: what it costs, what it sees, and why its depth works, computed without running it."""

from typing import TYPE_CHECKING

from archdsl.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from archdsl.reports.report import FORMATS, Report, report_of

__all__ = ["FORMATS", "Report", "report_of"]

_MODULES = dict.fromkeys(__all__, "archdsl.reports.report")
__getattr__ = lazy_exports(__name__, _MODULES)
