"""Every reader of files from outside, with valid files."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import torch
from fuzz import Reader
from rich.console import Console
from safetensors.torch import save
from torch.utils.tensorboard import SummaryWriter

from ssl_bench.comparing.runs import compare_runs
from ssl_bench.evaluating.kept_controls import FILE, SCHEMA, KeptControls
from ssl_bench.exporting.codecarbon import write_emissions
from ssl_bench.exporting.figures import curve_moments, facts_of, figures_of, settings_of
from ssl_bench.exporting.tables import write_csv, write_parquet
from ssl_bench.importing import wandb
from ssl_bench.importing.run import import_runs
from ssl_bench.sessions.curve import standing
from ssl_bench.sessions.run_folder import RunFolder, TrainingState, load_optimiser, unfinished_run
from ssl_bench.settings import defaults
from ssl_bench.settings.comparing import CompareConfig
from ssl_bench.settings.documents import read_toml
from ssl_bench.settings.importing import ImportConfig, Tool
from ssl_bench.settings.studying import StudyConfig, config_of, require_unchanged
from ssl_bench.settings.tabulating import TableConfig
from ssl_bench.settings.training import TrainAndMeasureConfig
from ssl_bench.tabulating.table import efficiency
from ssl_bench.training.attempts import Attempt
from ssl_bench.training.full_run import full_run
from ssl_bench.training.job import taken_up
from ssl_benchmarks.downstream.store import _kept
from ssl_benchmarks.energy.phase_cost import SCOPES, PhaseCost
from ssl_benchmarks.energy.sources.rapl import find_domains, names_of_zones, unreadable
from ssl_benchmarks.processes import job_limits
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import read_record
from ssl_models.catalog import CATALOG
from ssl_models.errors import BadInputError
from ssl_models.loading.checkpoints import read_config, read_tensors
from ssl_models.loading.converting.conversion import configuration_beside, convert
from ssl_models.loading.pickled_weights import read_pickled
from ssl_models.parts.transformers_encoder import asks_for_normal, folder_config
from ssl_reports.claims.claims import claims
from ssl_reports.page.page import report_page
from ssl_reports.paper.anonymous import anonymous
from ssl_reports.paper.folder import MANIFEST, refuse_foreign
from ssl_reports.paper.methods import methods_latex
from ssl_reports.paper.model_card import model_cards
from ssl_reports.paper.reproduce import reproduce_script
from ssl_reports.paper.statement import statement_latex
from ssl_reports.pictures.length import _lines
from ssl_reports.reading.evidence import read_evidence
from ssl_reports.report import paper_tables
from ssl_reports.summaries.comparing import _report as compare_report
from ssl_reports.summaries.evaluating import _report as evaluation_report
from ssl_reports.summaries.measuring import _report as measure_report
from ssl_reports.summaries.studying import _report as study_report
from ssl_reports.tables.data import comma_separated, rows_of
from ssl_reports.tables.frame import styled
from ssl_reports.tables.html import html
from ssl_reports.tables.latex_table import latex
from ssl_reports.tables.markdown import markdown
from ssl_reports.tables.plain import plain_text

EXAMPLES = Path(__file__).parents[1] / "docs" / "results"
CONSOLE = Console(file=io.StringIO())
RATE = Quantity(2.5, "s/s", "measured", (2.0, 3.0), 7, "of steps")
JOULES = {scope: Quantity(9.5, "J", "modelled", note="a guess") for scope in SCOPES}
LINE = {
    "attempt": 1, "first_step": 1, "step": 5, "seconds": 9.5, "progress": 0.5, "audio_hours": 0.1, "loss": 2.5, "attempt_steps": 5,
    "attempt_audio_seconds": 360.0, "power_w": {"cpu": 9.5, "gpu": None},
    "training_energy": {scope: asdict(q) for scope, q in JOULES.items()},
}  # fmt: skip
"""A line of `metrics.jsonl`."""


def encoded(document: Any) -> bytes:
    """As JSON."""
    return json.dumps(document).encode()


def example(name: str, **changes: Any) -> bytes:
    """The record of an example, its lists cut to what a reader distinguishes."""
    document = json.loads((EXAMPLES / name / "run.json").read_text(encoding="utf-8"))
    rows = document.pop("measurements")
    document["environment"]["packages"] = {"torch": "2.13.0", "sslbench": None}
    ways = document["environment"]["capabilities"]["measurable"]
    document["environment"]["capabilities"]["measurable"] = {name: ways[name] for name in ("energy_cpu", "co2e")}
    document = {**_cut(document), "measurements": rows[:: max(1, len(rows) // 10)], **changes}
    return encoded(document)


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _cut(inner) for key, inner in value.items()}
    return [_cut(inner) for inner in value[:2]] if isinstance(value, list) else value


def measured() -> bytes:
    """The record of a sweep, which no example is of."""
    document = json.loads(example("compare-cpu"))
    cells = [
        {
            "label": f"clip-seconds={seconds:g}", "clip_seconds": seconds, "batch_seconds": seconds, "batch_seconds_asked": seconds,
            "warm_up": "steady", "halved": [], "repeats": [{"calls": 3, "seconds": 1.5}], "repeat_seconds": 1.5, "seconds": 4.0,
        }
        for seconds in (5.0, 10.0)
    ]  # fmt: skip
    protocol = {**document["config"]["protocol"], "cool_down": 0.0, "repeats": 3}
    config = {
        "model": "essl", "phase": "inference", "sweep": ["clip-seconds", [5.0, 10.0]], "clip_seconds": 5.0, "batch_seconds": 5.0,
        "precision": "float32", "device": "cpu", "seed": 0, "pue": 1.0, "strict": False, "pretrained": None, "protocol": protocol,
    }  # fmt: skip
    details = {"cells": cells, "speech": "made up", "grid": None, "disturbances": {"clip-seconds=5": ["cpu: busy"]}, "about_weights": []}  # fmt: skip
    return encoded({**document, "config": config, "details": details})


def profiled() -> bytes:
    """The record of a profile, which no example is of."""
    document = json.loads(example("compare-cpu"))
    config = {"model": "essl", "clip_seconds": 15.0, "device": "cuda", "precision": "bfloat16"}
    details = {"profile": {"model": "essl", "counts": [{"phase": "training", "macs": 5}]}}
    return encoded({**document, "kind": "profile", "config": config, "details": details})


def report(folder: Path) -> None:
    """What `sslbench report` makes of a record, but for the drawing."""
    record = read_record(folder / "run.json")
    match record.kind:
        case "measurement":
            measure_report(record, drawn=True)
        case "comparison":
            compare_report(record)
        case "evaluation":
            evaluation_report(record)
        case "study":
            study_report(record)
    evidence = read_evidence([str(folder)])
    found = claims(evidence)
    tables = paper_tables(evidence, found)
    methods_latex(evidence)
    model_cards(evidence)
    reproduce_script(evidence)
    statement_latex(evidence)
    anonymous(evidence)
    _lines(evidence.records, evidence.labels)
    report_page("fuzz", evidence, tables[:-1], found, evidence.traces, forms={})


def compare(folder: Path) -> None:
    """Two runs side by side, one of them as it was."""
    config = CompareConfig(out=str(folder / "out"))
    compare_runs([str(folder / "one"), str(folder / "two")], config, mark_differences=True, command="fuzz")


def resume(folder: Path) -> None:
    """A run of `train-and-measure` taken up again, until it would read its speech."""
    run = unfinished_run(str(folder))
    _, config, attempts = taken_up(run, {})
    full_run(config, attempts, standing(run.metrics()), None)


def export(folder: Path) -> None:
    """What `sslbench export` makes of a run, until a tracker would take it."""
    run = RunFolder(folder)
    record = run.read()
    for moment in curve_moments(record, standing(run.metrics()), {}):
        json.dumps([(figure.words, figure.numbers) for figure in moment.figures], allow_nan=False)
    json.dumps([(figure.words, figure.numbers) for figure in figures_of(record.measurements)], allow_nan=False)
    facts_of(record)
    settings_of(record)
    for write in (write_csv, write_parquet):
        write(record, folder / "out")
    if any(m.metric == "duration" for m in record.measurements):
        write_emissions(record, folder / "out")


def resume_study(folder: Path) -> None:
    """A study taken up again, until it would look at its speech."""
    record = unfinished_run(str(folder)).read()
    require_unchanged(StudyConfig(), config_of(record.config))


def unfinished() -> dict[str, bytes]:
    """The folder of a run that was killed in its second attempt."""
    attempt = Attempt(1, "2026-11-20T08:00:00+00:00", {"training": PhaseCost(9.5, JOULES, JOULES)}, 5, 360.0).document()
    record = json.loads(example("three-seeds/efficient-tiny-seed0", status="unfinished"))
    record["details"]["attempts"] = [attempt]
    record["config"] |= {"data": "sample", "eval_data": None}
    state = TrainingState(5, 12, 360.0, [[1.0, 2.5]], attempt)
    return {
        "run.json": encoded(record),
        ".attempt.json": encoded({**attempt, "steps": 7, "phases": {"training": asdict(PhaseCost(19.5, JOULES, JOULES))}}),
        "metrics.jsonl": encoded(LINE) + b"\n" + encoded({**LINE, "first_step": 6, "step": 10, "seconds": 20.0}) + b"\n",
        "checkpoints/step-000000005/state.json": encoded(asdict(state)),
    }  # fmt: skip


SETTINGS = """\
model = "efficient-tiny"
minutes = 2.5
seed = 3
out = "runs/a"
[encoder]
blocks = 3
mels = 40
[objective]
masked_share = 0.4
[optimisation]
peak_learning_rate = 1e-3
betas = [0.9, 0.98]
"""


def settings(folder: Path) -> None:
    """`--config FILE`."""
    config = TrainAndMeasureConfig(**read_toml(folder / "run.toml", TrainAndMeasureConfig))
    config.check()
    config.resolved(cuda=False)


COSTS = """\
[[cost]]
model = "theirs"
name = "energy"
value = 98
low = 90
high = 110.5
unit = "kWh"
source = "Table 5"
[[cost]]
model = "efficient-tiny"
name = "embodied CO2e"
value = 150
unit = "kg"
source = "a data sheet"
[recipe.ours]
steps = 5_000
batch_hours = 0.5
device_hours = 9.5
hardware = "one GPU"
source = "a log"
[licence]
theirs = "MIT"
"""
LOOK = """\
columns = ["parameters", "rtf", "energy", "licence"]
name = ["efficient-tiny=Ours"]
baseline = "efficient-tiny"
units = ["MJ"]
digits = 2
country = "FRA"
"""


def table_of(folder: Path) -> None:
    """`sslbench table` with stated costs and a file of options, in every form."""
    options = read_toml(folder / "table.toml", TableConfig)
    config = TableConfig(**{**options, "costs": str(folder / "costs.toml"), "mark_differences": True})
    config.check()
    table = efficiency(read_evidence([str(folder)]), config)
    for form in (latex, markdown, html, plain_text, comma_separated, rows_of, styled):
        form(table)


FILES = Path(__file__).parent / "ssl_bench" / "importing" / "files"
IMPORTED: dict[Tool, str] = {
    "codecarbon": "codecarbon-3.3.2.csv", "carbontracker": "gpu-2.4.7_carbontracker.log", "zeus": "zeus-0.16.0.csv",
    "sacct": "sacct-steps.txt", "csv": "codecarbon-2.8.4.csv",
}  # fmt: skip
LOG = next((FILES / "wandb-0.31.0").iterdir())
MAPPED = (
    "name=project_name",
    "duration=duration",
    "energy=cpu_energy:kWh",
    "energy.gpu=gpu_energy:kWh",
    "gpus=gpu_count",
)


def imported(tool: Tool) -> Reader:
    """`sslbench import`, and a table of it."""
    name = IMPORTED[tool]

    def read(folder: Path) -> None:
        saved, mapping = str(folder / name) if tool == "sacct" else None, MAPPED if tool == "csv" else ()
        brought_in(tool, "5" if tool == "sacct" else str(folder / name), folder / "out", saved=saved, mapping=mapping)

    return Reader({name: (FILES / name).read_bytes()}, read, text=True)


def brought_in(tool: Tool, source: str, out: Path, **options: Any) -> None:
    """Import, and show what came in."""
    shutil.rmtree(out, ignore_errors=True)
    import_runs(ImportConfig(tool=tool, source=source, out=str(out), **options), "fuzz")
    plain_text(efficiency(read_evidence([str(out)]), TableConfig(mark_differences=True)))


def events(folder: Path) -> None:
    """A folder of TensorBoard, with a power to integrate."""
    brought_in("tensorboard", str(folder / "run"), folder / "out", mapping=("power.gpu=watts", "wer=wer"))


def event_file() -> bytes:
    """Scalars as torch's writer writes them."""
    with tempfile.TemporaryDirectory() as folder:
        with SummaryWriter(folder) as writer:
            for step in range(5):
                writer.add_scalar("watts", 200.0, step, 1.7e9 + step)
                writer.add_scalar("wer", 0.5, step, 1.7e9 + step)
        return next(Path(folder).iterdir()).read_bytes()


