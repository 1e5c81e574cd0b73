"""Names of weights that come from elsewhere, as transformers calls them.

fairseq (wav2vec 2.0, HuBERT, WavLM, data2vec) and torchaudio (wav2vec 2.0, HuBERT) name the same tensors otherwise; a
transformers checkpoint with a head holds the encoder below its family's name. What belongs to heads, quantisers and
teachers is dropped, by name; any other tensor that the encoder does not have is of another model.
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
"""What fine-tuning, pretraining and rating put on an encoder, and no layer of ours needs."""
OPTIONAL = frozenset({"masked_spec_embed"})
"""Weights of fine-tuned models may lack what only pretraining needs."""


def transformers_names(tensors: Mapping[str, T]) -> dict[str, T]:
    """The tensors under transformers' names, whoever named them; what belongs to `HEADS` is left out."""
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
    """Refuse weights that leave a layer random, or that have a layer more than the model; `asked` begins the message.

    Raises:
        BadInputError: with an example of what is missing, unexpected or of another shape, `OPTIONAL` and `HEADS` aside.
    """
    lacking = sorted(set(missing) - OPTIONAL)
    surplus = sorted(name for name in unexpected if not HEADS.match(PREFIXES.sub("", name)))
    odd = sorted(misshapen)
    if lacking or surplus or odd:
        raise BadInputError(
            f"{asked}: weights of another model ({len(lacking)} missing, {len(surplus)} unexpected, {len(odd)} of another "
            f"shape, such as {(lacking + surplus + odd)[0]})"
        )
