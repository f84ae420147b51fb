"""`topfive grade`: a class's submissions, in the course folder."""

import typer

from topfive.grading import cli_after

app = typer.Typer(help="Grade a class, in the course folder.", no_args_is_help=True, rich_markup_mode=None)
cli_after.add_to(app)
