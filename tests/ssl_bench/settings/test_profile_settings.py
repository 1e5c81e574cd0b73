"""The settings of `sslbench profile`."""

from __future__ import annotations

import pytest

from ssl_bench.settings.profiling import parse_lengths
from ssl_models.errors import BadInputError


@pytest.mark.parametrize(
    ("text", "found"),
    [("1,10,30", (1.0, 10.0, 30.0)), ("30, 1,1.0", (1.0, 30.0)), ("0.5", (0.5,)), ("3600", (3600.0,))],
)
def test_lengths(text: str, found: tuple[float, ...]) -> None:
    assert parse_lengths(text) == found


@pytest.mark.parametrize("text", ["", "one", "1,", "1;2", "0", "-1", "1,-1", "nan", "inf", "3601", "1,,2"])
def test_what_is_no_list_of_lengths(text: str) -> None:
    with pytest.raises(BadInputError, match="--seconds") as caught:
        parse_lengths(text)
    assert "\n" not in str(caught.value)
