"""The one exception meant for users, and suggestions for an unknown name."""

from collections.abc import Iterable
from difflib import get_close_matches


class BadInputError(ValueError):
    """User input that cannot be used.

    The message is one line, whatever user-supplied names it contains, and says what is wrong and what would be right;
    the command line prints it and exits with code 2.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(" ".join(str(message).splitlines()))


def choose(name: str, known: Iterable[str], what: str) -> str:
    """The name itself if it is known.

    Raises:
        BadInputError: naming the nearest known names, or all of them if none is near.
    """
    names = list(known)
    if name in names:
        return name
    # A size or a family alone ("tiny", "hubert") should match the names that contain it rather than a short name.
    near = [each for each in names if name in each.split("-")] or get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
    raise BadInputError(f"unknown {what} {name!r}; {hint}")
