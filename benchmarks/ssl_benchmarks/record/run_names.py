"""Names of runs shown side by side: their own names, with the folders added where several share one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path


def told_apart(names: Sequence[str], folders: Sequence[Path | None] = ()) -> tuple[str, ...]:
    """A distinct name for each run; a name that occurs once stays as it is.

    Runs that share a name get as many of the last parts of their folders' paths as make them distinct, such as
    `first/run` and `second/run`: never a whole path, which belongs to one machine. Without folders they are numbered.
    """
    found = list(names)
    for name in [name for name, count in Counter(names).items() if count > 1 and folders]:
        places = [place for place, other in enumerate(names) if other == name]
        for place, label in zip(places, _by_folder(name, [folders[place] for place in places]), strict=True):
            found[place] = label
    return tuple(_numbered(found))


def _by_folder(name: str, folders: Sequence[Path | None]) -> list[str]:
    """The shortest ends of the paths that are all different; the name itself if there are none."""
    parts = [() if folder is None else folder.resolve().parts[1:] for folder in folders]
    for count in range(1, max(map(len, parts)) + 1):
        ends = ["/".join(each[-count:]) for each in parts]
        if len(set(ends)) == len(ends) and all(ends):
            return [end if end.split("/")[-1] == name else f"{name} ({end})" for end in ends]
    return [name] * len(folders)


def _numbered(names: Sequence[str]) -> list[str]:
    shared, seen = Counter(names), Counter[str]()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(name if shared[name] == 1 else f"{name} #{seen[name]}")
    return numbered
