"""The one exception a user is meant to read."""


class BadInputError(ValueError):
    """Something the user gave cannot be used.

    The message is one line that says what is wrong and what would be right; the command line prints it and exits with 2.
    """
