"""Targets of masked prediction: each 20 ms of speech gets the number of its nearest centroid."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.framing import MFCC_WIDTH
from models.frontend import MFCC, LogMel, normalised
from models.interface import SAMPLE_RATE


class KMeans(nn.Module):
    """Numbers the nearest of `clusters` centroids of frames of a width; `frames_of` says which frames of speech these are."""

    centroids: Tensor
    fitted: Tensor

    def __init__(self, clusters: int, width: int) -> None:
        super().__init__()
        self.register_buffer("centroids", torch.zeros(clusters, width))
        # Whether `centroids` were fitted travels with the weights.
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))

    def nearest(self, frames: Tensor) -> Tensor:
        """The number of the centroid nearest to each frame: `(..., width)` to `(...)` int64, in float32."""
        with torch.autocast(frames.device.type, enabled=False):
            # |x - c|^2 = |x|^2 - 2 x.c + |c|^2, and |x|^2 does not change which c is nearest.
            distance = self.centroids.square().sum(-1) - 2.0 * frames.float() @ self.centroids.T
            return distance.argmin(-1)

    def frames_of(self, waveforms: Tensor) -> Tensor:
        """What is clustered: frames `(B, frames, width)` of waveforms `(B, T)`."""
        raise NotImplementedError

    @torch.no_grad()
    def fit(self, waveforms: Iterable[NDArray[np.float32]], seed: int) -> dict[str, float]:
        """Fit the centroids with scikit-learn's mini-batch k-means on clips of 16 kHz speech.

        Returns the hours seen, the inertia per frame and the entropy of the codebook's use in nats.

        Raises:
            ValueError: when there are fewer frames than clusters.
        """
        from sklearn.cluster import MiniBatchKMeans  # a slow import, needed once

        parts, samples = [], 0
        for clip in waveforms:
            parts.append(
                self.frames_of(torch.from_numpy(clip)[None].to(self.centroids.device))[0].float().cpu().numpy()
            )
            samples += len(clip)
        clusters, width = self.centroids.shape
        frames = np.concatenate([np.zeros((0, width), np.float32), *parts])
        if len(frames) < clusters:
            raise ValueError(f"{len(frames)} frames of speech are too few for {clusters} clusters")
        kmeans = MiniBatchKMeans(clusters, batch_size=10_000, n_init=1, max_iter=50, random_state=seed).fit(frames)
        self.centroids.copy_(torch.from_numpy(kmeans.cluster_centers_))
        self.fitted.fill_(value=True)
        use = np.bincount(kmeans.labels_, minlength=clusters) / len(frames)
        entropy = -float(sum(share * math.log(share) for share in use if share))
        return {
            "hours": samples / SAMPLE_RATE / 3600,
            "inertia": float(kmeans.inertia_) / len(frames),
            "target_entropy": entropy,
        }


class KMeansQuantiser(KMeans):
    """Nearest centroid of centred cepstra: `(B, F, mels)` log-mel at 100 Hz to `(B, F // 2)` int64 labels at 50 Hz."""

    def __init__(self, clusters: int, mels: int = 80) -> None:
        super().__init__(clusters, MFCC_WIDTH)
        self.logmel, self.mfcc = LogMel(mels), MFCC(mels)

    def frames_of(self, waveforms: Tensor) -> Tensor:
        """Cepstra with deltas, `(B, T // 320, 39)`."""
        return self.mfcc(self.logmel(waveforms))

    def forward(self, logmel: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Labels; `lengths` are valid log-mel frames, labels past them mean nothing."""
        return self.nearest(self.mfcc(logmel, lengths))


class LogMelQuantiser(KMeans):
    """Nearest centroid of every second normalised log-mel frame: `(B, F, mels)` at 100 Hz to `(B, F // 2)` at 50 Hz."""

    def __init__(self, clusters: int, mels: int = 40) -> None:
        super().__init__(clusters, mels)
        self.logmel = LogMel(mels)

    def frames_of(self, waveforms: Tensor) -> Tensor:
        """Log-mel frames, `(B, T // 320, mels)`."""
        return _every_second(normalised(self.logmel(waveforms), None))

    def forward(self, logmel: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Labels; `lengths` are valid log-mel frames, labels past them mean nothing."""
        return self.nearest(_every_second(normalised(logmel, lengths)))


def _every_second(frames: Tensor) -> Tensor:
    return frames[:, 0 : frames.shape[1] // 2 * 2 : 2]


def label_entropy(labels: Tensor, valid: Tensor, clusters: int) -> Tensor:
    """Entropy in nats of the labels' use in this batch: what a guess from frequencies alone would lose.

    Shapes: labels `(B, frames, ...)`, valid `(B, frames)`, True where a frame counts.
    """
    weight = valid.view(*valid.shape, *[1] * (labels.ndim - valid.ndim)).expand_as(labels).flatten().float()
    counts = torch.zeros(clusters, device=labels.device)
    counts.scatter_add_(0, labels.flatten(), weight)
    return torch.special.entr(counts / counts.sum().clamp(min=1)).sum()
