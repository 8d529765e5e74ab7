"""Run the command line: ``python -m vincicoder``."""

from __future__ import annotations

import sys

from vincicoder.cli import main

if __name__ == "__main__":
    sys.exit(main())
