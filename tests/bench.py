"""`make bench`: timings, each as a ratio within one run; no timing passes or fails.

Give sections by name (`python tests/bench.py help meter loader`), or none for all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

BIN = Path(sys.executable).parent


def out(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def wall_and_cpu(command: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a command, including its children."""
    before = os.times()
    wall, after = seconds(command), os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])


def bench_help() -> None:
    """`sslbench --help` against importing its libraries for output, in turn, medians of 5; the limit is 2."""
    imports = [sys.executable, "-c", "import typer, rich.console, rich.table, rich.markdown"]
    seconds(imports), seconds([str(BIN / "sslbench"), "--help"])
    pairs = [(seconds([str(BIN / "sslbench"), "--help"]), seconds(imports)) for _ in range(5)]
    ours, theirs = median(a for a, _ in pairs), median(b for _, b in pairs)
    out(f"help: {ours / theirs:.2f} x the import of typer and rich ({ours:.3f} s, {theirs:.3f} s)")


def bench_meter(pairs: int = 12, steps: int = 6) -> None:
    """Training steps with and without a running meter, in turn, and the CPU time of its thread, edges and queries. The limit is 0.5 %."""
    import torch

    from ssl_benchmarks.energy import EnergyMeter
    from ssl_models.catalog import pretraining
    from ssl_models.training_step import make_optimiser

    model = pretraining("efficient-tiny")
    optimiser = make_optimiser(model, model.config.optimisation)
    waveforms, generator = torch.randn(8, 245_760) * 0.1, torch.Generator().manual_seed(0)

    def work() -> float:
        start = time.perf_counter()
        for _ in range(steps):
            model(waveforms, None, generator).loss.backward()
            optimiser.step()
            optimiser.zero_grad()
        return time.perf_counter() - start

    work()
    with EnergyMeter():
        pass  # the first start imports codecarbon
    ratios, own, wall = [], 0.0, 0.0
    for i in range(pairs):
        metered_first = i % 2 == 0
        without = 0.0 if metered_first else work()
        with EnergyMeter() as meter:
            metered = work()
        own, wall = own + meter.own_cpu_seconds, wall + metered
        without = work() if metered_first else without
        ratios.append(metered / without)
    half = 1.96 * float(np.std(ratios, ddof=1)) / len(ratios) ** 0.5
    share = own / (wall * (os.cpu_count() or 1))
    with EnergyMeter() as meter:
        for _ in range(50):
            with meter.window("step"):
                time.sleep(0.04)
        begun = time.thread_time()
        for _ in range(100):
            meter.live()
        live = (time.thread_time() - begun) / 100
    idle = meter.own_cpu_seconds / ((meter.reading.duration.value or 0) * (os.cpu_count() or 1))
    out(
        f"meter: own CPU time {100 * idle:.3f} % of wall x cores with 50 windows in 2 s; live() takes {1e6 * live:.0f} us, limit 1000 us"
    )
    out(f"meter: own CPU time {100 * share:.3f} % of wall x cores; with / without in turn, {pairs} pairs:")
    out(f"       {np.mean(ratios):.4f}, 95 % interval [{np.mean(ratios) - half:.4f}, {np.mean(ratios) + half:.4f}]")


GPU_METER = """
import os, time
os.environ["SCRIPT_T0"] = repr(time.perf_counter())
from ssl_benchmarks.energy import EnergyMeter
with EnergyMeter() as meter:
    for _ in range(100):
        with meter.window("step"):
            time.sleep(0.1)
print(100 * meter.own_cpu_seconds / (meter.reading.duration.value * os.cpu_count()))
"""


def bench_gpu_meter() -> None:
    """The same limit with a scripted GPU: all queries of counter, power, state and neighbours; a real driver is slower."""
    if shutil.which("cc") is None:
        out("meter, scripted GPU: skipped, no `cc`")
        return
    tests = Path(__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        library = str(Path(folder, "libnvidia-ml.so.1"))
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", library, str(tests / "benchmarks" / "nvml_driver.c"), "-lm"],
            check=True,
        )
        script = {"SCRIPT_LIMIT": "700", "SCRIPT_REASONS": "4", "SCRIPT_CLOCK": "1980", "SCRIPT_PIDS": str(os.getpid())}
        env = os.environ | script | {"LD_LIBRARY_PATH": folder}
        share = float(subprocess.check_output([sys.executable, "-c", GPU_METER], env=env, text=True))
    out(f"meter, scripted GPU: own CPU time {share:.3f} % of wall x cores over 10 s and 100 windows")


