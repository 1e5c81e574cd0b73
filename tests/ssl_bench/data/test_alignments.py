"""TextGrids in both of Praat's text formats and .item files, whole and broken, against tokens written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssl_bench.data.alignments import read_alignments
from ssl_bench.data.corpus import Utterance
from ssl_bench.data.textgrids import Phone, phones_of_textgrid, plain
from ssl_benchmarks.downstream.abx.abx import Token, abx
from ssl_benchmarks.downstream.features import Frames
from ssl_models.errors import BadInputError

Interval = tuple[float, float, str]

WORDS: list[Interval] = [(0.0, 0.2, ""), (0.2, 0.75, "begs"), (0.75, 1.0, "")]
BEGS: list[Interval] = [
    (0.0, 0.2, "sil"), (0.2, 0.3, "B"), (0.3, 0.45, "EH1"), (0.45, 0.6, "G"), (0.6, 0.75, "Z"), (0.75, 1.0, "sp"),
]  # fmt: skip


def long_textgrid(tiers: dict[str, list[Interval]], end: float = 1.0) -> str:
    """As Praat's "Save as text file" writes it."""
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0 ", f"xmax = {end} ", "tiers? <exists> ",
        f"size = {len(tiers)} ", "item []: ",
    ]  # fmt: skip
    for number, (name, intervals) in enumerate(tiers.items(), 1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier" ', f'        name = "{name}" ']
        lines += ["        xmin = 0 ", f"        xmax = {end} ", f"        intervals: size = {len(intervals)} "]
        for k, (onset, offset, label) in enumerate(intervals, 1):
            quoted = label.replace('"', '""')
            lines += [f"        intervals [{k}]:", f"            xmin = {onset} ", f"            xmax = {offset} "]
            lines += [f'            text = "{quoted}" ']
    return "\n".join(lines) + "\n"


def short_textgrid(tiers: dict[str, list[Interval]], end: float = 1.0) -> str:
    """As Praat's "Save as short text file" writes it."""
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", f"{end}", "<exists>", f"{len(tiers)}"]
    for name, intervals in tiers.items():
        lines += ['"IntervalTier"', f'"{name}"', "0", f"{end}", f"{len(intervals)}"]
        for onset, offset, label in intervals:
            quoted = label.replace('"', '""')
            lines += [f"{onset}", f"{offset}", f'"{quoted}"']
    return "\n".join(lines) + "\n"


FORMATS = pytest.mark.parametrize("written", [long_textgrid, short_textgrid])


def utterance(name: str, speaker: str | None = "84", folder: str = "84") -> Utterance:
    return Utterance(Path("/audio") / folder / f"{name}.flac", 16_000, speaker)


@FORMATS
def test_phones_stand_between_their_neighbours(tmp_path: Path, written: object) -> None:
    """From the onset of the phone before to the offset of the phone after; those beside silence have no such span."""
    (tmp_path / "84").mkdir()
    (tmp_path / "84" / "u.TextGrid").write_text(written({"words": WORDS, "phones": BEGS}))  # type: ignore[operator]
    found = read_alignments(tmp_path, [utterance("other"), utterance("u")])
    assert found.tokens == (Token(1, 0.2, 0.6, "EH", "B", "G", "84"), Token(1, 0.3, 0.75, "G", "EH", "Z", "84"))
    assert found.at_boundaries == 2
    assert found.without_alignment == (Path("/audio/84/other.flac"),)
    assert (found.skipped, found.without_audio, found.silences) == ((), (), 0)


@FORMATS
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", ""])
def test_encodings_and_line_ends(tmp_path: Path, written: object, encoding: str, newline: str) -> None:
    """Windows line ends, a byte-order mark, no newline at the end; letters of the IPA and a quotation mark."""
    intervals = [(0.0, 0.25, "ʃ"), (0.25, 0.5, "iə"), (0.5, 1.0, 'x"')]
    text = written({"phones": intervals})  # type: ignore[operator]
    text = text.replace("\n", newline) if newline else text.rstrip("\n")
    file = tmp_path / "u.TextGrid"
    file.write_bytes(text.encode(encoding))
    assert phones_of_textgrid(file) == [Phone(*interval) for interval in intervals]


@pytest.mark.parametrize("name", ["phones", "Phones", "84 - phones", "phone", "phonemes", "PHN", "MAU"])
def test_the_tier_of_phones_is_found(tmp_path: Path, name: str) -> None:
    """As the Montreal Forced Aligner names it, with one speaker and with several."""
    file = tmp_path / "u.TextGrid"
    file.write_text(long_textgrid({"words": WORDS, name: BEGS}))
    assert [phone.label for phone in phones_of_textgrid(file)] == ["sil", "B", "EH", "G", "Z", "sp"]


@pytest.mark.parametrize("name", ["words", "ORT-MAU", "", "transcription", "phones and words", "syllables"])
def test_a_tier_of_another_name_is_no_tier_of_phones(tmp_path: Path, name: str) -> None:
    """Though it is the only one: an ABX error of words would pass for one of phones."""
    file = tmp_path / "u.TextGrid"
    file.write_text(long_textgrid({name: WORDS}))
    shown = name or "unnamed"
    with pytest.raises(
        BadInputError, match=rf"needs exactly one interval tier named phones \(interval tiers: {shown}\)"
    ):
        read_alignments(tmp_path, [utterance("u")])


def test_tiers_of_points_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "u.TextGrid"
    points = '"TextTier"\n"phones"\n0\n1.0\n1\n0.5\n"x"\n'
    file.write_text(short_textgrid({"MAU": BEGS}).replace("<exists>\n1\n", "<exists>\n2\n") + points)
    assert len(phones_of_textgrid(file)) == 6


def test_gaps_and_every_silence_part_phones(tmp_path: Path) -> None:
    said = ["A", "sil", "B", "SP", "C", "spn", "D", "", "E", "<eps>", "F"]
    intervals = [(k / 11, (k + 1) / 11, label) for k, label in enumerate(said)]
    file = tmp_path / "u.TextGrid"
    file.write_text(long_textgrid({"phones": intervals}))
    with pytest.raises(BadInputError, match="contains no phone between two others"):
        read_alignments(file, [utterance("u")])
    # K touches L within a millisecond; M comes 0.1 s later.
    file.write_text(long_textgrid({"phones": [(0, 0.1, "J"), (0.1, 0.2, "K"), (0.201, 0.3, "L"), (0.4, 1, "M")]}))
    found = read_alignments(file, [utterance("u")])
    assert found.tokens == (Token(0, 0.0, 0.3, "K", "J", "L", "84"),)
    assert found.at_boundaries == 3


@pytest.mark.parametrize(
    ("label", "kept"),
    [("AH0", "AH"), ("EY1", "EY"), ("IH2", "IH"), ("NG", "NG"), ("a1", "a1"), ("ah0", "ah0"), ("AI4", "AI4"),
     (" T ", "T"), ("ʃ", "ʃ")],
)  # fmt: skip
def test_stress_is_taken_off_but_no_tone(label: str, kept: str) -> None:
    assert plain(label) == kept


BROKEN = {
    "empty": ("", "not a readable TextGrid"),
    "noise": ("\x01 what", "not a readable TextGrid"),
    "no text": ("\x00\x01 what", "neither UTF-8 text nor"),
    "cut": (long_textgrid({"phones": BEGS})[:-130], "not a readable TextGrid"),
    "cut between intervals": (long_textgrid({"phones": BEGS[:4]}), "truncated: its last interval"),
    "short, cut": (short_textgrid({"phones": BEGS})[:-14], "truncated: its last interval"),
    "no intervals": (short_textgrid({"phones": []}), "truncated"),
    "two tiers": (
        long_textgrid({"a": BEGS, "b": BEGS}),
        r"needs exactly one interval tier named phones \(interval tiers: a, b\)",
    ),
    "no tier": (short_textgrid({}), "not a readable TextGrid"),
    "backwards": (long_textgrid({"phones": [(0, 0.5, "A"), (0.5, 0.4, "B"), (0.4, 1, "C")]}), "is not an interval"),
    "overlap": (long_textgrid({"phones": [(0, 0.5, "A"), (0.3, 1, "B")]}), "overlap or are out of order"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_named_and_left_out(tmp_path: Path, case: str) -> None:
    text, reason = BROKEN[case]
    (tmp_path / "bad.TextGrid").write_text(text)
    (tmp_path / "good.TextGrid").write_text(short_textgrid({"phones": BEGS}))
    found = read_alignments(tmp_path, [utterance("bad"), utterance("good")])
    assert len(found.tokens) == 2
    assert [Path(name).name for name, _ in found.skipped] == ["bad.TextGrid"]
    with pytest.raises(ValueError, match=reason):
        phones_of_textgrid(tmp_path / "bad.TextGrid")
    assert [path.stem for path in found.without_alignment] == ["bad"]
    with pytest.raises(
        BadInputError, match=r"none of its alignments can be used; the first, .*bad\.TextGrid: "
    ) as error:
        read_alignments(tmp_path / "bad.TextGrid", [utterance("bad")])
    assert "\n" not in str(error.value)


def test_other_encodings_are_named(tmp_path: Path) -> None:
    file = tmp_path / "u.TextGrid"
    file.write_bytes(long_textgrid({"phones": [(0, 1, "é")]}).encode("latin-1"))
    with pytest.raises(ValueError, match="neither UTF-8 nor UTF-16"):
        phones_of_textgrid(file)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_a_textgrid_or_a_value_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    file = tmp_path_factory.mktemp("bytes") / "u.TextGrid"
    file.write_bytes(raw)
    with pytest.raises(ValueError, match=r"TextGrid|UTF|tier|stretch|cut"):
        phones_of_textgrid(file)


def test_one_name_in_several_folders_goes_by_the_folder(tmp_path: Path) -> None:
    for speaker in ("1", "2", "3"):
        (tmp_path / speaker).mkdir()
        (tmp_path / speaker / "u.TextGrid").write_text(long_textgrid({"phones": BEGS}))
    found = read_alignments(tmp_path, [utterance("u", "2", "2"), utterance("u", "1", "1")])
    assert [(token.utterance, token.speaker) for token in found.tokens] == [(1, "1")] * 2 + [(0, "2")] * 2
    assert found.skipped == ((str(tmp_path / "3" / "u.TextGrid"), "several utterances are named u"),)


def test_an_utterance_has_one_alignment_and_a_speaker(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "u.TextGrid").write_text(long_textgrid({"phones": BEGS}))
    (tmp_path / "nobody.TextGrid").write_text(long_textgrid({"phones": BEGS}))
    (tmp_path / "silent.textgrid").write_text(long_textgrid({"phones": BEGS}))
    found = read_alignments(tmp_path, [utterance("u"), utterance("nobody", None)])
    assert len(found.tokens) == 2
    assert [reason[:20] for _, reason in found.skipped] == ["a second alignment o", "its speaker is unkno"]
    assert found.without_audio == ("silent",)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_an_item_file_is_read_as_an_editor_leaves_it(tmp_path: Path, encoding: str, newline: str) -> None:
    """Tabs, marks, line ends; phones of the IPA, and one that Unicode takes for a separator of lines."""
    lines = ["#file onset offset #phone prev-phone next-phone speaker", "u\t0.10\t0.35\t\u0283\tB\tG\t84"]
    (tmp_path / "x.item").write_bytes(newline.join(lines).encode(encoding))
    found = read_alignments(tmp_path / "x.item", [utterance("u")])
    assert found.tokens == (Token(0, 0.1, 0.35, "\u0283", "B", "G", "84"),)
    assert found.skipped == ()


ITEM = """\
#file onset offset #phone prev-phone next-phone speaker
u-1 0.10 0.35 EH1 B G 84
u-1 0.50 0.75 IH0 B G 84

sub/u-2 0.2 0.45 EH B G 251
u-2 0.5 0.6 SIL G B 251
elsewhere 0.2 0.45 EH B G 9
elsewhere 0.5 0.6 EH B G 9
"""


def test_an_item_file_is_taken_as_it_stands(tmp_path: Path) -> None:
    """Its own times, contexts and speakers; stress off, silences counted, names without audio counted once."""
    file = tmp_path / "dev.item"
    file.write_text(ITEM)
    found = read_alignments(file, [utterance("u-1"), utterance("u-2", None), utterance("u-3")])
    assert found.tokens == (
        Token(0, 0.1, 0.35, "EH", "B", "G", "84"),
        Token(0, 0.5, 0.75, "IH", "B", "G", "84"),
        Token(1, 0.2, 0.45, "EH", "B", "G", "251"),
    )
    assert (found.silences, found.without_audio) == (1, ("elsewhere",))
    assert [path.stem for path in found.without_alignment] == ["u-3"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("u-1 0.1 0.2 EH B G", "6 columns instead of 7"),
        ("u-1 zero 0.2 EH B G 84", "could not convert"),
        ("u-1 0.2 0.2 EH B G 84", "is not an interval"),
        ("u-1 -0.2 0.2 EH B G 84", "is not an interval"),
        ("u-1 0.2 nan EH B G 84", "is not an interval"),
        ("u-1 0.2 inf EH B G 84", "is not an interval"),
        ("{", "1 columns instead of 7"),
    ],
)
def test_a_broken_line_is_named_and_left_out(tmp_path: Path, line: str, reason: str) -> None:
    file = tmp_path / "dev.item"
    file.write_text(ITEM + line + "\n")
    found = read_alignments(tmp_path, [utterance("u-1")])
    assert len(found.tokens) == 2
    assert [name for name, _ in found.skipped] == [f"{file}:9"]
    assert reason in found.skipped[0][1]


def test_a_first_line_without_a_mark_is_a_token(tmp_path: Path) -> None:
    file = tmp_path / "dev.item"
    file.write_text("\n".join(ITEM.splitlines()[1:]))
    assert len(read_alignments(file, [utterance("u-1")]).tokens) == 2


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (None, "no such file or folder"),
        ({}, "no TextGrid and no .item file in it"),
        ({"a.txt": "x"}, "no TextGrid and no .item file in it"),
        ({"a.item": ITEM, "u.TextGrid": long_textgrid({"phones": BEGS})}, "contains both TextGrid and .item files"),
        ({"a.item": ""}, "contains no phone between"),
        ({"a.item": "#file\nelsewhere 0.2 0.45 EH B G 9"}, "no alignment is named like an utterance; the first is 'else"),
        ({"v.TextGrid": long_textgrid({"phones": BEGS})}, "no alignment is named like an utterance; the first is 'v'"),
        ({"a.item": "\xff"}, "the first, .*a.item: neither UTF-8 nor UTF-16"),
    ],
)  # fmt: skip
def test_nothing_usable_is_one_clear_line(tmp_path: Path, files: dict[str, str] | None, message: str) -> None:
    for name, text in (files or {}).items():
        (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInputError, match=message) as error:
        read_alignments(tmp_path / "none" if files is None else tmp_path, [utterance("u")])
    assert "\n" not in str(error.value)


def test_from_textgrids_to_errors(tmp_path: Path) -> None:
    """Two speakers say "beg" and "big" twice; features that hold the vowel make no error."""
    utterances, features = [], []
    for k, (speaker, vowel) in enumerate((s, v) for s in ("1", "2") for v in ("EH1", "IH0") for _ in range(2)):
        intervals = [(0.0, 0.2, "B"), (0.2, 0.4, vowel), (0.4, 0.6, "G"), (0.6, 1.0, "")]
        (tmp_path / f"{k}.TextGrid").write_text(short_textgrid({"phones": intervals}))
        utterances.append(utterance(f"{k}", speaker))
        vectors = torch.zeros(10, 1, 2)
        vectors[:, 0, 0], vectors[2:4, 0, 1] = 1.0, 1.0 if vowel == "EH1" else -1.0
        features.append(vectors.half())
    outcomes = abx(Frames(features, 10.0), read_alignments(tmp_path, utterances).tokens, seed=0)
    assert [(o.rates["abx"].value, o.details["triples"]) for o in outcomes.values()] == [(0.0, 16), (0.0, 32)]
