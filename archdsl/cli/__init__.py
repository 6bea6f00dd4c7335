"""The command line, with one file per command: the only code that prints, reads arguments and writes a user's files."""

from archdsl.cli.app import main, root

__all__ = ["main", "root"]
