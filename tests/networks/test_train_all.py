"""Networks that are trained together learn what each learns alone."""

import functools

import numpy as np
import pytest
import torch

from mne_cnnclass.networks.build import build_module
from mne_cnnclass.networks.training import (
    Checkpoints,
    Randomness,
    SampleDataset,
    Training,
    TrainingOptions,
    fit,
    make_transforms,
    torch_session,
    train_all,
)
from mne_cnnclass.networks.training.net import SampleNet

CPU = torch.device("cpu")
ARCHITECTURES = {
    "EEGNet": dict(model="EEGNet", params={"kernel_length": 16}),
    "MultiScaleCNN": dict(model="MultiScaleCNN", params={"n_filters": (8, 4), "n_cosines": 4}),
}
OPTIONS = dict(
    max_epochs=10,
    batch_size=8,
    lr=1e-3,
    weight_decay=1e-2,
    lr_schedule="one_cycle",
    label_smoothing=0.0,
    patience=None,
    augmentation=[],
    class_weight=None,
    callbacks=None,
    checkpoints=None,
    progress=False,
)


def samples(seed, n=20, scale=1.0, dtype=torch.float32):
    rng = np.random.default_rng(seed)
    y = np.resize([0, 1, 2], n)
    x = rng.standard_normal((n, 4, 90)) + np.sin(np.arange(90) * (y[:, None, None] + 1) / 4)
    weight = rng.uniform(0.5, 1.5, n)
    side = np.empty((n, 0), np.float32)
    return SampleDataset(torch.as_tensor(scale * x, dtype=dtype), y, weight / weight.mean(), side)


@functools.cache
def network(name, seed, dtype=torch.float32):
    with torch_session(seed):
        architecture = ARCHITECTURES[name] | dict(n_chans=4, n_outputs=3, n_times=90, sfreq=90.0)
        module = build_module(**architecture, accelerate=True).to(dtype)
        return module, architecture, Randomness(CPU).state()


def plan(seed, name="EEGNet", *, own=None, valid=None, dtype=torch.float32, together=True, **options):
    """The training of a network with this seed; each call begins anew."""
    built, architecture, states = network(name, seed, dtype)
    with torch_session(seed):
        module = build_module(**architecture, accelerate=True).to(dtype)
        randomness = Randomness(CPU)
    module.load_state_dict(built.state_dict())
    randomness.put_back(states)
    own = samples(seed, dtype=dtype) if own is None else own
    options = TrainingOptions(**OPTIONS | options)
    return Training(module, own, valid, options, randomness, architecture, together=together)


def train(*plans):
    """Histories without durations, weights and errors."""
    outcomes = train_all(plans, device=CPU)
    return [
        (
            None if history is None else history.drop(columns="duration"),
            {name: value.clone() for name, value in one.module.state_dict().items()},
            error,
        )
        for one, (history, error) in zip(plans, outcomes, strict=True)
    ]


def assert_same(first, second):
    """The same to the bit."""
    assert first[0].equals(second[0])
    assert first[1].keys() == second[1].keys()
    assert all(torch.equal(value, second[1][name]) for name, value in first[1].items())


@pytest.fixture
def runs(monkeypatch):
    """Numbers of networks of each training that is run."""
    sizes, run = [], SampleNet.run
    monkeypatch.setattr(SampleNet, "run", lambda net: (sizes.append(len(net.networks)), run(net)))
    return sizes


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_together_is_as_alone_to_the_bit(name, runs):
    seeds = [3, 1, 4, 5, 9]
    together = train(*(plan(seed, name) for seed in seeds))
    assert runs == [5]
    for seed, outcome in zip(seeds, together, strict=True):
        assert_same(outcome, train(plan(seed, name))[0])
    assert len({outcome[0]["train_loss"].iloc[-1] for outcome in together}) == 5


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_program_learns_what_the_network_learns_by_its_own_forward(name, monkeypatch):
    """Ten epochs in double precision; without dropout, whose random numbers come from other generators."""
    dropless = ARCHITECTURES[name] | dict(params=ARCHITECTURES[name]["params"] | {"drop_prob": 0.0})
    monkeypatch.setitem(ARCHITECTURES, f"{name} without dropout", dropless)
    how = dict(name=f"{name} without dropout", dtype=torch.float64, label_smoothing=0.1)
    programs = [plan(seed, **how) for seed in (0, 1)]
    alone = [plan(seed, **how, together=False) for seed in (0, 1)]
    x = samples(7, dtype=torch.float64).data
    for first, second, ours, theirs in zip(train(*programs), train(*alone), programs, alone, strict=True):
        np.testing.assert_allclose(first[0], second[0], atol=1e-5)
        with torch.no_grad():
            outputs, expected = (one.module.eval()(x) for one in (ours, theirs))
        torch.testing.assert_close(outputs, expected, atol=1e-5, rtol=0)
        assert outputs.argmax(1).equal(expected.argmax(1))


def test_batches_of_other_sizes_are_trained_together(runs):
    """Samples that make as many batches, though not as large ones, as the folds of a cross-validation do."""
    sizes = [20, 21, 23, 20]
    plans = [plan(seed, own=samples(seed, n)) for seed, n in enumerate(sizes)]
    together = train(*plans)
    assert runs == [4]
    for seed, n in enumerate(sizes):
        assert_same(together[seed], train(plan(seed, own=samples(seed, n)))[0])


