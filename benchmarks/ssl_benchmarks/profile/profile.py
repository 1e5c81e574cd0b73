"""The cost of a model, counted from its graph and checked against a closed form and a second opinion."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from ssl_benchmarks.counting.flops import FlopCount, count_inference, count_training, fake_tensors
from ssl_benchmarks.counting.weights import packed_count, parameter_count
from ssl_benchmarks.memory.forecast import DeviceKind, PeakForecast, Precision, inference_peak, training_peak
from ssl_benchmarks.profile.closed_form import ClosedForm, closed_form
from ssl_benchmarks.profile.superb import superb_macs
from ssl_models.catalog import is_foreign, load_model, pretraining
from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE
from ssl_models.loading.user_code import told

if TYPE_CHECKING:
    from ssl_benchmarks.profile.second_opinion import SecondOpinion

TOLERANCE = 1e-3
OPINION_SECONDS = 1.0


class CountError(RuntimeError):
    """Count and closed form disagree: one of them is wrong, so neither can be reported."""


class UncountableError(BadInputError):
    """A model that does not run on tensors without values."""


@dataclass(frozen=True)
class ProfileSetting:
    """What to profile.

    Attributes:
        seconds: lengths of the counted clips.
        clip_seconds, batch_seconds: of the batch for which peak memory is predicted.
        precision, device, optimiser: for that prediction.
        checkpointed: whether training recomputes its blocks in the backward.
        superb: whether to count SUPERB's sum.
        opinion: whether to ask fvcore.
    """

    seconds: tuple[float, ...] = (1.0, 10.0, 30.0)
    clip_seconds: float = 15.0
    batch_seconds: float = 240.0
    precision: Precision = "bfloat16"
    device: DeviceKind = "cuda"
    optimiser: str = "AdamW"
    checkpointed: bool = False
    superb: bool = False
    opinion: bool = True

    @property
    def clips(self) -> int:
        """Number of clips in the batch."""
        return max(1, round(self.batch_seconds / self.clip_seconds))


@dataclass(frozen=True)
class PhaseCount:
    """The count of one phase at one length, with its closed form in MACs if there is one."""

    phase: str
    seconds: float
    count: FlopCount
    closed_form: float | None

    @property
    def apart(self) -> float | None:
        """Relative difference between count and closed form, as a share of the closed form."""
        return None if self.closed_form is None else self.count.flops / 2 / self.closed_form - 1


@dataclass(frozen=True)
class Profile:
    """All results of `sslbench profile`.

    Attributes:
        parameters: "encoder", its "trainable" ones, "packed" ones of quantised layers if there are any, and
            "pretraining" if the objective was built.
        counts: by length, first inference, then training.
        memory: predicted peak by phase.
        superb: MACs of SUPERB's 32 utterances.
        opinion: fvcore's count, or the reason why there is none; `opinion_macs` is our count of the same clip.
        missing: the reason for each missing phase.
        unpredicted: the reason for each counted phase whose peak memory could not be predicted.
        form: the closed form.
    """

    model: str
    setting: ProfileSetting
    attention: str | None
    parameters: dict[str, int]
    counts: tuple[PhaseCount, ...]
    memory: dict[str, PeakForecast]
    superb: int | None
    opinion: SecondOpinion | str | None
    opinion_macs: int
    missing: dict[str, str] = field(default_factory=dict)
    form: ClosedForm | None = None
    unpredicted: dict[str, str] = field(default_factory=dict)

    def at(self, phase: str, seconds: float) -> PhaseCount | None:
        """The count of a phase at a length."""
        return next((c for c in self.counts if (c.phase, c.seconds) == (phase, seconds)), None)


def profile(model: str, setting: ProfileSetting) -> Profile:
    """Count a model given by any name that `load_model` accepts, without its weights.

    Raises:
        BadInputError: if the model cannot be built or counted, or a clip is too short for it.
        CountError: if count and closed form differ by more than 0.1 %.
    """
    form, build = closed_form(model), partial(load_model, model, weights=False)
    with _without_collection(), fake_tensors():
        with _one_line(model):
            encoder = build()
        trained, missing = _trained(model, setting)
        counts = [c for seconds in setting.seconds for c in _counts(model, encoder, trained, seconds, form)]
        memory, unpredicted = _memory(model, encoder, trained, setting)
        ours = _macs_at(OPINION_SECONDS, counts, encoder, model) if setting.opinion else 0
    with _without_collection(), _one_line(model, "at the lengths of SUPERB"):
        superb = superb_macs(build) if setting.superb else None
    opinion = (_opinion(model, build) if isinstance(ours, int) else ours) if setting.opinion else None
    attention = getattr(encoder, "attention", None)
    sizes = _parameters(encoder, trained)
    opinion_macs = ours if isinstance(ours, int) else 0
    return Profile(
        model,
        setting,
        attention,
        sizes,
        tuple(counts),
        memory,
        superb,
        opinion,
        opinion_macs,
        missing,
        form,
        unpredicted,
    )


def _trained(model: str, setting: ProfileSetting) -> tuple[Any, dict[str, str]]:
    """The model with its objective, or None and the reason why there is no training."""
    try:
        built: Any = pretraining(model, weights=False)
    except BadInputError as error:
        return None, {"training": str(error)}
    if setting.checkpointed:
        built.encoder.checkpoint_gradients()
    return built.train(), {}


def _parameters(encoder: torch.nn.Module, trained: torch.nn.Module | None) -> dict[str, int]:
    found = {"encoder": parameter_count(encoder)}
    found["trainable"] = sum(p.numel() for p in encoder.parameters() if p.requires_grad)
    if packed := packed_count(encoder):
        found["packed"] = packed
    return found | ({} if trained is None else {"pretraining": parameter_count(trained)})


def _counts(model: str, encoder: Any, trained: Any, seconds: float, form: ClosedForm | None) -> Iterator[PhaseCount]:  # noqa: ANN401
    with _one_line(model, f"at {seconds:g} s"):
        yield _checked(model, "inference", seconds, count_inference(encoder, seconds), form)
        if trained is not None:
            yield _checked(model, "training", seconds, count_training(trained, seconds), form)


def _macs_at(seconds: float, counts: Sequence[PhaseCount], encoder: Any, model: str) -> int | str:  # noqa: ANN401
    """The encoder's MACs at a length, counted before or now, or the reason if there are none (a clip may be too short)."""
    known = next((c.count.macs for c in counts if (c.phase, c.seconds) == ("inference", seconds)), None)
    try:
        with _one_line(model, f"at {seconds:g} s"):
            return count_inference(encoder, seconds).macs if known is None else known
    except BadInputError as error:
        return str(error)


