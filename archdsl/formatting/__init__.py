"""The one style of specs: from a tree that parsed without errors back to text.

A `Layout` holds the tokens of a file with the nodes that they belong to. Four steps decide about it, in this order: line
breaks that the text asks for, further breaks in lines that are too long, columns, and the text itself.
"""

from archdsl.formatting.formatter import format_lines, format_source

__all__ = ["format_lines", "format_source"]
