"""Transformers from samples to samples: what they compute, what they keep, and what they refuse."""

import mne
import numpy as np
import pandas as pd
import pytest
from planted import CHANNELS, planted_epochs
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from mne_cnnclass import CNNClassifier, EpochsView
from mne_cnnclass.preprocessing import (
    Clip,
    Crop,
    EuclideanAlignment,
    ExponentialStandardize,
    Filter,
    Pick,
    Reference,
    Resample,
    RiemannianAlignment,
    Standardize,
)

ALIGNMENTS = [EuclideanAlignment, RiemannianAlignment]
ALL = [
    Clip(),
    Crop(0.1, 0.6),
    EuclideanAlignment(),
    ExponentialStandardize(0.05),
    Filter(20, None),
    Pick(["C3", "C4", "Cz"]),
    Reference("average"),
    Resample(50),
    RiemannianAlignment(),
    Standardize(),
]


def name_of(value):
    return getattr(value, "__name__", type(value).__name__)


def covariance_of(data):
    data = np.asarray(data)
    return (data @ data.transpose(0, 2, 1)).mean(axis=0) / data.shape[2]


@pytest.fixture(scope="module")
def people():
    """Three people with two recordings each: the same sources, mixed by a matrix of each person."""
    mixing = np.eye(5) + 0.3 * np.random.default_rng(5).standard_normal((3, 5, 5))
    recordings = []
    for person in range(3):
        for run in range(2):
            epochs = planted_epochs(24, seed=10 * person + run)
            epochs._data = mixing[person] @ epochs._data
            epochs.metadata = pd.DataFrame(dict(subject=[f"S{person}"] * 24, trial=np.arange(24)))
            recordings.append(epochs)
    return EpochsView(recordings, groups="subject")


# -- what all of them keep ---------------------------------------------------------------------------


@pytest.mark.parametrize("transformer", ALL, ids=name_of)
def test_a_view_stays_a_view_with_all_that_is_known_of_it(transformer, people):
    shuffled = people[np.random.default_rng(0).permutation(len(people))]
    out = clone(transformer).fit(people).transform(shuffled)
    assert isinstance(out, EpochsView)
    np.testing.assert_array_equal(out.labels, shuffled.labels)
    np.testing.assert_array_equal(out.groups, shuffled.groups)
    pd.testing.assert_frame_equal(out.metadata, shuffled.metadata)
    onset, recording = out.onsets()
    before, same_recording = shuffled.onsets()
    np.testing.assert_array_equal(recording, same_recording)
    np.testing.assert_allclose(onset - before, out.times[0] - shuffled.times[0])
    np.testing.assert_array_equal(out.epochs.events[:, 2], shuffled.epochs.events[:, 2])
    assert out.ch_names == getattr(transformer, "picks", shuffled.ch_names)
    assert out.sfreq == getattr(transformer, "sfreq", None) or shuffled.sfreq
    order = np.argsort(shuffled.onsets()[0] + 1e6 * same_recording)
    np.testing.assert_array_equal(
        np.asarray(out)[order], np.asarray(clone(transformer).fit_transform(people))
    )


@pytest.mark.parametrize("transformer", ALL, ids=name_of)
def test_channels_are_matched_by_name_and_nan_is_refused(transformer, people):
    fitted = clone(transformer).fit(people)
    mixed = people.pick(["Pz", "C4", "Fz", "C3", "Cz"])
    np.testing.assert_array_equal(np.asarray(fitted.transform(mixed)), np.asarray(fitted.transform(people)))
    with pytest.raises(ValueError, match="missing"):
        fitted.transform(EpochsView(planted_epochs(4, ch_names=("Fz", "C3", "Cz", "Pz"))))
    if not isinstance(transformer, Pick):  # which reads nothing
        broken = planted_epochs(4)
        broken._data[2, 1, 5] = np.nan
        view = EpochsView(broken, groups=["S0"] * 4)
        with pytest.raises(ValueError, match="'C3' of sample 2"):
            fitted.transform(view)


