"""What earlier versions have saved is read, and predicts what it predicted there."""

import json

import numpy as np
import pytest
from golden.make import ESTIMATORS, FOLDER, golden_epochs

from mne_cnnclass import CNNClassifier, EpochsView, load_classifier
from mne_cnnclass.estimators.saving.files import SCHEMA

EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))


def test_every_schema_has_its_golden_files():
    names = {f"{schema}_{make.__name__}.mcnn" for schema, each in ESTIMATORS.items() for make in each}
    assert names == EXPECTED.keys() == {path.name for path in FOLDER.glob("*.mcnn")}
    assert ESTIMATORS.keys() == set(range(1, SCHEMA + 1)), "run tests/golden/make.py for the new schema"


@pytest.mark.parametrize("name", EXPECTED)
def test_a_golden_file_predicts_what_it_did(name):
    loaded = load_classifier(FOLDER / name)
    new = EpochsView(golden_epochs(12, seed=1), groups="subject")
    np.testing.assert_allclose(loaded.predict_proba(new), EXPECTED[name], rtol=0, atol=1e-6)
    classifier = loaded if isinstance(loaded, CNNClassifier) else loaded[-1]
    assert classifier.classes_.tolist() == ["left_hand", "right_hand"]
    assert classifier.ch_names_ == ["C3", "Cz", "C4"]
    assert (classifier.sfreq_, classifier.n_times_) == (100.0, 50)
    assert classifier.versions_.keys() == {"mne-cnnclass", "torch", "braindecode", "mne"}
    if int(name[0]) >= 6:
        assert classifier.provenance_["pass_band"] == [[0.0, 50.0]]
    n_before = len(classifier.history_)
    classifier.set_params(warm_start=True, max_epochs=1)
    view = EpochsView(golden_epochs(24, seed=0), groups="subject")
    loaded.fit(view, view.labels)
    assert len(classifier.history_) == n_before + classifier.n_members
