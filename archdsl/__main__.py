"""`python -m archdsl`: the command line."""

import sys

from archdsl.cli import main

if __name__ == "__main__":
    sys.exit(main())