@pytest.mark.parametrize("transformer", ALL, ids=name_of)
def test_nothing_but_training_samples_counts(transformer, people):
    train, test = people[people.groups != "S2"], people[people.groups == "S2"]
    fitted = clone(transformer).fit(train)
    before = {k: repr(v) for k, v in vars(fitted).items()}
    alone = np.asarray(fitted.transform(train))
    fitted.transform(test)
    assert before == {k: repr(v) for k, v in vars(fitted).items()}  # test samples leave no trace
    np.testing.assert_array_equal(np.asarray(fitted.transform(train)), alone)
    labels = np.random.default_rng(0).permutation(train.labels)
    np.testing.assert_array_equal(np.asarray(clone(transformer).fit_transform(train, labels)), alone)


def test_epochs_on_disk_and_of_one_class(tmp_path, people):
    people.epochs.save(tmp_path / "people-epo.fif", verbose="ERROR")
    on_disk = EpochsView(mne.read_epochs(tmp_path / "people-epo.fif", preload=False), groups="subject")
    expected = np.asarray(
        EuclideanAlignment().fit_transform(EpochsView(on_disk.epochs.load_data(), groups="subject"))
    )
    np.testing.assert_array_equal(np.asarray(EuclideanAlignment().fit_transform(on_disk)), expected)
    left = Standardize().fit_transform(on_disk[on_disk.labels == "left"])
    assert set(left.labels) == {"left"}
    assert not Pick(["C3"]).fit_transform(on_disk).preload


def test_steps_in_front_of_csp_riemannian_and_network_classifiers(people):
    from mne.decoding import CSP
    from pyriemann.estimation import Covariances
    from pyriemann.tangentspace import TangentSpace

    steps = Filter(6, 15, method="iir"), EuclideanAlignment(), Crop(0.2, 0.8)
    folds = dict(groups=people.groups, cv=GroupKFold(3), error_score="raise")
    for classifier in (
        make_pipeline(CSP(2), LinearDiscriminantAnalysis()),
        make_pipeline(  # pyRiemann takes arrays only
            FunctionTransformer(np.asarray), Covariances("oas"), TangentSpace(), LinearDiscriminantAnalysis()
        ),
    ):
        pipeline = make_pipeline(*steps, classifier)
        assert cross_val_score(pipeline, people, people.labels, **folds).mean() > 0.9
    network = make_pipeline(*steps, CNNClassifier("MultiScaleCNN", max_epochs=2, random_state=0)).fit(
        people, people.labels
    )
    assert network[-1].ch_names_ == list(CHANNELS)
    assert network.predict(people[:3]).shape == (3,)


# -- alignment ---------------------------------------------------------------------------------------


def test_euclidean_alignment_undoes_the_mixing_of_people(people):
    aligned = EuclideanAlignment().fit_transform(people)
    for person in ("S0", "S1", "S2"):
        np.testing.assert_allclose(covariance_of(aligned[aligned.groups == person]), np.eye(5), atol=1e-10)


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_alignment_is_invariant_to_mixing_up_to_a_rotation(alignment):
    rng = np.random.default_rng(0)
    X, mixing = rng.standard_normal((20, 4, 200)), rng.standard_normal((4, 4))
    one, other = (alignment().fit_transform(x) for x in (X, mixing @ X))
    rotation = np.linalg.lstsq(one[0].T, other[0].T, rcond=None)[0].T
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(4), atol=1e-6)
    np.testing.assert_allclose(rotation @ one, other, atol=1e-6)


