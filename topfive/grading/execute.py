"""A notebook is run to its last cell whatever one of them does, and a test cell has to show its points."""

import ast
import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute, NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets import Bool, Dict

from topfive.errors import TopFiveError
from topfive.grading import asking, sandbox, seeds

if TYPE_CHECKING:
    from topfive.grading.trusted import Decision, Measurement

Cell = Any  # nbformat.NotebookNode, which is untyped

CELL, NOTEBOOK, LITTLE = 10 * 2**20, 40 * 2**20, 2**16  # bytes of output that are kept
LINE = 10_000  # characters of a line of an error
RESTARTS = 3  # each costs the time limit of a cell, and the cells above once more
NO_EXIT = 'get_ipython().ask_exit = lambda: print("Not left: the cells below are still to be graded.")'
# How a kernel is lost: what the cell did, and what its student should do.
LOST: dict[type[Exception], tuple[str, str]] = {
    DeadKernelError: (
        "ended the kernel",
        "Look for what stops Python itself there, such as os._exit(), or fills the memory.",
    ),
    CellTimeoutError: (
        "ran too long and could not be interrupted",
        "Look for a loop without an end that catches every error.",
    ),
    Exception: ("sent what no kernel sends", "Look for what it does to the kernel, or shows by the megabyte."),
}
TRY = (
    "Then run the whole notebook in a fresh kernel (Kernel > Restart Kernel and Run All Cells) before handing in again."
)


class ToTheEnd(Execute):
    """nbgrader's Execute; where a cell kills its kernel or cannot be interrupted, a fresh one goes on with the next.

    exit() and quit() print a line instead. Of a notebook that loses more than RESTARTS kernels the rest is not run.
    Kernels run in a sandbox, and of an endless output the beginning is kept. What test cells of this course are worth
    is decided outside of it; any other test cell shows its own points.
    """

    sandbox = Bool(True, help="Whether kernels run in a sandbox. Without one, students' code has all your rights.").tag(
        config=True
    )
    limits = Dict(help="What a kernel in a sandbox may use, where it is not as in topfive.grading.sandbox.LIMITS.").tag(
        config=True
    )

    def preprocess(self, nb: Cell, resources: Any = None, km: Any = None) -> tuple[Cell, Any]:
        """Run all cells, and let what is to be measured be measured."""
        self.lost: set[int] = set()
        self.kept: dict[str, int] = {}  # bytes of output, by the message that asked for them
        self.cut: set[str] = set()
        self.measured: list[tuple[Cell, Measurement]] = []
        self.secret = seeds.read(Path.cwd()) if self.sandbox else None
        nb, resources = super().preprocess(nb, resources, km)
        self._measure()
        return nb, resources

    def create_kernel_manager(self) -> Any:
        """A kernel of this Python, whatever the notebook's metadata asks for."""
        self.kernel_name = "python3"
        if not self.sandbox:
            self.log.warning("NO SANDBOX: what students wrote runs with all your rights on this machine")
            return super().create_kernel_manager()
        if problem := sandbox.problem():
            raise TopFiveError(f"No sandbox: {problem}. To do: {sandbox.TO_DO}")
        submission = Path(self.resources["metadata"]["path"])
        course = Path.cwd()  # nbgrader goes there
        self.km = sandbox.SandboxedKernel(submission, course, sandbox.LIMITS | self.limits, config=self.config)
        return self.km

    def process_message(self, msg: Any, cell: Cell, cell_index: int) -> Any:
        """Take one message of the kernel, unless its cell or the notebook has shown too much already."""
        asked = msg["parent_header"].get("msg_id")
        if msg["msg_type"] in ("status", "execute_input") or self._keep(asked, _size(msg)):
            return super().process_message(msg, cell, cell_index)
        if asked not in self.cut:
            self.log.warning("Cell %d, %s, showed too much; some of it is dropped", cell_index + 1, _called(cell))
            self.cut.add(asked)
        return None

    def _keep(self, asked: str, size: int) -> bool:
        """Whether there is room for so many bytes: CELL for each cell, and LITTLE once NOTEBOOK is used up."""
        kept = self.kept.get(asked, 0)
        room = CELL if sum(self.kept.values()) - kept < NOTEBOOK else LITTLE
        if fits := kept + size <= room:
            self.kept[asked] = kept + size
        return fits

    def on_cell_executed(self, **kwargs: Any) -> None:
        """Add an error that is in the reply only, shortened."""
        content = kwargs["execute_reply"]["content"]
        if content["status"] == "error":
            content["evalue"] = content["evalue"][:LINE]
            content["traceback"] = [line[:LINE] for line in content["traceback"][-100:]]
        super().on_cell_executed(**kwargs)

    def start_new_kernel_client(self, **kwargs: Any) -> Any:
        """The client of a kernel that stays when somebody calls exit()."""
        client = super().start_new_kernel_client(**kwargs)
        client.execute(NO_EXIT, silent=True)
        return client

    def preprocess_cell(self, cell: Cell, resources: Any, index: int) -> tuple[Cell, Any]:
        """Run one cell; if its kernel is lost by it, say so in the cell and start another."""
        if len(self.lost) > RESTARTS:
            if cell.cell_type == "code":
                which = ", ".join(_called(self.nb.cells[place]) for place in sorted(self.lost))
                refuse(cell, "NotRun", f"cells above ended their kernel too often ({which}), so this one was not run")
            return cell, resources
        try:
            if self.sandbox and is_grade(cell) and not is_solution(cell) and (call := asking.call_in(cell.source)):
                return self._asked(cell, call, resources, index), resources
            return super().preprocess_cell(cell, resources, index)
        except Exception as error:  # whatever a hostile kernel sends
            self._lose(cell, index, error)
            self._begin_again(index)
            return cell, resources

    def _asked(self, cell: Cell, call: asking.Call, resources: Any, index: int) -> Cell:
        """A test cell with its points, decided by what the kernel answers; what is measured follows at the end."""
        from topfive.grading import trusted  # with PyTorch, which nbgrader's other commands do without

        if self.secret:
            call = seeds.with_own(
                call, self.secret, f"{resources['nbgrader']['notebook']}/{cell.metadata.nbgrader.grade_id}"
            )
        if not (source := asking.question(call)):
            self.measured.append((cell, trusted.Measurement(call)))
            return cell
        own, cell.source = cell.source, source
        try:
            super().preprocess_cell(cell, resources, index)
        finally:
            cell.source = own
        if any(output.output_type == "error" for output in cell.outputs):
            return cell
        try:
            found = trusted.decide(call, trusted.reply_in(cell.outputs))
        except TopFiveError as error:
            found = trusted.Decision(0.0, str(error))
        if isinstance(found, trusted.Measurement):
            self.measured.append((cell, found))
        else:
            _show(cell, found)
        return cell

    def _measure(self) -> None:
        """In one go for all cells that wait for it: what is measured with takes seconds to load."""
        if self.measured:
            from topfive.grading.trusted import measure

            cells, wanted = zip(*self.measured, strict=True)
            submission, course = Path(self.resources["metadata"]["path"]), Path.cwd()
            limits = sandbox.LIMITS | self.limits
            for cell, found in zip(cells, measure(wanted, submission, course, limits), strict=True):
                _show(cell, found)

    def _lose(self, cell: Cell, index: int, error: Exception) -> None:
        why, to_do = next(words for kind, words in LOST.items() if isinstance(error, kind))
        self.log.warning("Cell %d, %s, %s; the cells after it run in a fresh one", index + 1, _called(cell), why)
        self.log.debug("%r", error)
        words = f"{_called(cell)}: this cell {why}; the cells below run in a fresh one. {to_do} {TRY}"
        refuse(cell, "KernelLost", words)
        self.lost.add(index)

    def _begin_again(self, end: int) -> None:
        """A fresh kernel, with the cells above `end` run once more; tests have their points and are left out."""
        if len(self.lost) > RESTARTS:
            return
        self._cleanup_kernel()
        self.km = self.create_kernel_manager()
        self.start_new_kernel()
        self.start_new_kernel_client()
        for index, cell in enumerate(self.nb.cells[:end]):
            if index in self.lost or is_grade(cell) or _ran_too_long(cell):
                continue
            self.nb.cells[index] = copy.deepcopy(cell)
            try:
                self.execute_cell(self.nb.cells[index], index)
            except Exception as error:
                self._lose(cell, index, error)
                return self._begin_again(end)
            finally:
                self.nb.cells[index] = cell


