"""Facts about the architectures: what can be built by name, what is refused, and what is said then."""

import builtins
import pickle

import mne
import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from mne_cnnclass import CNNClassifier, list_models
from mne_cnnclass.networks.braindecode_models import REFUSED, braindecode_classes
from mne_cnnclass.networks.build import build_module, resolve_model
from mne_cnnclass.networks.catalog import OWN
from mne_cnnclass.networks.limits import largest_working, smallest_working
from mne_cnnclass.networks.signatures import own_parameters

pytestmark = pytest.mark.usefixtures("same_random_numbers")

CHANNELS = [
    *("Fz", "FC3", "FC1", "FCz", "FC2", "FC4", "C5", "C3", "C1", "Cz", "C2"),
    *("C4", "C6", "CP3", "CP1", "CPz", "CP2", "CP4", "P1", "Pz", "P2", "POz"),
]
USABLE = list_models().query("usable").index.to_list()
LARGE = list_models().query("usable and n_parameters > 20_000_000").index.to_list()
LARGE += ["BrainModule", "EEGInceptionMI", "InterpolatedLaBraM"]  # smaller, but as slow


@pytest.fixture(scope="module")
def motor_imagery():
    """The signal that the table is about: 22 channels with a montage, 4 s at 250 Hz."""
    info = mne.create_info(CHANNELS, 250.0, "eeg")
    info.set_montage("easycap-M1")
    return dict(n_chans=22, n_outputs=3, n_times=1000, sfreq=250.0, chs_info=info["chs"])


def noise(n_samples, n_chans, n_times):
    return torch.randn(n_samples, n_chans, n_times, generator=torch.Generator().manual_seed(1))


def test_at_least_45_models_are_usable_and_others_have_a_reason():
    models = list_models()
    assert models.usable.sum() >= 45
    assert (models.loc[~models.usable, "reason"] != "").all()
    assert (models.loc[models.usable, "reason"] == "").all()
    assert (models[["purpose", "paper"]] != "").all(axis=None)


def test_table_is_about_the_installed_models():
    models = list_models()
    assert set(models.index) == {*braindecode_classes(), *OWN}
    for name in braindecode_classes():
        assert models.loc[name, "parameters"] == own_parameters(braindecode_classes()[name])


def test_models_that_braindecode_says_are_no_classifiers_are_refused():
    assert braindecode_classes()  # imports braindecode without its warnings
    from braindecode.models.util import non_classification_models

    assert set(non_classification_models) <= set(REFUSED)


def test_a_torchaudio_that_was_built_for_another_torch_is_named(monkeypatch):
    def broken(name, *args):
        if name == "braindecode.models":
            raise OSError("Could not load this library: _torchaudio.so")
        return imported(name, *args)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(ImportError, match=r"_torchaudio.so\): .* --force-reinstall torch torchaudio"):
        braindecode_classes.__wrapped__()


def test_model_newer_than_the_table_is_listed(monkeypatch):
    classes = {**braindecode_classes(), "NewNet": braindecode_classes()["EEGNet"]}
    monkeypatch.setattr("mne_cnnclass.networks.braindecode_models.braindecode_classes", lambda: classes)
    monkeypatch.setattr("mne_cnnclass.networks.catalog.version", lambda _: "99.0")
    models = list_models()
    assert "drop_prob" in models.loc["NewNet", "parameters"]
    assert models.loc[["NewNet"], "usable"].isna().all()
    assert models.loc["EEGNet", "usable"]


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_every_large_model_works_and_has_the_weights_of_the_table(name, motor_imagery):
    module = build_module(name, **{**motor_imagery, "n_outputs": 2})  # which runs it in both modes
    assert sum(p.numel() for p in module.parameters()) == list_models().loc[name, "n_parameters"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in USABLE if name not in LARGE])
def test_every_other_usable_model_is_an_estimator_of_epochs(name, motor_imagery):
    info = mne.create_info(CHANNELS, 250.0, "eeg")
    info.set_montage("easycap-M1")
    events = np.column_stack([np.arange(3), np.zeros(3, int), [1, 2, 3]])
    epochs = mne.EpochsArray(1e-6 * noise(3, 22, 1000).numpy(), info, events, verbose=False)
    clf = CNNClassifier(name, max_epochs=1, random_state=0, n_threads=1)
    assert repr(pickle.loads(pickle.dumps(clf))) == repr(clone(clf)) == repr(clf)
    clf.fit(epochs)
    proba = clf.predict_proba(epochs)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0)
    np.testing.assert_allclose(
        pickle.loads(pickle.dumps(clf)).predict_proba(epochs), proba, rtol=0, atol=1e-6
    )
    with torch.random.fork_rng():
        torch.manual_seed(clf.network_.seed)
        fresh = build_module(name, **motor_imagery).state_dict()
    assert any(not torch.equal(fresh[k], v) for k, v in clf.module_.named_parameters())


