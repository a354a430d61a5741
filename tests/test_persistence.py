"""Files of fitted estimators: the same predictions, and nothing executed."""

import json
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from planted import planted_epochs
from safetensors import safe_open
from safetensors.torch import save_file

from mne_cnnclass import CNNClassifier, load_classifier
from mne_cnnclass.persistence import KEY


@pytest.fixture(scope="module")
def clf():
    return CNNClassifier("EEGNet", model_params={"drop_prob": 0.1}, max_epochs=2, random_state=0).fit(
        planted_epochs(24)
    )


@pytest.fixture
def path(clf, tmp_path):
    clf.save(tmp_path / "hands.mcnn")
    return tmp_path / "hands.mcnn"


def test_a_loaded_estimator_predicts_the_same_bits_and_knows_the_same(clf, path):
    loaded = load_classifier(path)
    new = planted_epochs(10, seed=1)
    np.testing.assert_array_equal(loaded.predict_proba(new), clf.predict_proba(new))
    assert loaded.predict(new).tolist() == clf.predict(new).tolist()
    assert loaded.get_params() == clf.get_params() | {"random_state": None}
    for name in ("ch_names_", "sfreq_", "n_times_", "n_channels_", "n_features_in_"):
        assert getattr(loaded, name) == getattr(clf, name)
    pd.testing.assert_frame_equal(loaded.history_, clf.history_)
    with pytest.raises(ValueError, match="missing"):
        loaded.predict(new.drop_channels(["C3"]))


def test_a_loaded_estimator_can_be_trained_on(path):
    loaded = load_classifier(path).set_params(warm_start=True)
    loaded.fit(planted_epochs(24, seed=2))
    assert loaded.history_["epoch"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("labels", [[1, 5], [True, False], ["a", "ü"]])
def test_labels_keep_their_type(labels, tmp_path):
    X, y = np.random.default_rng(0).standard_normal((10, 30)), np.resize(labels, 10)
    clf = CNNClassifier(max_epochs=1).fit(X, y)
    clf.save(tmp_path / "table.mcnn")
    loaded = load_classifier(tmp_path / "table.mcnn")
    assert loaded.classes_.dtype == y.dtype
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


def test_class_weights_keep_their_keys(tmp_path):
    X, y = np.random.default_rng(0).standard_normal((10, 30)), np.resize([0, 1], 10)
    CNNClassifier(max_epochs=1, class_weight={np.int64(0): 1, 1: 3}).fit(X, y).save(tmp_path / "w.mcnn")
    loaded = load_classifier(tmp_path / "w.mcnn")
    assert loaded.class_weight == {0: 1, 1: 3}
    loaded.fit(X, y)


class Own(torch.nn.Module):
    def __init__(self, n_chans, n_outputs, n_times):
        super().__init__()
        self.linear = torch.nn.Linear(n_chans * n_times, n_outputs)

    def forward(self, x):
        return self.linear(x.flatten(1))


def test_a_module_of_ones_own_is_never_imported_by_the_file(tmp_path):
    clf = CNNClassifier(Own, max_epochs=1).fit(planted_epochs(8))
    clf.save(tmp_path / "own.mcnn")
    with pytest.raises(ValueError, match=r"trained with a class of its user, .*Own. Pass that class"):
        load_classifier(tmp_path / "own.mcnn")
    loaded = load_classifier(tmp_path / "own.mcnn", module=Own)
    np.testing.assert_array_equal(loaded.predict(planted_epochs(8)), clf.predict(planted_epochs(8)))


def test_files_that_are_no_models_are_refused(path, tmp_path, clf):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        load_classifier(tmp_path / "none.mcnn")
    (tmp_path / "pickle.mcnn").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ValueError, match="no classifier saved by mne_cnnclass, or is damaged"):
        load_classifier(tmp_path / "pickle.mcnn")
    (tmp_path / "half.mcnn").write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged"):
        load_classifier(tmp_path / "half.mcnn")
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="no classifier of mne_cnnclass"):
        load_classifier(tmp_path / "other.safetensors")


def test_a_later_schema_and_weights_of_another_network_are_refused(path, tmp_path):
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()[KEY])
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(weights, tmp_path / "later.mcnn", metadata={KEY: json.dumps({**header, "schema": 99})})
    with pytest.raises(ValueError, match="later than this one"):
        load_classifier(tmp_path / "later.mcnn")
    weights.pop(next(iter(weights)))
    save_file(weights, tmp_path / "less.mcnn", metadata={KEY: json.dumps(header)})
    with pytest.raises(ValueError, match="do not fit the network"):
        load_classifier(tmp_path / "less.mcnn")


def test_a_failed_save_leaves_the_old_file(clf, path, tmp_path, monkeypatch):
    old = path.read_bytes()
    other = CNNClassifier("EEGNet", max_epochs=1).fit(planted_epochs(8))
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        other.save(path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["hands.mcnn"]
