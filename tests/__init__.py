"""Tests of the course. No process of theirs compiles a grammar that nothing here needs."""

from topfive.startup import skip_grammar

skip_grammar()
