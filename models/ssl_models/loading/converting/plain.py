"""A checkpoint's configuration as plain JSON, whatever objects held it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ssl_models.loading.converting.pickle_values import Named, StandIn
from ssl_models.loading.converting.torch_file import StoredTensor

MOST_VALUES, MOST_DEPTH, MOST_CHARACTERS = 20_000, 24, 2_000
"""Limits of a configuration, which is otherwise cut; a pickle may hold one list a million times."""
MOST = 2**63
"""Numbers from this size on, and those that are not finite, are texts."""
CUT = "..."


class Plain:
    """Turns values into plain ones, up to a limit that they share.

    Attributes:
        stood_in: names of the classes that stand-ins were for.
        cut: whether something was left out because of a limit.
    """

    def __init__(self) -> None:
        self.stood_in: set[str] = set()
        self.cut = False
        self._left = MOST_VALUES

    def of(self, value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - any plain value
        """The value as JSON has it; tensors by their shape, objects by what they hold."""
        self._left -= 1
        if self._left < 0 or depth > MOST_DEPTH:
            self.cut = True
            return CUT
        match value:
            case StandIn():
                return self._object(value, depth)
            case Mapping():
                return self._mapping(value, depth)
            case list() | tuple():
                return self._sequence(value, depth)
        return self._single(value)

    def _single(self, value: Any) -> Any:  # noqa: ANN401 - any value but a container or an object
        if isinstance(value, str):
            self.cut = self.cut or len(value) > MOST_CHARACTERS
            return value[:MOST_CHARACTERS]
        if value is None or (isinstance(value, int | float) and abs(value) < MOST and math.isfinite(value)):
            return value
        match value:
            case int() | float():
                return str(value)[:40]
            case bytes() | bytearray():
                return f"{len(value)} bytes"
            case StoredTensor(size=size):
                return f"tensor {list(size)}"[:80]
        return value.name if isinstance(value, Named) else type(value).__name__

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, inner in value.items():
            if self._left <= 0:
                self.cut = True
                break
            found[str(self.of(key, depth + 1))] = self.of(inner, depth + 1)
        return found

    def _sequence(self, value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        found: list[Any] = []
        for inner in value:
            if self._left <= 0:
                self.cut = True
                break
            found.append(self.of(inner, depth + 1))
        return found

    def _object(self, value: StandIn, depth: int) -> Any:  # noqa: ANN401 - any plain value
        """What an object holds: omegaconf's nodes their content, others their state, items or arguments."""
        self.stood_in.add(value.kind[:MOST_CHARACTERS])
        state = value.state
        if isinstance(state, dict):
            for content in ("_content", "_val"):
                if content in state:
                    return self.of(state[content], depth + 1)
        held = value.items or value.values or state
        if held is None or held == {}:
            held = value.args[0] if len(value.args) == 1 else value.args
        return self.of(held, depth + 1)
