"""The figures in README.md and in docs/results/*.md, made from the records that stand beside this file.

A block `<!-- figures: NAME -->` to `<!-- end -->` holds what the function NAME of `BLOCKS` makes. `python docs/results/figures.py` writes
every block anew; with `--check` it writes nothing, names the blocks that differ from their records, and exits with 1.
"""

from __future__ import annotations

import re
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import hypot
from pathlib import Path

from ssl_bench.settings.documents import overridden
from ssl_benchmarks.record.intervals import student_half_width
from ssl_benchmarks.record.quantity import Quantity, added, flaws, weakest
from ssl_benchmarks.record.record import Record, read_record
from ssl_models.catalog import CATALOG
from ssl_models.families import family_of
from ssl_models.identity import named_by_settings
from ssl_reports.claims.claims import claims
from ssl_reports.claims.predictions import predictions
from ssl_reports.flaw_marks import foot, signed
from ssl_reports.reading.evidence import distinct, shown_models
from ssl_reports.summaries.comparison_tables import phase_grid
from ssl_reports.tables.grid import Grid, legend, markdown_table, marks
from ssl_reports.units import percent, plain, shown, with_prefix

HERE = Path(__file__).parent
PAGES = (HERE.parents[1] / "README.md", *sorted(HERE.glob("*.md")))
BLOCK = re.compile(r"(?P<head><!-- figures: (?P<name>[\w-]+) -->\n)(?P<body>.*?)(?P<end><!-- end -->)", re.DOTALL)
SEEDS = (0, 1, 2)
TINY, UNTRAINED, LOG_MEL = "efficient-tiny", " (untrained)", "log-mel"


@cache
def record(folder: str) -> Record:
    """The record of a folder beside this file."""
    return read_record(HERE / folder / "run.json")


def table(grid: Grid) -> str:
    """In Markdown, the legend below it; a second line of a cell stays one."""
    rows = [[cell.replace("\n", "<br>") for cell in row] for row in grid.rows]
    escaped = ("\\" + line if line[0] in "*+#" else line for line in grid.legend)
    lines = "".join(f"- {line}\n" for line in escaped)
    return markdown_table(grid.header, rows) + (f"\n{lines}" if lines else "")


def text_of(quantity: Quantity | None) -> str:
    """Value, unit and sign, such as 416 MiB; J per hour of audio stay J."""
    if quantity is None or quantity.value is None:
        return "not available"
    if quantity.unit == "J/h":
        return signed(with_prefix(quantity.value, "J"), quantity)
    return signed(" ".join(shown(quantity)).strip(), quantity)


def share(quantity: Quantity | None) -> str:
    """A fraction in per cent, without its interval."""
    return text_of(None) if quantity is None else percent(replace(quantity, ci95=None))


def spent(of: Record, metric: str, scope: str | None, model: str | None = None) -> Quantity:
    """On fitting targets, where there were any, and on training."""
    found = {phase: of.find(metric, phase, scope, model) for phase in ("targets", "training")}
    parts = {phase: quantity for phase, quantity in found.items() if quantity is not None}
    return added(parts, next(iter(parts.values())).unit)


def rate(of: Record, metric: str, phase: str, model: str, used: dict[str, str]) -> str:
    """An error rate with its interval and the signs that its note calls for."""
    quantity = of.find(metric, phase, None, model)
    return "" if quantity is None else percent(quantity) + marks(quantity, used)


@cache
def evaluated(system: str, seed: int, metric: str) -> Quantity:
    """The error rate of one seed of the study `three-seeds`."""
    for found in record("three-seeds/evaluation").details["findings"]:
        if (found["system"], found["seed"]) == (system, seed) and metric in found["rates"]:
            value, (low, high) = found["rates"][metric]
            return Quantity(value, "1", "measured", (low, high))
    raise KeyError((system, seed, metric))


def training_step() -> str:
    """The comparison of base sizes on a CPU: a step of pretraining."""
    return table(phase_grid(record("compare-cpu"), "training"))


def inference() -> str:
    """The same: encoding."""
    return table(phase_grid(record("compare-cpu"), "inference"))


def seeds() -> str:
    """Error rates of three seeds, each beside its own random weights, and their means."""
    used: dict[str, str] = {}
    header = ("seed", "CER", "CER, random weights", "PER", "PER, random weights")
    rows = [
        (str(seed), *(percent(evaluated(TINY + kind, seed, metric)) for metric in ("cer", "per") for kind in ("", UNTRAINED)))
        for seed in SEEDS
    ]  # fmt: skip
    columns = (("cer", "finetuning"), ("per", "evaluation"))
    means = [rate(record("three-seeds"), *column, TINY + kind, used) for column in columns for kind in ("", UNTRAINED)]
    mel = [rate(record("three-seeds"), *column, LOG_MEL, used) for column in columns]
    rows += [("mean", *means), ("log-mel, mean", mel[0], "", mel[1], "")]
    return table(Grid(header, rows, legend(used)))


