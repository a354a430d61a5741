"""Facts about the exact rewrites: they compute what the original computes."""

import copy

import mne
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from mne_cnnclass import CNNClassifier, EpochsView, datasets, list_models
from mne_cnnclass.networks.braindecode_models import braindecode_classes
from mne_cnnclass.networks.build import build_module
from mne_cnnclass.networks.fast import accelerate, accelerated_layers, trial
from mne_cnnclass.networks.fast.functions import (
    ExponentialLinear,
    Filtering,
    MeanPooling,
    Turn,
    channels_last,
    dropout,
)
from mne_cnnclass.networks.fast.moments import expected_squares, summarize
from mne_cnnclass.networks.fast.spectral import BlockFilters, SpectralConvolution

pytestmark = pytest.mark.usefixtures("same_random_numbers")

NETWORKS = {
    "EEGNet": {},
    "EEGNet, other sizes": dict(F1=3, D=3, F2=5, kernel_length=33, depthwise_kernel_length=7),
    "EEGNet, other pools": dict(pool1_kernel_size=5, pool2_kernel_size=3, conv_spatial_max_norm=0.1),
    "EEGNet, one filter": dict(F1=1, D=1, kernel_length=2, pool1_kernel_size=1, pool2_kernel_size=20),
    "EEGNet, maxima": dict(pool_mode="max"),
    "EEGNet, constrained": dict(final_layer_with_constraint=True, norm_rate=0.1),
    "EEGNet, rectified": dict(activation=nn.ReLU),
    "EEGNet, means of all": dict(batch_norm_momentum=None, batch_norm_eps=1e-5),
    "ShallowFBCSPNet": {},
    "ShallowFBCSPNet, maxima": dict(pool_mode="max", pool_time_length=20, pool_time_stride=7),
    "ShallowFBCSPNet, not normalised": dict(batch_norm=False, n_filters_time=5, n_filters_spat=7),
    "Deep4Net": dict(filter_time_length=5, filter_length_2=4, filter_length_3=4, filter_length_4=3),
    "Deep4Net, means": dict(first_pool_mode="mean", later_pool_mode="mean", filter_length_2=4),
    "Deep4Net, strides": dict(stride_before_pool=True, filter_length_3=3, filter_length_4=2),
}


IN_SINGLE = ("EEGMiner", "MVPFormer", "SyncNet")  # in double precision they do not run, or warn


def pair(name, n_times=400, n_chans=7, **params):
    """A network of braindecode, and its accelerated copy."""
    original = build_module(
        name.split(",")[0], {"drop_prob": 0.0} | params, n_chans=n_chans, n_outputs=3, n_times=n_times
    )
    fast = copy.deepcopy(original)
    accelerate(fast)
    return original, fast


def run(network, x, *, training):
    """Outputs, gradients of the weights and buffers after a step with these signals."""
    network.train(training).zero_grad()
    logits = network(x)
    functional.cross_entropy(logits, torch.arange(len(x)) % 3).backward()
    return logits.detach(), {n: p.grad for n, p in network.named_parameters()}, dict(network.named_buffers())


@pytest.mark.parametrize("kind", ["noise", "EEG in V"])
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_gradients_and_statistics_are_those_of_the_original(name, kind, signals):
    x = torch.from_numpy(signals[kind])
    original, fast = (network.double() for network in pair(name, **NETWORKS[name]))
    assert accelerated_layers(fast)
    for training in (True, True, False):
        expected, gradients, buffers = run(original, x, training=training)
        logits, fast_gradients, fast_buffers = run(fast, x, training=training)
        torch.testing.assert_close(logits, expected, rtol=0, atol=1e-10)
        for n, gradient in gradients.items():
            torch.testing.assert_close(fast_gradients[n], gradient, rtol=0, atol=1e-10, msg=n)
        for n, buffer in buffers.items():
            torch.testing.assert_close(fast_buffers[n], buffer, rtol=0, atol=1e-10, msg=n)
    with torch.no_grad():
        torch.testing.assert_close(fast(x), original(x), rtol=0, atol=1e-10)
        original.float(), fast.float()
        x = x.float()
        expected = original(x)
        assert (fast(x) - expected).abs().max() <= 1e-5 * expected.abs().max()
    expected = run(original, x, training=True)[0]
    assert (run(fast, x, training=True)[0] - expected).abs().max() <= 1e-5 * expected.abs().max()


