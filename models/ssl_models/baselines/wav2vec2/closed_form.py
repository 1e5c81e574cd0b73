"""Closed form of multiply-accumulates and parameters of wav2vec 2.0, HuBERT and WavLM, to check the counter against."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from ssl_models.baselines.wav2vec2.config import (
    MELS,
    ArchitectureConfig,
    HubertObjectiveConfig,
    Wav2Vec2FamilyConfig,
    Wav2Vec2ObjectiveConfig,
)
from ssl_models.parts.framing import filter_macs, most_hidden, target_macs


class Convolutions(Protocol):
    """Settings of a convolutional front end, layer by layer."""

    @property
    def conv_widths(self) -> tuple[int, ...]:
        """Output channels."""
        ...

    @property
    def conv_kernels(self) -> tuple[int, ...]:
        """Kernel sizes in samples or frames."""
        ...

    @property
    def conv_strides(self) -> tuple[int, ...]:
        """Strides in samples or frames."""
        ...


def conv_frames(architecture: Convolutions, samples: int) -> list[int]:
    """Frames after each convolution of the front end: floor((n - kernel) / stride) + 1, no padding."""
    frames = []
    for kernel, stride in zip(architecture.conv_kernels, architecture.conv_strides, strict=True):
        samples = max(0, samples - kernel + stride) // stride
        frames.append(samples)
    return frames


def front_end_macs(architecture: Convolutions, samples: int) -> int:
    """MACs of the convolutions on one clip: frames x width out x width in x kernel each."""
    a, macs, width_in = architecture, 0, 1
    for frames, width, kernel in zip(conv_frames(a, samples), a.conv_widths, a.conv_kernels, strict=True):
        macs += frames * width * width_in * kernel
        width_in = width
    return macs


def encoder_macs(architecture: ArchitectureConfig, samples: int) -> int:
    """MACs of one clip's encoding: matrix products and convolutions, as torch's counter counts them; 1 MAC = 2 FLOPs.

    Positions: (frames + 1) x d x d / groups x kernel, with an extra frame from an even kernel's padding that "same"
    padding cuts off. Per layer and frame: 4 d^2 for the projections, 2 T d for scores and mixing, 2 d h for the
    feed-forward layer; WavLM's gate adds 8 d. Norms, activations and the weight norm of the position kernel are left
    out.
    """
    a = architecture
    frames = conv_frames(a, samples)[-1]
    projection = frames * a.conv_widths[-1] * a.width
    shifted = frames + 2 * (a.position_kernel // 2) - a.position_kernel + 1
    positions = shifted * a.width * (a.width // a.position_groups) * a.position_kernel
    return front_end_macs(a, samples) + projection + positions + a.layers * layer_macs(a, frames)


def layer_macs(architecture: ArchitectureConfig, frames: int) -> int:
    """MACs of one transformer layer for this many frames."""
    a = architecture
    gate = 8 * a.width if a.family == "wavlm" else 0
    return frames * (4 * a.width**2 + 2 * frames * a.width + 2 * a.width * a.hidden + gate)


def training_macs(config: Wav2Vec2FamilyConfig, samples: int) -> float:
    """MACs of one clip's training step: forward, backward (twice the forward of trained parts), and the targets.

    LayerDrop skips a layer with all its work, so the expected value is counted; WavLM's first layer, which contains
    the positions, is always kept. transformers also computes the gradient of the waveform, so even the first
    convolution costs three times its forward. A teacher runs forward only, up to the layer that is clustered.

    Raises:
        ValueError: if the model's objective is not built.
    """
    if config.objective is None:
        raise ValueError("the objective is not built")
    a, objective = config.encoder, config.objective
    frames = conv_frames(a, samples)[-1]
    droppable = a.layers - 1 if a.family == "wavlm" else a.layers
    learned = encoder_macs(a, samples) - a.layer_drop * droppable * layer_macs(a, frames)
    if isinstance(objective, Wav2Vec2ObjectiveConfig):
        return 3 * (learned + contrastive_macs(a, objective, frames))
    learned += frames * objective.code_width * (a.width + objective.clusters)
    return 3 * learned + unit_macs(objective, samples, frames)


def unit_macs(objective: HubertObjectiveConfig, samples: int, frames: int) -> int:
    """MACs of a clip's units: cepstra or the teacher, and the distances to the centroids."""
    if objective.teacher is None:
        return filter_macs(samples, MELS) + target_macs(samples, MELS, objective.clusters)
    teacher = replace(objective.teacher, layers=objective.target_layer)
    return encoder_macs(teacher, samples) + frames * teacher.width * objective.clusters


def contrastive_macs(architecture: ArchitectureConfig, objective: Wav2Vec2ObjectiveConfig, frames: int) -> int:
    """MACs of wav2vec 2.0's quantiser, projections and similarities, forward, for a clip of `frames` frames.

    All are computed for n slots, as many as the spans can hide: the quantiser's logits take n x conv width x codebooks
    x entries, the choice n x entries x code width, the projections n x (width + code width) x projected width, and the
    similarities of all slots with each other n^2 x projected width.
    """
    o, slots = objective, most_hidden(frames, objective.span_frames, objective.span_share)
    quantiser = architecture.conv_widths[-1] * o.codebooks * o.entries + o.entries * o.code_width
    projections = (architecture.width + o.code_width) * o.projected_width
    return slots * (quantiser + projections + slots * o.projected_width)


def encoder_parameters(architecture: ArchitectureConfig) -> int:
    """Number of trainable values of the encoder, including the mask vector."""
    a, count, width_in = architecture, 0, 1
    for number, (width, kernel) in enumerate(zip(a.conv_widths, a.conv_kernels, strict=True)):
        normed = a.conv_norm == "layer" or number == 0
        count += width * width_in * kernel + width * (a.conv_bias + 2 * normed)
        width_in = width
    count += 2 * width_in + (width_in + 1) * a.width + a.width
    count += a.width * (a.width // a.position_groups) * a.position_kernel + a.position_kernel + a.width
    layer = 4 * (a.width**2 + a.width) + 2 * a.width * a.hidden + a.hidden + a.width + 4 * a.width
    if a.family == "wavlm":
        layer += a.heads + 8 * (a.width // a.heads) + 8
        count += a.position_buckets * a.heads
    return count + a.layers * layer + 2 * a.width
