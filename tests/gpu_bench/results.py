"""The folder to commit: finished records without weights and long traces, tables, figures, and a page that lists the parts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from plan import PARTS, Bench, losses, smoke_folder
from running import ROOT

KEPT = ("run.json", "report.md", "training.png", "power.csv.gz", "metrics.jsonl")
LONGEST = 2**20
"""Bytes of a trace or curve; a longer one stays in the output folder."""
PICTURES = ("*.png", "*.svg")


def fill(bench: Bench) -> None:
    """Copy what has finished; a later call replaces it."""
    bench.results.mkdir(parents=True, exist_ok=True)
    if (bench.out / "env.json").is_file():
        _copy(bench, bench.out / "env.json", bench.results / "env.json")
    runs = ["compare", "joules", *(smoke_folder(entry) for entry in bench.effort.smoke)]
    runs += [str(path.parent.relative_to(bench.out)) for path in (bench.out / "joules").glob("*/run.json")]
    for run in runs:
        if bench.finished(run):
            for name in KEPT:
                _copy(bench, bench.out / run / name, bench.results / run / name)


def _copy(bench: Bench, source: Path, target: Path) -> None:
    """Copy a file if there is one of an acceptable size, texts without the folders of this machine."""
    target.unlink(missing_ok=True)
    if not source.is_file() or (source.stat().st_size > LONGEST and target.name != "run.json"):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix in {".json", ".md", ".jsonl"}:
        target.write_text(without_folders(source.read_text("utf-8"), bench), "utf-8")
    else:
        shutil.copyfile(source, target)


def without_folders(text: str, bench: Bench) -> str:
    """A text in which no path of this machine is left of those that a record may hold."""
    for folder in (bench.out, ROOT, Path.home()):
        if folder != folder.parent:
            text = text.replace(f"{folder}/", "").replace(str(folder), ".")
    return text


def add_paper(bench: Bench) -> None:
    """Take the tables and figures of the report in the output folder, in place of earlier ones."""
    report = bench.out / "report"
    for part, patterns in (("tables", ("*",)), ("figures", PICTURES)):
        shutil.rmtree(bench.results / part, ignore_errors=True)
        for path in (path for pattern in patterns for path in sorted((report / part).glob(pattern))):
            (bench.results / part).mkdir(exist_ok=True)
            shutil.copyfile(path, bench.results / part / path.name)


def write_page(bench: Bench, parts: dict[str, dict[str, Any]], about: dict[str, str]) -> None:
    """`report.md`: the machine and the speech, what each part did, and how every family trained."""
    lines = [f"# {about['card']}", "", f"`make bench-gpu`, {about['software']}. Speech: {about['speech']}."]
    if bench.tiny:
        lines += ["", "Tiny models and budgets: this shows that everything runs, and no cost of a full model."]
    lines += ["", "| part | exit | seconds | result |", "|---|---|---|---|"]
    for name in PARTS:
        if found := parts.get(name):
            shown = "; ".join([found["shown"], *found["faults"]]).replace("|", "\\|")
            seconds = "" if found["seconds"] is None else f"{found['seconds']:.0f}"
            lines.append(f"| {name} | {found['exit']} | {seconds} | {shown} |")
    lines += ["", *_smoke(bench)]
    tables = [
        f"`tables/{name}.md`"
        for name in ("efficiency", "claims")
        if (bench.results / "tables" / f"{name}.md").is_file()
    ]
    if tables:
        lines += ["", f"Costs, quality and claims: {' and '.join(tables)}, made from `compare/` and `joules/`."]
    text = "\n".join(lines) + "\n"
    (bench.results / "report.md").write_text(without_folders(text, bench), "utf-8")


def _smoke(bench: Bench) -> list[str]:
    """A table of the few steps of each family; their costs are no results, since three trained at a time."""
    lines = ["| model | steps | mode | precision | loss |", "|---|---|---|---|---|"]
    for entry in bench.effort.smoke:
        if bench.finished(smoke_folder(entry)):
            config, curve = bench.record(smoke_folder(entry))["config"], losses(bench, smoke_folder(entry))
            mode = "compiled" if config["compile"] else "eager"
            lines.append(
                f"| {entry.partition(' ')[0]} | {config['steps']} | {mode} | {config['precision']} | {curve[-1]:.3g} |"
            )
    return lines if len(lines) > 2 else []
