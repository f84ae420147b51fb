"""What a student finds in the place of a solution: a line that says what to do there.

`### BEGIN SOLUTION 6.3: walk backwards in time` becomes `raise NotImplementedError("6.3: walk backwards in time")`.
"""

import re

from nbgrader.preprocessors import ClearSolutions

SAID = re.compile(r"### BEGIN SOLUTION (.+)")


class SaidSolutions(ClearSolutions):
    """nbgrader's ClearSolutions, with the words after BEGIN SOLUTION, if there are any, in the student's line."""

    def preprocess_cell(self, cell, resources, cell_index):  # type: ignore[no-untyped-def]
        """Clear one cell."""
        general, said = self.code_stub, SAID.search(cell.source)
        if said and cell.cell_type == "code":
            words = said[1].strip().replace('"', "'")
            self.code_stub = {resources["language"]: f'raise NotImplementedError("{words}")'}
        try:
            return super().preprocess_cell(cell, resources, cell_index)
        finally:
            self.code_stub = general
