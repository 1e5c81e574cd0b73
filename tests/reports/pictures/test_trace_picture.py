"""A power trace in bins keeps its energy and its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from ssl_reports.pictures.trace import BINS, binned_trace, trace_picture

if TYPE_CHECKING:
    import pandas as pd


def samples(watts: list[float], **label: object) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({
        "time_s": np.arange(len(watts), dtype=float), "device": "gpu:0", "power_w": watts, "method": "sampled", **label,
    })  # fmt: skip


def test_the_mean_of_all_samples_survives() -> None:
    watts = np.random.default_rng(0).uniform(50, 700, 5000).tolist()
    binned = binned_trace(samples(watts))
    assert len(binned) == BINS
    assert binned["samples"].sum() == 5000
    assert (binned["power_w"] * binned["samples"]).sum() / 5000 == pytest.approx(np.mean(watts))
    assert (binned["lowest_w"].min(), binned["highest_w"].max()) == (min(watts), max(watts))


def test_attempts_follow_each_other() -> None:
    """The first lasts 60 s, so the second's samples, at 0 and 30 s, are at 1 and 1.5 min; bins are 0.3 s wide."""
    import pandas as pd

    both = pd.concat([samples([1.0] * 61, attempt=1), samples([5.0] * 31, attempt=2)])
    binned = binned_trace(both)
    assert binned.attrs["starts"] == [1.0]
    high = binned[binned["power_w"] == 5.0]
    assert (high["minutes"].min(), high["minutes"].max()) == pytest.approx((1.0, 1.5), abs=0.02)


@pytest.mark.parametrize("watts", [None, [float("nan")] * 3, []], ids=["nothing", "no power", "no sample"])
def test_without_a_reading_there_is_no_figure(watts: list[float] | None) -> None:
    import pandas as pd

    drawing = trace_picture("power", "r", pd.DataFrame() if watts is None else samples(watts))
    assert drawing.canvas is None
    assert "no power readings" in drawing.caption


@pytest.mark.parametrize("watts", [[3.0], [0.0, 0.0]], ids=["one sample", "no watt"])
def test_odd_traces_are_drawn(watts: list[float]) -> None:
    drawing = trace_picture("power", "r", samples(watts))
    assert drawing.canvas is not None
    drawing.canvas.draw_without_rendering()


def test_power_that_is_a_model_alone_is_no_figure() -> None:
    drawing = trace_picture("p", "r", samples([1.0, 2.0]).assign(method="modelled"))
    assert drawing.canvas is None
    assert drawing.caption == "No figure of power over time of r: its power is modelled, not metered."
    assert trace_picture("p", "r", samples([1.0, 2.0])).canvas is not None


def test_the_reason_why_a_trace_was_not_read_is_in_the_caption() -> None:
    import pandas as pd

    trace = pd.DataFrame()
    trace.attrs["unread"] = "power.parquet: reading it needs pyarrow (pip install pyarrow)"
    assert "needs pyarrow" in trace_picture("p", "r", trace).caption
    trace.attrs["unread"] = "/home/ann/my runs/a/power.parquet: broken; /home/ann/my runs/a/power.csv.gz: cut short"
    caption = trace_picture("p", "r", trace).caption
    assert caption.endswith("power.parquet: broken; power.csv.gz: cut short"), "never a whole path"
