"""Loading of a local folder by the transformers library, silently, with lists of found and missing weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import AutoModel
from transformers.utils import logging


def loaded(folder: Path | str, **more: Any) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401 - transformers' own
    """The model of a local folder, and its `missing_keys` and `unexpected_keys`; nothing is downloaded or unpickled.

    Raises:
        Exception: of one of transformers' many kinds, if it cannot load the folder.
    """
    auto: Any = AutoModel
    with quiet_transformers():
        model, found = auto.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            **more,
        )
    return model, found


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Turn off the progress bars and loading reports of transformers, which would mix with our output."""
    shown, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
