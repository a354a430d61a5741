"""The one door for samples: how often they are read, and that NaN get through nowhere."""

import mne
import numpy as np
import pytest
from listed import FOR_ARRAYS, TRANSFORMERS
from planted import planted_epochs
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_cnnclass import CNNClassifier, EpochsView, FineTunedClassifier, evaluate
from mne_cnnclass.explain import channel_importance, component_contributions, saliency, spatial_patterns
from mne_cnnclass.preprocessing import (
    Clip,
    EuclideanAlignment,
    EvokedCovariances,
    Filter,
    RiemannianAlignment,
    Standardize,
)
from mne_cnnclass.samples import blocks

N = 24


def network(**params):
    return CNNClassifier(
        **{"model": "EEGNet", "max_epochs": 1, "random_state": 0, "n_threads": 1, "batch_size": 8} | params
    )


@pytest.fixture(scope="module")
def epochs():
    return planted_epochs(N, ch_names=("C3", "Cz", "C4"), n_times=60)


@pytest.fixture(scope="module")
def labels(epochs):
    return EpochsView(epochs).labels


@pytest.fixture(scope="module", params=["Epochs", "view", "array"])
def X(request, epochs):
    return {"Epochs": epochs, "view": EpochsView(epochs), "array": epochs.get_data()}[request.param]


@pytest.fixture
def reads(monkeypatch):
    """Number of samples of each block that is read, and of each other reading of a view."""
    counts, read_block, read_view = [], blocks.read_part, EpochsView.read

    def read(X, part):
        counts.append(0)  # of a view the next line counts
        block = read_block(X, part)
        counts[-1] += 0 if isinstance(X, EpochsView) else len(block)
        return block

    def read_of_view(self, part=slice(None)):
        block = read_view(self, part)
        counts.append(len(block))
        return block

    monkeypatch.setattr(blocks, "read_part", read)
    monkeypatch.setattr(EpochsView, "read", read_of_view)
    return counts


def test_a_fit_reads_twice_to_measure_and_to_standardise_and_a_prediction_once(X, labels, reads):
    clf = network().fit(X, labels)
    assert sum(reads) == 2 * N
    for predict in (clf.predict_proba, clf.predict, lambda X: clf.score(X, labels)):
        reads.clear()
        predict(X)
        assert sum(reads) == N
    reads.clear()
    clf.set_params(warm_start=True).fit(X, labels)  # which keeps the standardisation
    assert sum(reads) == N


def test_validation_samples_are_read_once(X, labels, reads):
    network(validation_fraction=0.25).fit(X, labels)
    assert sum(reads) == 2 * 18 + 6


def test_an_evaluation_reads_what_its_folds_read(X, labels, reads):
    evaluate(network(), X, labels, cv=3)
    # 16 to fit, and 8 for each of predict and predict_proba; all once before, to look for copies
    assert sum(reads) == N + 3 * (2 * 16 + 2 * 8)


def test_epochs_on_disk_are_read_once_for_a_fit(epochs, tmp_path, monkeypatch):
    epochs.save(tmp_path / "planted-epo.fif", verbose="ERROR")
    on_disk = mne.read_epochs(tmp_path / "planted-epo.fif", preload=False, verbose="ERROR")
    n_read, get_data = [], mne.BaseEpochs.get_data

    def count(self, *args, **kwargs):
        data = get_data(self, *args, **kwargs)
        n_read.append(len(data))
        return data

    monkeypatch.setattr(mne.BaseEpochs, "get_data", count)
    clf = network().fit(on_disk)
    assert sum(n_read) == N
    clf.predict(on_disk)
    assert sum(n_read) == 2 * N


@pytest.mark.parametrize(
    "transformer", [Standardize(), Clip(), EuclideanAlignment(), Filter(5, None, method="iir", sfreq=100)]
)
def test_transformers_read_once_to_fit_and_once_to_transform(transformer, epochs, reads):
    transformer = clone(transformer).fit(epochs.get_data())
    assert sum(reads) == N
    reads.clear()
    transformer.transform(epochs.get_data())
    assert sum(reads) == N