def gains() -> str:
    """What pretraining gains over random weights of the same seed, in words."""
    lines = []
    for metric, name in (("cer", "CER"), ("per", "PER")):
        pairs = [(evaluated(TINY, seed, metric), evaluated(TINY + UNTRAINED, seed, metric)) for seed in SEEDS]
        by_seed = [(other.value or 0.0) - (own.value or 0.0) for own, other in pairs]
        mean, half = statistics.fmean(by_seed), half_width(by_seed, pairs)
        ends = f"[{100 * (mean - half):.1f}, {100 * (mean + half):.1f}]"
        lines.append(f"- {name}: {100 * mean:.1f} points lower than with random weights {ends}, paired by seed")
    wer = [percent_of_mean("wer", TINY + kind) for kind in ("", UNTRAINED)]
    lines.append(f"- WER: {wer[0]}, with random weights {wer[1]}: no difference that these seeds can show")
    return "\n".join(lines) + "\n"


def half_width(by_seed: Sequence[float], pairs: Iterable[tuple[Quantity, Quantity]]) -> float:
    """As records of evaluations have it since: Student's over the differences, and the mean half-widths of both sides, in quadrature."""
    sides = zip(*pairs, strict=True)
    halves = [statistics.fmean((q.ci95[1] - q.ci95[0]) / 2 for q in side if q.ci95) for side in sides]
    return hypot(student_half_width(by_seed), *halves)


def percent_of_mean(metric: str, model: str) -> str:
    """Over the seeds, from the study's record."""
    quantity = record("three-seeds").find(metric, "finetuning", None, model)
    return "" if quantity is None else percent(quantity)


def seed_costs() -> str:
    """What each seed of the study cost."""
    header = ("seed", "audio heard", "× real time", "MFU", "energy (modelled)", "J per audio hour (modelled)", "peak memory", "final loss", "final masked accuracy")  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for seed in SEEDS:
        of = record(f"three-seeds/{TINY}-seed{seed}")
        seen, speed, mfu, peak, loss, accuracy = (
            of.find(metric, "training")
            for metric in ("audio_hours_seen", "audio_seconds_per_second", "mfu", "peak_memory", "loss", "masked_accuracy")
        )  # fmt: skip
        speed_text = "" if speed is None or speed.value is None else plain(speed.value)
        joules = of.find("energy_per_audio_hour", "training", "machine")
        energy = spent(of, "energy", "machine")
        cells = (text_of(seen), speed_text, share(mfu), text_of(energy), text_of(joules))
        rows.append((str(seed), *cells, text_of(peak), text_of(loss), share(accuracy)))
    return table(Grid(header, rows, foot_of(record("three-seeds"))))


def foot_of(of: Record) -> list[str]:
    """The line for signs of flaws, where training has some."""
    return foot(m.quantity for m in of.measurements if m.phase == "training")


def summary() -> str:
    """The study of three seeds in a sentence."""
    study, used = record("three-seeds"), dict[str, str]()
    own, control = (rate(study, "cer", "finetuning", TINY + kind, used) for kind in ("", UNTRAINED))
    energy = spent(study, "energy", "machine", TINY)
    return (
        f"Ten minutes of pretraining on two CPU cores ({text_of(energy)} per seed, {energy.method}; three seeds) lowers the character error\n"
        f"rate of `{TINY}`, fine-tuned on one hour of labels, from {control} with random weights to {own}.\n"
    )


def evaluation_bill() -> str:
    """What evaluating the study cost beside its trainings, in a sentence."""
    study = record("three-seeds")
    bill = [m.quantity for m in study.measurements if _is_evaluation_energy(m.phase, m.metric, m.scope)]
    total = Quantity(sum(q.value or 0.0 for q in bill), "J", weakest(*(q.method for q in bill)), flaw=flaws(bill))
    trained = spent(study, "energy", "machine", TINY).scaled(len(SEEDS), "J")
    return (
        f"Evaluating nine models (three seeds, each with two controls) took {text_of(total)}, the three trainings {text_of(trained)}\n"
        f"(both {trained.method}).\n"
    )


def _is_evaluation_energy(phase: str | None, metric: str, scope: str | None) -> bool:
    return phase in {"evaluation", "finetuning"} and (metric, scope) == ("energy", "machine")


