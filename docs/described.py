"""What the code says of itself: docstrings' attributes, types of a JSON Schema, and tables in Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from typing import Any


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; each cell in one line."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(cell, line))} |" for line in lines) + "\n"


def cell(text: str) -> str:
    """Text that may stand in a cell: in one line, and no character of it ends the cell or begins HTML."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()).replace("|", r"\|"))
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts)


def code(text: object) -> str:
    """As code, nothing where there is nothing."""
    return f"`{text}`" if str(text) else ""


def first_paragraph(text: str) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(inspect.cleandoc(text).partition("\n\n")[0].split())


def attributes(text: str) -> dict[str, str]:
    """What a docstring in Google's style says of each attribute; names that share a description each have it."""
    _, _, listed = inspect.cleandoc(text).partition("Attributes:\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in listed.splitlines():
        if not line.startswith("    "):
            break
        if line.startswith("     "):  # a description goes on
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
            continue
        named, _, said = line.strip().partition(": ")
        names = [name.strip() for name in named.split(",")]
        found |= dict.fromkeys(names, said)
    return found


def of_class(kind: type) -> dict[str, str]:
    """The attributes that a class and its bases describe, those of the class itself first."""
    found: dict[str, str] = {}
    for base in kind.__mro__:
        found = attributes(base.__doc__ or "") | found
    return found


def default_of(field: Field[Any]) -> str:
    """The default of a dataclass' field as Python writes it; "required" where there is none."""
    if field.default is not MISSING:
        return code(repr(field.default))
    if field.default_factory is not MISSING:
        made = field.default_factory()
        return code(repr(made)) if isinstance(made, dict | list | tuple) else f"`{type(made).__name__}()`"
    return "required"


def fields_table(kind: type) -> str:
    """Field, type, default and meaning, for each field of a dataclass; an option's meaning is its help."""
    said = of_class(kind) | {f.name: f.metadata["option"].help for f in fields(kind) if "option" in f.metadata}
    rows = [(code(f.name), code(f.type), default_of(f), said.get(f.name, "")) for f in fields(kind)]
    return table(("field", "type", "default", "meaning"), rows)


def json_type(schema: Mapping[str, Any]) -> str:
    """The type that a JSON Schema describes, in a few words."""
    match schema:
        case {"$ref": str(place)}:
            words = code(place.rpartition("/")[2])
        case {"const": value}:
            words = code(value)
        case {"enum": values}:
            words = " or ".join(map(code, values))
        case {"anyOf": kinds}:
            words = " or ".join(dict.fromkeys(map(json_type, kinds)))
        case {"prefixItems": items}:
            words = f"[{', '.join(map(json_type, items))}]"
        case {"type": "array", "items": inner}:
            words = f"list of {json_type(inner)}"
        case {"type": "object", "additionalProperties": dict(inner)}:
            words = f"map of names to {json_type(inner)}"
        case _:
            words = str(schema.get("type", "any value"))
    return words


def schema_table(schema: Mapping[str, Any], said: Mapping[str, str]) -> str:
    """Key, type, whether it is always there, and meaning, for each property of a JSON object."""
    always = schema.get("required", ())
    rows = [
        (code(key), json_type(inner), "yes" if key in always else "", said.get(key, ""))
        for key, inner in schema.get("properties", {}).items()
    ]
    return table(("key", "type", "required", "meaning"), rows)