def wandb_records(folder: Path) -> None:
    """A run of wandb, from the records that its reader prints."""
    (folder / "run-x.wandb").touch()
    before, wandb._lines = wandb._lines, lambda path: iter((path.parent / "records.jsonl").read_text().splitlines())
    try:
        brought_in("wandb", str(folder), folder / "out", mapping=("wer=eval/wer:%",))
    finally:
        wandb._lines = before


def site(folder: Path) -> None:
    """Defaults of a site."""
    before, defaults.SYSTEM = defaults.SYSTEM, folder / "sslbench.toml"
    try:
        defaults.with_defaults({}, defaults.KINDS)
    finally:
        defaults.SYSTEM = before


def controls(folder: Path) -> None:
    """`--controls FOLDER`."""
    from ssl_bench.evaluating import kept_controls

    kept = KeptControls.of([str(folder)], folder / "own.json", kept_controls.Conditions())
    for entry in kept.known.values():
        for found in entry.findings:
            kept_controls._finding(SimpleNamespace(system=None), found, entry.run)


def transformers_folder(folder: Path) -> None:
    """`hf:FOLDER`, until its model would be built."""
    folder_config(folder)
    asks_for_normal(folder)


def checkpoint(folder: Path) -> None:
    """Settings and weights of a run, into a model where they are of it."""
    read_config(folder)
    read_tensors(folder / "model.safetensors")


