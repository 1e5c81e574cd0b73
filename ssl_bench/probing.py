"""Before and after: what the trained model's frozen features give, beside its untrained twin's and log-mel's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.downstream.probe import identify_speakers, transcribe
from benchmarks.downstream.spoken import Spoken
from benchmarks.downstream.symbols import normalise
from benchmarks.quantity import unavailable
from benchmarks.record import Conditions, Measurement
from ssl_bench.data.splits import Split, drawn_hours

if TYPE_CHECKING:
    import torch

    from models.interface import Encoder
    from ssl_bench.data.corpus import Utterance
    from ssl_bench.data.waveforms import Waveforms

LABEL_HOURS = 1.0
TEST_HOURS = 2.0


def probe_rows(
    *,
    systems: Mapping[str, Encoder],
    split: Split,
    waveforms: Waveforms,
    device: torch.device,
    seed: int,
    held: Conditions,
    say: Callable[[str], None],
) -> list[Measurement]:
    """Error rates of each system on held-out speakers: CER and WER where there are transcripts, else speaker accuracy.

    Labels come from at most an hour of training speakers (CTC), or from one half of the held-out speakers' utterances
    (speaker identification); at most two hours are tested.
    """
    labelled = tuple(u for u in split.training if u.text and normalise(u.text))
    tested = tuple(u for u in split.held_out if u.text and normalise(u.text))
    if labelled and tested:
        train = _spoken(drawn_hours(labelled, LABEL_HOURS, seed), waveforms)
        test = _spoken(drawn_hours(tested, TEST_HOURS, seed), waveforms)
        run = partial(transcribe, train=train, test=test, device=device, seed=seed)
    elif len(split.speakers) > 1:
        spoken = _spoken(drawn_hours(split.held_out, LABEL_HOURS, seed), waveforms)
        run = partial(identify_speakers, spoken=spoken, device=device, seed=seed)
    else:
        reason = split.how if not split.speakers else "neither transcripts nor two held-out speakers"
        return [Measurement(name, "cer", unavailable("1", reason), "evaluation", None, held) for name in systems]
    rows = []
    for system, encoder in systems.items():
        say(f"probing {system}")
        for metric, quantity in run(encoder).items():
            rows.append(Measurement(system, metric, quantity, "evaluation", None, held))
    return rows


def _spoken(utterances: tuple[Utterance, ...], waveforms: Waveforms) -> list[Spoken]:
    """Utterances as the probe takes them; files that turned out to be broken are left out."""
    return [
        Spoken(partial(waveforms.floats, u), u.samples, u.speaker or "unknown", normalise(u.text or ""))
        for u in utterances
        if len(waveforms.samples(u)) >= 640
    ]
