"""Names of weights that come from elsewhere, as transformers calls them.

fairseq (wav2vec 2.0, HuBERT, WavLM, data2vec) and torchaudio (wav2vec 2.0, HuBERT) name the same tensors otherwise; a
transformers checkpoint with a head holds the encoder below its family's name. What belongs to heads, quantisers and
teachers is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

PREFIXES = re.compile(r"^(w2v_encoder\.w2v_model\.|w2v_model\.|hubert\.|wav2vec2\.|wavlm\.|data2vec_audio\.|model\.)")

RULES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        # fairseq's front end: a sequence of convolution, dropout, norm.
        (r"^(feature_extractor\.conv_layers\.\d+)\.0\.(weight|bias)$", r"\1.conv.\2"),
        (r"^(feature_extractor\.conv_layers\.\d+)\.2(?:\.1)?\.(weight|bias)$", r"\1.layer_norm.\2"),
        (r"^post_extract_proj\.", "feature_projection.projection."),
        (r"^layer_norm\.", "feature_projection.layer_norm."),
        (r"^mask_emb$", "masked_spec_embed"),
        (r"^encoder\.pos_conv\.0\.(weight_g|weight_v|bias)$", r"encoder.pos_conv_embed.conv.\1"),
        (r"^encoder\.pos_conv\.(\d+)\.0\.(weight|bias)$", r"encoder.pos_conv_embed.layers.\1.conv.\2"),
        (r"^(encoder\.layers\.\d+)\.self_attn\.([kvq]|out)_proj\.", r"\1.attention.\2_proj."),
        (r"^(encoder\.layers\.\d+)\.self_attn\.grep_linear\.", r"\1.attention.gru_rel_pos_linear."),
        (r"^(encoder\.layers\.\d+)\.self_attn\.grep_a$", r"\1.attention.gru_rel_pos_const"),
        (r"^(encoder\.layers\.\d+)\.self_attn\.relative_attention_bias\.", r"\1.attention.rel_attn_embed."),
        (r"^(encoder\.layers\.\d+)\.self_attn_layer_norm\.", r"\1.layer_norm."),
        (r"^(encoder\.layers\.\d+)\.fc1\.", r"\1.feed_forward.intermediate_dense."),
        (r"^(encoder\.layers\.\d+)\.fc2\.", r"\1.feed_forward.output_dense."),
        # torchaudio's
        (r"^encoder\.feature_projection\.", "feature_projection."),
        (r"^encoder\.transformer\.", "encoder."),
        # both, and transformers before version 4.31: weight norm of the position kernel
        (r"^(encoder\.pos_conv_embed\.conv)\.weight_g$", r"\1.parametrizations.weight.original0"),
        (r"^(encoder\.pos_conv_embed\.conv)\.weight_v$", r"\1.parametrizations.weight.original1"),
    )
)

KEPT = re.compile(r"^(feature_extractor|feature_projection|encoder)\.|^masked_spec_embed$")


def transformers_names(tensors: Mapping[str, T]) -> dict[str, T]:
    """The encoder's tensors under transformers' names, whoever named them; what is no part of an encoder is left out."""
    found: dict[str, T] = {}
    for name, tensor in tensors.items():
        translated = PREFIXES.sub("", name)
        for pattern, replacement in RULES:
            translated = pattern.sub(replacement, translated)
        if KEPT.match(translated):
            found[translated] = tensor
    return found
