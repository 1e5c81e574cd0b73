"""Measures one cell in a process of its own: `python -P -m ssl_bench.cell_worker FOLDER`; `cells.py` is the other end.

FOLDER holds `request.json` and `speech.npy`; what comes out is `trace.parquet` there, and lines of JSON on stdout: stages
as they come, at last the result or the reason why there is none.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

OUT_OF_MEMORY = (
    "can't allocate memory",
    "CUDA out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""How torch says it where it raises no error of its own kind."""


def work(folder: Path, tell: Callable[[dict[str, Any]], None]) -> None:
    """Measure the cell of `folder`, and tell how it goes."""
    import numpy as np
    import torch

    from benchmarks.cell import measure_cell
    from models.errors import BadInputError
    from ssl_bench.cells import CellRequest
    from ssl_bench.steps import STEPS

    request = CellRequest.from_document(json.loads((folder / "request.json").read_text()))
    setting, device = request.setting, torch.device(request.device)
    torch.manual_seed(request.seed)
    speech = np.load(folder / "speech.npy", allow_pickle=False)
    try:
        measured = measure_cell(
            lambda: STEPS[setting.phase](request, speech, device),
            setting,
            request.protocol,
            device,
            idle=request.idle,
            report=lambda stage: tell({"stage": asdict(stage)}),
        )
    except BadInputError as error:
        tell({"refused": str(error)})
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        tell({"out_of_memory": in_short(error)})
    else:
        measured.trace.to_parquet(folder / "trace.parquet", index=False)
        tell({"rows": [row.row() for row in measured.rows], "details": measured.details})


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there was not enough memory."""
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(part in str(error) for part in OUT_OF_MEMORY)


def in_short(error: BaseException) -> str:
    """The first sentences of torch's message, without where in its source it was raised."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    said = line.partition("DefaultCPUAllocator: ")[2] or line
    return said.partition(". Error code")[0].partition(" GPU 0 has a total")[0]


def main() -> None:
    """A model of the user's may print: only our own lines go to what was stdout."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the parent's to answer
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)

        def tell(event: dict[str, Any]) -> None:
            channel.write(json.dumps(event) + "\n")
            channel.flush()

        work(Path(sys.argv[1]), tell)


if __name__ == "__main__":
    main()
