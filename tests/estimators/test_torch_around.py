"""What users set in torch and skorch around a classifier, and on its network by hand: kept, or refused."""

import contextlib
import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    LoadInitState,
    LRScheduler,
    Unfreezer,
)
from torch import nn
from torch.nn.utils import parametrizations, parametrize

from mne_cnnclass import CNNClassifier, EpochsView, FineTunedClassifier, explain, load_classifier
from mne_cnnclass.networks.training.net import weighted_losses
from tests.planted import planted_epochs


class Own(nn.Module):
    """A small network of a user's own."""

    def __init__(self, n_chans, n_outputs, n_times):
        super().__init__()
        self.conv, self.norm, self.drop = nn.Conv1d(n_chans, 4, 9), nn.BatchNorm1d(4), nn.Dropout(0.3)
        self.last, self.gain = nn.Linear(4, n_outputs), 1.0

    def forward(self, x):
        return self.last(self.drop(self.norm(self.conv(x)).square().mean(2)) * self.gain)


VIEW = EpochsView(planted_epochs(16, ch_names=("C3", "C4"), n_times=60))


def fit(model="MultiScaleCNN", **params):
    return CNNClassifier(model, random_state=0, **{"max_epochs": 1, **params}).fit(VIEW)


def copied(clf, how, folder):
    if how == "file":
        clf.save(folder / "clf.mcnn")
        return load_classifier(folder / "clf.mcnn", module=None if isinstance(clf.model, str) else clf.model)
    return copy.deepcopy(clf) if how == "deepcopy" else pickle.loads(pickle.dumps(clf))


# -- around a call -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def having(set_it, value, before):
    set_it(value)
    try:
        yield
    finally:
        set_it(before)


AROUND = {
    "float64": lambda: having(torch.set_default_dtype, torch.float64, torch.float32),
    "bfloat16": lambda: having(torch.set_default_dtype, torch.bfloat16, torch.float32),
    "default device": lambda: having(torch.set_default_device, "meta", None),
    "device": lambda: torch.device("meta"),
    "inference_mode": torch.inference_mode,
    "no_grad": torch.no_grad,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "autocast to float16": lambda: torch.autocast("cpu", torch.float16),
    "deterministic": lambda: having(torch.use_deterministic_algorithms, True, False),
    "precision": lambda: having(torch.set_float32_matmul_precision, "medium", "highest"),
    "parametrize.cached": parametrize.cached,
    "save_on_cpu": torch.autograd.graph.save_on_cpu,
    "anomaly": torch.autograd.detect_anomaly,
    "swap": lambda: having(torch.__future__.set_swap_module_params_on_conversion, True, False),
}


def results(path):
    """What fit, prediction, explanation, copies and files give."""
    clf = fit("MultiScaleCNN", class_weight="balanced", augmentation=["time_shift", "mixup"])
    explained = explain.saliency(clf, VIEW[:2], n_steps=2, random_state=0)
    clf.save(path)
    loaded = load_classifier(path)
    yield from (clf.predict_proba(VIEW), *(evoked.data for evoked in explained.values()))
    yield from (loaded.predict_proba(VIEW), pickle.loads(pickle.dumps(loaded)).predict_proba(VIEW))
    yield FineTunedClassifier(loaded, max_epochs=1).fit(VIEW).predict_proba(VIEW)
    yield fit("EEGNet").predict_proba(VIEW)
    yield fit(Own, accelerate=False).predict_proba(VIEW)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return list(results(tmp_path_factory.mktemp("around") / "clf.mcnn"))


@pytest.mark.parametrize("around", AROUND)
def test_modes_of_torch_around_calls_change_no_bit_and_stay_as_they_were(around, expected, tmp_path):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Anomaly Detection")
        with AROUND[around]():
            dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
            got = list(results(tmp_path / "clf.mcnn"))
            assert (torch.get_default_dtype(), torch.is_grad_enabled()) == (dtype, grad)
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_was_loaded_in_inference_mode_can_be_trained_later(tmp_path):
    fit().save(tmp_path / "clf.mcnn")
    with torch.inference_mode():
        loaded = load_classifier(tmp_path / "clf.mcnn")
    later = FineTunedClassifier(loaded, max_epochs=1).fit(VIEW)
    usual = FineTunedClassifier(load_classifier(tmp_path / "clf.mcnn"), max_epochs=1).fit(VIEW)
    np.testing.assert_array_equal(later.predict_proba(VIEW), usual.predict_proba(VIEW))


