"""Registration of our models with the transformers library."""

from __future__ import annotations

from ssl_models.baselines.essl.encoder import EsslEncoder
from ssl_models.efficient.encoder import EfficientEncoder
from ssl_models.parts.transformers_form import register


def register_transformers() -> None:
    """Register our encoders with `AutoConfig` and `AutoModel` of transformers; calling it again does nothing."""
    for encoder in (EfficientEncoder, EsslEncoder):
        register(encoder)