def test_riemannian_reference_is_the_geometric_mean():
    # of diagonal covariances, the geometric mean is that of the entries
    signs = np.array([[1, 1, -1, -1], [1, -1, 1, -1]])  # of unit power, and uncorrelated
    X = np.array([signs * [[1], [2]], signs * [[3], [8]]], dtype=float)
    fitted = RiemannianAlignment().fit(X)
    np.testing.assert_allclose(fitted.references_["all samples"], np.diag([3, 16]), atol=1e-6)
    fitted = EuclideanAlignment().fit(X)
    np.testing.assert_allclose(fitted.references_["all samples"], np.diag([5, 34]))


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_known_groups_are_aligned_by_the_fit_and_new_ones_by_themselves(alignment, people):
    fitted = alignment().fit(people[people.groups != "S2"])
    assert list(fitted.references_) == ["S0", "S1"]
    known = people[people.groups == "S0"]
    np.testing.assert_array_equal(
        np.asarray(fitted.transform(known[:1])), np.asarray(fitted.transform(known))[:1]
    )
    new = people[people.groups == "S2"]
    np.testing.assert_array_equal(
        np.asarray(fitted.transform(new)), np.asarray(alignment().fit_transform(new))
    )
    with mne.utils.catch_logging() as log, mne.utils.use_log_level("INFO"):
        fitted.transform(people)
    assert "S2 (48 samples)" in log.getvalue()


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_online_alignment_knows_nothing_of_later_trials(alignment, people):
    fitted = alignment(online=True).fit(people[people.groups != "S2"])
    new = people[people.groups == "S2"]
    whole = np.asarray(fitted.transform(new))
    for n_trials in (1, 2, 7, 30):  # to the bit, and in whatever order they are handed over
        np.testing.assert_array_equal(np.asarray(fitted.transform(new[:n_trials])), whole[:n_trials])
    shuffled = np.random.default_rng(0).permutation(len(new))
    np.testing.assert_array_equal(np.asarray(fitted.transform(new[shuffled])), whole[shuffled])


def test_online_alignment_starts_at_the_training_groups_and_ends_at_its_own():
    rng = np.random.default_rng(0)
    train, new = rng.standard_normal((40, 3, 100)), 1000 * rng.standard_normal((3000, 3, 100))
    new[:, 0] *= 5
    fitted = EuclideanAlignment(online=True, n_prior=1e9).fit(train, groups=np.repeat([0, 1], 20))
    first = fitted.transform(new[:1], groups=["new"])
    root = np.linalg.inv(np.real(np.linalg.cholesky(fitted.mean_reference_)))
    power = np.trace(covariance_of(new[:1])) / np.trace(fitted.mean_reference_)  # its unit is its own
    np.testing.assert_allclose(
        covariance_of(root @ new[:1]) / power, covariance_of(first), rtol=0.3, atol=0.05
    )
    fitted = EuclideanAlignment(online=True, n_prior=10).fit(train, groups=np.repeat([0, 1], 20))
    late = fitted.transform(new, groups=["new"] * len(new))[-1000:]
    np.testing.assert_allclose(covariance_of(late), np.eye(3), atol=0.05)


def test_alignment_of_a_signal_that_lost_a_direction(people):
    pipeline = make_pipeline(Reference("average"), EuclideanAlignment())
    covariance = covariance_of(pipeline.fit_transform(people[:24]))
    np.testing.assert_allclose(covariance @ covariance, covariance, atol=1e-10)  # a projector …
    assert np.trace(covariance) == pytest.approx(4)  # … on what is left
    with pytest.raises(ValueError, match="rank, 4 of 5"):
        make_pipeline(Reference("average"), RiemannianAlignment()).fit(people[:24])


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_groups_that_can_not_be_aligned(alignment, people):
    X = np.asarray(people)
    with pytest.raises(ValueError, match="'S0' has one sample only"):
        alignment().fit(people[[0, 50, 51]])
    fitted = alignment().fit(people[people.groups != "S2"])
    with pytest.raises(ValueError, match="online=True"):
        fitted.transform(people[-1:])
    fitted.set_params(online=True).transform(people[-1:])
    with pytest.raises(ValueError, match="transform\\(X, groups=...\\)"):
        fitted.transform(X)
    fitted.transform(X, groups=people.groups)
    with pytest.raises(ValueError, match="fitted without groups"):
        alignment().fit(X).transform(people)
    with pytest.raises(ValueError, match="one entry a sample"):
        alignment().fit(X, groups=[1, 2])
    with pytest.raises(ValueError, match="n_prior"):
        alignment(n_prior=0).fit(X)


