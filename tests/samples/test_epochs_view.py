"""Epochs as samples: indexing, alignment, picking, reading, and scikit-learn through a view."""

import copy
import pickle

import joblib
import mne
import numpy as np
import pandas as pd
import pytest
from mne.decoding import CSP, Scaler, SlidingEstimator, Vectorizer, XdawnTransformer, cross_val_multiscore
from planted import CHANNELS, planted_epochs
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import StackingClassifier
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    permutation_test_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline

from mne_cnnclass import CNNClassifier, EpochsView


@pytest.fixture
def epochs():
    epochs = planted_epochs(12)
    epochs.metadata = pd.DataFrame({"subject": np.repeat(["a", "b", "c"], 4), "trial": range(12)})
    return epochs


@pytest.fixture
def file_view(tmp_path, epochs):
    epochs.save(tmp_path / "planted-epo.fif", verbose=False)
    return EpochsView(mne.read_epochs(tmp_path / "planted-epo.fif", preload=False, verbose=False))


@pytest.mark.parametrize(
    "index",
    [
        [3, 1, 7],
        np.array([5, 5, 0]),
        np.arange(12) % 3 == 0,
        slice(2, 9, 2),
        slice(None, None, -1),
        slice(-4, 99),
        slice(9, None, -4),
        4,
        -1,
        np.int16(3),
        np.uint8(11),
        np.array(5),
        np.array([-1, 2], dtype=np.int8),
        [True] * 5 + [False] * 7,
        (-12, Ellipsis),
        ([2, 4], Ellipsis),
        (slice(1, 3), slice(None)),
    ],
)
def test_indexing_is_that_of_numpy_and_takes_everything_along(epochs, index):
    view = EpochsView(epochs, groups="subject")
    part = view[index]
    rows = np.atleast_1d(np.arange(12)[index[0] if isinstance(index, tuple) else index])
    np.testing.assert_array_equal(np.asarray(part), epochs.get_data()[rows])
    np.testing.assert_array_equal(part.labels, view.labels[rows])
    np.testing.assert_array_equal(part.groups, view.groups[rows])
    np.testing.assert_array_equal(part.metadata["trial"], rows)
    np.testing.assert_array_equal(part.epochs.get_data(), epochs.get_data()[rows])
    assert part.shape == (len(rows), 5, 100)


@pytest.mark.parametrize(
    "index",
    [
        12,
        -13,
        np.int64(12),
        [0, 12],
        True,
        None,
        1.0,
        np.arange(11) < 3,
        [[0, 1]],
        "left",
        (0, 1),
        (Ellipsis, 0),
    ],
)
def test_an_index_of_no_epochs_is_an_IndexError(epochs, index):
    with pytest.raises(IndexError):
        EpochsView(epochs)[index]


def test_an_integer_and_a_slice_are_not_looked_up_in_a_list_of_all_epochs(epochs, monkeypatch):
    view, lengths = EpochsView(epochs), []
    arange = np.arange
    monkeypatch.setattr(np, "arange", lambda *args: lengths.append(len(made := arange(*args))) or made)
    view[3], view[-1], view[2:4], view[1:9:4]
    assert lengths == [2, 2]


@pytest.mark.parametrize("index", [slice(4, 4), slice(7, 3), np.zeros(0, int), np.zeros(12, bool)])
def test_an_empty_selection_is_an_empty_view(epochs, index):
    view = EpochsView(epochs)[index]
    assert view.shape == np.asarray(view).shape == (0, 5, 100)
    assert len(view.epochs) == len(view.labels) == 0