def bench_loader() -> None:
    """Reading speech against training on it: how many times faster clips are read than efficient-tiny uses them."""
    import torch

    from ssl_bench.data.clips import ClipSource, batches
    from ssl_bench.data.corpus import read_corpus
    from ssl_bench.data.sample.sample import sample_corpus
    from ssl_bench.data.waveforms import Waveforms
    from ssl_models.catalog import pretraining

    corpus = read_corpus(sample_corpus())
    model, generator = pretraining("efficient-tiny"), torch.Generator().manual_seed(0)
    waveforms = torch.randn(8, 245_760) * 0.1
    model(waveforms, None, generator).loss.backward()
    start = time.perf_counter()
    for _ in range(5):
        model(waveforms, None, generator).loss.backward()
    used = 5 * 8 * 15.36 / (time.perf_counter() - start)
    for what, limit in (("decoding each time", 0), ("kept in memory", None)):
        source = ClipSource(corpus.utterances, Waveforms(limit), 245_760, 8, 0)
        with batches(source) as stream:
            for _ in range(15):  # one pass, which fills the store
                next(stream)
            start = time.perf_counter()
            read = sum(next(stream)[0].seconds for _ in range(45))
        rate = read / (time.perf_counter() - start)
        out(
            f"loader, {what}: {rate:,.0f} × real time, {rate / used:.1f} x the rate of efficient-tiny here ({used:.0f} x)"
        )


def bench_count() -> None:
    """Counting a forward pass with fake tensors against fvcore's analysis with real ones; the limits are a third of its time, and 1 s."""
    from ssl_benchmarks.counting.flops import inference_flops
    from ssl_benchmarks.profile.second_opinion import second_opinion
    from ssl_models.catalog import load_model

    for name in ("hubert-base", "efficient-base"):
        inference_flops(lambda name=name: load_model(name), 1.0)  # type: ignore[misc]
        second_opinion(load_model("efficient-tiny"), 1.0)
        ours, theirs = [], []
        for _ in range(5):
            start = time.perf_counter()
            inference_flops(lambda name=name: load_model(name), 30.0)  # type: ignore[misc]
            middle = time.perf_counter()
            second_opinion(load_model(name), 30.0)
            ours.append(middle - start)
            theirs.append(time.perf_counter() - middle)
        a, b = median(ours), median(theirs)
        out(f"count: {name} at 30 s, including building: {a / b:.2f} x fvcore's analysis ({a:.2f} s, {b:.2f} s)")


STARTS = {
    "profile hubert-base": (
        "import torch, torch.fx.experimental.symbolic_shapes, fvcore.nn, rich.table; from transformers import HubertModel",
        1.3,
    ),
    "profile efficient-tiny": ("import torch, torch.fx.experimental.symbolic_shapes, fvcore.nn, rich.table", 1.5),
    "env": ("import torch, psutil, pynvml, pandas, codecarbon.core.cpu, codecarbon.external.hardware, rich.table", 1.3),
}
"""Commands, the imports each needs, and the limit on the ratio of their times.

Fake tensors, with which `profile` counts, need torch's symbolic shapes, which need sympy; CodeCarbon reads its table of CPUs with pandas.
"""


def bench_start() -> None:
    """Commands as typed against the imports each needs, in turn: medians of 5, wall and CPU time; the limits are in `STARTS`."""
    for command, (imports, limit) in STARTS.items():
        ours, theirs = [str(BIN / "sslbench"), *command.split()], [sys.executable, "-c", imports]
        wall_and_cpu(ours), wall_and_cpu(theirs)
        pairs = [(wall_and_cpu(ours), wall_and_cpu(theirs)) for _ in range(5)]
        (wall, cpu), (wall_0, cpu_0) = (
            [median(pair[side][part] for pair in pairs) for part in (0, 1)] for side in (0, 1)
        )
        out(
            f"start: {command}: {wall / wall_0:.2f} x `{imports}` ({wall:.2f} s, {wall_0:.2f} s; limit {limit}), "
            f"{cpu / cpu_0:.2f} x its CPU time ({cpu:.2f} s, {cpu_0:.2f} s)"
        )


def printed(command: list[str]) -> dict[str, Any]:
    """The document that a command prints."""
    done = subprocess.run([*command, "--json"], check=True, capture_output=True, text=True)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def bench_repeatability(runs: int = 20) -> None:
    """`sslbench measure` repeated on the same step: how far the runs differ, and how often a run's 95 % interval contains
    the median of all. The limit is 17 of 20."""
    for phase in ("inference", "training"):
        command = [
            str(BIN / "sslbench"),
            "measure",
            "efficient-small",
            "--phase",
            phase,
            "--minutes",
            "0.5",
            "--clip-seconds",
            "5",
        ]
        documents = [printed([*command, "--out", f"repeated/{phase}-{run}"]) for run in range(runs)]
        rows = [
            next(row for row in document["measurements"] if row["metric"] == "audio_seconds_per_second")
            for document in documents
        ]
        middle = median(row["value"] for row in rows)
        held = sum(row["ci95"][0] <= middle <= row["ci95"][1] for row in rows)
        spread = (max(row["value"] for row in rows) - min(row["value"] for row in rows)) / middle
        wide = median((row["ci95"][1] - row["ci95"][0]) / 2 / row["value"] for row in rows)
        disturbed = sum(bool(document["details"]["disturbances"]) for document in documents)
        out(
            f"repeatability: {phase}: median {middle:.4g} × real time, runs differ by {spread:.0%}, {held} of {runs} intervals contain the median "
            f"(median half-width {wide:.0%}); {disturbed} runs were disturbed"
        )


