"""Speaker verification: whether two utterances are from one speaker, by the cosine of their mean-pooled features."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from ssl_benchmarks.downstream.features import Frames, LayerMix
from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.downstream.pooled import pooled
from ssl_benchmarks.downstream.speakers.equal_error_rate import Trials
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_benchmarks.record.quantity import Quantity, unavailable


@torch.inference_mode()
def verify(mix: LayerMix, frames: Frames, spoken: Sequence[Spoken], seed: int) -> Outcome:
    """Equal error rate over all pairs of different utterances; nothing is learned.

    Layers are standardised, averaged with equal weights, and averaged over frames.

    Args:
        mix: `LayerMix.fitted` on the training utterances, for its statistics; its weights are not used.
        frames: features of utterances whose speakers were not trained on.
        spoken: the speaker of each.
        seed: for the bootstrap.
    """
    means, places = pooled(frames)
    speakers = [spoken[i].speaker for i in places]
    own = Counter(speakers)
    details = {"utterances_without_features": len(spoken) - len(places), "speakers": len(own)}
    if len(own) < 2 or max(own.values()) < 2:
        found = f"found {len(own)} of {len(speakers)} utterances"
        reason = f"speaker verification needs two speakers, one of them with two utterances; {found}"
        return Outcome({"eer": unavailable("1", reason)}, None, details)
    voices = F.normalize(LayerMix(mix.mean, mix.deviation).cpu()(means), dim=-1)
    trials = Trials((voices @ voices.T).numpy(), speakers)
    value = trials.equal_error_rate()
    note = (
        f"cosine of mean-pooled frozen features, {trials.targets} same-speaker and {trials.others} different-speaker trials, "
        f"{len(own)} unseen speakers; 95 % bootstrap over speakers and their utterances"
    )
    resampled = trials.resampled(seed)
    low, high = np.percentile(resampled, [2.5, 97.5]).tolist()
    # A skewed bootstrap may exclude the value.
    ci95 = (min(low, value), max(high, value))
    details |= {"target_trials": trials.targets, "other_trials": trials.others, "resamples": len(resampled)}
    return Outcome({"eer": Quantity(value, "1", "measured", ci95, len(speakers), note)}, None, details)
