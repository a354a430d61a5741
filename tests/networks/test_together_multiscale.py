"""Facts about the programs of MultiScaleCNN and of side inputs: they compute what each network alone does."""

import pytest
import torch

from mne_cnnclass.networks.multiscale import MultiScaleCNN
from mne_cnnclass.networks.side_inputs import N_FEATURES, WithSideInputs
from mne_cnnclass.networks.together import Dropout, Stack, make_program

pytestmark = pytest.mark.usefixtures("same_random_numbers")

# channels, samples of time, Hz, number of samples, and parameters
NETWORKS = {
    "default": (6, 240, None, 8, {}),
    "short": (4, 50, 100.0, 5, {}),
    "250 Hz": (3, 251, 250.0, 7, {}),
    "500 Hz": (5, 300, 500.0, 4, dict(pool_size=(0.33, 0.25), pool_stride=(0.11, 0.2), n_filters=(25, 16))),
    "one channel": (1, 200, 100.0, 4, dict(pool_size=(0.5, 0.25), pool_stride=(0.5, 0.25))),
    "one sample of time": (3, 1, 100.0, 6, {}),
    "components, layers": (5, 200, 100.0, 4, dict(hidden_units=(7, 5), n_components=3)),
    "beats": (
        2,
        150,
        250.0,
        9,
        dict(
            kernel_widths=((0.04, 0.09, 0.18),),
            n_filters=(8,),
            pool_size=(0.05,),
            pool_stride=(0.03,),
            hidden_units=(16,),
        ),
    ),
    "rhythm": (
        2,
        1000,
        250.0,
        4,
        dict(
            kernel_widths=((0.1, 0.3), (0.3, 1.0), (1.0, 2.0)),
            n_filters=(12, 12, 12),
            pool_size=(0.1, 0.2, 0.4),
            pool_stride=(0.1, 0.2, 0.4),
            n_cosines=0,
            hidden_units=(),
        ),
    ),
}


def build(name, n_side=0, drop_prob=0.0):
    """A network with weights and statistics that are not those of its start, and maxima that are minima."""
    n_chans, n_times, sfreq, _, params = NETWORKS[name]
    network = MultiScaleCNN(
        n_chans, N_FEATURES if n_side else 3, n_times, sfreq, drop_prob=drop_prob, **params
    )
    network = WithSideInputs(network, n_side, 3) if n_side else network
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
        signal_network = network.network if n_side else network
        signal_network.blocks[0].norm.weight[::3] *= -1
        for key, buffer in network.named_buffers():
            if "running" in key:
                buffer.uniform_(0.5, 2)
        if not drop_prob:
            for layer in network.modules():
                if isinstance(layer, torch.nn.Dropout):
                    layer.p = 0.0
    return network


def draw(name, n_networks, n_side=0, dtype=torch.float64):
    """Signals that are clipped, and side inputs."""
    n_chans, n_times, _, n, _ = NETWORKS[name]
    x = 3 + torch.randn(n_networks, n, n_chans, n_times, dtype=dtype).mul_(2).round_().clamp_(-2, 2)
    x += 0.1 * torch.randn_like(x) * (torch.arange(n_times) < n_times // 2)
    return [x] + ([torch.randn(n_networks, n, n_side, dtype=dtype)] if n_side else [])


def stacked(networks, n_networks):
    """Weights and buffers by name."""
    weights = {
        name: torch.stack([dict(network.named_parameters())[name].detach() for network in networks])
        for name, _ in networks[0].named_parameters()
    }
    weights = {name: weight.requires_grad_() for name, weight in weights.items()}
    buffers = {
        name: torch.stack([dict(network.named_buffers())[name] for network in networks])
        for name, _ in networks[0].named_buffers()
    }
    return weights, buffers


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("n_side", [0, 5])
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_gradients_and_statistics_are_those_of_each_network(name, n_side, training):
    networks = [build(name, n_side).double().train(training) for _ in range(3)]
    weights, buffers = stacked(networks, 3)
    inputs = draw(name, 3, n_side)
    dropout = Dropout([torch.Generator()] * 3) if training else None
    logits = make_program(networks[0])({**weights, **buffers}, inputs, dropout, training)
    direction = torch.randn_like(logits)
    (logits * direction).sum().backward()
    for k, network in enumerate(networks):
        expected = network(*(one[k] for one in inputs))
        torch.testing.assert_close(logits[k], expected, rtol=0, atol=1e-10)
        (expected * direction[k]).sum().backward()
        for key, weight in network.named_parameters():
            gradient = torch.zeros_like(weight) if weight.grad is None else weight.grad
            found = weights[key].grad
            found = torch.zeros_like(weight) if found is None else found[k]
            torch.testing.assert_close(found, gradient, rtol=1e-10, atol=1e-10, msg=key)
        for key, buffer in network.named_buffers():
            torch.testing.assert_close(buffers[key][k], buffer, rtol=1e-10, atol=1e-10, msg=key)


@pytest.mark.parametrize("n_side", [0, 5])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_bits_of_a_network_do_not_depend_on_those_that_are_stacked_with_it(name, n_side):
    networks = [build(name, n_side, drop_prob=0.25) for _ in range(10)]
    steps = [draw(name, 10, n_side, torch.float32) for _ in range(2)]

    def train(numbers):
        """Outputs, weights and running statistics of some of the networks, in two steps."""
        stack = Stack([networks[number] for number in numbers], "cpu")
        dropout = Dropout([torch.Generator().manual_seed(number) for number in numbers])
        outputs = []
        for inputs in steps:
            inputs = [one[numbers] for one in inputs]
            logits = stack(inputs, dropout, training=True)
            (logits * torch.arange(3)).square().sum().backward()
            with torch.no_grad():
                stack.flat -= 0.001 * stack.flat.grad.clamp(-1, 1)
                stack.flat.grad = None
                outputs += [logits, stack(inputs, None, training=False)]
        return [*outputs, *stack.state().values()]

    together = train(list(range(10)))
    for numbers in ([0], [7], [9, 4], [1, 2, 3], [8, 0, 6, 2, 4]):
        for alone, among_others in zip(train(numbers), together, strict=True):
            assert torch.equal(alone, among_others[numbers])


def test_a_network_of_a_derived_class_or_with_other_settings_has_no_program():
    class Derived(MultiScaleCNN):
        pass

    assert make_program(MultiScaleCNN(2, 2, 50)) is not None
    assert make_program(Derived(2, 2, 50)) is None
    network = MultiScaleCNN(2, 2, 50)
    network.norm.momentum = None
    assert make_program(network) is None
    assert make_program(WithSideInputs(Derived(2, N_FEATURES, 50), 3, 2)) is None
