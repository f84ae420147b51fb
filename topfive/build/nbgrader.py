"""nbgrader's command line, started in half the time.

jsonschema compiles a grammar of addresses with foreign letters each time it is loaded if it finds it; here it does not.
"""

import sys

WITHOUT_GRAMMAR = "import sys; sys.modules['rfc3987_syntax'] = None; from nbgrader.apps.nbgraderapp import main; main()"
NBGRADER = [sys.executable, "-c", WITHOUT_GRAMMAR]
