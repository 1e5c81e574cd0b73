"""Targets of masked prediction: each 20 ms of speech gets the number of its nearest cepstral centroid."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.framing import MFCC_WIDTH
from models.frontend import MFCC, LogMel
from models.interface import SAMPLE_RATE


class KMeansQuantiser(nn.Module):
    """Nearest centroid of centred cepstra: `(B, F, mels)` log-mel at 100 Hz to `(B, F // 2)` int64 labels at 50 Hz."""

    centroids: Tensor
    fitted: Tensor

    def __init__(self, clusters: int, mels: int = 80) -> None:
        super().__init__()
        self.mfcc = MFCC(mels)
        self.register_buffer("centroids", torch.zeros(clusters, MFCC_WIDTH))
        # Whether `centroids` were fitted travels with the weights.
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))

    def forward(self, logmel: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Labels; `lengths` are valid log-mel frames, labels past them mean nothing."""
        with torch.autocast(logmel.device.type, enabled=False):
            cepstra = self.mfcc(logmel, lengths)
            # |x - c|^2 = |x|^2 - 2 x.c + |c|^2, and |x|^2 does not change which c is nearest.
            distance = self.centroids.square().sum(-1) - 2.0 * cepstra @ self.centroids.T
            return distance.argmin(-1)

    @torch.no_grad()
    def fit(self, waveforms: Iterable[NDArray[np.float32]], seed: int) -> dict[str, float]:
        """Fit the centroids with scikit-learn's mini-batch k-means on clips of 16 kHz speech.

        Returns the hours seen, the inertia per frame and the entropy of the codebook's use in nats.

        Raises:
            ValueError: when there are fewer frames than clusters.
        """
        from sklearn.cluster import MiniBatchKMeans  # a slow import, needed once

        device = self.centroids.device
        logmel = LogMel(self.mfcc.dct.shape[0]).to(device)
        parts, samples = [], 0
        for clip in waveforms:
            parts.append(self.mfcc(logmel(torch.from_numpy(clip)[None].to(device)))[0].cpu().numpy())
            samples += len(clip)
        cepstra = np.concatenate([np.zeros((0, MFCC_WIDTH), np.float32), *parts])
        clusters = len(self.centroids)
        if len(cepstra) < clusters:
            raise ValueError(f"{len(cepstra)} frames of speech are too few for {clusters} clusters")
        kmeans = MiniBatchKMeans(clusters, batch_size=10_000, n_init=1, max_iter=50, random_state=seed).fit(cepstra)
        self.centroids.copy_(torch.from_numpy(kmeans.cluster_centers_))
        self.fitted.fill_(value=True)
        use = np.bincount(kmeans.labels_, minlength=clusters) / len(cepstra)
        entropy = -float(sum(share * math.log(share) for share in use if share))
        return {
            "hours": samples / SAMPLE_RATE / 3600,
            "inertia": float(kmeans.inertia_) / len(cepstra),
            "target_entropy": entropy,
        }


def label_entropy(labels: Tensor, valid: Tensor, clusters: int) -> Tensor:
    """Entropy in nats of the labels' use in this batch: what a guess from frequencies alone would lose.

    Shapes: labels `(B, frames, ...)`, valid `(B, frames)`, True where a frame counts.
    """
    weight = valid.view(*valid.shape, *[1] * (labels.ndim - valid.ndim)).expand_as(labels).flatten().float()
    counts = torch.zeros(clusters, device=labels.device)
    counts.scatter_add_(0, labels.flatten(), weight)
    return torch.special.entr(counts / counts.sum().clamp(min=1)).sum()