def converted(folder: Path) -> None:
    """`sslbench convert`, and the same file by path."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    with suppress(BadInputError):
        read_pickled(folder / "x.pt")
    convert(folder / "x.pt", out)
    configuration_beside(out)


def saved_by_torch(*, zipped: bool) -> bytes:
    """A checkpoint with settings that torch does not load, in the format of now or in the one before."""
    file = io.BytesIO()
    value = {
        "args": SimpleNamespace(a=[1, "x"], b=None),
        "model": {"a": torch.ones(2, 3), "b": {"c": torch.ones(2).half()}},
    }
    torch.save(value, file, _use_new_zipfile_serialization=zipped)
    return file.getvalue()


def optimiser(folder: Path) -> None:
    """The optimiser of a checkpoint, and features that were kept."""
    module = torch.nn.Linear(2, 2)
    load_optimiser(torch.optim.AdamW(module.parameters()), folder / "optimizer.safetensors")


def features(folder: Path) -> None:
    """Features that were kept: a broken file is extracted anew."""
    _kept(folder / "a.safetensors")


@contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """With a variable set."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        os.environ.pop(name) if before is None else os.environ.update({name: before})


def domains(folder: Path) -> None:
    """The counters that the kernel lists."""
    found = find_domains(folder)
    names_of_zones(folder)
    for scope in found.values():
        unreadable(scope)
        for domain in scope:
            domain.open(0.0)
            domain.update(1.0)


