"""nbgrader's settings for this course; it reads this file when it is run in this folder."""

from pathlib import Path

from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.preprocessors import ClearSolutions, DeduplicateIds, Execute, GetGrades

from topfive.build.notebooks import kept_back
from topfive.build.stubs import SaidSolutions
from topfive.grading.after.feedback import FeedbackPage, ForStudent
from topfive.grading.cells import Repair
from topfive.grading.execute import ShownPoints, ToTheEnd
from topfive.grading.harmless import Harmless
from topfive.grading.intake import take_in
from topfive.grading.reading import Submitted

c = get_config()  # type: ignore[name-defined]  # noqa: F821  nbgrader puts it here

c.CourseDirectory.course_id = "top-five"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
c.GenerateAssignment.preprocessors = [
    SaidSolutions if step is ClearSolutions else step for step in GenerateAssignment.preprocessors.default()
]
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("your code goes here, in place of this line")'}
c.ClearSolutions.text_stub = "*Your answer goes here.*"

# Seconds. On a machine that was busy with other work, the imports of a first cell took 35, and a kernel's start 20; no
# cell takes longer than the imports. A cell that hangs costs all of `timeout`, so it is not more than it has to be.
c.Execute.timeout = 180
c.Execute.iopub_timeout = 60
c.Execute.startup_timeout = 180
c.Execute.shutdown_kernel = "immediate"  # nothing of it is kept

c.Autograde.pre_convert_hook = take_in
c.Autograde.exporter_class = Submitted
# nbgrader lays what is beside the solution over what was handed in. An instructor's own work/ must not take the place
# of a student's.
c.Autograde.exclude_overwriting = {
    folder.name: kept_back(folder) for folder in Path(__file__).parent.glob("solutions/*") if folder.is_dir()
}
c.Autograde.sanitize_preprocessors = [
    Repair if step is DeduplicateIds else step for step in Autograde.sanitize_preprocessors.default()
]
c.Autograde.autograde_preprocessors = [
    own
    for step in Autograde.autograde_preprocessors.default()
    for own in ((ToTheEnd, ShownPoints) if step is Execute else (step,))
]
c.Autograde.autograde_preprocessors += [Harmless]

# Pages: the one that a student gets back, and those of the formgrader.
c.GenerateFeedback.exporter_class = FeedbackPage
c.GenerateFeedback.preprocessors = [
    own
    for step in GenerateFeedback.preprocessors.default()
    for own in ((GetGrades, ForStudent) if step is GetGrades else (step,))
]
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "clean_html": "topfive.grading.harmless.clean_html",
    "markdown2html": "topfive.grading.harmless.markdown2html",
}
