"""Multiply-accumulates and parameters of wav2vec 2.0, HuBERT and WavLM on paper, to hold the counter against."""

from __future__ import annotations

from models.frontend_macs import filter_macs, target_macs
from models.wav2vec2_family.config import MELS, ArchitectureConfig, Wav2Vec2FamilyConfig


def conv_frames(architecture: ArchitectureConfig, samples: int) -> list[int]:
    """Frames after each convolution of the front end: floor((n - kernel) / stride) + 1, no padding."""
    frames = []
    for kernel, stride in zip(architecture.conv_kernels, architecture.conv_strides, strict=True):
        samples = max(0, samples - kernel + stride) // stride
        frames.append(samples)
    return frames


def encoder_macs(architecture: ArchitectureConfig, samples: int) -> int:
    """MACs of one clip's encoding: matrix products and convolutions, as torch's counter sees them; 1 MAC = 2 FLOPs.

    Front end: frames x width out x width in x kernel. Positions: (frames + 1) x d x d / groups x kernel, the frame more
    being the one that an even kernel's padding yields and "same" padding cuts off. Per layer and frame 4 d^2 for the
    projections, 2 T d for scores and mixing, 2 d h for the feed-forward layer; WavLM's gate adds 8 d. Norms, activations
    and the weight norm of the position kernel are left out.
    """
    a, front, width_in = architecture, 0, 1
    for frames, width, kernel in zip(conv_frames(a, samples), a.conv_widths, a.conv_kernels, strict=True):
        front += frames * width * width_in * kernel
        width_in = width
    frames = conv_frames(a, samples)[-1]
    projection = frames * width_in * a.width
    shifted = frames + 2 * (a.position_kernel // 2) - a.position_kernel + 1
    positions = shifted * a.width * (a.width // a.position_groups) * a.position_kernel
    layer = 4 * a.width**2 + 2 * frames * a.width + 2 * a.width * a.hidden + (8 * a.width if a.family == "wavlm" else 0)
    return front + projection + positions + a.layers * frames * layer


def training_macs(config: Wav2Vec2FamilyConfig, samples: int) -> float:
    """MACs of one clip's HuBERT step: forward, backward (twice the forward of what is learned), and the targets.

    LayerDrop leaves out a layer with all its work, so the layers count in expectation. transformers takes the gradient of
    the waveform too, so even the first convolution costs three times its forward.

    Raises:
        ValueError: for a model whose objective is not built.
    """
    if config.objective is None:
        raise ValueError("the objective is not built")
    a, objective = config.architecture, config.objective
    frames = conv_frames(a, samples)[-1]
    layers = a.layers * frames * (4 * a.width**2 + 2 * frames * a.width + 2 * a.width * a.hidden)
    learned = encoder_macs(a, samples) - a.layer_drop * layers
    learned += frames * objective.code_width * (a.width + objective.clusters)
    return 3 * learned + filter_macs(samples, MELS) + target_macs(samples, MELS, objective.clusters)


def encoder_parameters(architecture: ArchitectureConfig) -> int:
    """Learned values of the encoder, the mask vector included."""
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