def test_an_integer_gives_a_view_of_one_epoch_and_iteration_arrays_as_in_mne(epochs):
    view = EpochsView(epochs)
    assert view[-1].shape == (1, 5, 100)
    for array, expected in zip(view, epochs, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_a_view_reads_from_disk_only_what_is_asked_for(file_view, epochs, monkeypatch):
    expected = epochs.get_data()[[2, 6]]
    read = []
    original = mne.BaseEpochs.get_data

    def spy(self, *args, **kwargs):
        read.append(kwargs["item"])
        return original(self, *args, **kwargs)

    monkeypatch.setattr(mne.BaseEpochs, "get_data", spy)
    part = file_view[::2][[1, 3]]
    assert read == []
    np.testing.assert_allclose(np.asarray(part), expected, rtol=1e-6)
    np.testing.assert_array_equal(read, [[2, 6]])
    assert not file_view.epochs.preload


def test_slicing_shares_the_data(epochs):
    view = EpochsView(epochs)
    assert view[3:]._sources[0] is epochs
    assert EpochsView(view)._sources[0] is epochs


def test_several_epochs_are_put_one_after_the_other_and_channels_matched_by_name(epochs):
    other = planted_epochs(6, ch_names=CHANNELS[::-1], seed=1)
    view = EpochsView([epochs, other])
    assert len(view) == 18
    assert view.metadata is None
    picked = np.asarray(view[[14, 3, 13]])
    np.testing.assert_array_equal(picked[0], other.get_data()[2, ::-1])
    np.testing.assert_array_equal(picked[1], epochs.get_data()[3])
    np.testing.assert_array_equal(view[[14, 3, 13]].epochs.get_data(), picked)
    np.testing.assert_array_equal(view.labels, np.resize(["left", "right"], 18))


def test_labels_and_groups_come_from_events_arrays_or_metadata(epochs):
    assert EpochsView(epochs).labels.tolist() == ["left", "right"] * 6
    assert EpochsView(epochs).groups is None
    view = EpochsView(epochs, labels=epochs.events[:, 2], groups="subject")
    assert view.labels.tolist() == [7, 2] * 6
    assert view.groups.tolist() == [*"aaaabbbbcccc"]
    again = EpochsView(view[4:], labels="trial")
    assert again.labels.tolist() == list(range(4, 12))
    assert again.groups.tolist() == [*"bbbbcccc"]
    with pytest.raises(
        ValueError, match=r"labels must have one entry a sample, shape \(12,\), got shape \(3,\)"
    ):
        EpochsView(epochs, labels=[1, 2, 3])
    with pytest.raises(ValueError, match=r"groups='patient' is no metadata column. These Epochs .*subject"):
        EpochsView(epochs, groups="patient")
    with pytest.raises(ValueError, match="Did you mean 'subject'"):
        EpochsView(epochs, groups="subjects")


def test_data_channels_are_taken_if_there_are_any_else_ecg_never_stim_nor_bads():
    data = np.random.default_rng(0).standard_normal((4, 5, 20))
    info = mne.create_info(["Fz", "Cz", "ECG", "EOG", "STI"], 100.0, ["eeg", "eeg", "ecg", "eog", "stim"])
    epochs = mne.EpochsArray(data, info, verbose=False)
    assert EpochsView(epochs).ch_names == ["Fz", "Cz"]
    epochs.info["bads"] = ["Fz"]
    assert EpochsView(epochs).ch_names == ["Cz"]
    assert EpochsView(epochs, picks=["Fz", "ecg"]).ch_names == ["ECG", "Fz"]
    assert EpochsView(epochs, picks="eog").ch_names == ["EOG"]
    with pytest.raises(ValueError, match=r"picks \['Oz'\] are neither"):
        EpochsView(epochs, picks=["Oz"])
    heart = epochs.copy().drop_channels(["Fz", "Cz"])
    assert EpochsView(heart).ch_names == ["ECG", "EOG"]
    with pytest.raises(ValueError, match="No data, ECG, EMG or EOG channel"):
        EpochsView(heart.drop_channels(["ECG", "EOG"]))
    with pytest.raises(ValueError, match="marked bad"):
        EpochsView(epochs).pick(["Fz"])


def test_epochs_that_do_not_fit_together_are_refused_with_the_difference(epochs):
    with pytest.raises(ValueError, match="100 Hz: number 0; 50 Hz: number 1"):
        EpochsView([epochs, planted_epochs(sfreq=50.0)])
    with pytest.raises(ValueError, match=r"number 1 lacks \['C4', 'Pz'\] and has \[\]"):
        EpochsView([epochs, planted_epochs(ch_names=CHANNELS[:3])])
    with pytest.raises(ValueError, match=r"0 to 0.99 s \(100 samples\), number 1 has 0 to 0.49 s"):
        EpochsView([epochs, planted_epochs(n_times=50)])
    with pytest.raises(TypeError, match="got ndarray"):
        EpochsView(np.zeros((3, 4, 5)))
    with pytest.raises(TypeError, match=r"a list of \['int'\]"):
        EpochsView([1, 2])
    with pytest.raises(ValueError, match="empty list"):
        EpochsView([])
    with pytest.raises(IndexError, match="indexed by epoch only"):
        EpochsView(epochs)[:, 0]


def test_rejection_that_mne_has_put_off_is_done_at_once():
    raw = mne.io.RawArray(
        np.random.default_rng(0).standard_normal((1, 1000)) * 1e-6,
        mne.create_info(1, 100.0, "eeg"),
        verbose=False,
    )
    raw._data[0, 250:260] = 1e-3
    events = np.array([[100, 0, 1], [200, 0, 1], [300, 0, 2]])
    epochs = mne.Epochs(raw, events, tmin=0, tmax=0.9, baseline=None, reject={"eeg": 1e-4}, verbose=False)
    view = EpochsView(epochs)
    assert view.labels.tolist() == ["1", "2"]
    np.testing.assert_array_equal(np.asarray(view), raw._data[0, np.r_[100:191, 300:391]].reshape(2, 1, 91))


LDA = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize(
    "make",
    [
        lambda info: make_pipeline(CSP(2), LDA),
        lambda info: make_pipeline(Scaler(info), Vectorizer(), LDA),
        lambda info: make_pipeline(XdawnTransformer(1), Vectorizer(), LDA),
        lambda info: StackingClassifier([("csp", make_pipeline(CSP(2), LDA))], cv=2),
        lambda info: CalibratedClassifierCV(make_pipeline(CSP(2), LDA), cv=2),
    ],
    ids=["csp", "scaler", "xdawn", "stacking", "calibrated"],
)
def test_estimators_of_mne_cross_validate_on_a_view_as_on_its_array(make, n_jobs):
    view = EpochsView(planted_epochs(24, n_times=30))
    model = make(view.info)
    # MNE 1.13's XdawnTransformer can't be fitted once it was pickled (it loses R_func), on arrays either
    processes = "threading" if "xdawntransformer" in str(model).lower() else "loky"
    with joblib.parallel_config(processes):
        scores = cross_val_score(model, view, view.labels, cv=3, n_jobs=n_jobs, error_score="raise")
    expected = cross_val_score(model, np.asarray(view), view.labels, cv=3, error_score="raise")
    np.testing.assert_array_equal(scores, expected)


def test_mne_scores_time_points_of_a_view():
    view = EpochsView(planted_epochs(24, n_times=30))
    model = SlidingEstimator(LDA, scoring="accuracy", verbose="ERROR")
    expected = cross_val_multiscore(model, np.asarray(view), view.labels, cv=3, verbose="ERROR")
    for n_jobs in (None, 2):
        scores = cross_val_multiscore(model, view, view.labels, cv=3, n_jobs=n_jobs, verbose="ERROR")
        np.testing.assert_array_equal(scores, expected)


def test_the_other_tools_of_scikit_learn_take_a_view():
    view = EpochsView(planted_epochs(24, n_times=30))
    y, array = view.labels, np.asarray(view)
    model = make_pipeline(CSP(2), LDA)
    result = cross_validate(model, view, y, cv=3, scoring=["accuracy", "roc_auc"], error_score="raise")
    assert result["test_roc_auc"].shape == (3,)
    np.testing.assert_array_equal(
        cross_val_predict(model, view, y, cv=3), cross_val_predict(model, array, y, cv=3)
    )
    search = GridSearchCV(model, {"csp__n_components": [1, 3]}, cv=2, error_score="raise").fit(view, y)
    assert search.predict(view).shape == (24,)
    assert learning_curve(model, view, y, cv=2, train_sizes=[0.5, 1.0], error_score="raise")[0].tolist() == [
        6,
        12,
    ]
    assert permutation_test_score(model, view, y, n_permutations=4, cv=2)[1].shape == (4,)
    train, test, y_train, y_test = train_test_split(view, y, test_size=0.25, random_state=0)
    assert isinstance(train, EpochsView)
    np.testing.assert_array_equal(train.labels, y_train)
    np.testing.assert_array_equal(test.labels, y_test)


def test_a_view_of_epochs_that_were_changed_since_says_so(epochs):
    for change in (
        lambda e: e.drop([0], verbose="ERROR"),
        lambda e: e.crop(0, 0.5),
        lambda e: e.drop_bad(reject={"eeg": 4e-6}, verbose="ERROR"),
        lambda e: e.resample(50, verbose="ERROR"),
    ):
        changed = epochs.copy()
        view = EpochsView(changed)[2:8]
        np.asarray(view)
        change(changed)
        with pytest.raises(RuntimeError, match="Epochs were changed"):
            np.asarray(view)
        with pytest.raises(RuntimeError, match="Epochs were changed"):
            _ = view.epochs
        assert len(np.asarray(EpochsView(changed))) == len(changed)


@pytest.mark.parametrize("change", [lambda e: e.pick(["Cz"]), lambda e: e.rename_channels({"C3": "c3"})])
def test_a_view_whose_channels_are_gone_since_says_so(change, epochs):
    view = EpochsView(epochs)
    change(epochs)
    for use in (
        np.asarray,
        lambda v: v.info,
        lambda v: v.epochs,
        lambda v: CNNClassifier("MultiScaleCNN").fit(v),
    ):
        with pytest.raises(RuntimeError, match="lost or renamed .*'C3'.* Make a new view"):
            use(view)


def test_labels_groups_and_picks_with_gaps_or_doubles_are_refused(epochs):
    with pytest.raises(ValueError, match=r"labels is missing \(NaN or None\) for 1 of 12 samples"):
        EpochsView(epochs, labels=["a", None] + ["b"] * 10)
    epochs.metadata.loc[3, "subject"] = None
    with pytest.raises(ValueError, match="groups is missing .* first for sample 3"):
        EpochsView(epochs, groups="subject")
    for picks in ([], ["C3", "C3"]):
        with pytest.raises(ValueError, match="picks must name each channel once"):
            EpochsView(epochs, picks=picks)
    epochs.info["bads"] = ["Cz"]
    assert EpochsView(epochs, picks="all").ch_names == list(CHANNELS)


def test_a_view_of_epochs_on_disk_can_be_sent_to_other_processes(file_view, epochs):
    part = file_view[[7, 2, 5]]
    again = pickle.loads(pickle.dumps(part))
    assert not again._sources[0].preload
    np.testing.assert_array_equal(np.asarray(again), np.asarray(part))
    np.testing.assert_array_equal(again.labels, part.labels)
    kept = EpochsView(file_view._sources[0][[1, 4, 6]])
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(kept))), np.asarray(kept))
    in_memory = pickle.loads(pickle.dumps(EpochsView(epochs)[3:]))
    np.testing.assert_array_equal(np.asarray(in_memory), epochs.get_data()[3:])
    model = make_pipeline(Vectorizer(), LDA)
    scores = cross_val_score(model, file_view, file_view.labels, cv=2, n_jobs=2, error_score="raise")
    np.testing.assert_array_equal(scores, cross_val_score(model, file_view, file_view.labels, cv=2))


