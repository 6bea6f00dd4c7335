"""What checking takes, in steps that have a limit, so that a short text cannot ask for hours.

A step is about what one element of a list takes, a third of a microsecond.
"""

from __future__ import annotations

from typing import Final

EXPRESSION: Final = 10
"""An expression, and each that it is made of."""
NODE: Final = 15
"""An op in the graph, be it a copy."""
STAGE: Final = 20
"""A statement, and each stage in it."""
OPEN: Final = 3
"""Each number of a formula of an open size that is computed or compared, or of a set of sizes."""
ANEW: Final = 300
"""An op with other arguments, or on other shapes, than any before; its sizes are looked at again in each analysis."""