def test_members_share_their_samples(runs):
    own = samples(0)
    for outcome, seed in zip(train(plan(1, own=own), plan(2, own=own)), (1, 2), strict=True):
        assert_same(outcome, train(plan(seed, own=own))[0])
    assert runs == [2, 1, 1]


@pytest.mark.parametrize(
    "other",
    [
        dict(own=samples(1, 30)),  # other numbers of steps, and so other learning rates
        dict(lr=1e-2),
        dict(name="MultiScaleCNN"),
        dict(valid=samples(2)),
        dict(together=False),
        dict(augmentation=make_transforms(["mixup"], {"n_times": 90, "classes": [0, 1, 2]})),
    ],
)
def test_what_differs_is_trained_apart(other, runs):
    first, second = train(plan(0), plan(1, **other))
    assert sorted(runs) == [1, 1]
    assert_same(first, train(plan(0))[0])
    assert_same(second, train(plan(1, **other))[0])


def test_each_has_its_own_best_epoch_and_its_own_end():
    how = dict(max_epochs=30, lr=0.02, patience=3)
    plans = [plan(seed, valid=samples(100 + seed), **how) for seed in range(4)]
    together = train(*plans)
    assert len({len(history) for history, _, _ in together}) > 1
    for seed, outcome in enumerate(together):
        history = outcome[0]
        best = history["valid_loss"].idxmin()
        assert len(history) in (best + 4, 30)
        assert_same(outcome, train(plan(seed, valid=samples(100 + seed), **how))[0])
        # the weights are those of the best epoch, which a training that ends there has, too
        module, valid = plans[seed].module.eval(), samples(100 + seed)
        with torch.no_grad():
            losses = torch.nn.functional.cross_entropy(module(valid.data), valid.y, reduction="none")
        loss = (losses * valid.others["weight"]).mean().item()
        assert loss == pytest.approx(history["valid_loss"].min(), rel=1e-4)


def test_one_that_diverges_leaves_the_others_as_they_are(runs):
    broken = samples(1)
    broken.data[3] = torch.nan
    together = train(plan(0), plan(1, own=broken), plan(2))
    assert runs == [3]
    history, _, error = together[1]
    assert history is None
    assert isinstance(error, RuntimeError)
    assert "diverged: the loss became nan in epoch 1" in str(error)
    for seed in (0, 2):
        assert_same(together[seed], train(plan(seed))[0])


def test_augmentations_draw_from_each_networks_own_numbers(runs):
    """Named ones, and functions that draw from the global states of torch, numpy or Python."""

    def noise(x, y):
        return x + torch.randn_like(x) * float(np.random.rand()), y  # noqa: NPY002

    problem = {"n_times": 90, "classes": [0, 1, 2], "sfreq": 90.0, "chs_info": None}
    how = dict(augmentation=make_transforms([("sign_flip", {"probability": 0.5}), noise, "mixup"], problem))
    together = train(*(plan(seed, **how) for seed in range(3)))
    assert runs == [3]
    for seed in range(3):
        assert_same(together[seed], train(plan(seed, **how))[0])


def test_large_ones_are_trained_in_smaller_groups(runs, monkeypatch):
    monkeypatch.setattr(fit, "TOGETHER", 8 * 4 * 90 * 2)
    together = train(*(plan(seed) for seed in range(5)))
    assert runs == [2, 2, 1]
    assert_same(together[4], train(plan(4))[0])


def test_with_more_threads_each_is_trained_alone(runs):
    """Products of several matrices round otherwise with others, if threads share them out."""
    with torch_session(None, n_threads=2):
        train(plan(0), plan(1))
    assert runs == [1, 1]


def test_a_lack_of_memory_has_them_trained_one_by_one(runs, monkeypatch):
    step = SampleNet.train_batch

    def greedy(net, rows, inputs, y):
        if len(rows) > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return step(net, rows, inputs, y)

    monkeypatch.setattr(SampleNet, "train_batch", greedy)
    together = train(plan(0), plan(1))
    assert runs == [2, 1, 1]
    assert_same(together[1], train(plan(1))[0])


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, OSError])
def test_together_they_go_on_from_a_checkpoint(interrupt, tmp_path, monkeypatch, runs):
    seeds = range(3)
    expected = train(*(plan(seed) for seed in seeds))
    epochs, run_epoch = [], SampleNet._run_epoch

    def stop(net, *args):
        run_epoch(net, *args)
        epochs.append(len(net.history))
        if epochs == [1, 2, 3, 4]:
            raise interrupt

    monkeypatch.setattr(SampleNet, "_run_epoch", stop)
    how = dict(checkpoints=Checkpoints(tmp_path))
    for history, _, error in train(*(plan(seed, **how) for seed in seeds)):
        assert len(history) == 4
        assert isinstance(error, interrupt)
    again = train(*(plan(seed, **how) for seed in seeds))
    assert epochs == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    for outcome, whole in zip(again, expected, strict=True):
        assert_same(outcome, whole)
