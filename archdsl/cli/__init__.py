"""The command line: one file a command; the only place that prints, reads arguments and writes a user's files."""

from archdsl.cli.app import main, root

__all__ = ["main", "root"]
