"""The models that are ours, made known to the transformers library."""

from __future__ import annotations

from ssl_models.baselines.essl.encoder import EsslEncoder
from ssl_models.efficient.encoder import EfficientEncoder
from ssl_models.parts.transformers_form import register


def register_transformers() -> None:
    """Let `AutoConfig` and `AutoModel` of transformers know our encoders; calling it again does nothing."""
    for encoder in (EfficientEncoder, EsslEncoder):
        register(encoder)
