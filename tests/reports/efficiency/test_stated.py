"""Costs that a user states are read whole, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssl_models.errors import BadInputError
from ssl_reports.efficiency.columns import COLUMNS
from ssl_reports.efficiency.stated import read_stated

WHOLE = """
[[cost]]
model = "HuBERT base"
name = "co2e"
value = 5.5
unit = "kg"
source = "Table 5"

[licence]
"HuBERT base" = "MIT"
"""


def test_a_file_of_stated_costs_is_read(tmp_path: Path) -> None:
    path = tmp_path / "costs.toml"
    path.write_text(WHOLE)
    stated = read_stated(path)
    row = stated.rows(COLUMNS["co2e"])[0]
    assert (row.model, row.quantity.value, row.quantity.method) == ("HuBERT base", 5500.0, "stated")
    assert "Table 5" in row.quantity.note
    assert stated.licence == {"HuBERT base": "MIT"}
    assert stated.columns() == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cost = 1", "cost"),
        ("[[cost]]\nmodel = 'x'", "field required"),
        (WHOLE.replace("5.5", "nan"), "finite"),
        (WHOLE.replace("5.5", "'5'"), "number"),
        (WHOLE.replace("value", "valeu"), "did you mean value"),
        (WHOLE.replace("[licence]", "[license]"), "did you mean licence"),
        (WHOLE.replace('source = "Table 5"', 'source = " "'), "source: must not be empty"),
        (WHOLE.replace("value = 5.5", "value = 5.5\nlow = 1"), "give both or neither"),
        (WHOLE.replace("value = 5.5", "value = 5.5\nlow = 6\nhigh = 7"), "must lie between"),
        ("[[cost]", "no stated costs"),
    ],
    ids=["not a list", "missing", "not finite", "text", "key", "table", "no source", "one end", "outside", "broken"],
)
def test_anything_else_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "costs.toml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=f"(?i){said}") as caught:
        read_stated(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No such file"):
        read_stated(tmp_path / "none.toml")


def test_a_unit_that_a_column_does_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "costs.toml"
    path.write_text(WHOLE.replace('"kg"', '"kWh"'))
    with pytest.raises(BadInputError, match="co2e in 'kWh': give it in mg or g or kg or t"):
        read_stated(path).rows(COLUMNS["co2e"])


def test_one_column_of_one_s_own_has_one_unit(tmp_path: Path) -> None:
    path = tmp_path / "costs.toml"
    own = WHOLE.replace('"co2e"', '"embodied CO2e"')
    path.write_text(own.replace("[licence]", own.split("[licence]")[0].replace('"kg"', '"t"') + "[licence]"))
    with pytest.raises(BadInputError, match="embodied CO2e is given in kg and in t"):
        read_stated(path).columns()
