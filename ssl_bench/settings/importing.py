"""Settings of `sslbench import`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ssl_bench.settings.metering import Phase
from ssl_bench.settings.options import Settings, option


@dataclass(frozen=True, kw_only=True)
class ImportConfig(Settings):
    """The options of `sslbench import`.

    Attributes:
        tool: whose file it is.
        source: the file.
        name: of the model, if the file holds one run.
        phase: what was recorded.
        audio_hours: hours of audio that were processed, as the user states them.
        out: the run folder.
    """

    tool: Literal["codecarbon", "carbontracker"] = option(
        help="The tool that wrote it: codecarbon or carbontracker.", argument=True, metavar="TOOL"
    )
    source: str = option(
        help="Its file, such as emissions.csv, or a folder of its logs.", argument=True, metavar="FILE"
    )
    name: str | None = option(None, "Name in tables, for a file of one run.", default_text="that in the file")
    phase: Phase = option("training", "training, fine-tuning, inference or evaluation.")
    audio_hours: float | None = option(None, "Hours of audio that were processed, as you state them.", above=0)
    out: str | None = option(None, "The run folder.", default_text="a folder in runs/, named after the tool and time")