def bench_compare(pairs: int = 3) -> None:
    """`sslbench compare` of six models for four minutes, twice in a row: rounds, the first round's overhead, whether the 95 %
    intervals of a ratio overlap. Limits: 8 rounds, 95 % of the ratios, a median half-width of 10 %."""
    models = "efficient-tiny,efficient-small,efficient-base,essl,wav2vec2-base,hubert-base"
    command = [
        str(BIN / "sslbench"),
        "compare",
        "--models",
        models,
        "--clip-seconds",
        "5",
        "--minutes",
        "4",
        "--device",
        "cpu",
    ]
    overlaps, widths = [], []
    for pair in range(pairs):
        took, found = [], []
        for side in "ab":
            start = time.perf_counter()
            document = printed([*command, "--out", f"compared/{pair}{side}"])
            took.append(time.perf_counter() - start)
            rounds = document["details"]["rounds"]
            first = sum(cell["seconds"] for cell in rounds[0]["cells"])
            later = median(sum(cell["seconds"] for cell in entry["cells"]) for entry in rounds[1:]) if rounds[1:] else 0
            out(
                f"compare: {took[-1]:.0f} s, {len(rounds)} rounds; the first took {first:.0f} s, later ones {later:.0f} s"
            )
            found.append(
                {
                    (each["model"], each["phase"]): each["ratio"]
                    for each in document["details"]["ratios"]
                    if each["metric"] == "audio_seconds_per_second" and each["ratio"]["ci95"]
                }
            )
        for key in found[0].keys() & found[1].keys():
            (a, b), (c, d) = found[0][key]["ci95"], found[1][key]["ci95"]
            overlaps.append(a <= d and c <= b)
            widths += [(side[key]["ci95"][1] - side[key]["ci95"][0]) / 2 / side[key]["value"] for side in found]
    out(
        f"compare: {sum(overlaps)} of {len(overlaps)} ratios have overlapping intervals; median half-width {median(widths):.1%}"
    )


def bench_meter_command(pairs: int = 5, long_s: int = 25, short_s: int = 5) -> None:
    """`sslbench meter -- true` against `sslbench --help`, limit 2, and 100 MB; and the CPU time of metering, limit 0.5 %."""
    sslbench = str(BIN / "sslbench")
    sleep = [sslbench, "meter", "--no-idle", "--", "sleep"]
    nothing, help_ = [*sleep[:-1], "true"], [sslbench, "--help"]
    seconds(nothing)  # the first one on a machine asks CodeCarbon about it
    found = [(wall_and_cpu(nothing), wall_and_cpu(help_)) for _ in range(pairs)]
    wall, cpu = (median(a[i] for a, _ in found) / median(b[i] for _, b in found) for i in (0, 1))
    script = "grep VmHWM /proc/$PPID/status"
    peak = int(
        subprocess.check_output([*sleep[:-1], "sh", "-c", script], text=True, stderr=subprocess.DEVNULL).split()[1]
    )
    out(f"meter -- true: {wall:.2f} x --help by the clock, {cpu:.2f} x by CPU time; peak {peak / 1000:.0f} MB")
    share = (wall_and_cpu([*sleep, str(long_s)])[1] - wall_and_cpu([*sleep, str(short_s)])[1]) / (long_s - short_s)
    cores = os.cpu_count() or 1
    out(f"meter -- sleep: {100 * share:.2f} % of a core, {100 * share / cores:.2f} % of wall x cores")


def bench_import() -> None:
    """`sslbench models NAME` against importing torch, which it does not need."""
    torch_import = [sys.executable, "-c", "import torch"]
    card = [str(BIN / "sslbench"), "models", "efficient-base"]
    seconds(torch_import), seconds(card)
    pairs = [(seconds(card), seconds(torch_import)) for _ in range(5)]
    a, b = median(x for x, _ in pairs), median(y for _, y in pairs)
    out(f"models: {a / b:.2f} x the import of torch ({a:.2f} s, {b:.2f} s)")


SECTIONS: dict[str, Callable[[], None]] = {
    "help": bench_help,
    "models": bench_import,
    "count": bench_count,
    "start": bench_start,
    "loader": bench_loader,
    "meter": bench_meter,
    "repeatability": bench_repeatability,
    "compare": bench_compare,
    "meter-command": bench_meter_command,
    "gpu-meter": bench_gpu_meter,
}

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for name in sys.argv[1:] or SECTIONS:
            SECTIONS[name]()