@pytest.mark.parametrize("name", ["EEGNet", "ShallowFBCSPNet", "Deep4Net", "USleep"])
def test_limits_in_the_table_are_the_limits(name, motor_imagery):
    least = int(list_models().loc[name, "min_times"])
    motor_imagery = {**motor_imagery, "n_outputs": 2}
    build_module(name, **{**motor_imagery, "n_times": least})
    if least > 1:
        with pytest.raises(ValueError, match=f"{name} needs windows of at least {least} time point"):
            build_module(name, **{**motor_imagery, "n_times": least - 1})


def test_table_counts_the_weights(motor_imagery):
    module = build_module("EEGNet", **{**motor_imagery, "n_outputs": 2})
    assert sum(p.numel() for p in module.parameters()) == list_models().loc["EEGNet", "n_parameters"]


@pytest.mark.parametrize("name", ["ShallowFBCSPNet", "Deep4Net"])
def test_one_channel_trains(name):
    module = build_module(name, n_chans=1, n_outputs=2, n_times=600)
    x, y = noise(8, 1, 600), torch.arange(8) % 2
    nn.functional.cross_entropy(module(x), y).backward()
    assert all(p.grad.isfinite().all() for p in module.parameters())
    assert any(p.grad.abs().sum() > 0 for p in module.conv_time_spat.parameters())


@pytest.mark.parametrize("name", ["ShallowFBCSPNet", "Deep4Net"])
def test_correction_for_one_channel_changes_nothing_for_several(name):
    signal = dict(n_chans=3, n_outputs=2, n_times=600)
    ours = build_module(name, **signal)
    theirs = braindecode_classes()[name](**signal)
    theirs.load_state_dict(ours.state_dict())
    x = noise(2, 3, 600)
    with torch.inference_mode():
        torch.testing.assert_close(ours.eval()(x), theirs.eval()(x), rtol=0, atol=0)


def test_one_channel_is_the_sum_of_its_filters():
    """On one channel the merged layer equals the two convolutions that it stands for."""
    module = build_module("ShallowFBCSPNet", {"batch_norm": False}, n_chans=1, n_outputs=2, n_times=200)
    merged = module.conv_time_spat
    x = noise(2, 1, 200).reshape(2, 1, 200, 1)
    with torch.inference_mode():
        nn.init.normal_(merged.conv_time.bias)
        expected = merged.conv_spat(merged.conv_time(x))
        torch.testing.assert_close(merged(x), expected, rtol=1e-4, atol=1e-5)


def test_building_leaves_batch_norm_and_gives_training_mode():
    module = build_module("ShallowFBCSPNet", n_chans=3, n_outputs=2, n_times=300)
    assert module.training
    assert module.bnorm.num_batches_tracked == 0
    assert (module.bnorm.running_mean == 0).all()


@pytest.mark.parametrize("name", ["EEGNet", "SSTDPN", "InterpolatedBIOT"])
def test_same_seed_and_state_give_the_same_network(name, motor_imagery):
    def build(seed):
        torch.manual_seed(seed)
        return build_module(name, **motor_imagery).eval()

    first, again, other = build(0), build(0), build(1)
    other.load_state_dict(first.state_dict(), strict=True)
    x = noise(2, 22, 1000)
    with torch.inference_mode():
        assert torch.equal(first(x), again(x))
        assert torch.equal(first(x), other(x))


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        (
            "EEGNet",
            dict(n_times=8),
            r"EEGNet needs windows of at least 27 time points \(0.11 s at 250 Hz\) with these parameters, "
            "got 8 time points",
        ),
        (
            "LUNA",
            dict(n_times=20),
            r"can't take windows of 20 time points .* of 40 time points \(0.16 s at 250 Hz\) would do",
        ),
        ("EEGSym", dict(sfreq=None), "EEGSym needs the sampling frequency: pass Epochs"),
        (
            "InterpolatedBIOT",
            dict(chs_info=None, sfreq=None),
            r"needs the sampling frequency and channel positions: pass Epochs with a montage",
        ),
        ("DGCNN", dict(chs_info=None), "DGCNN needs channel names: pass Epochs"),
        (
            "SleepStagerBlanco2020",
            dict(n_chans=1, chs_info=None),
            "can't take 1 channel .* 2 channels would do",
        ),
        (
            "AttnSleep",
            dict(n_times=3000, sfreq=100.0),
            "takes at most 1 channel with .*, got 22 channels",
        ),
        ("AttnSleep", {}, "Set d_model=28"),
        ("REVE", {}, "can't classify epochs: it downloads"),
        ("SignalJEPA", {}, "features for pre-training; take SignalJEPA_Contextual"),
        ("eegnet", {}, "no model 'eegnet'; did you mean EEGNet"),
        ("Foo", {}, r"no model 'Foo'; mne_cnnclass.list_models\(\)"),
    ],
)
def test_refusal_says_what_is_needed(model, changes, message, motor_imagery):
    with pytest.raises(ValueError, match=message):
        build_module(model, **{**motor_imagery, **changes})


