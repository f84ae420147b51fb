"""The one kind of error that is meant for the person at the keyboard."""


class TopFiveError(Exception):
    """What was wrong, where, and what to do, in one line. The command line prints it and exits with 2."""