@pytest.mark.slow
@pytest.mark.parametrize("name", list_models().query("usable and n_parameters < 5_000_000").index)
def test_every_architecture_computes_what_it_did(name):
    info = mne.create_info(["Fz", "C3", "Cz", "C4", "Pz", "P3", "P4", "Oz"], 128.0, "eeg")
    info.set_montage("easycap-M1")
    signal = dict(n_chans=8, n_outputs=3, n_times=1200, sfreq=128.0, chs_info=info["chs"])
    original, fast = build_module(name, **signal), build_module(name, **signal, accelerate=True)
    fast.load_state_dict(original.state_dict())
    for layer in [*original.modules(), *fast.modules()]:  # dropout draws other random numbers
        for probability in ("p", "drop_prob", "dropout"):
            if isinstance(getattr(layer, probability, None), float):
                setattr(layer, probability, 0.0)
    x = torch.randn(3, 8, 1200)
    dtype = torch.float32 if name in IN_SINGLE else torch.float64
    original, fast, x = original.to(dtype), fast.to(dtype), x.to(dtype)
    tolerance = 1e-9 if dtype is torch.float64 else 1e-4
    for training in (True, False):
        outputs = []
        for network in (original, fast):
            torch.manual_seed(0)
            outputs.append(run(network, x, training=training))
        (expected, gradients, buffers), (logits, fast_gradients, fast_buffers) = outputs
        torch.testing.assert_close(logits, expected, rtol=tolerance, atol=tolerance)
        for n, gradient in gradients.items():
            scale = 1.0 if gradient is None else max(1.0, gradient.abs().max().item())
            if gradient is not None:
                assert (fast_gradients[n] - gradient).abs().max() <= tolerance * scale, n
        for n, buffer in buffers.items():
            torch.testing.assert_close(fast_buffers[n], buffer, rtol=tolerance, atol=tolerance, msg=n)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("ShallowFBCSPNet", (32, 22, 600)),
        ("EEGNeX", (8, 8, 400)),
        ("IFNet", (16, 8, 500)),
        ("SleepStagerChambon2018", (16, 8, 500)),
    ],
)
def test_networks_compute_what_they_did_at_sizes_where_spectra_pay(name, shape, monkeypatch):
    n, n_chans, n_times = shape
    signal = dict(n_chans=n_chans, n_outputs=3, n_times=n_times, sfreq=128.0)
    original, fast = build_module(name, **signal), build_module(name, **signal, accelerate=True)
    fast.load_state_dict(original.state_dict())
    calls = []
    monkeypatch.setattr(
        SpectralConvolution, "apply", lambda *a, f=SpectralConvolution.apply: calls.append(1) or f(*a)
    )
    x = 3 * torch.randn(n, n_chans, n_times, dtype=torch.float64) + 1
    results = []
    for network in (original.double(), fast.double()):
        for layer in network.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
        results.append(run(network, x, training=True))
    assert calls
    (expected, gradients, buffers), (logits, fast_gradients, fast_buffers) = results
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-10)
    for one, other in ((gradients, fast_gradients), (buffers, fast_buffers)):
        for n, value in one.items():
            torch.testing.assert_close(other[n], value, rtol=0, atol=1e-10, msg=n)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["EEGNet", "ShallowFBCSPNet", "Deep4Net"])
def test_losses_of_five_epochs_of_training_are_those_of_the_original(model, data_path):
    (epochs,) = datasets.load_eegbci(7, path=data_path / "eegmmidb")
    # at 1e-3, Deep4Net differs by 3e-3 from itself with another number of threads: it amplifies rounding
    lr = 1e-4 if model == "Deep4Net" else 1e-3
    settings = dict(max_epochs=5, batch_size=16, lr=lr, lr_schedule=None, random_state=0, n_threads=1)
    losses = {}
    for fast in (True, False):
        clf = CNNClassifier(model, model_params=dict(drop_prob=0.0), accelerate=fast, **settings)
        losses[fast] = clf.fit(EpochsView(epochs)).history_.train_loss
        assert bool(clf.accelerated_) == fast
    assert len(losses[True]) == 5
    np.testing.assert_allclose(losses[True], losses[False], rtol=0, atol=1e-4)


