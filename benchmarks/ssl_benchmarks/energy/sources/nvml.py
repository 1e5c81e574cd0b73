"""NVIDIA's management library, any query of which may fail."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Missing:
    """The reason why a query has no answer."""

    reason: str


def number(answer: Any | Missing) -> float | Missing:  # noqa: ANN401 - whatever a binding returns
    """The answer of a query that must be a number."""
    try:
        return answer if isinstance(answer, Missing) else float(answer)
    except (TypeError, ValueError):
        return Missing(f"NVML answered {answer!r}, which is not a number")


class Nvml:
    """An open session with the driver; needs no root. Close it, or the driver keeps a reference."""

    def __init__(self, binding: Any) -> None:  # noqa: ANN401 - the binding carries no types
        self._binding = binding
        self._open = True

    @classmethod
    def open(cls) -> Nvml | Missing:
        """Load the library and start a session, or return the reason why that is not possible here."""
        try:
            import pynvml
        except ImportError as error:
            return Missing(f"no NVML binding ({error})")
        if not all(hasattr(pynvml, name) for name in ("nvmlInit", "NVMLError", "NVMLError_LibraryNotFound")):
            where = getattr(pynvml, "__file__", "unknown")
            return Missing(f"the module pynvml ({where}) is not NVIDIA's binding: replace it with nvidia-ml-py")
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError_LibraryNotFound:
            return Missing("no NVIDIA driver library (libnvidia-ml.so.1) on this machine")
        except pynvml.NVMLError as error:
            return Missing(f"NVML does not start: {error}")
        return cls(pynvml)

    def query(self, function: str, *arguments: object) -> Any | Missing:  # noqa: ANN401 - many kinds of answer
        """Call `nvml<function>`; a failure is returned as `Missing`, and bytes (from older bindings) as text.

        An argument that is `Missing` is returned.
        """
        if missing := next((each for each in arguments if isinstance(each, Missing)), None):
            return missing
        if not self._open:
            return Missing("the NVML session is closed")
        try:
            answer = getattr(self._binding, f"nvml{function}")(*arguments)
        except (self._binding.NVMLError, AttributeError, ValueError, TypeError, ctypes.ArgumentError) as error:
            return Missing(f"nvml{function}: {error}")
        return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer

    def constant(self, name: str) -> int:
        """A constant of the binding, without its prefix NVML_; -1, which no query accepts, if the binding lacks it."""
        return int(getattr(self._binding, f"NVML_{name}", -1))

    def close(self) -> None:
        """End the session; a driver that has gone away is no error."""
        if self._open:
            self.query("Shutdown")
            self._open = False