def limits(folder: Path) -> None:
    """What control groups allow."""
    for name in ("cgroup", "mountinfo"):
        path = folder / "proc" / name
        path.write_bytes(path.read_bytes().replace(b"ROOT", os.fsencode(folder)))
    before, job_limits.PROC = job_limits.PROC, folder / "proc"
    try:
        job_limits.usable_cpus()
        job_limits.memory_limit()
        job_limits.memory_at_hand()
    finally:
        job_limits.PROC = before


GROUPS = {
    "proc/cgroup": b"0::/job\n",
    "proc/mountinfo": b"22 1 8:1 / / rw - ext4 /dev/sda rw\n31 23 0:28 / ROOT/cgroup rw,relatime shared:9 - cgroup2 none rw\n",
    "cgroup/memory.stat": b"anon 1\n",
    "cgroup/job/memory.max": b"4294967296\n",
    "cgroup/job/memory.current": b"1073741824\n",
    "cgroup/job/memory.stat": b"anon 5\ninactive_file 1024\n",
    "cgroup/job/cpu.max": b"150000 100000\n",
}
GROUPS_1 = {
    "proc/cgroup": b"4:memory:/job\n3:cpu,cpuacct:/job\n",
    "proc/mountinfo": b"31 23 0:28 / ROOT/memory rw shared:9 - cgroup none rw,memory\n32 23 0:29 / ROOT/cpu rw - cgroup none rw,cpu,cpuacct\n",
    "memory/job/memory.limit_in_bytes": b"4294967296\n",
    "memory/job/memory.usage_in_bytes": b"1073741824\n",
    "memory/job/memory.stat": b"total_inactive_file 1024\n",
    "cpu/job/cpu.cfs_quota_us": b"150000\n",
    "cpu/job/cpu.cfs_period_us": b"100000\n",
}
RAPL = {
    "intel-rapl:0/name": b"package-0\n",
    "intel-rapl:0/energy_uj": b"1000000\n",
    "intel-rapl:0/max_energy_range_uj": b"262143328850\n",
    "intel-rapl:0/constraint_0_max_power_uw": b"65000000\n",
    "intel-rapl:0:0/name": b"dram\n",
    "intel-rapl:0:0/energy_uj": b"5000\n",
    "intel-rapl:0:0/max_energy_range_uj": b"65712999613\n",
}


