"""Each flaw of a table has a sign of its own, and the notes name sources, intervals and what is emphasised."""

from __future__ import annotations

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_reports.tables.latex_table import latex
from ssl_reports.tables.markdown import markdown
from ssl_reports.tables.notes import Notes
from ssl_reports.tables.plain import plain_text
from ssl_reports.tables.table import Column, PaperTable, Shown

HEADS = (Column("model"), Column("x", "h"))


def table(*quantities: Quantity, **more: object) -> PaperTable:
    rows = tuple((f"m{number}", quantity) for number, quantity in enumerate(quantities))
    return PaperTable("x", "Made up", HEADS, rows, **more)  # type: ignore[arg-type]


def test_a_fifth_flaw_has_a_double_sign() -> None:
    flawed = [Quantity(1.0, "h", "measured", flaw=f"flaw {number}") for number in range(6)]
    notes = Notes()
    assert [notes.marks(Shown(q, HEADS[1])) for q in flawed] == ["†", "‡", "§", "¶", "††", "‡‡"]
    assert notes.marks(Shown(Quantity(1.0, "h", "measured", flaw="flaw 4; flaw 1"), HEADS[1])) == "‡,††"
    assert notes.foot(table(*flawed))[1:] == [
        ("†", "flaw 0"), ("‡", "flaw 1"), ("§", "flaw 2"), ("¶", "flaw 3"), ("††", "flaw 4"), ("‡‡", "flaw 5"),
    ]  # fmt: skip


def test_the_forms_of_intervals_are_explained_where_both_occur() -> None:
    even, uneven = (Quantity(10.0, "h", "measured", ends) for ends in ((9.0, 11.0), (9.0, 15.0)))
    assert "Intervals are 95 % intervals.\n" in plain_text(table(even), 200)
    assert "± half their width, or [low, high] where their sides differ." in plain_text(table(even, uneven), 200)
    assert "ntervals" not in plain_text(table(Quantity(1.0, "h", "measured")))


def test_a_published_number_names_its_source() -> None:
    """A paper's table cites it; other forms name it."""
    published = Quantity(211.0, "h", "published", note="arXiv 1; derived: 8 V100 x 1.1 d")
    own = table(
        published, sources={published.note: "Fast-HuBERT (arXiv 1⟦yang2023fasthubert⟧, derived: 8 V100 x 1.1 d)"}
    )
    assert "ˡ published: Fast-HuBERT (arXiv 1, derived: 8 V100 x 1.1 d)" in plain_text(own)
    assert r"arXiv 1~\cite{yang2023fasthubert}, derived: 8 V100~\texttimes{}~1.1~d" in latex(own)
    assert "published: arXiv 1, derived: 8 V100 x 1.1 d" in plain_text(table(published))


def test_a_paper_names_no_option() -> None:
    """A terminal does: it would supply what is missing."""
    missing = table(
        unavailable("h", "no recipe; --recipe FILE.toml states one"), unavailable("h", "no grid: add --country FRA")
    )
    text = latex(missing)
    assert r"\textsuperscript{1}not available: no recipe\\" in text
    assert r"\textsuperscript{2}not available: no grid" in text
    assert "-{}-" not in text
    assert "--recipe FILE.toml states one" in plain_text(missing)


def test_emphasis_is_explained_where_it_occurs() -> None:
    found = table(Quantity(1.0, "h", "measured"), best=frozenset({(0, 1)}))
    assert "*: the best of its column" in plain_text(found)
    assert "- Bold: the best of its column" in markdown(found)
    assert "Bold: the best of its column" in latex(found)
    assert "the best" not in markdown(table(Quantity(1.0, "h", "measured")))