# -- scale -------------------------------------------------------------------------------------------


def test_standardize_and_a_flat_channel(people):
    X = np.asarray(people)
    X[:, 2] = 7.0
    Z = Standardize().fit_transform(X)
    np.testing.assert_allclose(Z.mean(axis=(0, 2)), 0, atol=1e-10)
    np.testing.assert_allclose(Z.std(axis=(0, 2)), [1, 1, 0, 1, 1])


@pytest.mark.filterwarnings("ignore::FutureWarning")  # braindecode's, at import
def test_exponential_standardize_is_that_of_braindecode():
    from braindecode.preprocessing import exponential_moving_standardize

    X = 50 + 10 * np.random.default_rng(0).standard_normal((3, 2, 400))
    expected = [exponential_moving_standardize(x, factor_new=0.02, eps=1e-12) for x in X]
    np.testing.assert_allclose(ExponentialStandardize(0.02).fit_transform(X), expected, atol=1e-9)
    volts = ExponentialStandardize(0.02).fit_transform(1e-6 * X)
    np.testing.assert_allclose(volts, expected, atol=1e-9)  # whatever the unit
    X[1, 0] = 3.0
    assert not ExponentialStandardize(0.02).fit_transform(X)[1, 0].any()
    with pytest.raises(ValueError, match="factor_new"):
        ExponentialStandardize(0).fit(X)


def test_clip_is_not_moved_by_bad_epochs():
    X = np.random.default_rng(0).standard_normal((101, 2, 5000))
    X[:40, 1] *= 1000
    clip = Clip(5).fit(X)
    np.testing.assert_allclose(clip.high_, 5, atol=0.1)
    Z = clip.transform(X)
    np.testing.assert_array_equal(Z[:, 0], X[:, 0])
    assert np.abs(Z).max() == pytest.approx(5, abs=0.1)
    with pytest.raises(ValueError, match="n_deviations"):
        Clip(0).fit(X)


# -- times, frequencies, channels --------------------------------------------------------------------


@pytest.mark.parametrize("rates", [(80, 160), (100, 160), (128, 250), (160, 100), (33.3, 100), (100, 100)])
@pytest.mark.parametrize("n_times", [9, 90, 481])
def test_resampling_is_that_of_mne_to_the_bit_of_one_sample_or_many(rates, n_times):
    X = np.random.default_rng(0).standard_normal((5, 3, n_times))
    up, down = rates
    transformer = Resample(up, sfreq_in=down).fit(X)
    expected = mne.filter.resample(X, up=up, down=down, pad="edge", npad="auto", verbose="ERROR")
    np.testing.assert_array_equal(transformer.transform(X), expected)
    np.testing.assert_array_equal(transformer.transform(X[:1]), expected[:1])


def test_filter_resample_crop_and_reference_give_what_mne_gives(people):
    view = people[:24]
    epochs = view.epochs.copy()
    expected = epochs.copy().filter(20, 40, verbose="ERROR")
    filtered = Filter(20, 40).fit_transform(view)
    np.testing.assert_allclose(np.asarray(filtered), expected.get_data(), atol=1e-18)
    assert (filtered.info["highpass"], filtered.info["lowpass"]) == (20, 40)
    expected = epochs.copy().resample(60, method="fft", verbose="ERROR")
    resampled = Resample(60).fit_transform(view)
    np.testing.assert_allclose(np.asarray(resampled), expected.get_data(), atol=1e-18)
    np.testing.assert_allclose(resampled.times, expected.times)
    expected = epochs.copy().crop(0.1, 0.5)
    cropped = Crop(0.1, 0.5).fit_transform(view)
    np.testing.assert_array_equal(np.asarray(cropped), expected.get_data())
    np.testing.assert_allclose(cropped.times, expected.times)
    expected = epochs.copy().set_eeg_reference("average", verbose="ERROR")
    referenced = Reference("average").fit_transform(view)
    np.testing.assert_allclose(np.asarray(referenced), expected.get_data(), atol=1e-18)


