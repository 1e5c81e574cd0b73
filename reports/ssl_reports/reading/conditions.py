"""Conditions of a measurement in words, as tables and their notes have them."""

from __future__ import annotations

import re

from ssl_benchmarks.record.record import Conditions


def device_words(c: Conditions) -> str:
    """The device; a processor with its cores, which records name "PROCESSOR x CORES"."""
    return re.sub(r" x (\d+)$", r", \1 cores", c.device or "")


def batch_words(c: Conditions) -> str:
    """The clips of a batch: "one 5 s clip per batch", "16 clips of 15 s per batch"."""
    if not c.clip_seconds or not c.batch_seconds:
        return f"clips of {c.clip_seconds:g} s" if c.clip_seconds else ""
    clips = c.batch_seconds / c.clip_seconds
    if abs(clips - 1) < 1e-3:
        return f"one {c.clip_seconds:g} s clip per batch"
    return f"{clips:.3g} clips of {c.clip_seconds:g} s per batch"


def step_words(c: Conditions) -> list[str]:
    """Device, precision, compilation and batch, those that are recorded."""
    return [part for part in (device_words(c), c.dtype or "", "compiled" * bool(c.compile), batch_words(c)) if part]


def where(c: Conditions) -> str:
    """Device, precision and batch in one line."""
    return ", ".join(step_words(c)) or "device not recorded"
