"""What `topfive validate` runs in the place of the hidden tests: the same calls with other seeds, from solutions/.

`python -m topfive.build.rehearsal` writes topfive/grading/rehearsal.json; the notebooks need not be built for it.
"""

import ast
import json
import re
from pathlib import Path
from typing import Any

from topfive.build.notebooks import ROOT, Notebook, assignments, from_source
from topfive.files import write_atomic
from topfive.grading.cells import name_of, without_hidden_tests

PUBLISHED = Path(__file__).parents[1] / "grading" / "rehearsal.json"
FIRST_SEED = 90_001  # of those that stand for the secret ones


class OtherSeeds(ast.NodeTransformer):
    """Puts other numbers in the place of seeds. shown: those that students see in the notebook, which stay."""

    def __init__(self, shown: set[int]) -> None:
        self.shown, self.next = shown, FIRST_SEED

    def visit_keyword(self, node: ast.keyword) -> Any:
        """Change the numbers of `seeds=`, `seed=`, `prompt_seed=`."""
        if (node.arg or "").endswith(("seed", "seeds")):
            for one in ast.walk(node.value):
                if isinstance(one, ast.Constant) and (node.arg == "seeds" or one.value not in self.shown):
                    one.value, self.next = self.next, self.next + 1
        return self.generic_visit(node)


def rehearsal(source: Notebook) -> dict[str, str]:
    """By name of a test cell in an assignment's source: what is run of it before handing in."""
    seen = "\n".join(without_hidden_tests(cell.source) for cell in source.cells)
    shown = {int(number) for number in re.findall(r"\bseed=(\d+)", seen)}
    tests = [cell for cell in source.cells if cell.source != without_hidden_tests(cell.source)]
    return {name_of(cell): ast.unparse(OtherSeeds(shown).visit(ast.parse(cell.source))) for cell in tests}


def rehearsals(root: Path = ROOT) -> str:
    """What stands in rehearsal.json: by assignment and cell."""
    found = {one.name: rehearsal(from_source(one.source.read_text("utf-8"))) for one in assignments(root)}
    return json.dumps({name: tests for name, tests in found.items() if tests}, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_atomic(PUBLISHED, rehearsals())
    print(f"Written: {PUBLISHED.relative_to(ROOT)}")
