"""The rows of a run's record on its model, training and inference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ssl_bench.sessions.curve import standing
from ssl_bench.sessions.time_limit import TimeIsUpError, TimeLimit
from ssl_bench.settings.training import TrainAndMeasureConfig, clip_shape
from ssl_bench.training.attempts import Attempt, lost_cost, phase_cost
from ssl_bench.training.full_run import NO_STEP, joules_per_hour, training_rate
from ssl_benchmarks.cells.bench import LivingCell
from ssl_benchmarks.cells.cell import CellSetting
from ssl_benchmarks.cells.processes import CellServer
from ssl_benchmarks.cells.request import CellError, CellRequest
from ssl_benchmarks.counting.counted import COUNTED, counted
from ssl_benchmarks.counting.flops import inference_flops, training_flops
from ssl_benchmarks.counting.weights import state_tensors
from ssl_benchmarks.energy.carbon import GridIntensity
from ssl_benchmarks.energy.cost_rows import cost_rows
from ssl_benchmarks.machine.environment import conditions
from ssl_benchmarks.memory.peak import bytes_of, gradient_bytes, optimiser_bytes
from ssl_benchmarks.record.flaws import flawed
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_benchmarks.timing.ceiling import matmul_ceiling
from ssl_benchmarks.timing.protocol import Protocol
from ssl_models.catalog import checkpoint_folder
from ssl_models.families import family_of

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import TrainingState
    from ssl_benchmarks.timing.repeats import Report, Stage

Rows = list[Measurement]
INFERENCE = Protocol(duration=1.5, repeats=3, cool_down=0.2)
INFERENCE_CLIP = 15.0


@dataclass
class Trial:
    """A trained model and what is known about its training.

    Attributes:
        pretraining: a module that is a `ssl_models.interface.Pretraining`.
        state: state at the end of training.
        peak_memory: peak memory of training.
    """

    name: str
    pretraining: Any
    optimiser: torch.optim.Optimizer
    device: torch.device
    state: TrainingState
    config: TrainAndMeasureConfig
    grid: GridIntensity | None
    peak_memory: Quantity

    def held(self, clip_seconds: float | None = None, batch_seconds: float | None = None) -> Conditions:
        """The conditions of this trial's rows."""
        return conditions(
            self.device,
            self.config.precision,
            self.pretraining.encoder.attention,
            clip_seconds=clip_seconds,
            batch_seconds=batch_seconds,
            compile=self.config.compile,
            pue=self.config.pue,
            grid=None if self.grid is None else self.grid.label,
        )

    def training_conditions(self) -> Conditions:
        """The conditions of the training step."""
        clips, samples = clip_shape(self.config)
        return self.held(samples / 16_000, clips * samples / 16_000)


def training_rows(
    trial: Trial, attempts: list[Attempt], metrics: list[dict[str, Any]], *, in_haste: bool = False
) -> Rows:
    """Rows on the model, the cost of all attempts and the outcome; `in_haste` skips what has to be counted or timed."""
    rows = parameter_rows(trial) if in_haste else count_rows(trial)
    held = trial.training_conditions()
    targets, training = phase_cost(attempts, "targets"), phase_cost(attempts, "training")
    rows += [] if targets is None else cost_rows(trial.name, "targets", targets, trial.held(), trial.grid)
    if training is None:
        return rows
    rows += cost_rows(trial.name, "training", training, held, trial.grid)
    audio = sum(attempt.audio_seconds for attempt in attempts)
    wait = sum(attempt.data_wait for attempt in attempts)
    found: dict[str, Quantity] = {
        "audio_hours_seen": Quantity(trial.state.audio_seconds / 3600, "h", "measured"),
        "data_wait": Quantity(wait, "s", "measured", note="training waited for speech"),
        "peak_memory": trial.peak_memory,
        "memory_weights": bytes_of(state_tensors(trial.pretraining)),
        "memory_gradients": gradient_bytes(trial.pretraining.parameters()),
        "memory_optimizer": optimiser_bytes(trial.optimiser),
        **_curve_end(standing(metrics)),
    }
    rate = training_rate(attempts, metrics)
    if rate.value is not None:
        found["audio_seconds_per_second"] = replace(rate, note=_lost(trial, audio))
        used = unavailable("1", "the run was stopped") if in_haste else _mfu(trial, rows, rate.value)
        found["mfu"] = flawed(used, training.flaw)
    rows += [Measurement(trial.name, name, q, "training", None, held) for name, q in found.items()]
    for scope in training.energy:
        per_hour = joules_per_hour(attempts, scope)
        rows.append(Measurement(trial.name, "energy_per_audio_hour", per_hour, "training", scope, held))
    return rows + _lost_rows(trial, attempts)


def _lost_rows(trial: Trial, attempts: list[Attempt]) -> Rows:
    """The cost of work that was lost with attempts that ended early.

    The rows of targets and training include it; for "evaluation", which a resumed run repeats, it comes on top.
    """
    rows: Rows = []
    held_in = {"targets": trial.held(), "training": trial.training_conditions(), "evaluation": trial.held()}
    for phase, held in held_in.items():
        lost = lost_cost(attempts, phase)
        if lost is not None:
            seconds = Quantity(lost.seconds, "s", "measured")
            rows.append(Measurement(trial.name, "duration_lost", seconds, phase, None, held))
            rows += [
                Measurement(trial.name, "energy_lost", joules, phase, scope, held)
                for scope, joules in lost.energy.items()
            ]
    return rows


