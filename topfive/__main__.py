"""`python -m topfive` is the `topfive` command."""

import sys

if not sys.flags.safe_path:
    del sys.path[0]  # the current folder: the command finds Python's own `random` whatever lies there

from topfive.cli import main

main()
