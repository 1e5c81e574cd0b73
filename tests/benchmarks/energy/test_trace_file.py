"""Power samples come back from disk as the counters gave them, from this version's files and from older ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ssl_benchmarks.energy.sources.trace import COLUMNS, Trace, join_traces
from ssl_benchmarks.energy.trace_file import OLDER_TRACE, TRACE, append_traces, read_trace


def samples(count: int, device: str = "GPU 0") -> pd.DataFrame:
    """Every 20 ms, power in mW, as NVML reports it."""
    trace = Trace(device, "sampled")
    for i in range(count):
        trace.add(1000.0 + i / 50, (310_123 + 37 * i % 1000) / 1000, (54.0 + i % 3, 1980.0, i % 101 / 100))
    return join_traces([trace], 1000.0, [(0.0, np.inf)])


def test_nothing_is_lost(tmp_path: Path) -> None:
    trace = samples(5000)
    append_traces(tmp_path, [trace.assign(attempt=1)])
    found = read_trace(tmp_path)
    assert list(found.columns) == [*COLUMNS, "attempt"]
    assert found.attrs["unread"] == ""
    pd.testing.assert_frame_equal(found[list(COLUMNS)], trace, rtol=0, atol=5e-7, check_dtype=False)
    assert (tmp_path / TRACE).stat().st_size < 20 * len(trace), "about half of what the numbers are in memory"


def test_what_a_device_does_not_tell_stays_unknown(tmp_path: Path) -> None:
    trace = Trace("package 0", "measured")
    trace.add(0.0, 41.5)
    append_traces(tmp_path, [join_traces([trace], 0.0, [(0.0, 1.0)])])
    assert read_trace(tmp_path)[["temperature_c", "sm_clock_mhz", "utilisation"]].isna().all(axis=None)


def test_without_samples_there_is_no_file(tmp_path: Path) -> None:
    append_traces(tmp_path, [join_traces([], 0.0, [])])
    assert not list(tmp_path.iterdir())
    assert read_trace(tmp_path).empty


def test_an_older_run_s_samples_come_first(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    samples(2).assign(attempt=1).to_parquet(tmp_path / OLDER_TRACE, index=False)
    append_traces(tmp_path, [samples(3).assign(attempt=2)])
    found = read_trace(tmp_path)
    assert found["attempt"].tolist() == [1, 1, 2, 2, 2]
    assert found["time_s"].tolist() == pytest.approx([0.0, 0.02, 0.0, 0.02, 0.04])


def test_without_pyarrow_an_older_file_is_told_and_passed_over(tmp_path: Path) -> None:
    """In a process that never saw pyarrow; `import pandas` does not warn there either."""
    (tmp_path / OLDER_TRACE).write_bytes(b"PAR1")
    append_traces(tmp_path, [samples(3).assign(attempt=2)])
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
