"""FLOPs of a whole pretraining, and whose hours it is projected to."""

from __future__ import annotations

from ssl_benchmarks.comparing.projection import pretraining_flops, works
from ssl_benchmarks.record.flaws import DISTURBED
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_models.recipes import Recipe

RATE = Quantity(2e9, "FLOP/s", "analytic", note="counted")
HEARD = Quantity(0.5, "h", "measured")


def test_flops_of_what_was_heard_by_hand() -> None:
    """2 GFLOP an audio second, half an hour: 3.6 TFLOP."""
    assert pretraining_flops(RATE, HEARD) == Quantity(3.6e12, "FLOP", "analytic", note="counted")
    flawed = Quantity(0.5, "h", "measured", flaw=DISTURBED)
    assert (found := pretraining_flops(RATE, flawed)) is not None
    assert found.flaw == DISTURBED


def test_flops_of_stated_hours_are_projected() -> None:
    for method in ("published", "projected"):
        assert (found := pretraining_flops(RATE, Quantity(18_000.0, "h", method))) is not None
        assert (found.value, found.method) == (1.296e17, "projected")


def test_without_a_count_or_audio_there_are_no_flops() -> None:
    assert pretraining_flops(None, HEARD) is None
    assert pretraining_flops(RATE, None) is None
    assert pretraining_flops(unavailable("FLOP/s", "nothing counted"), HEARD) == unavailable("FLOP", "nothing counted")
    assert pretraining_flops(RATE, unavailable("h", "not told")) == unavailable("FLOP", "not told")
    assert pretraining_flops(RATE, Quantity(0.0, "h", "measured")) == unavailable("FLOP", "no audio was seen")


def test_a_model_is_projected_to_its_recipe_and_to_the_paper_s_hours_where_these_differ() -> None:
    assert [work.hours for work in works("wav2vec2-base")] == [640_000.0, 18_000.0]
    assert [work.hours for work in works("wav2vec2-base (run 2)")] == [640_000.0, 18_000.0]
    assert [work.name for work in works("essl")] == ["recipe"]
    assert [work.hours for work in works("mine.py:encoder")] == [None, 18_000.0]
    stated = {"mine.py:encoder": Recipe(audio_hours=960.0, source="a log", origin="stated")}
    assert [work.hours for work in works("mine.py:encoder", stated)] == [960.0, 18_000.0]
    assert works("mine.py:encoder", stated)[0].source == "stated by the user: a log"
