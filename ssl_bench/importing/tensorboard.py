"""Folders of TensorBoard: the time between the first and the last event of each run, and the scalars that a user names."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_bench.importing.named import energy_of, named_figures, unnamed
from ssl_bench.importing.power import Sample
from ssl_bench.importing.recorded import Recorded, moment, origin
from ssl_bench.settings.importing import Naming
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

SAID = origin("TensorBoard")
EVENTS = "*tfevents*"
MOST_RUNS, MOST_BYTES = 1000, 2**31
"""The most runs and bytes of a folder."""


def read_events(folder: Path, naming: Naming) -> list[Recorded]:
    """The runs below a folder, each a folder with event files, as TensorBoard names them.

    Raises:
        BadInputError: for a folder that holds none or too much, or a file that cannot be read.
    """
    if not folder.is_dir():
        raise BadInputError(f"{folder}: no such folder")
    files = [path for path in sorted(folder.rglob(EVENTS)) if path.is_file()]
    runs = dict.fromkeys(path.parent for path in files)
    if not runs:
        raise BadInputError(f"{folder}: holds no event file of TensorBoard")
    if len(runs) > MOST_RUNS or sum(path.stat().st_size for path in files) > MOST_BYTES:
        raise BadInputError(
            f"{folder}: holds more than {MOST_RUNS:,} runs or {MOST_BYTES >> 30} GiB; name a folder below it"
        )
    return [_recorded(folder, run, naming) for run in runs]


def _recorded(folder: Path, run: Path, naming: Naming) -> Recorded:
    events = _events(run)
    scalars = _scalars(events)
    times = [time_s for samples in scalars.values() for time_s, _ in samples]
    if not times:
        raise BadInputError(f"{run}: holds no scalars")
    begin, end = min([events.FirstEventTimestamp(), *times]), max(times)
    pauses = ", with the pauses between its files" if len(list(run.glob(EVENTS))) > 1 else ""
    figures = named_figures(naming, scalars, (begin, end), SAID)
    metered = unavailable("J", f"{SAID}: name a scalar of power or energy by --map")
    return Recorded(
        name=folder.resolve().name if run == folder else run.relative_to(folder).as_posix(),
        created=moment(begin),
        seconds=Quantity(end - begin, "s", "measured", note=f"{SAID}: from the first event to the last scalar{pauses}"),
        energy=energy_of(metered, figures, SAID),
        others=figures,
        remarks=unnamed(scalars, naming),
    )


def _scalars(events: EventAccumulator) -> dict[str, list[Sample]]:
    """The values of each scalar, in the order in which they were written."""
    from tensorboard.util.tensor_util import make_ndarray

    tags = events.PluginTagToContent("scalars") if "scalars" in events.ActivePlugins() else ()
    return {
        tag: [(each.wall_time, float(make_ndarray(each.tensor_proto).item())) for each in events.Tensors(tag)]
        for tag in tags
    }


def _events(run: Path) -> EventAccumulator:
    """All scalars of a run, and no more than one of anything else, by TensorBoard's own reader."""
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    from google.protobuf.message import DecodeError
    from tensorboard.backend.event_processing.plugin_event_accumulator import TENSORS, EventAccumulator

    events = EventAccumulator(str(run), {TENSORS: 1}, {"scalars": 0}, purge_orphaned_data=False)
    try:
        return events.Reload()
    except (DecodeError, ValueError, OSError) as error:
        raise BadInputError(f"{run}: its events cannot be read ({error})") from error