def model_files() -> dict[str, bytes]:
    """A checkpoint of the smallest model, with one tensor of its weights."""
    from ssl_models.families import family_of

    config = CATALOG["efficient-tiny"]
    document = {"model_type": family_of(config).model_type, "name": "efficient-tiny", **asdict(config)}
    return {
        "config.json": encoded(document),
        "model.safetensors": save({"a.weight": torch.zeros(2, 3)}, {"format": "pt"}),
    }


def trace() -> bytes:
    """Power samples of a run."""
    samples = {"time_s": [0.0, 0.1], "device": "cpu", "power_w": [9.5, 9.0], "method": "sampled", "attempt": 1}
    return gzip.compress(pd.DataFrame(samples).to_csv(index=False).encode(), mtime=0)


HUBERT = {
    "model_type": "hubert", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
    "conv_dim": [16, 16], "conv_kernel": [10, 3], "conv_stride": [5, 2], "num_feat_extract_layers": 2, "layer_norm_eps": 1e-5,
    "feat_extract_norm": "group", "architectures": ["HubertModel"], "torch_dtype": "float32", "mask_time_prob": 0.05,
}  # fmt: skip
PREPROCESSOR = {
    "feature_extractor_type": "Wav2Vec2FeatureExtractor", "feature_size": 1, "sampling_rate": 16000, "padding_value": 0.0,
    "do_normalize": True, "return_attention_mask": True, "padding_side": "right",
}  # fmt: skip


