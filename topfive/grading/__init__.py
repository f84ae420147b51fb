"""What the course adds to nbgrader: submissions put in order, run in a sandbox, points decided outside, whole classes.

`nbgrader_config.py` puts the steps of autograding among nbgrader's own; `topfive grade` does a whole class.
"""

from topfive.startup import skip_grammar

skip_grammar()
