"""The base of every error that a user can mend."""


class Error(ValueError):
    """A value, the rule it breaks and the cure, in one line.

    The command line prints it without a traceback. Any other exception is a bug.
    """