def prepared_baseline(epochs):
    return epochs.apply_baseline((None, 0.1), verbose="ERROR")


def prepared_names(epochs):
    return epochs.rename_channels({"C3": "C4", "C4": "C3"})


@pytest.mark.parametrize("prepare", [prepared_baseline, prepared_names])
def test_what_was_set_on_epochs_on_disk_holds_in_copies_and_other_processes(prepare, file_view):
    view = EpochsView(prepare(file_view._sources[0]))
    expected = np.asarray(view)
    for again in (copy.deepcopy(view), pickle.loads(pickle.dumps(view[::2]))):
        assert not again.preload
        np.testing.assert_array_equal(np.asarray(again), expected[again._origin[:, 1]])


def test_a_file_with_projectors_is_read_in_other_processes_as_it_was(tmp_path, epochs):
    epochs.set_eeg_reference(projection=True, verbose="ERROR").save(tmp_path / "p-epo.fif", verbose="ERROR")
    view = EpochsView(mne.read_epochs(tmp_path / "p-epo.fif", proj=False, preload=False, verbose="ERROR"))
    np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(view))), np.asarray(view))


@pytest.mark.parametrize("other", [slice(0, 8), "shorter"])
def test_a_file_that_was_written_anew_is_told_in_other_processes(other, file_view, epochs):
    sent, path = pickle.dumps(file_view), file_view._sources[0].filename
    other = epochs.copy().crop(0, 0.5) if other == "shorter" else epochs[other]
    other.save(path, overwrite=True, verbose="ERROR")
    with pytest.raises(OSError, match="planted-epo.fif holds other epochs .* Read it again"):
        pickle.loads(sent)


