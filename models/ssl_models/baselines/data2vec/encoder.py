"""data2vec-audio's encoder as built by transformers, with random weights."""

from __future__ import annotations

from ssl_models.baselines.data2vec.config import Data2VecEncoderConfig
from ssl_models.parts.transformers_encoder import TransformersEncoder


def build_encoder(config: Data2VecEncoderConfig) -> TransformersEncoder:
    """An encoder of this shape; `normalise` is on, since the recipe's clips have zero mean and unit variance.

    From the second position convolution on, padding is no longer zero, in transformers as in the authors' code, so a
    clip's last 45 frames (and by attention, weakly, all) depend on the amount of padding that follows, though never on
    its content.
    """
    from transformers import Data2VecAudioConfig, Data2VecAudioModel

    settings = Data2VecAudioConfig(
        hidden_size=config.width,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        intermediate_size=config.hidden,
        conv_dim=config.conv_widths,
        conv_kernel=config.conv_kernels,
        conv_stride=config.conv_strides,
        num_conv_pos_embeddings=config.position_layers,
        conv_pos_kernel_size=config.position_kernel,
        num_conv_pos_embedding_groups=config.position_groups,
        hidden_dropout=config.dropout,
        activation_dropout=0.0,
        attention_dropout=config.attention_dropout,
        feat_proj_dropout=0.0,
        layerdrop=config.layer_drop,
    )
    return TransformersEncoder(Data2VecAudioModel(settings))
