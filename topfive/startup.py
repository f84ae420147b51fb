"""Others' programs, started without a grammar that takes seconds to compile.

jsonschema loads `rfc3987_syntax` where it finds it, to know addresses with foreign letters, and it is found wherever
JupyterLab is. Nothing here has such addresses.
"""

import sys

GRAMMAR = "rfc3987_syntax"


def skip_grammar() -> None:
    """For this process, if it has not been loaded."""
    sys.modules.setdefault(GRAMMAR, None)  # type: ignore[arg-type]


def python_m(module: str) -> list[str]:
    """The beginning of a command that runs a module as `python -m` would."""
    run = f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    return [sys.executable, "-c", f"import runpy, sys; sys.modules[{GRAMMAR!r}] = None; {run}"]
