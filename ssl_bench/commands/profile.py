"""`sslbench profile`."""

from __future__ import annotations

import gc
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from ssl_bench.console import Json, fail, print_json, print_summary
from ssl_bench.front_door import apart_if_own
from ssl_bench.settings.profiling import ProfileConfig

if TYPE_CHECKING:
    from ssl_benchmarks.profile.profile import Profile


def profile_command(config: ProfileConfig, *, as_json: Json = False) -> None:
    """Count a model's parameters, FLOPs and peak memory in seconds, without weights, data or a GPU."""
    config.check()
    apart_if_own([config.model])
    gc.disable()  # a short process: searching torch's imports for cycles would take a tenth of its time
    from ssl_benchmarks.profile.profile import CountError, ProfileSetting, profile
    from ssl_benchmarks.profile.rows import profile_document

    c = config
    shape = (c.seconds, c.clip_seconds, c.batch_seconds, c.precision, c.device, c.optimiser)
    setting = ProfileSetting(*shape, c.checkpoint_gradients, c.superb, c.second_opinion)
    try:
        with redirect_stdout(sys.stderr):  # a user's model may print
            found = profile(c.model, setting)
    except CountError as error:
        fail(str(error), 1)
    if as_json:
        print_json("profile", profile_document(found))
        return
    _print_summary(config, found)


def _print_summary(config: ProfileConfig, found: Profile) -> None:
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
    said += [*remarks(found, config.card), f"next: sslbench measure {config.model}"]
    print_summary(profile_tables(found, config.depth), said)
