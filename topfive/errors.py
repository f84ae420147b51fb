"""The one kind of error that is meant for the person at the keyboard."""


class TopFiveError(Exception):
    """What was wrong, where, and what to do, in one line. The command line prints it and exits with 2."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in a notebook: the words, without the way there."""
        return [str(self)]
