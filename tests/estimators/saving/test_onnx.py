"""Exported models give the probabilities of the classifier, from raw samples, in another program."""

import json
import sys

import numpy as np
import pytest
import torch
from golden.make import FOLDER, golden_epochs

from mne_cnnclass import CNNClassifier, list_models, load_classifier
from mne_cnnclass.estimators.saving import onnx as exporting
from mne_cnnclass.preprocessing import Features

onnxruntime = pytest.importorskip("onnxruntime")
SETTINGS = dict(max_epochs=1, random_state=0, n_threads=1)


def run(path, *inputs):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    values = [np.asarray(one, dtype=np.float32) for one in inputs]
    (proba,) = session.run(None, dict(zip(["x", "side"], values, strict=False)))
    return proba, session


@pytest.mark.parametrize(
    "clf",
    [
        CNNClassifier("EEGNet", n_members=2, symmetry="left_right", calibrate=True, validation_fraction=0.25),
        CNNClassifier("MultiScaleCNN", side_inputs=["rr"]),
        CNNClassifier("ShallowFBCSPNet", model_params={"filter_time_length": 9, "pool_time_length": 20}),
        CNNClassifier("SyncNet"),
    ],
    ids=lambda clf: clf.model,
)
def test_an_exported_model_gives_the_same_probabilities(clf, tmp_path):
    path = tmp_path / "model.onnx"
    clf.set_params(**SETTINGS).fit(golden_epochs(24, seed=0)).export_onnx(path)
    new = golden_epochs(7, seed=1)
    new._data += 1e-4  # V, an offset a hundred times as large as the signal
    side = [new.metadata[["rr"]].to_numpy()] if clf.side_inputs else []
    for part in (slice(None), slice(1)):  # of any number of samples
        proba, session = run(path, new[part].get_data(), *(one[part] for one in side))
        np.testing.assert_allclose(proba, clf.predict_proba(new[part]), rtol=0, atol=1e-5)
    known = session.get_modelmeta().custom_metadata_map
    assert json.loads(known["classes"]) == ["left_hand", "right_hand"]
    assert json.loads(known["ch_names"]) == ["C3", "Cz", "C4"]
    assert (known["sfreq"], known["n_times"], known["unit"], known["model"]) == (
        "100.0",
        "50",
        "V",
        clf.model,
    )
    assert json.loads(known["versions"]) == clf.versions_
    assert [one.shape for one in session.get_inputs()][0][1:] == [3, 50]


class Lost(torch.nn.Module):
    """Draws new random numbers whenever it runs."""

    def __init__(self, n_chans, n_outputs, n_times):
        super().__init__()
        self.dense = torch.nn.Linear(n_chans * n_times, n_outputs)

    def forward(self, x):
        return self.dense(x.flatten(1)) + torch.rand(len(x), 2)


def test_a_model_that_differs_is_not_written(tmp_path):
    clf = CNNClassifier(Lost, **SETTINGS).fit(golden_epochs(12, seed=0))
    with pytest.raises(
        RuntimeError, match="Lost can't be exported to ONNX: there, probabilities differ by 0"
    ):
        clf.export_onnx(tmp_path / "model.onnx")
    assert not any(tmp_path.iterdir())


def test_what_cant_be_exported_is_told(tmp_path, monkeypatch):
    clf = load_classifier(FOLDER / "1_plain.mcnn")
    assert exporting.NOT_EXPORTED.keys() <= set(list_models().index)
    clf.model = next(iter(exporting.NOT_EXPORTED))
    with pytest.raises(ValueError, match=f"{clf.model} can't be exported to ONNX: "):
        clf.export_onnx(tmp_path / "model.onnx")
    computed = CNNClassifier("EEGNet", side_inputs=[Features(["hjorth"])], **SETTINGS)
    computed.fit(golden_epochs(12, seed=0))
    with pytest.raises(ValueError, match="Side inputs that transformers compute"):
        computed.export_onnx(tmp_path / "model.onnx")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ImportError, match=r'pip install "mne-cnnclass\[onnx\]"'):
        clf.export_onnx(tmp_path / "model.onnx")
    assert not any(tmp_path.iterdir())
