"""The variance of features against numpy, clip by clip."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ssl_models.parts.objective import feature_variance

LENGTHS = torch.tensor([9, 4, 0])


def test_it_is_numpys_variance_over_the_valid_frames() -> None:
    output = 3 * torch.randn(3, 9, 5, generator=torch.Generator().manual_seed(0)) + 2
    valid = np.concatenate([output[i, :n].double().numpy() for i, n in enumerate(LENGTHS.tolist())])
    assert len(valid) == 13
    assert feature_variance(output, LENGTHS).item() == pytest.approx(valid.var(0, ddof=1).mean(), rel=1e-5)
    whole = output.double().numpy().reshape(27, 5)
    assert feature_variance(output, None).item() == pytest.approx(whole.var(0, ddof=1).mean(), rel=1e-5)


def test_frames_that_are_all_alike_have_none() -> None:
    alike = torch.randn(5, generator=torch.Generator().manual_seed(0)).expand(3, 9, 5)
    assert feature_variance(alike, LENGTHS).item() == pytest.approx(0, abs=1e-10)


def test_it_is_computed_in_float32() -> None:
    output = torch.randn(3, 9, 5, generator=torch.Generator().manual_seed(0)).bfloat16()
    assert feature_variance(output, LENGTHS).dtype == torch.float32
    assert feature_variance(output, LENGTHS).item() == feature_variance(output.float(), LENGTHS).item()
