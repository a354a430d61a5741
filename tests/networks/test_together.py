"""Facts about programs of several networks: they compute what each network computes alone."""

import pytest
import torch
from torch.nn import functional

from mne_cnnclass.networks.together.filters import fir
from mne_cnnclass.networks.together.products import bmm


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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("n_rows", "n_times", "n_filters", "k"), [(1, 9, 1, 5), (3, 61, 3, 31), (8, 240, 4, 17)]
)
def test_the_bits_of_filtered_signals_and_their_gradients_do_not_depend_on_other_groups(
    n_rows, n_times, n_filters, k, dtype
):
    def run(x, filters, weight):
        x, filters = x.clone().requires_grad_(), filters.clone().requires_grad_()
        y = fir(x, filters, (k // 2, k // 2))
        return y, *torch.autograd.grad(y, (x, filters), weight)

    tensors = [
        torch.randn(10, *shape, dtype=dtype)
        for shape in ((n_rows, n_times), (n_filters, k), (n_filters, n_rows, n_times))
    ]
    together = run(*tensors)
    for part in (slice(0, 1), slice(3, 4), slice(7, 9), slice(1, 10)):
        for alone, stacked in zip(run(*(t[part] for t in tensors)), together, strict=True):
            assert torch.equal(alone, stacked[part])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_bits_of_a_product_do_not_depend_on_other_products(dtype):
    draw = torch.Generator().manual_seed(0)
    sizes = torch.tensor([1, 2, 3, 5, 8, 9, 16, 17, 31, 32, 33, 60, 61, 64, 100, 241, 1000])
    for _ in range(300):
        *shape, each, turn_a, turn_b = torch.randint(len(sizes), (6,), generator=draw).tolist()
        m, k, n = sizes[shape].tolist()
        each = 1 + each % 3
        a, b = torch.randn(4 * each, m, k, dtype=dtype), torch.randn(4 * each, k, n, dtype=dtype)
        a, b = (t.mT.contiguous().mT if turn % 2 else t for t, turn in ((a, turn_a), (b, turn_b)))
        y = bmm(a, b, each)
        torch.testing.assert_close(y, a @ b, rtol=0, atol=1e-3)
        for network in range(4):
            part = slice(network * each, (network + 1) * each)
            assert torch.equal(bmm(a[part].clone(), b[part].clone(), each), y[part])