def test_weights_go_both_ways_and_a_checkpoint_loads():
    original, fast = pair("EEGNet")
    assert list(original.state_dict()) == list(fast.state_dict())
    trained = {
        k: torch.rand_like(v) if v.is_floating_point() else v for k, v in original.state_dict().items()
    }
    fast.load_state_dict(trained)
    original.load_state_dict(fast.state_dict())
    x = torch.randn(4, 7, 400)
    with torch.no_grad():
        torch.testing.assert_close(fast.eval()(x), original.eval()(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "n_chans"), [("EEGNet", 7), ("ShallowFBCSPNet", 7), ("ShallowFBCSPNet", 32), ("Deep4Net", 7)]
)
def test_a_prediction_follows_every_change_of_the_weights(name, n_chans):
    original, fast = pair(name, n_chans=n_chans, n_times=600)
    x = torch.randn(4, n_chans, 600)
    for change in (
        lambda p: p.data.mul_(1.5),  # torch's counter of versions does not see this
        lambda p: setattr(p, "data", p.data + 0.1),
        lambda p: p.detach().add_(0.1),
    ):
        for network in (original.eval(), fast.eval()):
            for parameter in network.parameters():
                change(parameter)
            for norm in network.modules():
                if isinstance(norm, nn.BatchNorm2d):
                    norm.running_var.data.mul_(1.1)
        with torch.inference_mode():
            torch.testing.assert_close(fast(x), original(x), rtol=1e-3, atol=1e-4)


