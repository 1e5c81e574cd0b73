"""The sample corpus: half an hour of real speech that comes with the package, for a first run without any other."""

from __future__ import annotations

from pathlib import Path

from ssl_benchmarks.record.details.common import SAMPLE

ABOUT = "half an hour of LibriSpeech train-clean-5, 28 speakers"
VERDICT = "enough to see that everything works, too little to rank models"
LAST_WORD = (
    f"The speech was the sample, {ABOUT}: {VERDICT}. More: openslr.org/12, then --data LibriSpeech/train-clean-100"
)


def sample_corpus() -> Path:
    """The folder of the sample corpus: 16 kHz mono Opus, transcripts, licence and attribution, in LibriSpeech's layout.

    It is a part of the package: read it, never write to it. Its `README.txt` says how the utterances were selected.
    """
    return Path(__file__).parent / SAMPLE
