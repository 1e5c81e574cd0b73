"""The speakers of the sample corpus: eSpeak NG voices that differ in accent, timbre, pitch, pace, size and room."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssl_bench.data.sample.espeak import Voice, speak
from ssl_bench.data.sample.sentences import passage, transcript

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_RATE = 16_000  # Hz
MIN_SECONDS, MAX_SECONDS = 3.0, 15.0  # of an utterance
_SEED = 1  # of texts, levels and noise; whoever changes it, or anything below, names a new version of the corpus
_PASSAGE_WORDS = (9, 26)  # at least: the last sentence is finished
_UP, _DOWN = 320, 441  # the engine's 22 050 Hz x 320 / 441 = 16 kHz


@dataclass(frozen=True)
class Speaker:
    """A voice and the length of its vocal tract against the engine's: 1.05 lowers and slows everything by 5 %."""

    voice: Voice
    size: float


@dataclass(frozen=True)
class Utterance:
    """What was said, in LibriSpeech's spelling, and its 16-bit samples at 16 kHz."""

    transcript: str
    samples: "NDArray[np.int16]"


# women and men in turn, so that a corpus of the first few speakers has both; numbered from 9001, above LibriSpeech's
SPEAKERS = (
    Speaker(Voice("en-us", "f1", rate=165, pitch=50, pitch_range=50), 1.00),
    Speaker(Voice("en-us", "m3", rate=160, pitch=45, pitch_range=55), 1.02),
    Speaker(Voice("en-gb-x-rp", "belinda", rate=172, pitch=42, pitch_range=60), 1.04),
    Speaker(Voice("en-gb-scotland", "m7", rate=168, pitch=50, pitch_range=60), 0.97),
    Speaker(Voice("en-us-nyc", "linda", rate=185, pitch=50, pitch_range=45), 0.98),
    Speaker(Voice("en-gb-x-rp", "adam", rate=158, pitch=35, pitch_range=50), 1.05),
    Speaker(Voice("en-gb-scotland", "f2", rate=178, pitch=60, pitch_range=65), 1.00),
    Speaker(Voice("en-us", "announcer", rate=150, pitch=45, pitch_range=35), 1.00),
    Speaker(Voice("en-029", "aunty", rate=155, pitch=45, pitch_range=70), 1.07),
    Speaker(Voice("en-029", "Hugo", rate=170, pitch=55, pitch_range=60), 1.03),
    Speaker(Voice("en-us", "anika", rate=150, pitch=45, pitch_range=50), 1.03),
    Speaker(Voice("en-gb-x-gbclan", "m4", rate=175, pitch=40, pitch_range=45), 0.95),
    Speaker(Voice("en-gb-x-gbcwmd", "f3", rate=168, pitch=40, pitch_range=30), 1.08),
    Speaker(Voice("en-us", "Nguyen", rate=182, pitch=30, pitch_range=50), 0.96),
    Speaker(Voice("en-gb-x-gbclan", "shelby", rate=170, pitch=65, pitch_range=50), 0.96),
    Speaker(Voice("en-gb-x-gbcwmd", "Mario", rate=165, pitch=65, pitch_range=70), 1.00),
    Speaker(Voice("en-us", "Alicia", rate=180, pitch=40, pitch_range=60), 1.02),
    Speaker(Voice("en-us-nyc", "Michael", rate=190, pitch=60, pitch_range=60), 1.06),
    Speaker(Voice("en-gb-x-rp", "grandma", rate=148, pitch=35, pitch_range=80), 1.02),
    Speaker(Voice("en-us", "m8", rate=162, pitch=50, pitch_range=40), 1.09),
    Speaker(Voice("en-us-nyc", "f5", rate=176, pitch=70, pitch_range=40), 0.94),
    Speaker(Voice("en-gb-scotland", "Mike", rate=172, pitch=30, pitch_range=65), 0.98),
    Speaker(Voice("en-029", "Andrea", rate=160, pitch=30, pitch_range=45), 1.00),
    Speaker(Voice("en-us", "rob", rate=178, pitch=70, pitch_range=50), 0.93),
    Speaker(Voice("en-gb-x-gbcwmd", "steph", rate=166, pitch=55, pitch_range=55), 0.98),
    Speaker(Voice("en-gb-x-rp", "quincy", rate=156, pitch=55, pitch_range=75), 1.04),
    Speaker(Voice("en-us", "Annie", rate=186, pitch=65, pitch_range=65), 0.93),
    Speaker(Voice("en-gb-x-gbclan", "travis", rate=184, pitch=40, pitch_range=55), 1.00),
)


def utterances(index: int, seconds: float) -> tuple[list[Utterance], str]:
    """What ``SPEAKERS[index]`` says in about ``seconds``, and the version of eSpeak NG that said it.

    The same arguments give the same samples.

    Raises:
        BadInputError: eSpeak NG is not installed or does not run on this machine.
    """
    import numpy as np

    rng = np.random.default_rng((_SEED, index))
    speaker = SPEAKERS[index]
    count = math.ceil(1.2 * seconds / MIN_SECONDS) + 2
    texts = tuple(passage(rng, int(rng.integers(*_PASSAGE_WORDS))) for _ in range(count))
    # more than is needed, since what is too short or too long is left out
    speech = speak(speaker.voice, texts, seconds=seconds / speaker.size + MAX_SECONDS / 2)
    spoken = [_resample(samples, speaker.size) for samples in speech.utterances]
    chosen, total = [], 0.0
    for text, samples in zip(texts, spoken, strict=False):
        length = len(samples) / SAMPLE_RATE
        if MIN_SECONDS <= length <= MAX_SECONDS and total + length / 2 <= seconds:
            chosen.append((text, samples))
            total += length
    recorded = _record([samples for _, samples in chosen], rng)
    said = [Utterance(transcript(text), samples) for (text, _), samples in zip(chosen, recorded, strict=True)]
    return said, speech.version


def _resample(samples: "NDArray[np.int16]", size: float) -> "NDArray[np.float32]":
    """From the engine's 22.05 kHz to 16 kHz, played ``size`` times slower, which scales pitch and formants together."""
    import numpy as np
    from scipy.signal import resample_poly

    scaled: NDArray[np.float32] = resample_poly(samples.astype(np.float32), _UP, round(_DOWN / size))
    return scaled


def _record(spoken: list["NDArray[np.float32]"], rng: "np.random.Generator") -> list["NDArray[np.int16]"]:
    """One speaker's level and room: speech at -30 to -22 dB of full scale, low-passed noise 32 to 42 dB below it.

    Real rooms are never silent, and digital silence would stand out of any log spectrum.
    """
    import numpy as np
    from scipy.signal import lfilter

    joined = np.concatenate(spoken)
    loudness = round(float(joined.std()))  # the last bits of a sum are not the same on every processor
    level = 32768 * 10 ** (rng.uniform(-30, -22) / 20)
    gain = min(level / loudness, 0.9 * 32767 / float(np.abs(joined).max()))
    noise_level = gain * loudness * 10 ** (rng.uniform(-42, -32) / 20)
    pole = rng.uniform(0.5, 0.95)
    white = rng.standard_normal(len(joined), dtype=np.float32)
    low_pass = np.array([noise_level * math.sqrt(1 - pole**2)], np.float32), np.array([1.0, -pole], np.float32)
    noise = lfilter(*low_pass, white)
    mixed = np.rint(np.float32(gain) * joined + noise).astype(np.int16)
    return np.split(mixed, np.cumsum([len(samples) for samples in spoken])[:-1])
