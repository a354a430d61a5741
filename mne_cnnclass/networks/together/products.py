"""Products of matrices whose bits do not depend on how many others are computed with them.

MKL takes another order of summation, and so rounds differently, where a matrix does not start at a multiple
of 64 bytes, as most of a stack do if their size is not one, and where a single product is one by a vector.
"""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

ALIGNMENT = 64  # bytes


def bmm(a, b, each=1):
    """`torch.bmm` without gradients, for networks that have ``each`` matrices in a row."""
    m, n = a.shape[1], b.shape[2]
    unit = ALIGNMENT // a.element_size()
    if m == 1:
        a = functional.pad(a, (0, 0, 0, 1))
    if n == 1 or each * a.shape[1] * n % unit:
        b = functional.pad(b, (0, -n % unit))
    y = torch.bmm(aligned(a, each), aligned(b, each))
    return y if y.shape[1:] == (m, n) else y[:, :m, :n]


def aligned(x, each=1):
    """A stack of matrices, copied if the first of each network does not start where it should."""
    unit = ALIGNMENT // x.element_size()
    if not (x.stride(0) * each % unit or x.data_ptr() % ALIGNMENT):
        return x
    transposed = x.stride(2) != 1
    x = x.mT if transposed else x
    n_numbers = x[0].numel()
    copy = x.new_empty(len(x), n_numbers + -n_numbers % unit)[:, :n_numbers].view(x.shape).copy_(x)
    return copy.mT if transposed else copy


class Product(Function):
    """`bmm` with gradients."""

    @staticmethod
    def forward(ctx, a, b, each=1):
        ctx.save_for_backward(a, b)
        ctx.each = each
        return bmm(a, b, each)

    @staticmethod
    @once_differentiable
    def backward(ctx, dy):
        a, b = ctx.saved_tensors
        needed = ctx.needs_input_grad
        da = bmm(dy, b.mT, ctx.each) if needed[0] else None
        return da, bmm(a.mT, dy, ctx.each) if needed[1] else None, None