@pytest.mark.parametrize("proj", [True, False, "delayed"])
def test_preloaded_data_are_what_mne_gives(proj):
    rng = np.random.default_rng(0)
    raw = mne.io.RawArray(rng.standard_normal((4, 1000)), mne.create_info(4, 100.0, "eeg"), verbose="ERROR")
    raw.set_eeg_reference(projection=True, verbose="ERROR")
    events = mne.make_fixed_length_events(raw, duration=1.0)
    epochs = mne.Epochs(raw, events, tmax=0.5, proj=proj, baseline=None, preload=True, verbose="ERROR")
    view = EpochsView(epochs)
    expected = epochs.get_data(copy=True)
    for part in (slice(None), slice(2, 5)):
        np.testing.assert_array_equal(view.read(part), expected[part])
    np.testing.assert_array_equal(view[[4, 1]].read(), expected[[4, 1]])


def test_labels_groups_and_metadata_are_those_of_the_view_alone(epochs):
    labels, groups = np.resize(["a", "b"], 12), np.arange(12) // 4
    view = EpochsView(epochs, labels=labels, groups=groups)
    other = EpochsView(view)
    labels[:], groups[:] = "z", 9
    other.labels[:], other.groups[:], other.metadata["trial"] = "y", 8, 7
    np.testing.assert_array_equal(view.labels, np.resize(["a", "b"], 12))
    np.testing.assert_array_equal(view.groups, np.arange(12) // 4)
    np.testing.assert_array_equal(view.metadata["trial"], range(12))
    np.testing.assert_array_equal(epochs.metadata["trial"], range(12))


def test_an_array_of_a_view_is_not_the_memory_of_the_epochs(epochs):
    before = epochs.get_data(copy=True)
    np.asarray(EpochsView(epochs))[:] = 0
    np.testing.assert_array_equal(epochs.get_data(copy=True), before)


def test_complex_epochs_are_refused():
    info = mne.create_info(2, 100.0, "eeg")
    epochs = mne.EpochsArray(np.ones((4, 2, 20)) * 1j, info, verbose="ERROR")
    with pytest.raises(TypeError, match="complex"):
        np.asarray(EpochsView(epochs))
