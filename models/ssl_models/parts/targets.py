"""Targets of masked prediction: every 20 ms of speech get the number of their nearest centroid."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ssl_models.interface import SAMPLE_RATE
from ssl_models.parts.framing import MFCC_WIDTH
from ssl_models.parts.frontend import MFCC, LogMel, normalised

READING_SHARE = 0.5
"""Share of the time for targets in which speech is read."""
BATCH, MOST_PASSES, LEAST_GAIN = 10_000, 50, 1e-3
"""Frames per mini-batch; most passes over all frames; relative decrease of inertia below which passes stop."""


class KMeans(nn.Module):
    """Assigns frames of a given width to the nearest of `clusters` centroids; `frames_of` extracts them from speech."""

    centroids: Tensor
    fitted: Tensor

    def __init__(self, clusters: int, width: int) -> None:
        super().__init__()
        self.register_buffer("centroids", torch.zeros(clusters, width))
        # Whether `centroids` were fitted is stored with the weights.
        self.register_buffer("fitted", torch.zeros((), dtype=torch.bool))

    def nearest(self, frames: Tensor) -> Tensor:
        """The number of the centroid nearest to each frame: `(..., width)` to `(...)` int64, in float32."""
        with torch.autocast(frames.device.type, enabled=False):
            # |x - c|^2 = |x|^2 - 2 x.c + |c|^2, and |x|^2 does not change which c is nearest.
            distance = self.centroids.square().sum(-1) - 2.0 * frames.float() @ self.centroids.T
            return distance.argmin(-1)

    def frames_of(self, waveforms: Tensor) -> Tensor:
        """The frames to be clustered, `(B, frames, width)`, from waveforms `(B, T)`."""
        raise NotImplementedError

    @torch.no_grad()
    def fit(
        self, waveforms: Iterable[NDArray[np.float32]], seed: int, spent: Callable[[], float] = lambda: 0.0
    ) -> dict[str, float]:
        """Fit the centroids with scikit-learn's mini-batch k-means on clips of 16 kHz speech.

        If time is limited, `spent` returns the share of it that has passed: half of the time is for reading speech,
        and when all of it has passed the centroids are taken as they are. Clips are read until there are enough
        frames, whatever the time.

        Returns the hours seen, the passes over them, the inertia per frame and the entropy of the codebook's use in
        nats.

        Raises:
            ValueError: if there are fewer frames than clusters.
        """
        clusters, width = self.centroids.shape
        parts, samples, count = [np.zeros((0, width), np.float32)], 0, 0
        for clip in waveforms:
            found = self.frames_of(torch.from_numpy(clip)[None].to(self.centroids.device))[0].float().cpu().numpy()
            parts.append(found)
            samples, count = samples + len(clip), count + len(found)
            if count >= clusters and spent() >= READING_SHARE:
                break
        frames = np.concatenate(parts)
        if count < clusters:
            raise ValueError(f"{count} frames of speech are too few for {clusters} clusters")
        centroids, passes = mini_batch_kmeans(frames, clusters, seed, spent)
        self.centroids.copy_(torch.from_numpy(centroids))
        self.fitted.fill_(value=True)
        labels = np.concatenate([self.nearest(part).cpu().numpy() for part in self._on_device(frames)])
        use = np.bincount(labels, minlength=clusters) / len(frames)
        entropy = -float(sum(share * math.log(share) for share in use if share))
        inertia = float(np.square(frames - centroids[labels]).sum(1, dtype=np.float64).mean())
        return {"hours": samples / SAMPLE_RATE / 3600, "passes": passes, "inertia": inertia, "target_entropy": entropy}

    def _on_device(self, frames: NDArray[np.float32]) -> Iterator[Tensor]:
        for part in torch.from_numpy(frames).split(BATCH):
            yield part.to(self.centroids.device)


def mini_batch_kmeans(
    frames: NDArray[np.float32], clusters: int, seed: int, spent: Callable[[], float]
) -> tuple[NDArray[np.float32], float]:
    """Centroids `(clusters, width)` of frames `(n, width)`, and the number of passes: until one gains little or time is up."""
    from sklearn.cluster import MiniBatchKMeans  # a slow import, needed once

    kmeans = MiniBatchKMeans(clusters, batch_size=BATCH, n_init=1, random_state=seed)
    draw, before, steps = np.random.default_rng(seed), math.inf, 0
    count = max(1, len(frames) // max(BATCH, clusters))
    for _ in range(MOST_PASSES):
        inertia = 0.0
        for batch in np.array_split(draw.permutation(len(frames)), count):
            inertia += kmeans.partial_fit(frames[batch]).inertia_
            steps += 1
            if spent() >= 1.0:
                return kmeans.cluster_centers_, steps / count
        if inertia > (1 - LEAST_GAIN) * before:
            break
        before = inertia
    return kmeans.cluster_centers_, steps / count


class KMeansQuantiser(KMeans):
    """Nearest centroid of centred cepstra: `(B, F, mels)` log-mel at 100 Hz to `(B, F // 2)` int64 labels at 50 Hz."""

    def __init__(self, clusters: int, mels: int = 80) -> None:
        super().__init__(clusters, MFCC_WIDTH)
        self.logmel, self.mfcc = LogMel(mels), MFCC(mels)

    def frames_of(self, waveforms: Tensor) -> Tensor:
        """Cepstra with deltas, `(B, T // 320, 39)`."""
        return self.mfcc(self.logmel(waveforms))

    def forward(self, logmel: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Labels; `lengths` are valid log-mel frames, and labels past them are meaningless."""
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
        """Labels; `lengths` are valid log-mel frames, and labels past them are meaningless."""
        return self.nearest(_every_second(normalised(logmel, lengths)))


def _every_second(frames: Tensor) -> Tensor:
    return frames[:, 0 : frames.shape[1] // 2 * 2 : 2]


def label_entropy(labels: Tensor, valid: Tensor, clusters: int) -> Tensor:
    """Entropy in nats of the label frequencies in this batch: the loss of a guess from frequencies alone.

    Shapes: labels `(B, frames, ...)`, valid `(B, frames)`, True where a frame counts.
    """
    weight = valid.view(*valid.shape, *[1] * (labels.ndim - valid.ndim)).expand_as(labels).flatten().float()
    counts = torch.zeros(clusters, device=labels.device)
    counts.scatter_add_(0, labels.flatten(), weight)
    return torch.special.entr(counts / counts.sum().clamp(min=1)).sum()