def _show(cell: Cell, found: "Decision") -> None:
    """A decision as the outputs of its cell, in the form in which nbgrader reads points."""
    words = [new_output("stream", name="stdout", text=found.words + "\n")] if found.words else []
    points = new_output("execute_result", data={"text/plain": repr(found.points)}, execution_count=cell.execution_count)
    cell.outputs = [*words, points]


def _size(msg: Any) -> int:
    return len(json.dumps(msg["content"], default=str)) + sum(map(len, msg.get("buffers", [])))


class ShownPoints(NbGraderPreprocessor):
    """A test cell that ends in an expression has to show its value, a number of points; otherwise it gets 0, in words.

    nbgrader gives such a cell full points if it shows nothing or nonsense, and 0 if it wrote to stderr. What is on the
    stderr of a cell that shows its points came from elsewhere, a thread or a library that was loaded, and is dropped.
    """

    def preprocess_cell(self, cell: Cell, resources: Any, index: int) -> tuple[Cell, Any]:
        """Look at one cell after it was run."""
        if cell.cell_type != "code" or not is_grade(cell) or is_solution(cell) or not ends_in_expression(cell.source):
            return cell, resources
        if not any(output.output_type == "error" for output in cell.outputs):
            if _shows_points(cell):
                cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            else:
                self.log.warning("Test cell %s shows no points", cell.metadata.nbgrader.grade_id)
                refuse(cell, "NoPoints", "this test cell had to show one number of points, and did not")
        return cell, resources


def refuse(cell: Cell, name: str, words: str) -> None:
    """Put an error before a cell's outputs, for which nbgrader gives 0."""
    cell.outputs.insert(0, new_output("error", ename=name, evalue=words, traceback=[words]))


def ends_in_expression(source: str) -> bool:
    """Whether the last statement of a cell is an expression, whose value Jupyter shows."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    return bool(body) and isinstance(body[-1], ast.Expr)


def _called(cell: Cell) -> str:
    """A cell by its name, or else by the beginning of its first line."""
    first = next((line.strip() for line in cell.source.split("\n") if line.strip()), "an empty cell")
    return f"'{cell.metadata.get('nbgrader', {}).get('grade_id') or first[:60]}'"


def _shows_points(cell: Cell) -> bool:
    results = [output.data for output in cell.outputs if output.output_type == "execute_result"]
    try:
        return len(results) == 1 and 0 <= float(results[0]["text/plain"]) <= float(cell.metadata.nbgrader.points)
    except (KeyError, ValueError):
        return False


def _ran_too_long(cell: Cell) -> bool:
    return any(output.get("ename") == "CellTimeoutError" for output in cell.get("outputs", []))