def test_onnx_is_exported_in_any_mode(tmp_path):
    pytest.importorskip("onnxscript")
    onnxruntime = pytest.importorskip("onnxruntime")
    clf = fit(Own)
    with torch.device("meta"), torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        clf.export_onnx(tmp_path / "clf.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "clf.onnx")
    (got,) = session.run(None, {"x": np.asarray(VIEW, dtype="float32")})
    np.testing.assert_allclose(got, clf.predict_proba(VIEW), atol=1e-5)


@pytest.mark.parametrize("device", ["cpu", "cpu:0", torch.device("cpu")])
def test_the_cpu_has_several_names(device, tmp_path):
    clf = fit(device=device)
    np.testing.assert_array_equal(clf.predict_proba(VIEW), fit(device="cpu").predict_proba(VIEW))
    assert copied(clf, "file", tmp_path).device == str(device)


@pytest.mark.parametrize("device", ["mps", "xpu", "meta", torch.device("meta"), "gpu", "CUDA", None, 1.5, ""])
def test_other_devices_are_refused_with_what_can_be_had(device):
    with pytest.raises(ValueError, match="'auto', 'cpu', 'cuda' or 'cuda:<number>', got"):
        fit(device=device)


@pytest.mark.parametrize("device", ["cuda", "cuda:1", torch.device("cuda:0"), 0])
def test_a_device_that_is_not_here_is_an_error_of_fit_and_prediction_and_not_of_reading(
    device, monkeypatch, tmp_path
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="finds no CUDA device here; use device='auto'"):
        fit(device=device)
    clf = fit().set_params(device=device)
    other = pickle.loads(pickle.dumps(clf))
    with pytest.raises(ValueError, match="use device='auto'"):
        other.predict(VIEW)
    assert len(other.set_params(device="auto").predict(VIEW)) == len(VIEW)
    if device != 0:
        assert copied(clf, "file", tmp_path).device == "auto"


def test_the_number_of_a_device_is_one_that_is_here(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match="'cuda:2', but torch finds 2 of them here"):
        fit(device="cuda:2")


# -- callbacks ---------------------------------------------------------------------------------------------


class SetsRate(Callback):
    """A schedule of a user's own."""

    def on_epoch_begin(self, net, **kwargs):
        net.optimizer_.param_groups[0]["lr"] = 1e-4


STEPS = LRScheduler("StepLR", step_size=1)
SCHEDULES = ([STEPS], [("rate", STEPS)], [LRScheduler], [EarlyStopping("train_loss"), SetsRate()])


@pytest.mark.parametrize("callbacks", SCHEDULES)
def test_a_second_schedule_is_refused_and_the_only_one_followed(callbacks):
    with pytest.raises(ValueError, match="Set lr_schedule=None to follow"):
        fit(max_epochs=5, callbacks=callbacks)
    fit(max_epochs=5, callbacks=callbacks, lr_schedule=None)


@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping(),
        EarlyStopping("valid_acc"),
        Checkpoint(),
        LRScheduler("ReduceLROnPlateau", monitor="a"),
    ],
)
def test_callbacks_that_look_for_what_is_not_recorded_hear_what_is(callback):
    with pytest.raises(ValueError, match=r"valid_loss and valid_accuracy\. \(.*not found in history"):
        fit(callbacks=[callback], lr_schedule=None)


def test_scores_of_validation_samples_that_are_not_there_are_warned_of():
    with pytest.warns(RuntimeWarning, match="no validation samples for acc: set a validation_fraction"):
        fit(callbacks=[("acc", EpochScoring("accuracy"))])
    fit(callbacks=[EpochScoring("accuracy", on_train=True), LRScheduler], lr_schedule=None)


def test_callbacks_have_validation_samples_with_targets_and_best_scores(tmp_path):
    callbacks = [
        EpochScoring("accuracy", name="cached", lower_is_better=False),
        EpochScoring("accuracy", name="anew", lower_is_better=False, use_caching=False),
        EpochScoring("f1_macro", name="train_f1", on_train=True, use_caching=False),
        Checkpoint(dirname=tmp_path, monitor="valid_loss_best"),
    ]
    history = fit(max_epochs=4, callbacks=callbacks, validation_fraction=0.5).history_
    np.testing.assert_allclose(history.anew, history.valid_accuracy)
    np.testing.assert_allclose(history.cached, history.valid_accuracy)
    assert history.train_f1.between(0, 1).all()
    assert history.event_cp.tolist() == (history.valid_loss == history.valid_loss.cummin()).tolist()


