"""The encoders of wav2vec 2.0, HuBERT and WavLM as built by transformers, with random weights."""

from __future__ import annotations

from typing import Any

from ssl_models.baselines.wav2vec2.config import ArchitectureConfig
from ssl_models.parts.transformers_encoder import TransformersEncoder


def build_encoder(architecture: ArchitectureConfig) -> TransformersEncoder:
    """An encoder of this shape; anything else is transformers' default."""
    match architecture.family:
        case "wav2vec2":
            from transformers import Wav2Vec2Config as Config
            from transformers import Wav2Vec2Model as Model
        case "hubert":
            from transformers import HubertConfig as Config  # type: ignore[assignment]
            from transformers import HubertModel as Model  # type: ignore[assignment]
        case "wavlm":
            from transformers import WavLMConfig as Config  # type: ignore[assignment]
            from transformers import WavLMModel as Model  # type: ignore[assignment]
    return TransformersEncoder(Model(Config(**transformers_settings(architecture))))


def transformers_settings(architecture: ArchitectureConfig) -> dict[str, Any]:
    """The shape as transformers' settings."""
    a = architecture
    return {
        "hidden_size": a.width,
        "num_hidden_layers": a.layers,
        "num_attention_heads": a.heads,
        "intermediate_size": a.hidden,
        "conv_dim": a.conv_widths,
        "conv_kernel": a.conv_kernels,
        "conv_stride": a.conv_strides,
        "conv_bias": a.conv_bias,
        "feat_extract_norm": a.conv_norm,
        "do_stable_layer_norm": a.pre_norm,
        "num_conv_pos_embeddings": a.position_kernel,
        "num_conv_pos_embedding_groups": a.position_groups,
        "hidden_dropout": a.dropout,
        "activation_dropout": 0.0,
        "attention_dropout": a.attention_dropout,
        "feat_proj_dropout": a.dropout,
        "layerdrop": a.layer_drop,
    } | ({"num_buckets": a.position_buckets} if a.family == "wavlm" else {})


def architecture_of(config: Any) -> ArchitectureConfig | None:  # noqa: ANN401 - transformers' settings class
    """The shape behind transformers' settings, None for another family or for parts that a shape cannot express."""
    if config.model_type not in ("wav2vec2", "hubert", "wavlm"):
        return None
    if getattr(config, "add_adapter", False) or getattr(config, "adapter_attn_dim", None) is not None:
        return None
    if getattr(config, "conv_pos_batch_norm", False) or not getattr(config, "feat_proj_layer_norm", True):
        return None
    return ArchitectureConfig(
        config.model_type,
        config.hidden_size,
        config.num_hidden_layers,
        config.num_attention_heads,
        config.intermediate_size,
        tuple(config.conv_dim),
        tuple(config.conv_kernel),
        tuple(config.conv_stride),
        config.feat_extract_norm,
        bool(config.conv_bias),
        bool(config.do_stable_layer_norm),
        config.num_conv_pos_embeddings,
        config.num_conv_pos_embedding_groups,
        config.hidden_dropout,
        config.attention_dropout,
        config.layerdrop,
        getattr(config, "num_buckets", 320),
    )