def test_what_a_rewrite_does_not_cover_stays_as_it_is():
    from braindecode.models import EEGNet

    class MyELU(nn.ELU):
        pass

    class MyEEGNet(EEGNet):
        pass

    network = nn.Sequential(
        *(MyELU(), nn.ELU(alpha=0.5), nn.Dropout(inplace=True), nn.Conv2d(3, 3, 3)),
        *(nn.AvgPool2d((1, 4), stride=4), nn.AvgPool2d(4), nn.MaxPool2d((4, 1), return_indices=True)),
    )
    accelerate(network)
    assert accelerated_layers(network) == {}
    mine = build_module(MyEEGNet, n_chans=3, n_outputs=2, n_times=300, accelerate=True)
    assert type(mine) is MyEEGNet
    assert "" not in accelerated_layers(mine)
    assert accelerated_layers(mine)["elu_1"] == "FastELU"


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 4, (5, 1)),
        nn.Conv2d(3, 4, (5, 1), padding=1),
        nn.Conv2d(3, 4, (5, 1), padding="same"),
        nn.Conv2d(4, 4, (5, 1), stride=(2, 1), dilation=(2, 1), padding=(3, 0), groups=2),
        nn.Conv2d(3, 6, (20, 1), groups=3),
        nn.Conv2d(3, 6, (20, 1), padding=(0, 1), bias=False),
        nn.Conv2d(4, 6, (1, 20), groups=2),
        nn.Conv2d(1, 4, (20, 3), padding=(0, 2)),
        nn.Conv2d(2, 4, (1, 3), dilation=(1, 2), padding="same"),
        nn.Conv2d(3, 5, 1),
        nn.MaxPool2d((4, 1), stride=2),
        nn.MaxPool2d((4, 1), stride=(3, 1), padding=(1, 0), ceil_mode=True),
        nn.AvgPool2d((4, 1), stride=(3, 1), padding=(1, 0), count_include_pad=False),
        nn.AvgPool2d((1, 4)),
        nn.ELU(),
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(2, 20, 1), (2, 20, 3), (2, 1, 20), (2, 1, 3)])
def test_single_layers_compute_what_they_did_or_refuse_alike(layer, shape):
    network = nn.Sequential(layer).double()
    fast = copy.deepcopy(network)
    accelerate(fast)
    n, *size = shape
    x = torch.randn(n, getattr(layer, "in_channels", 3), *size, dtype=torch.float64)
    results = []
    for one in (network, fast):
        signals = x.clone().requires_grad_()
        try:
            y = one(signals)
        except RuntimeError:
            results.append(None)
            continue
        (y * torch.arange(y.numel()).reshape(y.shape)).sum().backward()
        results.append((y.detach(), signals.grad))
    if results[0] is None:
        assert results[1] is None
    else:
        for expected, value in zip(*results, strict=True):
            torch.testing.assert_close(value, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(8, 8, (1, 41), padding="same"), (70, 8, 2, 100)),
        (nn.Conv2d(6, 12, (1, 40), groups=6, padding=(0, 150)), (20, 6, 2, 100)),
        (nn.Conv2d(8, 9, (60, 1), bias=False), (70, 8, 200, 1)),
        (nn.Conv2d(1, 8, (9, 60)), (80, 1, 9, 200)),
        (nn.Conv1d(8, 8, 61, padding=30, groups=2), (40, 8, 100)),
        (nn.Conv1d(4, 4, 120, padding=100, groups=4), (40, 4, 60)),
    ],
    ids=str,
)
def test_long_filters_go_by_way_of_spectra(layer, shape, monkeypatch):
    calls = []
    monkeypatch.setattr(
        SpectralConvolution, "apply", lambda *a, f=SpectralConvolution.apply: calls.append(1) or f(*a)
    )
    layer = nn.Sequential(layer).double()
    fast = copy.deepcopy(layer)
    accelerate(fast)
    x = torch.randn(shape, dtype=torch.float64)
    results = []
    for network in (layer, fast):
        signals = x.clone().requires_grad_()
        y = network(signals)
        (y * torch.arange(y.numel()).reshape(y.shape).sin()).sum().backward()
        results.append([y.detach(), signals.grad, *(p.grad for p in network.parameters())])
    assert calls == [1]
    for expected, value in zip(*results, strict=True):
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("padding", [(0, 0), (2, 3), (9, 9)])
def test_spectral_convolutions_have_the_gradients_of_finite_differences(groups, padding):
    x, weight, bias = (
        torch.randn(shape, dtype=torch.float64, requires_grad=True)
        for shape in ((3, 4, 2, 7), (8, 4 // groups, 5), (8,))
    )
    expected = functional.conv2d(functional.pad(x, padding), weight.unsqueeze(2), bias, groups=groups)
    torch.testing.assert_close(SpectralConvolution.apply(x, weight, bias, padding, groups), expected)
    compute = lambda *tensors: SpectralConvolution.apply(*tensors, padding, groups)  # noqa: E731
    assert torch.autograd.gradcheck(compute, (x, weight, bias))


def filter_then_mix(*layers, turned=False):
    """A network of these layers, twice: as it is, and rewritten after a trial on 5 channels and 60 times."""
    network = nn.Sequential(*layers).double()
    fast = copy.deepcopy(network)
    accelerate(fast)
    x = torch.randn(6, 1, *((60, 5) if turned else (5, 60)), dtype=torch.float64)
    with trial(fast), torch.no_grad():
        for training in (False, True):
            fast.train(training)(x)
    fast.load_state_dict(network.state_dict())
    return network, fast, x


class Doubled(torch.autograd.Function):
    """A function that torch does not look into."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, dy):
        return 2 * dy


class Opaque(nn.Module):
    def forward(self, x):
        return Doubled.apply(x)


class Residual(nn.Sequential):
    def forward(self, x):
        filtered = self[0](x)
        return self[1](filtered) + filtered.mean(2, keepdim=True)


@pytest.mark.parametrize(
    ("layers", "turned", "waits"),
    [
        ([nn.Conv2d(1, 3, (1, 9), padding="same"), nn.Conv2d(3, 6, (5, 1), groups=3)], False, True),
        (
            [nn.Conv2d(1, 3, (9, 1), padding=(4, 0)), nn.BatchNorm2d(3), nn.Conv2d(3, 6, (1, 5), groups=3)],
            True,
            True,
        ),
        (
            [
                nn.Conv2d(1, 3, (1, 8), bias=False),
                nn.BatchNorm2d(3, momentum=None, affine=False),
                nn.Conv2d(3, 4, (5, 1)),
            ],
            False,
            True,
        ),
        (
            [
                nn.Conv2d(1, 3, (1, 8)),
                nn.BatchNorm2d(3, track_running_stats=False),
                nn.Conv2d(3, 4, (5, 1), bias=False),
            ],
            False,
            True,
        ),
        ([nn.Conv2d(1, 3, (1, 8)), nn.ELU(), nn.Conv2d(3, 6, (5, 1), groups=3)], False, False),
        ([nn.Conv2d(1, 3, (1, 8)), Opaque(), nn.Conv2d(3, 6, (5, 1), groups=3)], False, False),
        ([nn.Conv2d(1, 3, (1, 8)), nn.Conv2d(3, 6, (3, 1), groups=3)], False, False),
        ([Residual(nn.Conv2d(1, 3, (1, 8)), nn.Conv2d(3, 3, (5, 1), groups=3))], False, False),
    ],
    ids=["depthwise", "turned", "dense", "no running statistics", "ELU", "opaque", "short", "residual"],
)
def test_filters_wait_for_the_spatial_ones_where_nothing_else_is_between(layers, turned, waits):
    network, fast, x = filter_then_mix(*layers, turned=turned)
    first = next(layer for layer in fast.modules() if isinstance(layer, nn.Conv2d))
    assert (type(first(x)).__name__ == "Deferred") == waits
    for training in (True, True, False):
        results = []
        for one in (network, fast):
            y = one.train(training)(x)
            one.zero_grad()
            (y * torch.arange(y.numel()).reshape(y.shape).sin()).sum().backward()
            results.append([y.detach(), *(p.grad for p in one.parameters()), *one.buffers()])
        for expected, value in zip(*results, strict=True):
            torch.testing.assert_close(value, expected, rtol=0, atol=1e-10)


def test_what_waits_becomes_its_value_when_something_else_is_asked_of_it():
    network, fast, x = filter_then_mix(nn.Conv2d(1, 3, (1, 8)), nn.Conv2d(3, 6, (5, 1), groups=3))
    expected = network[0](x)
    waiting = fast[0](x)
    assert waiting.shape == expected.shape
    torch.testing.assert_close(waiting + 1, expected + 1)
    torch.testing.assert_close(torch.cat([waiting, waiting]), torch.cat([expected, expected]))
    torch.testing.assert_close(waiting.detach().numpy(), expected.detach().numpy())
    signals = x.clone().requires_grad_()
    fast(signals).sum().backward()
    assert signals.grad.abs().sum() > 0


def test_a_network_that_was_changed_after_its_trial_computes_the_same_or_says_so():
    network, fast, x = filter_then_mix(
        nn.Conv2d(1, 3, (1, 8)), nn.BatchNorm2d(3), nn.Conv2d(3, 6, (5, 1), groups=3)
    )
    network[1] = fast[1] = nn.ReLU()
    torch.testing.assert_close(fast(x), network(x))
    fast[1] = Opaque()
    with pytest.raises(RuntimeError, match="changed since it was built"):
        fast(x).sum().backward()


def test_layers_with_a_constraint_on_their_weights_are_rewritten_and_keep_it():
    braindecode_classes()  # imports braindecode without its warnings
    from braindecode.modules import Conv2dWithConstraint

    layer = Conv2dWithConstraint(3, 6, (5, 1), groups=3, max_norm=0.5)
    layer.parametrizations.weight.original.data.mul_(10)
    network = nn.Sequential(layer)
    fast = copy.deepcopy(network)
    accelerate(fast)
    assert accelerated_layers(fast) == {"0": "FastConv2d"}
    x = torch.randn(4, 3, 5, 30)
    torch.testing.assert_close(copy.deepcopy(fast)(x), network(x))
    assert list(fast.state_dict()) == list(network.state_dict())


@pytest.mark.parametrize("n_chans", [1, 3])
@pytest.mark.parametrize("training", [True, False])
def test_another_number_of_channels_is_refused_as_by_the_original(n_chans, training):
    _, fast = pair("EEGNet", n_chans=2)
    with pytest.raises(RuntimeError), torch.no_grad():
        fast.train(training)(torch.randn(4, n_chans, 400))


def test_a_network_of_ones_own_may_have_a_method_of_that_name():
    class Own(nn.Module):
        def __init__(self, n_chans, n_outputs, n_times):
            super().__init__()
            self.linear = nn.Linear(n_chans * n_times, n_outputs)

        def summarize(self, x):
            raise AssertionError("this is not for the training to call")

        def forward(self, x):
            return self.linear(x.flatten(1))

    X = np.random.default_rng(0).standard_normal((20, 2, 30))
    assert CNNClassifier(Own, max_epochs=1).fit(X, np.arange(20) % 2).accelerated_ == {}


@pytest.mark.parametrize("name", ["EEGNet", "ShallowFBCSPNet"])
def test_a_network_is_trained_further_after_it_has_predicted(name):
    X, y = np.random.default_rng(0).standard_normal((30, 3, 300)), np.arange(30) % 2
    clf = CNNClassifier(name, max_epochs=1, warm_start=True, random_state=0).fit(X, y)
    before = clf.predict_proba(X)
    after = clf.fit(X, y).predict_proba(X)
    assert len(clf.history_) == 2
    assert (before != after).any()
    np.testing.assert_array_equal(copy.deepcopy(clf).predict_proba(X), after)


def test_a_pool_whose_steps_are_changed_later_is_no_longer_taken_for_one_of_adjacent_windows():
    original, fast = pair("EEGNet", n_times=600)
    for network in (original, fast):
        network.pool_1.stride = (1, 2)
        network.final_layer = nn.Flatten()
    x = torch.randn(2, 7, 600)
    torch.testing.assert_close(fast.eval()(x), original.eval()(x), rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(fast.eval()(x), original.eval()(x), rtol=1e-4, atol=1e-5)


def test_gradients_of_the_signals_are_there_for_those_who_ask():
    original, fast = (network.double() for network in pair("EEGNet"))
    x = torch.randn(4, 7, 400, dtype=torch.float64)
    gradients = []
    for network in (original, fast):
        signals = x.clone().requires_grad_()
        network.eval()(signals).sum().backward()
        gradients.append(signals.grad)
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-12)


@pytest.mark.parametrize("offset", [0, 1, 3, 40, 401])
@pytest.mark.parametrize("k", [1, 2, 5, 25])
def test_filtering_by_blocks_is_a_convolution(k, offset):
    x, weight, bias = (
        torch.randn(shape, dtype=torch.float64) for shape in ((3, 4, k + offset), (5, 4, k), 5)
    )
    y = BlockFilters(weight, bias).apply(x)
    torch.testing.assert_close(y.squeeze(3), functional.conv1d(x, weight, bias))


@pytest.mark.parametrize(("name", "n_blocks"), [("EEGNet", 0), ("ShallowFBCSPNet", 2), ("Deep4Net", 0)])
def test_one_sample_and_many_are_predicted_as_by_the_original(name, n_blocks, monkeypatch):
    calls = []
    monkeypatch.setattr(BlockFilters, "apply", lambda *a, f=BlockFilters.apply: calls.append(1) or f(*a))
    original, fast = (network.eval() for network in pair(name, n_chans=22, n_times=600))
    x = 3 * torch.randn(40, 22, 600) + 1
    with torch.inference_mode():
        expected = original(x)
        for n in (1, 4, 40):
            torch.testing.assert_close(fast(x[:n]), expected[:n], rtol=0, atol=1e-5 * expected.abs().max())
    assert len(calls) == n_blocks  # many go by spectra of whole signals


def test_hooks_of_activations_and_maxima_see_what_they_see_in_the_original():
    seen = []
    for network in pair("Deep4Net", n_times=600):
        hooks = [network.pool.register_forward_hook, network.nonlin_3.register_forward_hook]
        for register in [*hooks, network.pool_4.register_forward_pre_hook]:
            register(lambda *given: seen.append(given[-1][0]))
        with torch.no_grad():
            network.eval()(torch.ones(2, 7, 600))
    for one, other in zip(seen[:3], seen[3:], strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("padding", [(0, 0), (3, 3), (2, 3), (0, 5), (5, 0)])
@pytest.mark.parametrize("n_channels", [1, 4])
def test_filtering_is_a_convolution_of_mixtures(padding, n_channels):
    x, spatial, filters, offset = (
        torch.randn(shape, dtype=torch.float64) for shape in ((3, n_channels, 17), (4, n_channels), (4, 6), 4)
    )
    padded = functional.pad(spatial @ x, padding)
    expected = functional.conv1d(padded, filters[:, None], offset, groups=4)
    torch.testing.assert_close(Filtering.apply(x, spatial, filters, offset, padding), expected)
    parameters = [t.requires_grad_() for t in (spatial, filters, offset)]
    assert torch.autograd.gradcheck(lambda *p: Filtering.apply(x, *p, padding), parameters)


def test_functions_have_the_gradients_of_finite_differences():
    x = torch.randn(2, 3, 1, 11, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ExponentialLinear.apply, (x,))
    assert torch.autograd.gradcheck(lambda x: MeanPooling.apply(x, 4), (x,))
    assert torch.autograd.gradcheck(Turn.apply, (x,))


@pytest.mark.parametrize(
    ("n_times", "k", "padding"),
    [(50, 6, (3, 3)), (50, 5, (2, 2)), (9, 1, (0, 0)), (4, 6, (3, 3)), (100, 64, (32, 32)), (20, 7, (0, 6))],
)
def test_moments_are_those_of_the_windows(n_times, k, padding):
    x = torch.randn(4, 3, 2, n_times, dtype=torch.float64) + 100
    windows = functional.pad(x, padding).unfold(3, k, 1).reshape(4, -1, k)
    for summary in (None, torch.stack([summarize(one, k) for one in x])):
        first, second, n_windows = expected_squares(x, k, padding, summary)
        assert n_windows == windows.shape[1]
        torch.testing.assert_close(first, windows.mean(1), rtol=1e-12, atol=1e-9)
        torch.testing.assert_close(second, windows.mT @ windows / n_windows, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("probability", [0.1, 0.25, 0.5, 0.9])
def test_dropout_drops_with_its_probability_and_keeps_the_mean(probability):
    x = torch.full((200, 5, 100), 3.0).transpose(1, 2)
    y = dropout(x, probability)
    dropped = (y == 0).double().mean().item()
    assert dropped == pytest.approx(probability, abs=4 * np.sqrt(probability * (1 - probability) / 1e5))
    assert y[y != 0].unique().item() == pytest.approx(3 / (1 - probability), rel=1e-6)
    # neighbours in every direction are independent
    for axis in range(3):
        kept = (y != 0).double()
        a, b = kept.narrow(axis, 0, kept.shape[axis] - 1), kept.narrow(axis, 1, kept.shape[axis] - 1)
        assert abs(((a - a.mean()) * (b - b.mean())).mean()) < 5 * 0.25 / np.sqrt(1e5)


def test_turning_axes_gives_the_right_gradients_to_batch_normalisation():
    # with a transpose in place of Turn, torch 2.14 returns gradients that are off by their own size
    norm = nn.BatchNorm2d(40).double()
    x = torch.randn(6, 40, 50, 1, dtype=torch.float64)
    weight = channels_last(torch.randn(6, 40, 1, 50, dtype=torch.float64))

    def by_hand(x):
        variance, mean = torch.var_mean(x, (0, 2, 3), correction=0, keepdim=True)
        return ((x - mean) / torch.sqrt(variance + norm.eps)).transpose(2, 3)

    gradients = []
    for compute in (by_hand, lambda x: channels_last(Turn.apply(norm(x)))):
        signals = x.clone().requires_grad_()
        (compute(signals) * weight).sum().backward()
        gradients.append(signals.grad)
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-10)
