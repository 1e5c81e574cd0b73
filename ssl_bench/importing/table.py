"""A table of the user's own: a run in each row, and what its columns are as the user says."""

from __future__ import annotations

from pathlib import Path

from ssl_bench.importing.recorded import UNNAMED_GPU, Recorded, by_scope, origin
from ssl_bench.importing.rows import Row, number, read_text, rows_of, word
from ssl_bench.settings.importing import GPUS, TEXTS, Mapped, Naming, StatedMethod
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_models.errors import BadInputError

SAID = origin("a CSV table")
MOST_GPUS = 100_000


def read_table(path: Path, naming: Naming) -> list[Recorded]:
    """The runs of a CSV file with a head; an empty cell is a figure that is not stated.

    Raises:
        BadInputError: for a file that cannot be read, a column that it lacks, or a cell that is no number.
    """
    rows = rows_of(read_text(path), path, [each.source for each in naming.figures], "such a table")
    found = []
    for place, row in enumerate(rows, start=2):
        try:
            found.append(_recorded(row, f"{path.stem} row {place}", naming))
        except ValueError as error:
            raise BadInputError(f"{path}, row {place}: {error}") from error
    return found


def _recorded(row: Row, otherwise: str, naming: Naming) -> Recorded:
    texts = {each.target: word(row, each.source) for each in naming.figures if each.target in TEXTS}
    count = next((number(row, each.source, 0.0) for each in naming.figures if each.target == GPUS), None)
    if count is not None and not (count.is_integer() and count <= MOST_GPUS):
        raise ValueError(f"{count:g} GPUs")
    figures = {
        (each.target, each.scope): _figure(row, each, naming.method)
        for each in naming.figures
        if each.target not in {*TEXTS, GPUS}
    }
    unstated = unavailable("J", f"{SAID}: not stated")
    energy = {scope: quantity for (metric, scope), quantity in figures.items() if metric == "energy" and scope}
    return Recorded(
        name=texts.get("name") or otherwise,
        created="",
        seconds=figures.get(("duration", None)) or unavailable("s", f"{SAID}: not stated"),
        energy=by_scope({"gpu": unstated, "cpu": unstated, "dram": unstated, **energy}, SAID),
        others=figures,
        device=texts.get("device", ""),
        gpus=(texts.get("device") or UNNAMED_GPU,) * round(count or 0),
        devices=None if count is None else max(1, round(count)),
    )


def _figure(row: Row, each: Mapped, method: StatedMethod) -> Quantity:
    said = f"{SAID}: {'stated' if method == 'stated' else f'{method}, as stated'} by the user"
    if not word(row, each.source):
        return unavailable(each.unit, f"{SAID}: not stated")
    return Quantity(number(row, each.source) * each.factor, each.unit, method, note=said)