@pytest.mark.parametrize("model", ["MultiScaleCNN", Own])
def test_callbacks_freeze_weights(model):
    untrained = fit(model, lr=1e-30, weight_decay=0).module_
    name, first = next(untrained.named_parameters())
    frozen = fit(model, max_epochs=2, callbacks=[Freezer(name)]).module_
    thawed = fit(model, max_epochs=2, callbacks=[Freezer(name), Unfreezer(name, at=2)]).module_
    assert torch.allclose(frozen.get_parameter(name), first, rtol=0, atol=1e-20)
    assert not torch.allclose(thawed.get_parameter(name), first)
    assert not torch.allclose(list(frozen.parameters())[-1], list(untrained.parameters())[-1])
    with pytest.raises(ValueError, match="All weights of module_ are frozen"):
        fit(model, callbacks=[Freezer("*")])


def test_weights_that_a_callback_takes_at_the_end_are_kept(tmp_path):
    """Those of skorch's best epoch, here by the training loss, with or without a validation part."""
    how = dict(max_epochs=6, lr=0.3, lr_schedule=None)
    for more in ({}, {"validation_fraction": 0.5}):
        checkpoint = Checkpoint(dirname=tmp_path, monitor="train_loss_best", load_best=True)
        clf = fit(**how, **more, callbacks=[checkpoint])
        best = int(fit(**how, **more).history_.train_loss.argmin()) + 1
        kept = torch.load(tmp_path / "params.pt", weights_only=True)
        assert len(clf.history_) == best
        assert all(torch.equal(value, kept[name]) for name, value in clf.module_.state_dict().items())


def test_a_training_that_a_callback_ends_before_it_began_is_an_error(tmp_path):
    checkpoint = Checkpoint(dirname=tmp_path, monitor=None)
    fit(callbacks=[checkpoint])
    with pytest.raises(RuntimeError, match="A callback ended the training before its first epoch was over"):
        fit(callbacks=[LoadInitState(checkpoint)])
    assert fit(max_epochs=2, callbacks=[LoadInitState(checkpoint)]).history_.epoch.tolist() == [1, 2]


def test_checkpoints_of_skorch_can_not_pickle_the_net(tmp_path):
    with pytest.raises(TypeError, match="Keep f_params, or save the classifier"):
        fit(callbacks=[Checkpoint(dirname=tmp_path, monitor=None, f_pickle="net.pkl")])


class Seeds(Callback):
    """Sets the global seeds, as many do for results that are the same again."""

    def on_train_begin(self, net, **kwargs):
        torch.manual_seed(1)


def test_callbacks_may_set_seeds_and_be_classes():
    usual = fit("EEGNet").predict_proba(VIEW)
    for callbacks in ([Seeds], [("seeds", Seeds())]):
        np.testing.assert_array_equal(fit("EEGNet", callbacks=callbacks).predict_proba(VIEW), usual)


# -- training ----------------------------------------------------------------------------------------------


class Flat(nn.Module):
    """Normalises over the samples of a batch."""

    def __init__(self, n_chans, n_outputs, n_times):
        super().__init__()
        layers = nn.Flatten(), nn.Linear(n_chans * n_times, 4), nn.BatchNorm1d(4), nn.Linear(4, n_outputs)
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


def test_batches_of_one_sample_are_asked_for_or_do_not_come():
    fit(Flat, batch_size=len(VIEW) - 1)
    with pytest.raises(ValueError, match="more than 1 value per channel") as error:
        fit(Flat, batch_size=1)
    assert "batch_size of at least 2" in error.value.__notes__[0]


def test_three_mixed_samples_of_three_classes_are_a_batch():
    y = np.resize(["a", "b", "c"], len(VIEW))
    clf = CNNClassifier(
        "MultiScaleCNN",
        augmentation="mixup",
        batch_size=3,
        validation_fraction=0.2,
        max_epochs=1,
        random_state=0,
    )
    assert clf.fit(VIEW, y).history_.train_loss.between(0, 5).all()


