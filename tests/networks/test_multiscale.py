"""MultiScaleCNN: what it takes, what its parameters do, what it can learn."""

import mne
import numpy as np
import pytest
import torch
from torch import nn

from mne_cnnclass import CNNClassifier, MultiScaleCNN


@pytest.mark.parametrize("n_chans", [1, 2, 5, 40])
@pytest.mark.parametrize("n_times", [1, 2, 3, 8, 9, 33, 500])
@pytest.mark.parametrize("sfreq", [None, 1.0, 100.0, 2000.0])
def test_any_number_of_channels_and_any_length_work(n_chans, n_times, sfreq):
    network = MultiScaleCNN(n_chans, 3, n_times, sfreq)
    x = torch.randn(4, n_chans, n_times)
    network(x).sum().backward()
    assert all(
        p.grad is not None and p.grad.isfinite().all() for p in network.parameters() if p.requires_grad
    )
    logits = network.eval()(x)
    assert logits.shape == (4, 3)
    assert logits.isfinite().all()


def test_widths_are_seconds_whatever_the_sampling_frequency():
    for sfreq in (64.0, 128.0, 512.0):
        network = MultiScaleCNN(2, 2, int(3 * sfreq), sfreq, kernel_widths=[[0.25, 0.5]], n_filters=[8],
                                pool_size=[0.5], pool_stride=[0.25])  # fmt: skip
        block = network.blocks[0]
        for convolution, width in zip(block.convolutions, [0.25, 0.5], strict=True):
            assert abs(convolution.kernel_size[0] / sfreq - width) <= 1 / sfreq
        step = block.convolutions[0].stride[0]
        assert abs(block.size * step / sfreq - 0.5) <= step / sfreq
        assert abs(block.stride * step / sfreq - 0.25) <= step / sfreq


def test_parameters_shape_the_network():
    network = MultiScaleCNN(
        10, 2, 600, 200.0, kernel_widths=[[0.1], [0.5, 1.0], [1.0]], n_filters=[12, 6, 4],
        pool_size=[0.2, 0.5, 1], pool_stride=[0.1, 0.3, 1], n_components=3, n_cosines=5,
        hidden_units=[20, 10], drop_prob=0.3,
    )  # fmt: skip
    assert [b.n_out for b in network.blocks] == [12, 12, 4]
    assert [len(b.convolutions) for b in network.blocks] == [1, 2, 1]
    assert network.spatial.out_channels == 3
    assert network.norm.num_features == 12 + 12 + 4 + 4 * 5
    linear = [layer.out_features for layer in network.dense if isinstance(layer, nn.Linear)]
    assert linear == [20, 10, 2]
    assert {layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)} == {0.3}
    with pytest.raises(ValueError, match="n_filters must have one entry for each of the 2 blocks"):
        MultiScaleCNN(10, 2, 600, n_filters=[1])
    for widths in ((), ((),), ((0.1, -1),)):
        with pytest.raises(ValueError, match="kernel_widths must be one or more blocks of positive widths"):
            MultiScaleCNN(10, 2, 600, kernel_widths=widths)


def test_at_prediction_a_sample_is_not_touched_by_those_beside_it():
    torch.manual_seed(0)
    network = MultiScaleCNN(3, 2, 200, 100.0)
    network(torch.randn(16, 3, 200))
    network.eval()
    x = torch.randn(30, 3, 200)
    order = torch.randperm(30)
    with torch.inference_mode():
        assert torch.equal(network(x[order]), network(x)[order])
        torch.testing.assert_close(network(x[:1]), network(x)[:1], rtol=1e-5, atol=1e-6)


def planted(kind, n_samples=120, seed=0):
    """Samples of 2 s at 100 Hz of two channels whose classes differ in one property only."""
    rng = np.random.default_rng(seed)
    y = np.resize([0, 1], n_samples)
    times = np.arange(200) / 100
    x = rng.standard_normal((n_samples, 2, 200))
    phase = rng.uniform(0, 2 * np.pi, (n_samples, 1))
    if kind == "power":  # of 10 Hz, twice as much: power of the whole signal alone would not tell
        x += np.sin(2 * np.pi * 30 * times + phase)[:, None] * rng.uniform(0.5, 2, (n_samples, 1, 1))
        x[:, 0] += np.where(y, 1.0, 0.3)[:, None] * np.sin(2 * np.pi * 10 * times + phase)
    elif kind == "level":
        x[:, 1] += 0.5 * y[:, None]
    elif kind == "trend":
        x[:, 0] += np.where(y, 1, -1)[:, None] * np.linspace(-0.5, 0.5, 200)
    elif kind == "frequency":  # the same power at 10 or at 14 Hz
        x[:, 0] += np.sin(2 * np.pi * np.where(y, 10, 14)[:, None] * times + phase)
    return x, y


@pytest.mark.parametrize("kind", ["power", "level", "trend", "frequency"])
def test_it_learns_rhythms_and_slow_potentials(kind):
    clf = CNNClassifier(
        "MultiScaleCNN", model_params={"sfreq": 100.0}, max_epochs=20, random_state=0, n_threads=1
    )
    clf.fit(*planted(kind))
    assert clf.score(*planted(kind, seed=1)) >= 0.85


def test_filters_start_as_waves_that_cover_the_spectrum():
    torch.manual_seed(0)
    network = MultiScaleCNN(1, 2, 500, 100.0)
    wide = network.blocks[0].convolutions[-1].weight[:, 0].detach().numpy()
    spectrum = np.abs(np.fft.rfft(wide, 512)) ** 2
    peaks = np.fft.rfftfreq(512, 1 / 100.0)[spectrum.argmax(axis=1)]
    assert peaks.min() < 12
    assert peaks.max() > 40
    assert (np.diff(np.sort(peaks)) < 5).all()
    np.testing.assert_allclose(np.linalg.norm(wide, axis=1), 1.0, rtol=1e-5)


def test_through_epochs_it_knows_the_sampling_frequency():
    info = mne.create_info(2, 100.0, "eeg")
    x, y = planted("level", 24)
    epochs = mne.EpochsArray(x, info, np.c_[np.arange(24), y, y + 1], verbose=False)
    for sfreq in (100.0, 50.0):
        clf = CNNClassifier("MultiScaleCNN", max_epochs=1).fit(epochs.copy().resample(sfreq, verbose=False))
        assert clf.module_.blocks[0].convolutions[0].kernel_size[0] == (7 if sfreq == 100 else 3)
