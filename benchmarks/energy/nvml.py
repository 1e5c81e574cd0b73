"""NVIDIA's management library, every query of which may fail on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Missing:
    """The reason why a query has no answer."""

    reason: str


class Nvml:
    """An open session with the driver; needs no root. Close it, or the driver keeps a reference."""

    def __init__(self, binding: Any) -> None:  # noqa: ANN401 - the binding carries no types
        self._binding = binding
        self._open = True

    @classmethod
    def open(cls) -> Nvml | Missing:
        """Load the library and start a session, or say why that cannot be done here."""
        try:
            import pynvml
        except ImportError as error:
            return Missing(f"no NVML binding ({error})")
        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError_LibraryNotFound:
            return Missing("no NVIDIA driver library (libnvidia-ml.so.1) on this machine")
        except pynvml.NVMLError as error:
            return Missing(f"NVML does not start: {error}")
        return cls(pynvml)

    def query(self, function: str, *arguments: object) -> Any | Missing:  # noqa: ANN401 - many kinds of answer
        """Call `nvml<function>`; what fails comes back as `Missing`."""
        if not self._open:
            return Missing("the NVML session is closed")
        try:
            return getattr(self._binding, f"nvml{function}")(*arguments)
        except (self._binding.NVMLError, AttributeError, ValueError) as error:
            return Missing(f"nvml{function}: {error}")

    def constant(self, name: str) -> int:
        """A constant of the binding, without its prefix NVML_."""
        return int(getattr(self._binding, f"NVML_{name}"))

    def close(self) -> None:
        """End the session; a driver that is gone by now is no error."""
        if self._open:
            self.query("Shutdown")
            self._open = False
