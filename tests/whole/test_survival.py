"""What is computed survives Ctrl-C, errors, a lack of memory, crashes, full disks and vanished files."""

import errno
import os
import signal
import subprocess
import sys

import mne
import numpy as np
import pytest
import torch
from killing import Kills
from planted import planted_epochs
from sklearn.model_selection import cross_val_score

from mne_cnnclass import CNNClassifier, EpochsView, evaluate, load_classifier
from mne_cnnclass.evaluation.benchmarking import benchmark
from mne_cnnclass.networks.training import checkpoints

SMALL = dict(model_params=dict(n_filters=2, hidden_units=[4]), batch_size=8, n_threads=1, random_state=0)


@pytest.fixture(scope="module")
def samples():
    view = EpochsView(planted_epochs(32, n_times=60))
    return np.asarray(view, np.float32), view.labels


class At(torch.nn.Module):
    """A linear network that does something at one of its training steps."""

    step, do, seen = 10**9, None, 0

    def __init__(self, n_chans, n_outputs, n_times):
        super().__init__()
        self.layer = torch.nn.Linear(n_chans * n_times, n_outputs)
        self.dropout = torch.nn.Dropout(0.1)

    def forward(self, x):
        if self.training and torch.is_grad_enabled():
            At.seen += 1
            if At.seen == At.step:
                changed = At.do(x)
                x = x if changed is None else changed
        return self.layer(self.dropout(x.flatten(1)))


@pytest.fixture(autouse=True)
def _unarmed():
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest-xdist ignores Ctrl-C
    yield
    signal.signal(signal.SIGINT, usual)
    At.step, At.do, At.seen = 10**9, None, 0


def arm(step, do):
    At.step, At.do, At.seen = step, do, 0


def ctrl_c(*_):
    os.kill(os.getpid(), signal.SIGINT)


def not_a_number(x):
    return x * float("nan")


def broken(*_):
    raise OSError(5, "Input/output error")


def linear(**how):
    return CNNClassifier(At, **{"max_epochs": 6, "batch_size": 8, "random_state": 0, "n_threads": 1} | how)


def weights(clf):
    return torch.cat([p.detach().flatten() for p in clf.module_.parameters()])


@pytest.mark.parametrize(
    ("do", "error"), [(ctrl_c, KeyboardInterrupt), (not_a_number, RuntimeError), (broken, OSError)]
)
def test_a_training_that_is_stopped_leaves_the_weights_of_its_last_whole_epoch(samples, do, error):
    X, y = samples  # four steps an epoch
    arm(4 * 3 + 2, do)
    clf = linear(lr_schedule=None)
    with pytest.raises(error) as told:
        clf.fit(X, y)
    assert "keeps what it learnt in 3 epoch(s)" in told.value.__notes__[0]
    assert clf.stopped_.startswith(error.__name__)
    assert clf.history_.epoch.tolist() == [1, 2, 3]
    arm(10**9, None)
    whole = linear(lr_schedule=None, max_epochs=3).fit(X, y)
    assert whole.stopped_ is None
    assert torch.equal(weights(clf), weights(whole))
    np.testing.assert_array_equal(clf.predict_proba(X), whole.predict_proba(X))


def test_with_a_validation_split_the_best_weights_so_far_are_kept(samples):
    X, y = samples
    arm(3 * 4 + 2, ctrl_c)  # three steps an epoch
    clf = linear(validation_fraction=0.25, lr_schedule=None, calibrate=True)
    with pytest.raises(KeyboardInterrupt, match="in epoch 5 of 6"):
        clf.fit(X, y)
    best = int(clf.history_.set_index("epoch").valid_loss.idxmin())
    arm(10**9, None)
    whole = linear(validation_fraction=0.25, lr_schedule=None, max_epochs=best).fit(X, y)
    assert torch.equal(weights(clf), weights(whole))
    assert clf.temperature_ == 1.0


def test_what_stops_in_the_first_epoch_leaves_the_estimator_as_it_was(samples):
    X, y = samples
    clf = linear(max_epochs=1).fit(X, y)
    before = weights(clf)
    arm(2, ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert torch.equal(weights(clf), before)
    assert clf.stopped_ is None


def test_members_that_were_trained_are_kept(samples, tmp_path):
    X, y = samples
    arm(2 * 24 + 1, ctrl_c)  # in the first epoch of the third member
    clf = CNNClassifier(At, n_members=4, max_epochs=6, batch_size=8, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    arm(10**9, None)
    two = CNNClassifier(At, n_members=2, max_epochs=6, batch_size=8, random_state=0).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), two.predict_proba(X))
    clf.save(tmp_path / "two.mcnn")
    loaded = load_classifier(tmp_path / "two.mcnn", module=At)
    assert loaded.stopped_ == clf.stopped_
    np.testing.assert_array_equal(loaded.predict_proba(X), two.predict_proba(X))


