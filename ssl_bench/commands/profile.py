"""`sslbench profile`."""

from __future__ import annotations

import gc
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from ssl_bench.console import Json, fail, print_json, print_summary, typed_command
from ssl_bench.front_door import apart_if_own
from ssl_bench.settings.profiling import ProfileConfig

if TYPE_CHECKING:
    from ssl_benchmarks.profile.profile import Profile


def profile_command(config: ProfileConfig, *, as_json: Json = False) -> None:
    """Count parameters and FLOPs and predict peak memory, in seconds, without weights, data or a GPU."""
    config.check()
    apart_if_own([config.model])
    gc.disable()  # a short process: searching torch's imports for cycles would take a tenth of its time
    from ssl_benchmarks.profile.profile import CountError, ProfileSetting, profile
    from ssl_benchmarks.profile.rows import profile_document

    c = config
    shape = (c.counted_seconds, c.clip_seconds, c.batch_seconds, c.precision, c.device, c.optimiser)
    setting = ProfileSetting(*shape, c.checkpoint_gradients, c.superb, c.second_opinion)
    try:
        with redirect_stdout(sys.stderr):  # a user's model may print
            found = profile(c.model, setting)
    except CountError as error:
        fail(str(error), 1)
    document = profile_document(found)
    run = None if c.out is None else _kept(c, document)
    if as_json:
        print_json("profile", document if run is None else {"run": run, **document})
        return
    _print_summary(config, found, run)


def _kept(config: ProfileConfig, document: dict[str, Any]) -> str:
    """Write the profile as a run; returns its folder."""
    from dataclasses import asdict

    from ssl_bench.sessions.run_folder import new_run
    from ssl_bench.sessions.session import now
    from ssl_benchmarks.machine.environment import environment
    from ssl_benchmarks.record.record import Record, measurements

    run, created = new_run(config.out, "profile"), now()
    rest = {name: value for name, value in document.items() if name != "measurements"}
    rows = measurements(document["measurements"])
    record = Record(
        run.path.name, created, "finished", typed_command(), asdict(config), environment(), rows,
        details={"profile": rest}, kind="profile",
    )  # fmt: skip
    with run.locked():
        run.write(record)
    return str(run.path)


def _print_summary(config: ProfileConfig, found: Profile, run: str | None) -> None:
    from ssl_reports.summaries.profile import profile_tables, remarks
    from ssl_reports.units import with_prefix

    sizes = found.parameters
    said = [
        f"{with_prefix(sizes['encoder'], '')} parameters in the encoder, {with_prefix(sizes['trainable'], '')} trainable"
    ]
    if "pretraining" in sizes:
        said[0] += f"; {with_prefix(sizes['pretraining'], '')} in pretraining"
    if found.superb is not None:
        least = "at least " if any(counted.count.missed for counted in found.counts) else ""
        said.append(f"SUPERB's 32 utterances: {least}{with_prefix(found.superb, 'MAC', 4)}")
    said += remarks(found, config.card)
    said += (
        [f"next: sslbench measure {config.model}"] if run is None else [f"run: {run}", f"next: sslbench table {run}"]
    )
    print_summary(profile_tables(found, config.depth), said)
