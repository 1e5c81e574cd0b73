"""Power samples come back from disk as the counters gave them, from this version's files and from older ones."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.energy.sources.trace import COLUMNS, Samples, Trace, framed
from ssl_benchmarks.energy.trace_file import OLDER_TRACE, TRACE, append_traces, read_trace


def samples(count: int, device: str = "GPU 0") -> Samples:
    """Every 20 ms, power in mW, as NVML reports it."""
    trace = Trace(device, "sampled")
    for i in range(count):
        trace.add(1000.0 + i / 50, (310_123 + 37 * i % 1000) / 1000, (54.0 + i % 3, 1980.0, i % 101 / 100))
    return Samples((trace,), 1000.0, ((0.0, math.inf),))


def test_nothing_is_lost(tmp_path: Path) -> None:
    trace = samples(5000)
    append_traces(tmp_path, [(trace, {"attempt": 1})])
    found = read_trace(tmp_path)
    assert list(found.columns) == [*COLUMNS, "attempt"]
    assert found.attrs["unread"] == ""
    pd.testing.assert_frame_equal(found[list(COLUMNS)], framed(trace), rtol=0, atol=5e-7, check_dtype=False)
    assert (tmp_path / TRACE).stat().st_size < 20 * 5000, "about half of what the numbers are in memory"


def test_what_a_device_does_not_tell_stays_unknown(tmp_path: Path) -> None:
    trace = Trace("package 0", "measured")
    trace.add(0.0, 41.5)
    append_traces(tmp_path, [(Samples((trace,), 0.0, ((0.0, 1.0),)), {})])
    assert read_trace(tmp_path)[["temperature_c", "sm_clock_mhz", "utilisation"]].isna().all(axis=None)


def test_without_samples_there_is_no_file(tmp_path: Path) -> None:
    append_traces(tmp_path, [(Samples((), 0.0, ()), {})])
    assert not list(tmp_path.iterdir())
    assert read_trace(tmp_path).empty


def test_an_older_run_s_samples_come_first(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    framed(samples(2)).assign(attempt=1).to_parquet(tmp_path / OLDER_TRACE, index=False)
    append_traces(tmp_path, [(samples(3), {"attempt": 2})])
    found = read_trace(tmp_path)
    assert found["attempt"].tolist() == [1, 1, 2, 2, 2]
    assert found["time_s"].tolist() == pytest.approx([0.0, 0.02, 0.0, 0.02, 0.04])


def test_without_pyarrow_an_older_file_is_told_and_passed_over(tmp_path: Path) -> None:
    """In a process that never saw pyarrow; `import pandas` does not warn there either."""
    (tmp_path / OLDER_TRACE).write_bytes(b"PAR1")
    append_traces(tmp_path, [(samples(3), {"attempt": 2})])
    script = (
        "import sys; from pathlib import Path; sys.modules['pyarrow'] = sys.modules['fastparquet'] = None\n"
        "from ssl_benchmarks.energy.trace_file import read_trace\n"
        "trace = read_trace(Path(sys.argv[1])); print(trace['attempt'].tolist(), trace.attrs['unread'])"
    )
    command = [sys.executable, "-P", "-W", "error", "-c", script, str(tmp_path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert said == f"[2, 2, 2] {tmp_path / OLDER_TRACE}: reading it needs pyarrow (pip install pyarrow)\n"


@pytest.mark.parametrize("content", [b"", b"no gzip", b"\x1f\x8b\x08"])
def test_a_broken_file_is_a_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / TRACE).write_bytes(content)
    found = read_trace(tmp_path)
    assert found.empty
    assert found.attrs["unread"].startswith(f"{tmp_path / TRACE}: unreadable (")


@given(
    st.lists(st.floats(0, 100), max_size=30).map(sorted),
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=4).map(
        lambda spans: sorted((min(span), max(span)) for span in spans)
    ),
)
def test_a_sample_of_any_window_is_there_once(times: list[float], spans: list[tuple[float, float]]) -> None:
    """Windows may overlap, contain each other, or be empty."""
    trace = Trace("gpu0", "sampled")
    for place, moment in enumerate(times):
        trace.add(moment, float(place))
    found = [int(row[2]) for row in Samples((trace,), 0.0, tuple(spans))]
    assert found == [place for place, moment in enumerate(times) if any(start <= moment <= end for start, end in spans)]