def equal_budgets() -> str:
    """Six recipes after the same audio hours and after the same joules."""
    hours, joules, used = record("equal-hours"), record("equal-joules"), dict[str, str]()
    header = ("model", "PER after 5 h", "energy for 5 h (modelled)", "PER after 1 Wh", "audio heard for 1 Wh", "PER, random weights")  # fmt: skip
    rows: list[tuple[str, ...]] = [
        (
            model,
            rate(hours, "per", "evaluation", model, used),
            text_of(spent(hours, "energy", "machine", model)),
            rate(joules, "per", "evaluation", model, used),
            text_of(joules.find("audio_hours_seen", "training", None, model)),
            rate(hours, "per", "evaluation", model + UNTRAINED, used),
        )
        for model in shown_models(hours)
    ]
    rows.append((LOG_MEL, rate(hours, "per", "evaluation", LOG_MEL, used), "", "", "", ""))
    return table(Grid(header, rows, legend(used)))


IDEAS: dict[str, dict[str, dict[str, float]]] = {
    "as in the catalogue": {},
    "the loss of the middle block too, at half the weight": {"objective": {"middle_weight": 0.5}},
    "twice the learning rate": {"optimisation": {"peak_learning_rate": 0.008}},
    "4 of 8 blocks at half the frame rate": {"encoder": {"halved": 4}},
    "both, the loss within the blocks at half the rate": {
        "encoder": {"halved": 4},
        "objective": {"middle_weight": 0.5},
    },
}
"""What was changed, in words and as the tables of `--config`."""


def ideas() -> str:
    """Error rates of efficient-tiny with one thing changed each, after the same hours of audio; FLOPs by the closed form."""
    found, used = record("ideas"), dict[str, str]()
    rows: list[tuple[str, ...]] = []
    for said, changes in IDEAS.items():
        config = overridden(CATALOG[TINY], changes, TINY)
        name = named_by_settings(TINY, config, CATALOG[TINY])
        flops = 2 * family_of(config).closed_form.training_macs(config, round(15.36 * 16_000)) / 15.36
        rates = (rate(found, "per", "evaluation", name + kind, used) for kind in ("", UNTRAINED))
        rows.append((said, with_prefix(flops, "FLOP"), *rates))
    rows.append((LOG_MEL, "", rate(found, "per", "evaluation", LOG_MEL, used), ""))
    return table(Grid(("change", "FLOP per audio s of training", "PER", "PER, random weights"), rows, legend(used)))


def verdicts() -> str:
    """The six claims held against all records that stand here, and where no GPU was measured, against counts and predictions."""
    folders = [HERE / name for name in ("compare-cpu", "equal-hours", "equal-joules", "three-seeds")]
    evidence = distinct([record(folder.name) for folder in folders], folders)
    predicted = predictions(evidence.models)
    rows: list[tuple[str, ...]] = [(claim.id, claim.text, claim.said) for claim in claims(evidence, predicted)]
    return table(Grid(("", "claim", "verdict by these records"), rows, []))


BLOCKS = {
    "training-step": training_step,
    "inference": inference,
    "seeds": seeds,
    "gains": gains,
    "seed-costs": seed_costs,
    "summary": summary,
    "evaluation-bill": evaluation_bill,
    "equal-budgets": equal_budgets,
    "ideas": ideas,
    "verdicts": verdicts,
}


def filled(text: str) -> str:
    """A page with every block made anew.

    Raises:
        ValueError: for a block that nothing makes, or that has no end.
    """
    named = [match["name"] for match in BLOCK.finditer(text)]
    if unknown := [name for name in named if name not in BLOCKS]:
        raise ValueError(f"no such figures: {', '.join(unknown)}")
    if text.count("<!-- figures: ") != len(named):
        raise ValueError("a block of figures has no end")
    return BLOCK.sub(lambda match: match["head"] + BLOCKS[match["name"]]() + match["end"], text)


def differing(text: str) -> list[str]:
    """The blocks of a page that are not what their records give."""
    now: Mapping[str, str] = {match["name"]: match["body"] for match in BLOCK.finditer(filled(text))}
    return [match["name"] for match in BLOCK.finditer(text) if match["body"] != now[match["name"]]]


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or check them; the exit code."""
    pages = {page: page.read_text(encoding="utf-8") for page in PAGES}
    wrong = [f"{page.name}: {name}" for page, text in pages.items() for name in differing(text)]
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    if "--check" in arguments:
        return int(bool(wrong))
    for page, text in pages.items():
        page.write_text(filled(text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
