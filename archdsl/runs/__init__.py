"""Run folders. This package does not import PyTorch."""

from archdsl.runs.folder import RunFolder, Snapshot

__all__ = ["RunFolder", "Snapshot"]
