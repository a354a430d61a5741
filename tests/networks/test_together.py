"""Facts about programs of several networks: they compute what each network computes alone."""

import pytest
import torch
from torch.nn import functional

from mne_cnnclass.networks.together.filters import fir


@pytest.mark.parametrize("n_filters", [1, 4])
@pytest.mark.parametrize(("k", "stride"), [(1, 1), (2, 3), (7, 1), (16, 2), (16, 3)])
@pytest.mark.parametrize("padding", [(0, 0), (3, 3), (8, 8), (0, 2)])
def test_fir_is_a_convolution_of_each_group_by_its_filters(n_filters, k, stride, padding):
    x = torch.randn(3, 2, 70, dtype=torch.float64, requires_grad=True)
    filters = torch.randn(3, n_filters, k, dtype=torch.float64, requires_grad=True)
    y = fir(x, filters, padding, stride)
    padded = functional.pad(x, padding).transpose(0, 1)
    expected = functional.conv1d(padded, filters.flatten(0, 1).unsqueeze(1), groups=3, stride=stride)
    expected = expected.unflatten(1, (3, n_filters)).permute(1, 2, 0, 3)
    weight = torch.randn_like(expected)
    results = [(v, *torch.autograd.grad(v, (x, filters), weight)) for v in (y, expected)]
    for value, wanted in zip(*results, strict=True):
        torch.testing.assert_close(value, wanted, rtol=0, atol=1e-12)
    assert torch.equal(fir(x[1:2], filters[1:2], padding, stride), y[1:2])  # whatever the others are
