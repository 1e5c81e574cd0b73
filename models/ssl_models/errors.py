"""The one exception a user is meant to read, and what was probably meant by a name that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches


class BadInputError(ValueError):
    """Something the user gave cannot be used.

    The message is one line, whatever names of the user's it holds, that says what is wrong and what would be right; the command
    line prints it and exits with 2.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(" ".join(str(message).splitlines()))


def choose(name: str, known: Iterable[str], what: str) -> str:
    """The name itself if it is known.

    Raises:
        BadInputError: naming the nearest known names, or all of them where none is near.
    """
    names = list(known)
    if name in names:
        return name
    # A size or a family by itself ("tiny", "hubert") is nearer to each name that has it than to one as short.
    near = [each for each in names if name in each.split("-")] or get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
    raise BadInputError(f"unknown {what} {name!r}; {hint}")
