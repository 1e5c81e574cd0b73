"""The one exception a user is meant to read."""


class BadInputError(ValueError):
    """Something the user gave cannot be used.

    The message is one line, whatever names of the user's it holds, that says what is wrong and what would be right; the command
    line prints it and exits with 2.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(" ".join(str(message).splitlines()))