def _lost(trial: Trial, audio: float) -> str:
    """A note on steps of killed attempts that are not in the model: their cost counts all the same."""
    lost = audio - trial.state.audio_seconds
    return f"{lost / 3600:.3g} h of audio lost with killed attempts and trained again" if lost > 1 else ""


def parameter_rows(trial: Trial) -> Rows:
    """The numbers of parameters."""
    size = sum(p.numel() for p in trial.pretraining.encoder.parameters())
    whole = sum(p.numel() for p in trial.pretraining.parameters())
    return [
        Measurement(trial.name, "parameters", Quantity(float(size), "1", "analytic", note="encoder"), "inference"),
        Measurement(trial.name, "parameters", Quantity(float(whole), "1", "analytic", note="with head"), "training"),
    ]


def count_rows(trial: Trial) -> Rows:
    """Parameters, and FLOPs of one clip of the training length, counted with fake tensors."""
    config, held = trial.config.model_config(), trial.training_conditions()
    family = family_of(config)
    seconds = held.clip_seconds or 0.0
    rows = parameter_rows(trial)
    counts = {
        "inference": inference_flops(lambda: family.encoder(config).eval(), seconds),
        "training": training_flops(lambda: family.pretraining(config), seconds),
    }
    note = f"{COUNTED}; FFT and elementwise work not counted"
    return rows + [
        Measurement(trial.name, metric, quantity, phase, None, held)
        for phase, count in counts.items()
        for metric, quantity in counted(count, seconds, note).items()
    ]


def _curve_end(metrics: list[dict[str, Any]]) -> dict[str, Quantity]:
    """Means of loss and metrics over the last tenth of the logged lines."""
    if not metrics:
        return {"loss": unavailable("nat", NO_STEP)}
    last = metrics[-max(1, len(metrics) // 10) :]
    units = {"loss": "nat", "masked_accuracy": "1", "target_entropy": "nat"}
    note = f"mean of the last {len(last)} of {len(metrics)} logged groups of steps"
    found = {}
    for name, unit in units.items():
        values = [float(line[name]) for line in last if name in line]
        if values:
            found[name] = Quantity(float(np.mean(values)), unit, "measured", None, len(values), note)
    return found


def _mfu(trial: Trial, rows: Rows, rate: float) -> Quantity:
    """Model FLOPs per second, as a share of the matrix-product ceiling, which is measured now."""
    flops = next(m.quantity for m in rows if (m.metric, m.phase) == ("flops_per_audio_second", "training"))
    dtype = torch.bfloat16 if trial.config.precision == "bfloat16" else torch.float32
    ceiling = matmul_ceiling(trial.device, dtype)
    if not ceiling.value or flops.value is None:
        return unavailable("1", flops.note if flops.value is None else ceiling.note)
    note = f"of {ceiling.value / 1e12:.3g} TFLOP/s, measured: {ceiling.note}"
    return Quantity(rate * flops.value / ceiling.value, "1", "measured", note=note)


def inference_rows(trial: Trial, run: Path, speech: NDArray[np.int16], limit: TimeLimit, start_up: float) -> Rows:
    """Inference of the trained model, measured in a separate process for at most half of the time left.

    It is not begun if that is too short for start-up and the repeats; `start_up` is what this process needed, in s.
    """
    clips = 16 if trial.device.type == "cuda" else 1
    c = trial.config
    setting = CellSetting(trial.name, "inference", INFERENCE_CLIP, clips, c.precision, pue=c.pue, grid=trial.grid)
    share = limit.part(limit.left / 2)
    protocol = replace(INFERENCE, warm_up_limit=min(INFERENCE.warm_up_limit, share.seconds / 4))
    request = CellRequest(str(checkpoint_folder(run)), setting, protocol, trial.device.type, c.seed)

    def in_time(_: Stage) -> None:
        share.check()

    reason = f"not measured within {share.seconds:.0f} s, half of the time left; raise --evaluate-minutes"
    if share.left > start_up + INFERENCE.repeats * (INFERENCE.duration + INFERENCE.cool_down):
        try:
            with CellServer() as bench:
                return _undisturbed(bench.build(request, speech, in_time), share, in_time)
        except TimeIsUpError:
            pass
        except CellError as error:
            reason = f"the measuring process failed: {error}"
    none = unavailable("J/h", reason)
    return [Measurement(trial.name, "energy_per_audio_hour", none, "inference", "machine", trial.held())]


def _undisturbed(cell: LivingCell, limit: TimeLimit, in_time: Report) -> Rows:
    """The rows of a window; one with a flaw is measured again if time allows, and kept if that has a flaw too."""
    first = cell.window(INFERENCE.duration, in_time).rows
    lasts = 2 * INFERENCE.repeats * (INFERENCE.duration + INFERENCE.cool_down)
    if limit.left < lasts or not any(row.quantity.flaw for row in first):
        return first
    again = {(row.metric, row.scope, row.conditions): row for row in cell.window(INFERENCE.duration, in_time).rows}
    if any(row.quantity.flaw for row in again.values()):
        return first
    return [again.get((row.metric, row.scope, row.conditions), row) for row in first]
