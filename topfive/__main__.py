"""`python -m topfive` is the `topfive` command."""

from topfive.cli import main

main()
