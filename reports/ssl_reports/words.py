"""What figures, texts and pages call parts of the machine, error rates, tasks and budgets."""

from __future__ import annotations

from ssl_reports.units import with_prefix

SCOPES = {"gpu": "GPU", "cpu": "CPU", "dram": "DRAM", "machine": "whole machine"}
RATES = {
    "cer": "character error rate", "wer": "word error rate", "per": "phone error rate", "eer": "equal error rate",
    "abx": "ABX error rate", "accuracy": "accuracy",
}  # fmt: skip
FROZEN, FINETUNED = frozenset({"pr", "asr", "sid", "asv"}), "asr-finetune"
TASKS = {"sid": "speaker identification", "asv": "speaker verification", "ks": "keyword spotting"}
"""Tasks that the name of a rate does not show."""


def learned_by(task: str | None, head: str | None) -> str:
    """What learned a task: "linear head on frozen features"."""
    known = f"{head} head" if head else "head"
    if task == FINETUNED:
        return f"fine-tuned with a {known}"
    words = [TASKS.get(task or "", "")] if task in TASKS else []
    if task in FROZEN and head:
        words.append(f"{known} on frozen features")
    elif head:
        words.append(known)
    return ", ".join(words)


def capital(text: str) -> str:
    """The text with a capital letter."""
    return text[:1].upper() + text[1:]


def budget_of(resource: str, amount: float) -> str:
    """The budget of each run of a study, or a limit of a training: "1.00 Wh of energy", "5 h of audio"."""
    match resource:
        case "joules":
            return f"{with_prefix(amount / 3600, 'Wh')} of energy"
        case "kwh":
            return f"{amount:,g} kWh of energy"
        case "audio-hours" | "audio_hours":
            return f"{amount:,g} h of audio"
        case "flops":
            return with_prefix(amount, "FLOP")
        case _:
            return f"{amount:,g} {'min' if resource == 'minutes' else resource}"
