"""Fuzzing: change valid input files, and check that each reader accepts them or reports in one line what is wrong.

By hand: `make fuzz` (2,000 documents per reader), `make fuzz N=100 SEED=3 READER=record`. Every document is determined by
the seed, the reader's name and its number, so that one that ended in a traceback can be reproduced. Exits with 1 where
there was one.

Our own code, since neither library fits: atheris needs its own build of the interpreter for coverage, and hypothesis draws
documents from a schema, whereas what breaks a reader is a document with a single fault.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import random
import re
import shutil
import sys
import tempfile
import traceback
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssl_models.errors import BadInputError

Files = Mapping[str, bytes]
"""Contents by name below the folder that a reader is given."""
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**6, 2**63, 10**30, 1e308, "", "x", "1.5", "\n", "\u0000", "\udcff", "../..", "é" * 9,
    [], [None], [[]], ["x"], [1, 2, 3], {}, {"x": 1}, {"": None}, {"value": "x"},
)  # fmt: skip
"""Replacements for any value."""
HUGE = ("NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "9" * 5000, "[" * 5000, '{"x":' * 5000, "-", "nul", "'x'")
"""Text put in place of a value; not all of it is JSON."""
WORDS = (*HUGE, "", " ", ":", "max", "-1", "0", "0x10", "1.5", "nan", "\t", "/", "..", "é")
"""Words put into any other text."""
WRONG: tuple[Callable[[bytes], bytes], ...] = (
    lambda raw: raw.decode("utf-8", "replace").encode("utf-16"),
    lambda raw: raw.decode("utf-8", "replace").encode("utf-16-le"),
    lambda raw: raw.decode("utf-8", "replace").encode("utf-32"),
    lambda raw: b"\xef\xbb\xbf" + raw,
    lambda raw: raw.replace(b"e", b"\xe9"),
    lambda raw: raw + raw,
    lambda raw: b"",
    lambda raw: b"\0" * len(raw),
)
"""Changes to a document as another program may have written it."""


@dataclass(frozen=True)
class Reader:
    """A reader of files from outside.

    Attributes:
        files: valid files that it accepts.
        read: called with the folder that holds them.
        text: whether the files are text, changed word by word; all others are JSON, or bytes.
    """

    files: Files
    read: Callable[[Path], object]
    text: bool = False


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of keys to every value in a document."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from places(inner, (*path, key))


def changed(document: Any, draw: random.Random) -> bytes:
    """The document with one value or two dropped, of another type, nested, under another key, duplicated, or huge."""
    document, marks = copy.deepcopy(document), list[tuple[str, str]]()
    for number in range(draw.choice((1, 1, 1, 2))):
        ways = list(places(document))
        if not ways:
            break
        # Draw the depth first: most values are numbers deep inside, and the others hold a document together.
        depth = draw.choice(sorted({len(way) for way in ways}))
        way = draw.choice([way for way in ways if len(way) == depth])
        holder = document
        for key in way[:-1]:
            holder = holder[key]
        _change(holder, way[-1], draw, f"@{number}@", marks)
    text = json.dumps(document)
    for mark, word in marks:
        text = text.replace(json.dumps(mark), word)
    return text.encode()


def _change(holder: Any, key: Any, draw: random.Random, mark: str, marks: list[tuple[str, str]]) -> None:
    match draw.choice(("drop", "value", "value", "value", "deeper", "key", "twice", "text")):
        case "drop":
            del holder[key]
        case "value":
            holder[key] = copy.deepcopy(draw.choice(VALUES))
        case "deeper":
            holder[key] = draw.choice(([holder[key]], {"x": holder[key]}, {str(key): holder[key]}))
        case "key" if isinstance(holder, dict):
            holder[draw.choice(("x", "", "\n", "é", f"{key}s"))] = holder.pop(key)
        case "twice" if isinstance(holder, dict):
            marks.append((mark, f"{json.dumps(holder[key])}, {json.dumps(key)}: {draw.choice(('null', '1', '[]'))}"))
            holder[key] = mark
        case "twice" | "key":
            holder.append(copy.deepcopy(holder[key]))
        case _:
            marks.append((mark, draw.choice(HUGE)))
            holder[key] = mark


def cut(raw: bytes, draw: random.Random) -> bytes:
    """The bytes truncated, with some changed or removed, or in another encoding."""
    begin, end = sorted(draw.choices(range(len(raw) + 1), k=2))
    match draw.choice(("short", "bytes", "gone", "encoding")):
        case "short":
            return raw[:begin]
        case "bytes":
            spot = begin + draw.choice((0, 0, 8))
            return raw[:spot] + draw.randbytes(draw.choice((1, 1, 2, 8))) + raw[spot + 1 :]
        case "gone":
            return raw[:begin] + raw[end:]
        case _:
            return draw.choice(WRONG)(raw)


def reworded(raw: bytes, draw: random.Random) -> bytes:
    """A text with one word replaced, duplicated, or removed."""
    words = re.split(r"(\W)", raw.decode())
    spot = draw.randrange(len(words))
    words[spot : spot + 1] = draw.choice(([], words[spot : spot + 1] * 2, [draw.choice(WORDS)], [words[spot], "\n"]))
    return "".join(words).encode()


def mutant(reader: Reader, draw: random.Random) -> dict[str, bytes]:
    """The reader's files, one of them changed."""
    files = dict(reader.files)
    name = draw.choice(sorted(files))
    if not draw.randrange(5):
        files[name] = cut(files[name], draw)
    elif reader.text:
        files[name] = reworded(files[name], draw)
    elif name.endswith(".safetensors"):
        size = int.from_bytes(files[name][:8], "little")
        header = changed(json.loads(files[name][8 : 8 + size]), draw)
        files[name] = len(header).to_bytes(8, "little") + header + files[name][8 + size :]
    elif name.endswith(".json"):
        files[name] = changed(json.loads(files[name]), draw)
    elif name.endswith(".csv.gz"):
        files[name] = gzip.compress(reworded(gzip.decompress(files[name]), draw), mtime=0)
    elif name.endswith(".jsonl"):
        lines = files[name].splitlines()
        spot = draw.randrange(len(lines))
        lines[spot] = changed(json.loads(lines[spot]), draw)
        files[name] = b"\n".join(lines)
    else:
        files[name] = cut(files[name], draw)
    return files


