"""Whether stored weights fit a network, and why not: names, shapes and kinds of numbers. Needs no PyTorch."""

from archdsl.weights.match import Fit, Pairing, Problem, Reason, match
from archdsl.weights.names import unwrap
from archdsl.weights.report import WeightsReport, report_on
from archdsl.weights.stored import Entry, Stored, file_kind, fingerprint, read_header, unreadable

__all__ = [
    "Entry",
    "Fit",
    "Pairing",
    "Problem",
    "Reason",
    "Stored",
    "WeightsReport",
    "file_kind",
    "fingerprint",
    "match",
    "read_header",
    "report_on",
    "unreadable",
    "unwrap",
]
