"""Commands whose help shows a switch as one: typer would show `--compile <bool>`, as if it took a value."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


class _Switches:
    """A command whose switches have no name of a value."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - typer's context, of its own click or of click's
        """The parameters, with the options of help and completion."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", False):
                param.metavar = " "
        return params


class Group(_Switches, TyperGroup):
    """The commands together."""


class Command(_Switches, TyperCommand):
    """One command."""
