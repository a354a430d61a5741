"""What users write, for the type checker (``mypy``, configured in pyproject.toml); it is never run.

Each ``assert_type`` is a promise of a hint, and each ``type: ignore`` a mistake that the hints must see: mypy
reports one that it does not need.
"""

from pathlib import Path
from typing import assert_type

import mne
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor, nn

import mne_cnnclass
from mne_cnnclass import (
    Benchmark,
    CNNClassifier,
    Comparison,
    EpochsView,
    Evaluation,
    FineTunedClassifier,
    MultiScaleCNN,
    Suggestion,
    baselines,
    benchmark,
    compare,
    datasets,
    ecg,
    evaluate,
    explain,
    load_classifier,
    recipe,
    save_classifier,
    suggest,
    viz,
)
from mne_cnnclass.preprocessing import EuclideanAlignment, Features, Filter, make_epochs


class Network(nn.Module):
    """A network of one's own."""

    def __init__(self, n_chans: int, n_outputs: int, n_times: int) -> None:
        super().__init__()
        self.layer = nn.Linear(n_chans * n_times, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.flatten(1))


def views() -> None:
    epochs = datasets.load_sample("test")
    view = EpochsView(epochs, groups="subject")
    assert_type(view[:10], EpochsView)
    assert_type(view[view.labels == "left"], EpochsView)
    assert_type(view.shape, tuple[int, int, int])
    assert_type(view.ch_names, list[str])
    assert_type(view.sfreq, float)
    assert_type(len(view), int)
    assert_type(view.labels, np.ndarray)
    assert_type(view.groups, np.ndarray | None)
    np.asarray(view).mean()
    EpochsView([epochs, epochs], labels=["a", "b"], picks="eeg")
    EpochsView(epochs, "subject")  # type: ignore[call-arg]
    datasets.load_sample("validation")  # type: ignore[arg-type]


def classifiers(epochs: mne.Epochs) -> None:
    X = np.zeros((8, 3, 100))
    clf = CNNClassifier("EEGNet", model_params={"drop_prob": 0.5}, max_epochs=5, random_state=0)
    assert_type(clf.fit(X, [0, 1] * 4), CNNClassifier)
    assert_type(clf.fit(epochs), CNNClassifier)
    assert_type(clf.fit(EpochsView(epochs)).predict(epochs), np.ndarray)
    assert_type(clf.predict_proba([epochs]), np.ndarray)
    assert_type(clf.score(X, np.arange(8) % 2), float)
    assert_type(clf.set_params(model__drop_prob=0.25), CNNClassifier)
    clf.save("hands.mcnn")
    clf.export_onnx(Path("hands.onnx"))
    CNNClassifier(Network, batch_size=32, augmentation=["time_shift"], class_weight="balanced")
    CNNClassifier(MultiScaleCNN, symmetry=("left_right", {"C3": "C4"}), side_inputs=["rr", Features()])
    CNNClassifier(Network(3, 2, 100))  # type: ignore[arg-type]
    CNNClassifier("MultiScaleCNN", epochs=5)  # type: ignore[call-arg]
    CNNClassifier("MultiScaleCNN", batch_size="all")  # type: ignore[arg-type]
    CNNClassifier("MultiScaleCNN", lr_schedule="cosine")  # type: ignore[arg-type]
    save_classifier(FineTunedClassifier(clf, max_epochs=3).fit(epochs), "own.mcnn")
    load_classifier("own.mcnn", module=Network).predict(epochs)


def evaluations(epochs: mne.Epochs) -> None:
    clf = recipe("motor imagery", random_state=0)
    result = evaluate(clf, epochs, cv=5, scoring=["jaccard_macro"], probes=True)
    assert_type(result, Evaluation)
    assert_type(result.chance, float)
    assert_type(result.plot_confusion_matrix(), Figure)
    assert_type(result.plot_training(), Figure)
    assert_type(result.to_csv("results"), list[Path])
    assert_type(compare({"a": result, "b": result}, units="folds"), Comparison)
    assert_type(compare({"set": {"a": result, "b": result}}).plot(), Figure)
    assert_type(benchmark(baselines("eeg"), {"mine": epochs}, store="store.db"), Benchmark)
    assert_type(explain.saliency(CNNClassifier("MultiScaleCNN").fit(epochs), epochs)["left"], mne.EvokedArray)
    assert_type(viz.plot_roc(np.ones(2), np.ones((2, 2)), np.zeros(2), classes=np.arange(2)), Figure)
    assert_type(suggest(epochs, measure=False), Suggestion)
    assert_type(suggest(EpochsView(epochs)).seconds, float | None)
    recipe("sleep")  # type: ignore[arg-type]
    compare({"a": result}, units="subjects")  # type: ignore[arg-type]


def recordings(raw: mne.io.Raw) -> None:
    assert_type(make_epochs(raw, tmin=0, tmax=1, l_freq=4, reject={"eeg": 1e-4}), list[mne.Epochs])
    assert_type(make_epochs(["a.edf", Path("b.edf")], windows={"duration": 2.0}), list[mne.Epochs])
    assert_type(ecg.find_r_peaks(raw), np.ndarray)
    ecg.make_beat_epochs(ecg.fetch_mitdb(["100"]), peaks="detected")
    assert_type(Filter(4, 38).fit(np.zeros((2, 3, 100))), Filter)
    assert_type(
        EuclideanAlignment(online=True).fit(np.zeros((2, 3, 100)), groups=["a", "b"]), EuclideanAlignment
    )
    make_epochs(raw, artifacts="asr")  # type: ignore[arg-type]
    mne_cnnclass.sys_info()