def test_an_evaluation_wraps_epochs_once_and_a_view_never(epochs, labels, monkeypatch):
    made, init = [], EpochsView.__init__

    def count(self, *args, **kwargs):
        made.append(self)
        init(self, *args, **kwargs)

    monkeypatch.setattr(EpochsView, "__init__", count)
    evaluate(network(), epochs, cv=2)
    assert len(made) == 1
    view = EpochsView(epochs, groups=np.arange(N) // 2)
    made.clear()
    evaluate(network(), view, cv=2)
    assert made == []


PLACE = (
    "NaN or infinity, first in channel {} of sample 17"  # of which parts of the samples have another number
)


def broken(epochs, kind):
    """Samples with a NaN at Cz, and how messages call its channel."""
    bad, channel = epochs.copy(), epochs.ch_names.index("Cz")
    bad._data[17, channel, 30] = np.nan
    data = bad.get_data()
    return {
        "Epochs": (bad, "'Cz'"),
        "list": ([bad[:9], bad[9:]], "'Cz'"),
        "view": (EpochsView(bad), "'Cz'"),
        "array": (data, f"number {channel}"),
        "float32": (data.astype(np.float32), f"number {channel}"),
        "objects": (data.astype(object), f"number {channel}"),
        "list of arrays": (list(data), f"number {channel}"),
    }[kind]


KINDS = pytest.mark.parametrize(
    "kind", ["Epochs", "list", "view", "array", "float32", "objects", "list of arrays"]
)


@KINDS
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"standardize": False},
        {"validation_fraction": 0.25},
        {"validation_fraction": 0.75, "random_state": 1},
        {"calibrate": True},
        {"n_members": 2},
    ],
    ids=str,
)
def test_no_network_is_trained_on_NaN(epochs, labels, kind, params, monkeypatch):
    X, channel = broken(epochs, kind)
    monkeypatch.setattr("mne_cnnclass.estimators.together._train", None)  # it is not come to
    weight = np.ones(N)
    weight[[0, 3, 20]] = 0
    for more in ({}, {"sample_weight": weight}):
        clf = network(**params)
        with pytest.raises(ValueError, match=PLACE.format(channel)) as caught:
            clf.fit(X, labels, **more)
        assert not hasattr(clf, "module_")
        assert caught.value.__cause__ is caught.value.__context__ is None or caught.value.__suppress_context__


@KINDS
def test_no_network_predicts_of_NaN_nor_goes_on_with_them(epochs, labels, kind):
    X, channel = broken(epochs, kind)
    clf = network(warm_start=True).fit(epochs)
    weights = {name: value.clone() for name, value in clf.module_.state_dict().items()}
    calls = [clf.predict, clf.predict_proba, lambda X: clf.score(X, labels), lambda X: clf.fit(X, labels)]
    calls += [lambda X: FineTunedClassifier(clf, max_epochs=1).fit(X, labels)]
    calls += [lambda X: saliency(clf, X, labels), lambda X: component_contributions(clf, X, labels)]
    calls += [lambda X: spatial_patterns(clf, X), lambda X: channel_importance(clf, X, labels)]
    for call in calls:
        with pytest.raises(ValueError, match=PLACE.format(channel)):
            call(X)
    assert all((weights[name] == value).all() for name, value in clf.module_.state_dict().items())


READ_AT_FIT = (
    Clip,
    EuclideanAlignment,
    EvokedCovariances,
    RiemannianAlignment,
    Standardize,
)  # others do not


@KINDS
@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=str)
def test_no_transformer_takes_NaN(kind, transformer):
    epochs = planted_epochs(N).set_montage("easycap-M1")
    X, channel = broken(epochs, kind)
    is_array, name, labels = channel != "'Cz'", type(transformer).__name__, EpochsView(epochs).labels
    if is_array and (name == "ToElectrodes" or getattr(transformer, "kind", None) == "csd"):
        with pytest.raises((TypeError, ValueError), match="positions of electrodes|found by their names"):
            transformer.fit(epochs.get_data())
        return
    transformer = clone(transformer).set_params(**FOR_ARRAYS.get(name, {}) if is_array else {})
    if is_array or isinstance(transformer, READ_AT_FIT):
        with pytest.raises(ValueError, match=PLACE.format(channel)):
            clone(transformer).fit(X, labels)
    transformer.fit(epochs.get_data() if is_array else epochs, labels)
    if is_array or name != "Pick":  # which does not read epochs
        with pytest.raises(ValueError, match=PLACE.format(channel)):
            transformer.transform(X)


@pytest.mark.parametrize("online", [False, True])
def test_an_alignment_of_new_groups_names_the_sample_among_all(epochs, online):
    groups = np.arange(N) // 8
    aligned = EuclideanAlignment(online=online).fit(epochs.get_data()[:16], groups=groups[:16])
    X, _ = broken(epochs, "array")
    with pytest.raises(ValueError, match=PLACE.format("number 1")):
        aligned.transform(X, groups=groups)


def test_NaN_for_transformers_of_side_inputs_are_named_too(epochs, labels):
    power = FunctionTransformer(lambda X: np.asarray(X).var(axis=2))
    clf = network(side_inputs=[power]).fit(epochs.get_data(), labels)
    for fit_or_predict in (lambda X: clone(clf).fit(X, labels), clf.predict_proba):
        with pytest.raises(ValueError, match=PLACE.format("number 1")):
            fit_or_predict(broken(epochs, "array")[0])


def test_NaN_of_a_fold_are_named_by_their_number_in_all_samples(epochs, labels):
    X, channel = broken(epochs, "array")
    for estimator in (network(), make_pipeline(Clip(), network())):
        with pytest.raises(ValueError, match=PLACE.format(channel)):
            evaluate(
                estimator, X, labels, cv=[(np.arange(4, N), np.arange(4)), (np.arange(8, N), np.arange(8))]
            )
