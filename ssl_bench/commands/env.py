"""`sslbench env`."""

from __future__ import annotations

import gc

from ssl_bench.console import Json, print_json, print_summary


def env_command(*, as_json: Json = False) -> None:
    """Show what can be measured on this machine, and how."""
    gc.disable()  # a short process, as in `profile`
    from ssl_benchmarks.machine.environment import environment

    found = environment()
    if as_json:
        print_json("env", {"environment": found, "measurements": []})
        return
    from ssl_reports.summaries.machine import machine_table, measurable_table

    allow = found["capabilities"]["rapl"]["allow"]
    said = [f"to let sslbench read the CPU's counters: {allow}"] if allow else []
    said.append("next: sslbench profile hubert-base")
    print_summary([machine_table(found), measurable_table(found)], said)
