"""Names of weights from elsewhere, translated to those of transformers.

fairseq (wav2vec 2.0, HuBERT, WavLM, data2vec) and torchaudio (wav2vec 2.0, HuBERT) use other names for the same
tensors; a transformers checkpoint with a head has the encoder's names below the family's name. Tensors of heads,
quantisers and teachers are dropped by name; any other tensor that the encoder lacks shows that the weights are of
another model.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from ssl_models.errors import BadInputError

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

HEADS = re.compile(
    # transformers: CTC, classification, speaker vectors, pretraining
    r"^((lm_head|classifier|projector|layer_weights|tdnn|objective|quantizer|project_q|project_hid)(\.|$)"
    r"|feature_extractor\.(weight|bias)$"
    # fairseq, then torchaudio
    r"|(final_proj|label_embs_concat|input_quantizer|target_glu|regression_head|_ema|(w2v_encoder\.)?proj)(\.|$)"
    r"|(aux|mask_generator|logit_generator)\.)"
)
"""Parts that fine-tuning, pretraining and evaluation add to an encoder, which none of our layers needs."""
OPTIONAL = frozenset({"masked_spec_embed"})
"""Weights needed only for pretraining, which fine-tuned models may lack."""


def transformers_names(tensors: Mapping[str, T]) -> dict[str, T]:
    """The tensors with transformers' names, whatever their source; parts in `HEADS` are left out."""
    found: dict[str, T] = {}
    for name, tensor in tensors.items():
        translated = PREFIXES.sub("", name)
        for pattern, replacement in RULES:
            translated = pattern.sub(replacement, translated)
        if not HEADS.match(translated):
            found[translated] = tensor
    return found


def require_same_tensors(
    asked: str, missing: Iterable[str], unexpected: Iterable[str], misshapen: Iterable[str] = ()
) -> None:
    """Reject weights that leave a layer random, or have more layers than the model; `asked` starts the message.

    Raises:
        BadInputError: with an example that is missing, unexpected or of another shape, except `OPTIONAL` and `HEADS`.
    """
    lacking = sorted(set(missing) - OPTIONAL)
    surplus = sorted(name for name in unexpected if not HEADS.match(PREFIXES.sub("", name)))
    odd = sorted(misshapen)
    if lacking or surplus or odd:
        raise BadInputError(
            f"{asked}: weights of another model ({len(lacking)} missing, {len(surplus)} unexpected, {len(odd)} of another "
            f"shape, such as {(lacking + surplus + odd)[0]})"
        )