def _memory(
    model: str,
    encoder: Any,  # noqa: ANN401
    trained: Any,  # noqa: ANN401
    setting: ProfileSetting,
) -> tuple[dict[str, PeakForecast], dict[str, str]]:
    """The peak of each phase, and the reason for each that cannot be predicted, which does not invalidate the count."""
    seconds, clips = setting.clip_seconds, setting.clips
    how: Any = {"precision": setting.precision, "device": setting.device}
    phases: dict[str, Callable[[], PeakForecast]] = {
        "inference": lambda: inference_peak(encoder, seconds, clips, **how)
    }
    if trained is not None:
        phases["training"] = lambda: training_peak(trained, seconds, clips, optimiser=setting.optimiser, **how)
    found: dict[str, PeakForecast] = {}
    missing: dict[str, str] = {}
    for phase, predict in phases.items():
        try:
            with _one_line(model, f"a batch of {clips} x {seconds:g} s"):
                found[phase] = predict()
        except UncountableError as error:
            missing[phase] = str(error)
    return found, missing


def _checked(model: str, phase: str, seconds: float, count: FlopCount, form: ClosedForm | None) -> PhaseCount:
    """The count, if it agrees with the closed form."""
    macs = None if form is None else form.inference if phase == "inference" else form.training
    counted = PhaseCount(phase, seconds, count, None if macs is None else macs(round(seconds * SAMPLE_RATE)))
    if counted.apart is not None and abs(counted.apart) > TOLERANCE:
        raise CountError(
            f"{model}, {phase} at {seconds:g} s: {count.flops / 2:.6g} MACs counted, {counted.closed_form:.6g} by the "
            f"closed form in {form.source if form else ''}: they differ by {100 * counted.apart:+.2f} %, so neither is reported"
        )
    return counted


def _opinion(model: str, build: Callable[[], Any]) -> SecondOpinion | str:
    """The count by fvcore for one second, or the reason why it cannot trace the model."""
    from ssl_benchmarks.profile.second_opinion import opinion_or_reason, without_weights

    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a second of audio is too little work for several threads
    try:
        empty: Callable[[], Any] = (lambda: build().eval()) if is_foreign(model) else (lambda: without_weights(build))
        return opinion_or_reason(empty, OPINION_SECONDS)
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Disable garbage collection: searching the many small objects of fake graphs for cycles takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _one_line(model: str, where: str = "") -> Iterator[None]:
    """Report errors of a user's model, or of a clip that is too short, as bad input in one line."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")  # it prints its own traceback
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with told(f"counting {model} {where}" if where else ""):
            yield
    except (BadInputError, CountError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        at = f" {where}" if where else ""
        # An encoder rejects bad input with a ValueError; tensors without values make torch raise RuntimeErrors.
        if isinstance(error, ValueError):
            raise BadInputError(f"{model}{at}: {reason}") from error
        said = f"fails with {type(error).__name__}: {reason}"
        if isinstance(error, RuntimeError):
            said = f"cannot be counted on tensors without values ({reason})"
        raise UncountableError(f"{model}{at}: {said}") from error
    finally:
        logger.setLevel(level)
