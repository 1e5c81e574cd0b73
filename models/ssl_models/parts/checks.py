"""Checks that the settings of several models share."""

from __future__ import annotations


def require_positive(settings: object, *names: str) -> None:
    """Raise a ValueError unless these fields are at least 1."""
    for name in names:
        if getattr(settings, name) < 1:
            raise ValueError(f"{name} {getattr(settings, name)} must be at least 1")


def require_shares(settings: object, *names: str) -> None:
    """Raise a ValueError unless these fields are in [0, 1)."""
    for name in names:
        if not 0 <= getattr(settings, name) < 1:
            raise ValueError(f"{name} {getattr(settings, name)} must be in [0, 1)")
