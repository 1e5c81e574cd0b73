"""The times of phones, from TextGrids or the `.item` files of the Zero Resource Speech challenges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssl_bench.data.corpus import Utterance
from ssl_bench.data.textgrids import Phone, is_silence, phones_of_textgrid, plain, times, triphones
from ssl_benchmarks.downstream.abx.triples import Token
from ssl_benchmarks.files.text_files import UnreadableTextError, read_lines, shown
from ssl_models.errors import BadInputError

COLUMNS = 7


@dataclass(frozen=True)
class Alignments:
    """Phones with the phones before and after them.

    Attributes:
        tokens: each from the onset of the phone before to the offset of the phone after, as in the files of the
            challenges; an `.item` file's own times and contexts are taken as they stand.
        skipped: each file, or file and line, that could not be used, and why.
        without_audio: names of alignments without an utterance.
        without_alignment: utterances without an alignment.
        at_boundaries: phones left out because they are next to silence, a gap or the end of the recording.
        silences: lines of `.item` files left out because they name no phone.
    """

    tokens: tuple[Token, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    without_audio: tuple[str, ...] = ()
    without_alignment: tuple[Path, ...] = ()
    at_boundaries: int = 0
    silences: int = 0


def read_alignments(path: Path, utterances: Sequence[Utterance]) -> Alignments:
    """The phones of `path` (a TextGrid or `.item` file, or a folder of either), matched to utterances by file name.

    A TextGrid needs an interval tier named `phones` (see `OF_PHONES`); its speaker is its utterance's. Where
    several utterances have one name, the folder's name decides. Silences are not phones; stress marks are removed.

    Raises:
        BadInputError: where there is no such path, or it contains no phone between two others.
    """
    files = _files(path)
    reader = _Reader(utterances)
    for file in files:
        if file.suffix.lower() == ".item":
            reader.read_item(file)
        else:
            reader.read_textgrid(file)
    if not reader.tokens:
        raise BadInputError(f"{path}: {_why_nothing(reader)}")
    left = [utterance.path for i, utterance in enumerate(utterances) if i not in reader.aligned]
    return Alignments(
        tuple(reader.tokens), tuple(reader.skipped), tuple(dict.fromkeys(reader.without_audio)), tuple(left),
        reader.at_boundaries, reader.silences,
    )  # fmt: skip


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise BadInputError(f"{path}: no such file or folder; give TextGrid files or an .item file")
    found = sorted(f for f in path.rglob("*") if f.suffix.lower() in {".textgrid", ".item"} and f.is_file())
    if not found:
        raise BadInputError(f"{path}: no TextGrid and no .item file in it")
    if len({f.suffix.lower() for f in found}) > 1:
        raise BadInputError(
            f"{path}: contains both TextGrid and .item files, which would count phones twice; give one kind only"
        )
    return found


def _why_nothing(reader: _Reader) -> str:
    if reader.skipped:
        return f"none of its alignments can be used; the first, {reader.skipped[0][0]}: {reader.skipped[0][1]}"
    if reader.without_audio and not reader.aligned:
        return f"no alignment is named like an utterance; the first is {reader.without_audio[0]!r}"
    return "it contains no phone between two others"


class _Reader:
    """Reads files and collects what it finds."""

    def __init__(self, utterances: Sequence[Utterance]) -> None:
        self.utterances = utterances
        self._named: dict[str, list[int]] = defaultdict(list)
        for i, utterance in enumerate(utterances):
            self._named[utterance.path.stem].append(i)
        self.tokens: list[Token] = []
        self.skipped: list[tuple[str, str]] = []
        self.without_audio: list[str] = []
        self.aligned: set[int] = set()
        self.at_boundaries = self.silences = 0

    def _place(self, name: str, folder: str) -> int | None:
        """Index of the utterance of this name; None if there is none.

        Raises:
            ValueError: where several utterances have the name and the folder does not decide.
        """
        places = self._named.get(name, [])
        if len(places) > 1:
            places = [i for i in places if self.utterances[i].path.parent.name == folder]
            if len(places) != 1:
                raise ValueError(f"several utterances are named {name}")
        return places[0] if places else None

    def read_textgrid(self, file: Path) -> None:
        """Add the phones of a file, or list it with the reason why not."""
        try:
            place = self._place(file.stem, file.parent.name)
            if place is None:
                self.without_audio.append(file.stem)
            else:
                self._add(place, phones_of_textgrid(file))
        except OSError as error:
            self.skipped.append((shown(file), error.strerror or "cannot be read"))
        except ValueError as error:
            self.skipped.append((shown(file), str(error)))

    def _add(self, place: int, phones: Sequence[Phone]) -> None:
        speaker = self.utterances[place].speaker
        if place in self.aligned:
            raise ValueError("a second alignment of its utterance")
        if speaker is None:
            raise ValueError("its speaker is unknown; give --speakers PATTERN, or use an .item file")
        self.aligned.add(place)
        for before, phone, after in triphones(phones):
            if before is None or after is None:
                self.at_boundaries += 1
            else:
                labels = phone.label, before.label, after.label
                self.tokens.append(Token(place, before.onset, after.offset, *labels, speaker))

    def read_item(self, file: Path) -> None:
        """Add the tokens of a file; lines that cannot be used are listed."""
        try:
            lines = read_lines(file)
        except UnreadableTextError as error:
            self.skipped.append((shown(file), str(error)))
            return
        for number, line in enumerate(lines, 1):
            if not line.strip() or (number == 1 and line.lstrip().startswith("#")):
                continue
            try:
                self._read_line(line)
            except ValueError as error:
                self.skipped.append((f"{shown(file)}:{number}", str(error)))

    def _read_line(self, line: str) -> None:
        fields = line.split()
        if len(fields) != COLUMNS:
            raise ValueError(
                f"{len(fields)} columns instead of {COLUMNS}: #file onset offset #phone prev-phone next-phone speaker"
            )
        name = Path(fields[0])
        place = self._place(name.name, name.parent.name)
        onset, offset = times(fields[1], fields[2])
        phone, before, after = map(plain, fields[3:6])
        if place is None:
            self.without_audio.append(fields[0])
            return
        self.aligned.add(place)
        if is_silence(phone):
            self.silences += 1
        else:
            self.tokens.append(Token(place, onset, offset, phone, before, after, fields[6]))