def readers() -> dict[str, Reader]:
    """By their names."""
    one, other = (example(f"three-seeds/efficient-tiny-seed{seed}") for seed in (0, 1))
    finding = {
        "task": "pr", "head": "linear", "tested_on": "dev-clean", "converged": True, "rates": {"per": asdict(RATE)},
        "details": {"train_loss": 2.5},
    }  # fmt: skip
    kept = {"system": "m", "seed": 3, "task": "pr", "head": "linear", "run": "joules", "findings": [finding]}
    records = {
        "training": one, "study": example("equal-hours"), "evaluation": example("three-seeds/evaluation"),
        "comparison": example("compare-cpu"), "measurement": measured(), "profile": profiled(),
    }  # fmt: skip
    return {
        **{f"report of a {kind}": Reader({"run.json": raw}, report) for kind, raw in records.items()},
        "report with a trace": Reader({"run.json": one, "power.csv.gz": trace()}, report),
        **{
            f"compare with a {kind}": Reader({"one/run.json": raw, "two/run.json": other}, compare)
            for kind, raw in records.items()
        },
        "export": Reader({n: raw for n, raw in unfinished().items() if n in {"run.json", "metrics.jsonl"}}, export),
        "--resume": Reader(unfinished(), resume),
        "--resume of a study": Reader({"run.json": example("equal-hours", status="unfinished")}, resume_study),
        "--config": Reader({"run.toml": SETTINGS.encode()}, settings, text=True),
        "table": Reader({"run.json": one, "costs.toml": COSTS.encode(), "table.toml": LOOK.encode()}, table_of),
        **{f"import {tool}": imported(tool) for tool in IMPORTED},
        "import tensorboard": Reader({"run/events.out.tfevents.1.x": event_file()}, events),
        "import wandb": Reader({"records.jsonl": "".join(wandb._lines(LOG)).encode()}, wandb_records),
        "defaults": Reader({"sslbench.toml": b'country = "FRA"\npue = 1.2\ndevice = "cpu"\n'}, site, text=True),
        "--controls": Reader({FILE: encoded({"schema": SCHEMA, "controls": {"0f": kept}})}, controls),
        "hf:": Reader({"config.json": encoded(HUBERT), "preprocessor_config.json": encoded(PREPROCESSOR)}, transformers_folder),
        "checkpoint": Reader(model_files(), checkpoint),
        "convert": Reader({"x.pt": saved_by_torch(zipped=True)}, converted),
        "convert from the older format": Reader({"x.pt": saved_by_torch(zipped=False)}, converted),
        "optimiser": Reader({"optimizer.safetensors": save({"0.exp_avg": torch.zeros(2, 2), "0.step": torch.ones(())})}, optimiser),
        "features": Reader({"a.safetensors": save({"features": torch.zeros(2, 3)}, {"frame_rate": "50.0"})}, features),
        "report folder": Reader({MANIFEST: encoded({"schema": "sslbench.paper/1", "files": {"a": hashlib.sha256(b"x").hexdigest()}}), "a": b"x"}, refuse_foreign),
        "control groups": Reader(GROUPS, limits, text=True),
        "control groups, version 1": Reader(GROUPS_1, limits, text=True),
        "RAPL": Reader(RAPL, domains, text=True),
    }  # fmt: skip