def test_ctrl_c_stops_a_cross_validation_of_scikit_learn(samples):
    X, y = samples
    arm(40, ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        cross_val_score(linear(), X, y, cv=4)
    assert At.seen == 40


def test_a_second_ctrl_c_stops_at_once(samples):
    X, y = samples
    arm(6, lambda x: (ctrl_c(), ctrl_c()))
    with pytest.raises(KeyboardInterrupt):
        linear().fit(X, y)
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_evaluate_keeps_the_folds_that_were_done(samples):
    X, y = samples
    arm(3 * 6 * 2 + 5, ctrl_c)  # in the third of four folds, of three steps an epoch
    with pytest.warns(UserWarning, match=r"2 of 4 folds failed.*KeyboardInterrupt"):
        result = evaluate(linear(), X, y, cv=4)
    arm(10**9, None)
    whole = evaluate(linear(), X, y, cv=4)
    first = whole.predictions[whole.predictions.fold < 2]
    assert result.predictions.equals(first)
    assert result.folds.error.isna().tolist() == [True, True, False, False]


def test_evaluate_keeps_the_folds_that_were_done_before_a_process_was_killed(tmp_path):
    X, y = np.arange(8.0)[:, None], np.arange(8) % 2
    cv = [(np.arange(4, 8), np.arange(4)), (np.arange(4), np.arange(4, 8))]
    with pytest.warns(UserWarning, match="1 of 2 folds failed.*TerminatedWorkerError"):
        result = evaluate(Kills(tmp_path / "done"), X, y, cv=cv, n_jobs=2)
    assert len(result.predictions) == 4


def test_benchmark_goes_on_after_ctrl_c(samples, tmp_path):
    epochs = planted_epochs(32, n_times=60)
    epochs.metadata = None
    data = {"planted": EpochsView(epochs, groups=np.arange(32) % 4)}
    pipelines, how = {"linear": linear()}, dict(store=tmp_path / "s.sqlite", splits="leave-one-subject-out")
    arm(3 * 6 * 2 + 5, ctrl_c)
    with pytest.raises(KeyboardInterrupt, match="in epoch 2 of 6") as told:
        benchmark(pipelines, data, **how)
    assert "the same call goes on" in "".join(told.value.__notes__)
    arm(3 * 6 * 2 + 5, ctrl_c)  # as before, as the state of a class of no package counts as its code
    result = benchmark(pipelines, data, **how)
    assert len(result.table()) == 4
    assert At.seen == 3 * 6 * 2


# -- checkpoints -------------------------------------------------------------------------------------

RESUMED = dict(
    plain={},
    early_stopping=dict(validation_fraction=0.25, patience=4),
    augmented=dict(augmentation=["time_shift", ("gaussian_noise", {"probability": 0.5})]),
    members=dict(n_members=2),
    calibrated=dict(calibrate=True),
    no_schedule=dict(lr_schedule=None, class_weight="balanced"),
)


@pytest.mark.parametrize("how", RESUMED.values(), ids=RESUMED)
def test_a_training_goes_on_to_the_same_bits(how, samples, tmp_path):
    X, y = samples
    arm(18, ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        linear(checkpoint_dir=tmp_path, **how).fit(X, y)
    assert len(list(tmp_path.iterdir())) == 1
    arm(10**9, None)
    resumed = linear(checkpoint_dir=tmp_path, **how).fit(X, y)
    n_resumed, At.seen = At.seen, 0
    whole = linear(**how).fit(X, y)
    assert n_resumed < At.seen
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))
    columns = [column for column in whole.history_ if column != "duration"]
    assert resumed.history_[columns].equals(whole.history_[columns])
    assert resumed.temperature_ == whole.temperature_
    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
import numpy as np
from mne_cnnclass import CNNClassifier
from mne_cnnclass.networks.training import checkpoints

write, n = checkpoints.write_atomically, []

def third(path, content):
    write(path, content)
    n.append(path)
    if len(n) == 3:
        os.kill(os.getpid(), signal.SIGKILL)

