"""Facts about programs of several networks: they compute what each network computes alone."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from mne_cnnclass.networks.build import build_module
from mne_cnnclass.networks.ensemble import Ensemble, at_once
from mne_cnnclass.networks.fast import accelerate
from mne_cnnclass.networks.symmetry import LeftRightSymmetric
from mne_cnnclass.networks.together import Dropout, Stack, make_program
from mne_cnnclass.networks.together.products import bmm

pytestmark = pytest.mark.usefixtures("same_random_numbers")

NETWORKS = {
    "EEGNet": {},
    "EEGNet, other sizes": dict(F1=3, D=3, F2=5, kernel_length=33, depthwise_kernel_length=7),
    "EEGNet, other pools": dict(pool1_kernel_size=5, pool2_kernel_size=3, conv_spatial_max_norm=0.1),
    "EEGNet, one filter": dict(F1=1, D=1, kernel_length=2, pool1_kernel_size=1, pool2_kernel_size=20),
    "EEGNet, constrained": dict(final_layer_with_constraint=True, norm_rate=0.1),
    "EEGNet, means of all": dict(batch_norm_momentum=None, batch_norm_eps=1e-5),
    "ShallowFBCSPNet": {},
    "ShallowFBCSPNet, other sizes": dict(
        n_filters_time=3, n_filters_spat=5, filter_time_length=7, pool_time_length=21, pool_time_stride=9
    ),
    "ShallowFBCSPNet, one frame": dict(filter_time_length=90, pool_time_length=51, pool_time_stride=51),
}
WITHOUT_PROGRAM = {
    "EEGNet, maxima": dict(pool_mode="max"),
    "EEGNet, rectified": dict(activation=nn.ReLU),
    "ShallowFBCSPNet, maxima": dict(pool_mode="max"),
    "ShallowFBCSPNet, not normalised": dict(batch_norm=False),
    "Deep4Net": {},
}


def build(name, n_chans=7, n_times=400, *, symmetric=False, fast=True, **params):
    """A network with weights that are not those of its start, which are zero or one for some."""
    params = {"drop_prob": 0.0} | (NETWORKS | WITHOUT_PROGRAM)[name] | params
    network = build_module(name.split(",")[0], params, n_chans=n_chans, n_outputs=3, n_times=n_times)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
        if hasattr(network, "conv_time_spat"):  # else it drowns signals in V, until they are normalised
            network.conv_time_spat.conv_time.bias.mul_(1e-5)
    if fast:
        accelerate(network)
    return LeftRightSymmetric(network, mirror(n_chans), [0, 2, 1]) if symmetric else network


def mirror(n_chans):
    return list(range(n_chans))[::-1]


def accelerated(networks):
    """Copies to be computed together."""
    networks = copy.deepcopy(networks)
    for network in networks:
        accelerate(network.network if isinstance(network, LeftRightSymmetric) else network)
    return networks


def gradients(stack):
    """Gradients by name, with the networks along the first axis."""
    *parts, _ = stack.flat.grad.split(stack.sizes, dim=1)
    return {name: part.view(-1, *stack.shapes[name]) for name, part in zip(stack.shapes, parts, strict=True)}


def no_dropout(n_networks):
    return Dropout([None] * n_networks)


def inputs_of(stack, x, summarized=True):
    """Signals, and the summaries of samples if the program asks for them."""
    summarize = stack.summarize if summarized else None
    return [x] if summarize is None else [x, torch.stack([summarize(one) for one in x])]


@pytest.mark.parametrize(
    ("kind", "symmetric", "summarized"),
    [("noise", False, True), ("EEG in V", False, True), ("EEG in V", True, True), ("noise", True, False)],
)
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_gradients_and_statistics_are_those_of_each_network(
    name, kind, symmetric, summarized, signals
):
    x = torch.from_numpy(signals[kind]).unflatten(0, (3, 4))
    plain = [build(name, symmetric=symmetric, fast=False).double() for _ in range(3)]
    stack = Stack(accelerated(plain), "cpu")
    y = torch.arange(12).view(3, 4) % 3
    for training in (True, True, False):
        logits = stack(inputs_of(stack, x, summarized), no_dropout(3), training=training)
        if training:
            stack.flat.grad = None
            functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum").backward()
            all_gradients = gradients(stack)
        for k, network in enumerate(plain):
            expected = network.train(training)(x[k])
            torch.testing.assert_close(logits[k], expected, rtol=0, atol=1e-10)
            for n, buffer in network.named_buffers():
                torch.testing.assert_close(stack.running[n][k], buffer, rtol=0, atol=1e-10, msg=n)
            if training:
                network.zero_grad()
                functional.cross_entropy(expected, y[k], reduction="sum").backward()
                for n, weight in network.named_parameters():
                    torch.testing.assert_close(all_gradients[n][k], weight.grad, rtol=0, atol=1e-10, msg=n)
    before = copy.deepcopy(plain)
    stack.write_back(plain)
    for one, other in zip(before, plain, strict=True):
        for n, value in one.state_dict().items():
            torch.testing.assert_close(other.state_dict()[n], value, rtol=0, atol=1e-10, msg=n)
    stack = Stack([network.float() for network in accelerated(plain)], "cpu")
    for training in (False, True):
        logits = stack(inputs_of(stack, x.float(), summarized), no_dropout(3), training=training)
        for k, network in enumerate(plain):
            expected = network.float().train(training)(x[k].float())
            assert (logits[k] - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.parametrize(
    ("shape", "symmetric", "dtype"),
    [
        ((9, 5, 211), False, torch.float32),
        ((9, 5, 211), True, torch.float64),
        ((4, 6, 240), True, torch.float32),
        ((1, 3, 170), False, torch.float64),
    ],
)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_bits_of_a_network_do_not_depend_on_those_that_are_stacked_with_it(name, shape, symmetric, dtype):
    n, n_chans, n_times = shape
    networks = [
        build(name, n_chans, n_times, symmetric=symmetric, drop_prob=0.25).to(dtype) for _ in range(10)
    ]
    steps = [torch.randn(10, *shape, dtype=dtype) for _ in range(2)]

    def train(numbers):
        """Outputs, weights and running statistics of some of the networks, in two steps."""
        stack = Stack([networks[number] for number in numbers], "cpu")
        dropout = Dropout([torch.Generator().manual_seed(number) for number in numbers])
        optimizer, outputs = torch.optim.AdamW(stack.parameters(), lr=0.01, fused=True), []
        for number, x in enumerate(steps):
            logits = stack(inputs_of(stack, x[numbers], number > 0), dropout, training=True)
            optimizer.zero_grad()
            (logits * torch.arange(3)).square().sum().backward()
            optimizer.step()
            outputs += [logits.detach(), stack([x[numbers]], None, training=False)]
        return [*outputs, *stack.state().values()]

    together = train(list(range(10)))
    for numbers in ([0], [9, 4], [8, 0, 6, 2, 4]):
        for alone, stacked in zip(train(numbers), together, strict=True):
            assert torch.equal(alone, stacked[numbers])


@pytest.mark.parametrize("name", ["EEGNet", "ShallowFBCSPNet"])
def test_networks_drop_by_their_own_random_numbers(name):
    stack = Stack([build(name, drop_prob=0.5)] * 3, "cpu")
    x = torch.randn(5, 7, 400).expand(3, -1, -1, -1)
    same, *other = stack([x], Dropout([torch.Generator().manual_seed(s) for s in (1, 1, 2)]), training=True)
    assert torch.equal(same, other[0])
    assert not torch.allclose(same, other[1], atol=1e-3)


@pytest.mark.parametrize("name", NETWORKS | WITHOUT_PROGRAM)
def test_only_known_settings_have_a_program(name):
    assert (make_program(build(name)) is None) == (name in WITHOUT_PROGRAM)
    assert make_program(build(name, fast=False)) is None
    network = build(name)
    next(network.parameters()).requires_grad_(False)
    assert make_program(network) is None
    if hasattr(network := build(name), "pool_1"):
        network.pool_1.stride = (1, 2)
        assert make_program(network) is None


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


def ensemble(name, **params):
    return Ensemble([build(name, **params) for _ in range(3)]).eval()


def by_members(ensemble, x):
    with torch.no_grad():
        return torch.stack([member(x).softmax(-1) for member in ensemble.members]).mean(0).log()


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("name", NETWORKS | WITHOUT_PROGRAM)
@pytest.mark.parametrize("n_samples", [1, 7])
def test_an_ensemble_has_the_mean_of_its_members_also_for_few_samples(name, symmetric, n_samples):
    several, x = ensemble(name, symmetric=symmetric), 1e-5 * torch.randn(n_samples, 7, 400)
    with torch.no_grad():
        found = several(x)
        assert (at_once(several, several.members, x) is None) == (name in WITHOUT_PROGRAM)
    torch.testing.assert_close(found, by_members(several, x), rtol=1e-4, atol=1e-5)


def test_an_ensemble_notices_weights_that_were_changed():
    several, x = ensemble("EEGNet"), torch.randn(1, 7, 400)
    with torch.no_grad():
        before = several(x)
        several.members[1].final_layer.conv_classifier.bias.add_(torch.tensor([3.0, 0.0, 0.0]))
        after = several(x)
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, by_members(several, x))


def test_hooks_of_members_are_called():
    several, x, seen = ensemble("EEGNet"), torch.randn(1, 7, 400), []
    several.members[1].conv_spatial.register_forward_hook(lambda *args: seen.append(args))
    with torch.no_grad():
        several(x)
    assert len(seen) == 1