def test_weights_of_classes_do_not_move_what_smoothing_gives_to_the_others():
    """The loss of a sample of any weight is least where its class has 0.95 of 1, by a smoothing of 0.1."""
    logits = torch.tensor([[[0.95, 0.05], [0.95, 0.05]]]).log().requires_grad_()
    weight = torch.tensor([[50.0, 1.0]])
    weighted_losses(logits, torch.tensor([[0, 0]]), {"weight": weight}, 0.1).sum().backward()
    np.testing.assert_allclose(logits.grad, 0, atol=1e-6)


# -- by hand -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "file"])
@pytest.mark.parametrize("params", [{"model": "MultiScaleCNN"}, {"n_members": 2}, {"model": Own}])
def test_weights_that_were_edited_and_frozen_stay_so(params, how, tmp_path):
    clf = fit(**params)
    names = [name for name, _ in clf.module_.named_parameters() if not name.endswith("bias")]
    with torch.no_grad():
        for name in names:
            clf.module_.get_parameter(name).requires_grad_(False).mul_(1.5)
    other = copied(clf, how, tmp_path)
    np.testing.assert_array_equal(other.predict_proba(VIEW), clf.predict_proba(VIEW))
    further = FineTunedClassifier(other, max_epochs=1).fit(VIEW).estimator_
    for one in (other, further):
        assert [name for name, weight in one.module_.named_parameters() if not weight.requires_grad] == names
    for name in names:
        assert torch.equal(further.module_.get_parameter(name), clf.module_.get_parameter(name))
    last = list(clf.module_.parameters())[-1]
    assert not torch.equal(list(further.module_.parameters())[-1], last)


def test_a_network_that_is_frozen_as_a_whole_is_not_trained():
    clf = fit()
    clf.module_.requires_grad_(False)
    with pytest.raises(ValueError, match="All weights of module_ are frozen"):
        FineTunedClassifier(clf).fit(VIEW)


def _replace(module):
    module.drop = nn.Identity()


def _drop_less(module):
    module.drop.p = 0.1


def _drop_at_prediction(module):
    module.drop.train()


def _change_gain(module):
    module.gain = 3.0


def _change_forward(module):
    forward = module.forward
    module.forward = lambda x: 2 * forward(x)


CHANGES = {
    "replaced": (_replace, "drop is Identity"),
    "dropout": (_drop_less, r"drop is .*p=0\.1.* was .*p=0\.3"),
    "train mode": (_drop_at_prediction, "its outputs are not those"),
    "attribute": (_change_gain, "its outputs are not those"),
    "method": (_change_forward, "its outputs are not those"),
    "hook": (
        lambda m: m.conv.register_forward_hook(lambda m, x, y: y * 2),
        "its outputs are not those",
    ),
    "double": (lambda module: module.double(), "of torch.float64, and was"),
    "parametrization": (lambda module: parametrizations.weight_norm(module.conv), "conv is Parametrized"),
    "buffer": (lambda module: module.register_buffer("more", torch.ones(2)), "more is .*, and was None"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_changes_of_the_network_stay_in_deep_copies_and_are_refused_elsewhere(change, tmp_path):
    do, message = CHANGES[change]
    clf = fit(Own)
    do(clf.module_)
    other = copy.deepcopy(clf)
    assert repr(other.module_) == repr(clf.module_)
    if change not in ("double", "train mode"):  # which can't predict, or draw other numbers each time
        np.testing.assert_array_equal(other.predict_proba(VIEW), clf.predict_proba(VIEW))
        further = FineTunedClassifier(clf, max_epochs=1).fit(VIEW).estimator_.module_
        assert repr(further) == repr(clf.module_)
    for how in ("pickle", "file"):
        with pytest.raises(ValueError, match=f"module_ was changed since it was built: .*{message}"):
            copied(clf, how, tmp_path)


@pytest.mark.parametrize("model", ["EEGNet", "MultiScaleCNN"])
def test_hooks_of_layers_are_called_at_prediction_and_when_training_goes_on(model):
    clf, calls = fit(model), []
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
    layer = next(one for one in clf.module_.modules() if isinstance(one, kinds))
    usual = clf.predict_proba(VIEW)
    layer.register_forward_hook(lambda module, x, y: calls.append(module.training) or y * 2)
    assert not np.allclose(clf.predict_proba(VIEW), usual)
    assert calls == [False]
    FineTunedClassifier(clf, max_epochs=1).fit(VIEW)
    assert True in calls
