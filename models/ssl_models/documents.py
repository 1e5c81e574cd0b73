"""JSON from outside: limited in size and depth, with every number finite, and of the requested type."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

MOST_BYTES, MOST_DEPTH = 2**28, 64
"""A record of a day of rounds has about 50 MB and is nested ten deep."""


def parsed(text: str | bytes) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a JSON text; bytes may be UTF-8, UTF-16 or UTF-32.

    Raises:
        ValueError: if the text is not JSON or exceeds the limits above; the message is one line.
    """
    if len(text) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES >> 20} MiB")
    try:
        value = json.loads(text, parse_constant=_not_finite)
    except RecursionError:
        raise ValueError(f"nested more than {MOST_DEPTH} deep") from None
    level = [value]
    for _ in range(MOST_DEPTH):
        for number in level:
            if isinstance(number, int | float) and not abs(number) <= sys.float_info.max:
                _not_finite(str(number)[:20])
        nested = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [inner for values in nested for inner in values]
        if not level:
            return value
    raise ValueError(f"nested more than {MOST_DEPTH} deep")


def _not_finite(number: str) -> NoReturn:
    raise ValueError(f"{number} is not a finite number")


def read_json(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a JSON file; see `parsed`.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if the file is too large or not such JSON.
    """
    with path.open("rb") as file:
        return parsed(file.read(MOST_BYTES + 1))


def typed(kind: type[T], value: Any) -> T:  # noqa: ANN401 - a value out of JSON
    """A value from JSON as a dataclass, or another type whose fields pydantic knows; nothing is converted.

    Lists become tuples, and integers floats, where the type says so. Fields that the type does not have are ignored.

    Raises:
        ValueError: naming the first field that is missing or wrong, in one line.
    """
    from pydantic import ValidationError

    # A file name need not be valid text: invalid characters are shown as question marks.
    text = json.dumps(value, ensure_ascii=False).encode(errors="replace")
    try:
        return cast("T", _adapter(cast("Any", kind)).validate_json(text, strict=True))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where, what = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        raise ValueError(" ".join(": ".join(filter(None, (where, what))).split())[:300]) from None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - any type
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def json_schemas(kinds: Sequence[Any]) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """The JSON Schema of each type as `typed` reads it, and the definitions that these refer to, by name."""
    from pydantic import TypeAdapter

    found, shared = TypeAdapter.json_schemas([(kind, "validation", _adapter(kind)) for kind in kinds])
    return {kind: schema for (kind, _), schema in found.items()}, shared["$defs"]
