"""The limits that keep any input within bounded time and memory; each is refused with a coded error."""

SOURCE_CHARACTERS = 4_000_000
"""Length of one file (a network of 100,000 lines is under this)."""
NESTING = 64
"""Brackets and braces inside one another, and operators that nest to the right."""
CALL_DEPTH = 64
"""Bodies that are elaborated inside one another: block calls, loops, groups."""
NODES = 400_000
"""Ops in one network."""
ITERATIONS = 250_000
"""Loop rounds in one network, and bodies that run, so that empty ones end too."""
INTEGER_BITS = 256
"""Size of a number in an expression."""
LIST_ITEMS = 100_000
"""Length of a list or range that is indexed or passed on."""
LIST_DEPTH = 8
"""Lists inside one another."""
PERIOD = 8192
"""After how many values of an open size the sizes of a network repeat; at least twice its total stride."""
SINGLE_SIZES = 1 << 18
"""Sizes that a condition tells apart one by one."""
SIZE_VALUES = 1_000_000
"""Numbers that the formulas of a network's open sizes are kept as, all together."""
SIZE = 2**31 - 1
"""A size of a tensor, and a whole number that an op or anything else called by name takes."""
ELEMENTS = 2**40
"""Numbers in one tensor, for one image: with any batch, what counts and addresses them stays within 64 bits."""
FLOAT = 1e30
"""A fraction that an op or anything else called by name takes: what is computed with it stays within 32 bits, to 3.4e38."""
IMPORTS = 200
"""Files that one network may draw on."""
SYNTAX_ERRORS = 50
"""Syntax errors reported for one file."""
