"""The folders that runs are kept in. Imports no PyTorch."""

from archdsl.runs.folder import RunFolder, Snapshot

__all__ = ["RunFolder", "Snapshot"]
