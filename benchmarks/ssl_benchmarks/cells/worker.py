"""A cell's process: it plans or builds one cell and answers over its channel; `processes.py` is the other end.

The first message is the task, followed by the speech for a cell. Each `{"window": seconds}` is then answered with
stages as they happen and with the result or the reason why there is none. When the channel closes, the process ends.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

Tell = Callable[[dict[str, Any]], None]


def answer(channel: Connection) -> None:
    """Do the task received over the channel."""
    from ssl_benchmarks.cells.request import CellError
    from ssl_benchmarks.energy.neighbours.processes import adopt
    from ssl_benchmarks.processes.out_of_memory import is_out_of_memory
    from ssl_models.errors import BadInputError

    task = json.loads(channel.recv_bytes())
    adopt(task["family"])

    def tell(event: dict[str, Any]) -> None:
        channel.send_bytes(json.dumps(event).encode())

    try:
        TASKS[task["do"]](task, channel, tell)
    except BadInputError as error:
        tell({"bad_input": str(error)})
    except CellError as error:
        tell({"refused": str(error)})
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        tell({"out_of_memory": in_short(error)})


def _plan(task: dict[str, Any], channel: Connection, tell: Tell) -> None:
    del channel
    from ssl_benchmarks.cells.plan import plan_of
    from ssl_benchmarks.cells.request import CellRequest

    tell({"plan": plan_of(CellRequest.from_document(task["request"])).document()})


def _ceiling(task: dict[str, Any], channel: Connection, tell: Tell) -> None:
    del channel
    import torch

    from ssl_benchmarks.cells.cell import DTYPES
    from ssl_benchmarks.timing.ceiling import matmul_ceiling

    tell({"ceiling": asdict(matmul_ceiling(torch.device(task["device"]), DTYPES[task["precision"]]))})


def _cell(task: dict[str, Any], channel: Connection, tell: Tell) -> None:
    """Build a cell, report that, then measure a window for each message until the channel closes."""
    import numpy as np
    import torch

    from ssl_benchmarks.cells.cell import WarmCell
    from ssl_benchmarks.cells.request import CellRequest
    from ssl_benchmarks.cells.steps import STEPS

    request = CellRequest.from_document(task["request"])
    setting, device = request.setting, torch.device(request.device)
    if setting.phase == "training":
        import lightning_fabric  # noqa: F401 - before memory is measured: its 120 MiB are no part of a model's
    speech = np.frombuffer(channel.recv_bytes(), dtype=np.int16)
    torch.manual_seed(request.seed)
    report = lambda stage: tell({"stage": asdict(stage)})  # noqa: E731 - one line is enough
    cell = WarmCell(lambda: STEPS[setting.phase](request, speech, device), setting, request.protocol, device, report)
    tell({"built": True})
    while True:
        try:
            asked = json.loads(channel.recv_bytes())
        except EOFError:
            return
        measured = cell.window(asked["window"], idle=request.idle, report=report)
        rows = [row.row() for row in measured.rows]
        tell({"rows": rows, "details": measured.details, "samples": list(measured.samples)})


TASKS: dict[str, Callable[[dict[str, Any], Connection, Tell], None]] = {
    "plan": _plan,
    "ceiling": _ceiling,
    "cell": _cell,
}


def in_short(error: BaseException) -> str:
    """The first sentences of torch's message, without the place in its source."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    said = line.partition("DefaultCPUAllocator: ")[2] or line
    return said.partition(". Error code")[0].partition(" GPU 0 has a total")[0]


def main() -> None:
    """Entry point where processes cannot be forked: `python -P -m ssl_benchmarks.cells.worker DESCRIPTOR`."""
    answer(Connection(int(sys.argv[1])))
    os._exit(0)


if __name__ == "__main__":
    main()