def test_montage_missing_from_some_channels_is_named(motor_imagery):
    chs_info = [dict(ch) for ch in motor_imagery["chs_info"]]
    chs_info[3]["loc"] = np.full(12, np.nan)
    motor_imagery = {**motor_imagery, "chs_info": chs_info}
    with pytest.raises(ValueError, match="needs channel positions"):
        build_module("InterpolatedBIOT", **motor_imagery)
    build_module("DGCNN", **motor_imagery)  # positions would make it better, but names do


def test_wrong_parameters_are_named(motor_imagery):
    with pytest.raises(ValueError, match=r"no parameter drop_prb. Did you mean drop_prob\? Its parameters: "):
        build_module("EEGNet", {"drop_prb": 0.5}, **motor_imagery)
    with pytest.raises(ValueError, match="no parameter foo.* embed_dim, "):
        build_module("InterpolatedBIOT", {"foo": 0.5}, **motor_imagery)
    with pytest.raises(ValueError, match="EEGNet can't be built .* between 0 and 1, but got 3") as caught:
        build_module("EEGNet", {"drop_prob": 3}, **motor_imagery)
    assert isinstance(caught.value.__cause__, ValueError)


def test_output_that_is_no_class_per_sample_is_refused(motor_imagery):
    with pytest.raises(ValueError, match=r"must return logits of shape \(1, 3\).* returned shape \(1, 3, "):
        build_module("ShallowFBCSPNet", {"final_conv_length": 3}, **motor_imagery)


class MeanLogits(nn.Module):
    """A network of a user, which names only the arguments that it needs."""

    def __init__(self, n_chans, n_outputs, n_hidden=4):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_chans, n_hidden), nn.ELU(), nn.Linear(n_hidden, n_outputs))

    def forward(self, x):
        return self.layers(x.mean(axis=2))


class LazyLogits(nn.Module):
    """A network of a user, which takes everything and sizes its layers at the first input."""

    def __init__(self, **kwargs):
        super().__init__()
        self.given = kwargs
        self.layers = nn.Sequential(nn.Flatten(), nn.LazyLinear(kwargs["n_outputs"]))

    def forward(self, x):
        return self.layers(x)


def test_own_class_gets_the_arguments_it_names(motor_imagery):
    assert build_module(MeanLogits, {"n_hidden": 7}, **motor_imagery).layers[0].out_features == 7
    with pytest.raises(ValueError, match="MeanLogits has no parameter width.* Its parameters: n_hidden"):
        build_module(MeanLogits, {"width": 7}, **motor_imagery)
    lazy = build_module(LazyLogits, {"anything": 1}, **motor_imagery)
    assert set(lazy.given) == {*motor_imagery, "anything"}
    assert lazy.layers[1].weight.shape == (3, 22000)


def test_an_instance_is_no_class():
    with pytest.raises(TypeError, match="must be a class, got an instance of MeanLogits"):
        resolve_model(MeanLogits(3, 2))
    with pytest.raises(TypeError, match="a name or a subclass of torch.nn.Module, got 3"):
        resolve_model(3)


def test_search_finds_the_ends_of_a_range():
    def works(n):
        return 37 <= n <= 300

    assert smallest_working(works, 5, 8192) == 37
    assert largest_working(works, 1000) == 300
    assert smallest_working(works, 301, 8192) is None
    assert largest_working(works, 36) is None
