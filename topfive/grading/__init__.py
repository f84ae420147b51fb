"""What the course adds to nbgrader: submissions put in order, run in a sandbox, points decided outside, whole classes.

`nbgrader_config.py` puts the steps of autograding among nbgrader's own; `topfive grade` does a whole class.
"""

import sys

# jsonschema loads this where it finds it, which compiles a grammar for seconds, to know addresses with foreign letters.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