def test_current_source_density_is_that_of_mne():
    names = ["Fp1", "Fp2", "F3", "Fz", "F4", "C3", "Cz", "C4", "P3", "Pz", "P4", "Oz", "T7", "T8"]
    epochs = planted_epochs(6, ch_names=(*names, "EOG"))
    epochs.set_channel_types({"EOG": "eog"}, verbose="ERROR").set_montage("easycap-M1")
    view = EpochsView(epochs, picks="all")
    density = Reference("csd").fit_transform(view)
    expected = mne.preprocessing.compute_current_source_density(epochs)
    np.testing.assert_allclose(np.asarray(density), expected.get_data(), rtol=1e-9, atol=1e-12)
    assert density.info.get_channel_types(unique=True) == ["csd", "eog"]


def test_pick_by_type_and_in_order(people):
    epochs = planted_epochs(6, ch_names=("C3", "C4", "EOG"))
    epochs.set_channel_types({"EOG": "eog"}, verbose="ERROR")
    view = EpochsView(epochs, picks="all")
    assert Pick("eog").fit_transform(view).ch_names == ["EOG"]
    picked = Pick(["C4", "C3"]).fit(view)
    assert picked.transform(view).ch_names == ["C4", "C3"]
    assert picked.transform(EpochsView(epochs)).ch_names == ["C4", "C3"]  # without the EOG, too


@pytest.mark.parametrize(
    ("transformer", "error", "match"),
    [
        (Filter(0.5, 40), ValueError, "times long"),
        (Filter(4, 60), ValueError, "half the sampling frequency"),
        (Filter(1, None, method="iir"), ValueError, "times long"),
        (Crop(-0.5, 0.5), ValueError, "0 to 0.99 s"),
        (Crop(0, 1.5), ValueError, "0 to 0.99 s"),
        (Crop(0.6, 0.5), ValueError, "in order"),
        (Crop(0.502, 0.508), ValueError, "no time"),
        (Pick(["C3", "C9"]), ValueError, "C9"),
        (Pick("ecg"), ValueError, "ecg"),
        (Reference("csd"), ValueError, "position of every EEG channel, which Fz"),
        (Reference("mastoids"), ValueError, "'average' or 'csd'"),
        (Resample(0), ValueError, "above 0"),
        (Resample(0.1), ValueError, "nothing is left"),
    ],
    ids=repr,
)
def test_what_can_not_be_done_with_epochs(transformer, error, match):
    with pytest.raises(error, match=match):
        transformer.fit(EpochsView(planted_epochs(4)))


@pytest.mark.parametrize(
    ("transformer", "error", "match"),
    [
        (Filter(20, 40), ValueError, "sampling frequency of an array"),
        (Resample(50), ValueError, "sfreq_in"),
        (Crop(0, 0.5), ValueError, "sampling frequency"),
        (Pick(["C3"]), TypeError, "Pass epochs"),
        (Pick([0, 9]), ValueError, "from 0 to 4"),
        (Reference("csd"), ValueError, "montage"),
        (Standardize(), ValueError, "NaN"),
    ],
    ids=repr,
)
def test_what_can_not_be_done_with_arrays(transformer, error, match):
    X = np.asarray(EpochsView(planted_epochs(4)))
    if isinstance(transformer, Standardize):
        X[0, 0, 0] = np.nan
    with pytest.raises(error, match=match):
        transformer.fit(X)


# -- scikit-learn ------------------------------------------------------------------------------------

ZERO = "small numbers become 0 as integers, and there is no Riemannian mean with a signal that is zero"


def expected_failures(estimator):
    return {"check_estimators_dtypes": ZERO} if isinstance(estimator, RiemannianAlignment) else {}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        Standardize(),
        ExponentialStandardize(),
        Clip(),
        Crop(sfreq=1.0),
        Filter(None, None, sfreq=100.0),
        Pick([0]),
        Reference(),
        Resample(100.0, sfreq_in=100.0),
        EuclideanAlignment(),
        RiemannianAlignment(),
    ],
    expected_failed_checks=expected_failures,
)
def test_check_estimator(estimator, check):
    check(estimator)
