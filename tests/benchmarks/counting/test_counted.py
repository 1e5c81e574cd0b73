"""A count becomes figures, or, where something may be missing from it, the reason why there are none."""

from __future__ import annotations

import pytest

from ssl_benchmarks.cells.rows import count_rows, mfu
from ssl_benchmarks.counting.counted import UNITS, counted
from ssl_benchmarks.counting.flops import FlopCount
from ssl_benchmarks.counting.operators import Work
from ssl_benchmarks.record.quantity import Quantity

WORK: dict[Work, float] = {Work("", "aten.mm", "forward"): 6e9, Work("", "aten.mm", "recomputed"): 1e9}


def test_figures_by_hand() -> None:
    """6 GFLOP are 3 GMAC, in two seconds 3 GFLOP a second; what is computed twice counts once."""
    found = counted(FlopCount(WORK, {"aten.gelu": 7}), 2.0, "a note")
    assert {name: q.value for name, q in found.items()} == {
        "macs": 3e9, "flops": 6e9, "macs_per_audio_second": 1.5e9, "flops_per_audio_second": 3e9,
    }  # fmt: skip
    assert {(q.unit, q.method, q.note) for q in found.values()} == {(u, "analytic", "a note") for u in UNITS.values()}


@pytest.mark.parametrize(
    ("uncounted", "unfit", "named"),
    [
        ({"labkernels.gated_scan": 2}, {}, "labkernels.gated_scan x 2"),
        ({"quantized.linear_dynamic": 1}, {}, "quantized.linear_dynamic x 1"),
        ({"aten._int_mm": 3, "aten.gelu": 1}, {}, "aten._int_mm x 3"),
        ({}, {"aten.mm on sparse_csr operands": 1}, "aten.mm on sparse_csr operands x 1"),
    ],
    ids=["own", "quantised", "integer", "sparse"],
)
def test_a_lower_bound_gives_no_figure_and_no_mfu(uncounted: dict[str, int], unfit: dict[str, int], named: str) -> None:
    found = {name: q for name, _, q in count_rows(lambda: FlopCount(WORK, uncounted, unfit), 2.0)}
    assert found["flops"].note == (
        f"lower bound: at least 6e+09 FLOP, since {named} may hide uncounted matrix products"
    )
    assert all(q.value is None and q.note.startswith("lower bound: at least") for q in found.values())
    rate = Quantity(100.0, "s/s", "measured", (90.0, 110.0))
    share = mfu(rate, found["flops_per_audio_second"], Quantity(1e12, "FLOP/s", "measured"))
    assert share.value is None
    assert named in share.note
