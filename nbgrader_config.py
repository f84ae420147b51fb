"""nbgrader's settings for this course; it reads this file when it is run in this folder."""

from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions

from topfive.build.stubs import SaidSolutions

c = get_config()  # type: ignore[name-defined]  # noqa: F821  nbgrader puts it here

c.CourseDirectory.course_id = "top-five"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
c.GenerateAssignment.preprocessors = [
    SaidSolutions if step is ClearSolutions else step for step in GenerateAssignment.preprocessors.default()
]
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("your code goes here, in place of this line")'}
c.ClearSolutions.text_stub = "*Your answer goes here.*"