def put(files: Files, folder: Path) -> None:
    """Write the files into an empty folder."""
    for name, raw in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)


def fault(reader: Reader, files: Files) -> str:
    """A reader's fault with these files; empty where it accepts or refuses them."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        put(files, folder)
        reader.read(folder)
    except BadInputError as error:
        return f"more than one line: {str(error)!r}" if len(str(error).splitlines()) > 1 else ""
    except Exception:  # noqa: BLE001 - any other error is a fault
        return traceback.format_exc()
    finally:
        shutil.rmtree(folder)
    return ""


def faults(name: str, reader: Reader, count: int, seed: int) -> Iterator[tuple[int, str]]:
    """The numbers of the documents with a fault, and the fault."""
    for number in range(count):
        draw = random.Random(zlib.crc32(f"{seed} {name} {number}".encode()))  # noqa: S311 - no secret
        if found := fault(reader, mutant(reader, draw)):
            yield number, found


def main() -> None:
    """Fuzz every reader, or one."""
    from fuzz_readers import readers

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reader")
    asked = parser.parse_args()
    total = 0
    for name, reader in readers().items():
        if asked.reader not in {None, name}:
            continue
        kinds: dict[str, tuple[int, str]] = {}
        count = 0
        for number, found in faults(name, reader, asked.count, asked.seed):
            count += 1
            where = [line for line in found.splitlines() if line.startswith("  File ")][-1:]
            kinds.setdefault(f"{where} {found.splitlines()[-1].partition(':')[0]}", (number, found))
        print(f"{name}: {asked.count} documents, {count} tracebacks")  # noqa: T201
        for number, found in kinds.values():
            print(f"-- document {number}\n{found}")  # noqa: T201
        total += count
    sys.exit(total > 0)


if __name__ == "__main__":
    main()