checkpoints.write_atomically = third
X, y = np.load(sys.argv[1]), np.arange(24) % 2
how = dict(max_epochs=6, batch_size=8, random_state=0, n_threads=1, augmentation=["time_shift"])
CNNClassifier("MultiScaleCNN", checkpoint_dir=sys.argv[2], **how).fit(X, y)
"""


@pytest.mark.slow
def test_a_process_that_was_killed_goes_on_to_the_same_bits_in_another(tmp_path):
    X, y = np.random.default_rng(0).standard_normal((24, 3, 100)).astype(np.float32), np.arange(24) % 2
    np.save(tmp_path / "X.npy", X)
    folder = tmp_path / "checkpoints"
    command = [sys.executable, "-c", KILLED, str(tmp_path / "X.npy"), str(folder)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(list(folder.iterdir())) == 1
    how = dict(max_epochs=6, batch_size=8, random_state=0, n_threads=1, augmentation=["time_shift"])
    with mne.utils.catch_logging() as log, mne.use_log_level("INFO"):
        resumed = CNNClassifier("MultiScaleCNN", checkpoint_dir=folder, **how).fit(X, y)
    assert "Training goes on after epoch 3" in log.getvalue()
    whole = CNNClassifier("MultiScaleCNN", **how).fit(X, y)
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))


def test_other_data_parameters_or_seeds_start_anew(samples, tmp_path):
    X, y = samples
    arm(18, ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        linear(checkpoint_dir=tmp_path).fit(X, y)
    others = [
        (X + 1e-3 * np.arange(60, dtype=np.float32), y, {}),
        (X, y, dict(lr=0.01)),
        (X, y, dict(random_state=1)),
    ]
    for data, labels, how in [*others, (X, y[::-1], {})]:
        arm(10**9, None)
        linear(checkpoint_dir=tmp_path, **how).fit(data, labels)
        assert At.seen == 24
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_does_not_stop_a_training(samples, tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, f"{path} was not written (No space left on device)")

    monkeypatch.setattr(checkpoints, "write_atomically", full)
    with pytest.warns(UserWarning, match="No checkpoint of epoch 1.*No space left"):
        clf = linear(checkpoint_dir=tmp_path).fit(*samples)
    assert clf.stopped_ is None


def test_a_damaged_checkpoint_is_told(samples, tmp_path):
    arm(18, ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        linear(checkpoint_dir=tmp_path).fit(*samples)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    flipped = []
    for at in (
        0,
        31,
        32,
        *range(100, len(content), 1500),
        len(content) - 1,
    ):  # torch itself sees few of these
        flipped.append(bytearray(content))
        flipped[-1][at] ^= 1
    for damaged in (b"", content[:500], content[:-1], content + b"0", *flipped):
        file.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"The checkpoint .*\.checkpoint is damaged.*Delete it"):
            linear(checkpoint_dir=tmp_path).fit(*samples)
    file.write_bytes(content)
    linear(checkpoint_dir=tmp_path).fit(*samples)


@pytest.mark.parametrize("error", [PermissionError(13, "denied"), OSError(5, "I/O"), KeyError("name")])
@pytest.mark.parametrize("step", ["Path.read_bytes", "_put_back", "_content"])
def test_only_damage_is_called_damage(error, step, samples, tmp_path, monkeypatch):
    def fail(*args):
        raise error

    arm(18, ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        linear(checkpoint_dir=tmp_path).fit(*samples)
    monkeypatch.setattr(f"mne_cnnclass.networks.training.checkpoints.{step}", fail)
    with pytest.raises(type(error)) as caught:
        linear(checkpoint_dir=tmp_path).fit(*samples)
    assert caught.value is error


def test_checkpoints_refuse_what_they_can_not_keep(samples, tmp_path):
    from skorch.callbacks import Callback

    with pytest.raises(ValueError, match="state of callbacks"):
        linear(checkpoint_dir=tmp_path, callbacks=[Callback()]).fit(*samples)
    with pytest.raises(TypeError, match="checkpoint_dir must be None or a folder"):
        linear(checkpoint_dir=3).fit(*samples)
    with pytest.raises(ValueError, match="needs a random_state"):
        linear(checkpoint_dir=tmp_path, random_state=None).fit(*samples)
    with pytest.raises(ValueError, match="can't be pickled"):
        linear(checkpoint_dir=tmp_path, augmentation=[lambda x, y: (x, y)]).fit(*samples)


# -- memory and files --------------------------------------------------------------------------------


class Greedy(torch.nn.Module):
    """Finds no memory for more than three samples."""

    def __init__(self, n_chans, n_outputs, n_times):
        super().__init__()
        self.layer = torch.nn.Linear(n_chans * n_times, n_outputs)

    def forward(self, x):
        if len(x) > 3:
            raise RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"
            )
        return self.layer(x.flatten(1))


def test_a_lack_of_memory_names_the_batch_size_that_fits(samples):
    X, y = samples
    with pytest.raises(MemoryError, match=r"on 16 samples of shape \(5, 60\).*; batch_size=2 fits"):
        CNNClassifier(Greedy, batch_size=16, max_epochs=1).fit(X, y)


def test_automatic_batches_become_smaller_where_memory_is_short(samples):
    X, y = samples
    how = dict(max_epochs=2, random_state=0, lr_schedule=None)
    with pytest.warns(UserWarning, match="so batch_size=2 is taken"):
        clf = CNNClassifier(Greedy, **how).fit(X, y)
    assert len(clf.history_) == 2
    # predictions do not depend on the size of a batch
    small = np.concatenate([clf.predict_proba(X[i : i + 2]) for i in range(0, len(X), 2)])
    np.testing.assert_allclose(clf.predict_proba(X), small, rtol=1e-6)


def test_a_recording_that_breaks_off_is_named(tmp_path):
    path = tmp_path / "broken-epo.fif"
    planted_epochs(64, n_times=60).save(path, verbose="ERROR")
    content = path.read_bytes()
    view = EpochsView(mne.read_epochs(path, preload=False, verbose="ERROR"))
    clf = CNNClassifier("MultiScaleCNN", max_epochs=1, random_state=0, n_threads=1).fit(view)
    before = clf.predict_proba(view)
    os.truncate(path, len(content) // 2)
    for use in (clf.fit, clf.predict):
        with pytest.raises(OSError, match="can't be read from .*broken-epo.fif any more"):
            use(view)
    path.write_bytes(content)
    np.testing.assert_array_equal(clf.predict_proba(view), before)  # nothing of the first fit was lost
