"""Bad data, one row each: an error or warning that says what to do, or the right result; never a silent number."""

import mne
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from outcomes import Gives, Raises, Same, Warns, table
from planted import planted_epochs
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline

from mne_cnnclass import CNNClassifier, EpochsView, FineTunedClassifier, ecg, evaluate
from mne_cnnclass.evaluation import make_probes
from mne_cnnclass.explain import channel_importance, saliency, spatial_patterns
from mne_cnnclass.preprocessing import (
    Clip,
    EuclideanAlignment,
    RiemannianAlignment,
    Standardize,
    epochs_log,
    make_epochs,
)

NAMES = ("C3", "Cz", "C4")
LDA = LinearDiscriminantAnalysis()


def network(**params):
    return CNNClassifier(
        **{"model": "EEGNet", "max_epochs": 6, "lr": 0.03, "random_state": 0, "n_threads": 1} | params
    )


class Problem:
    """Good epochs, a network that was fitted on them, and what it says of them; ``epochs`` is a copy each time."""

    def __init__(self):
        self._epochs = planted_epochs(16, ch_names=NAMES, n_times=50)
        self.X, self.y = self._epochs.get_data(), EpochsView(self._epochs).labels
        self.fitted = network().fit(self._epochs)
        self.proba = self.fitted.predict_proba(self._epochs)

    @property
    def epochs(self):
        return self._epochs.copy()

    def changed(self, change):
        """Epochs after a change in place."""
        epochs = self.epochs
        change(epochs)
        return epochs

    def with_value(self, value, where):
        """The array with a value somewhere."""
        X = self.X.copy()
        X[where] = value
        return X

    def fit(self, X=None, y=None, **more):
        return network().fit(self.X if X is None else X, self.y if y is None else y, **more)

    def of(self, X):
        return self.fitted.predict_proba(X)


@pytest.fixture(scope="module")
def problem():
    return Problem()


def marked_bad(epochs, name="Cz"):
    epochs.info["bads"] = [name]


def same_names(epochs):
    epochs.info["chs"][1]["ch_name"] = "C3"
    epochs.info._update_redundant()


def memory_map(problem, folder):
    np.save(folder / "X.npy", problem.X)
    return np.load(folder / "X.npy", mmap_mode="r")


def with_pass_band(epochs, low, high):
    with epochs.info._unlock():
        epochs.info["highpass"], epochs.info["lowpass"] = low, high


def projected(epochs):
    return epochs.set_eeg_reference(projection=True, verbose="ERROR").apply_proj(verbose="ERROR")


def objects(problem, value):
    X = problem.X.astype(object)
    X[3, 1, 2] = value
    return X


CHANNEL_1 = (slice(None), 1)


# fmt: off
@table(
    # -- numbers ---------------------------------------------------------------------------------------
    ("NaN", lambda p: p.of(p.with_value(np.nan, (3, 1, 2))), Raises(ValueError, "number 1 of sample 3. Drop")),
    ("inf", lambda p: p.of(p.with_value(np.inf, (5, 2))), Raises(ValueError, "infinity.*number 2 of sample 5")),
    ("NaN-fit", lambda p: p.fit(p.with_value(np.nan, 7)), Raises(ValueError, "number 0 of sample 7. Drop or int")),
    ("NaN-epochs", lambda p: p.of(p.changed(lambda e: e._data.__setitem__((3, 1, 2), np.nan))), Raises(ValueError, "channel 'Cz' of sample 3")),
    ("None-inside", lambda p: p.of(objects(p, None)), Raises(ValueError, "NaN.*number 1 of sample 3")),
    ("text-inside", lambda p: p.of(objects(p, "a")), Raises(ValueError, "must hold numbers alone: .*'a'")),
    ("dict-inside", lambda p: p.of(objects(p, {})), Raises(TypeError, "must hold numbers alone: .*'dict'")),
    ("masked", lambda p: p.of(np.ma.masked_less(p.X, 0)), Raises(ValueError, "masked values, .* Leave .* out")),
    ("complex", lambda p: p.of(p.X + 0j), Raises(ValueError, "Complex data not supported")),
    ("complex-epochs", lambda p: p.of(p.changed(lambda e: setattr(e, "_data", p.X + 0j))), Raises(TypeError, r"complex numbers; .* abs\(\)")),
    ("dates", lambda p: p.of(p.X.astype("M8[s]")), Raises(TypeError, "must hold real numbers, got datetime64")),
    ("text-array", lambda p: p.of(p.X.astype(str)), Raises(ValueError, "Convert your data to numeric")),
    ("sparse", lambda p: p.of(scipy.sparse.csr_array(p.X[:, 0])), Raises(TypeError, "Sparse data was passed for X")),
    ("tensor-of-a-graph", lambda p: p.of(torch.as_tensor(p.X).requires_grad_()), Raises(TypeError, r"X can't be read as an array: .* tensor.detach\(\)")),
    # -- other kinds of arrays that hold the same ------------------------------------------------------
    ("tensor", lambda p: p.of(torch.as_tensor(p.X)), Same()),
    ("big-endian", lambda p: p.of(p.X.astype(">f8")), Same()),
    ("float32", lambda p: p.of(p.X.astype(np.float32)), Same(1e-5)),
    ("long-double", lambda p: p.of(p.X.astype(np.longdouble)), Same()),
    ("objects", lambda p: p.of(p.X.astype(object)), Same()),
    ("list", lambda p: p.of(list(p.X)), Same()),
    ("fortran-order", lambda p: p.of(np.asfortranarray(p.X)), Same()),
    ("negative-strides", lambda p: p.of(p.X[::-1])[::-1], Same()),
    ("strided", lambda p: p.of(np.repeat(p.X, 2, axis=2)[..., ::2]), Same()),
    ("read-only", lambda p: p.of(np.broadcast_to(p.X, (1, *p.X.shape))[0]), Same()),
    ("masked-nowhere", lambda p: p.of(np.ma.masked_array(p.X)), Same()),
    ("integers", lambda p: network().fit((p.X * 1e9).astype(int), p.y).predict_proba((p.X * 1e9).astype(int)), Same(0.02)),
    ("float16-of-V", lambda p: p.fit(p.X.astype(np.float16)), Warns("float16, which has hardly any digits .* float32")),
    ("float16-of-uV", lambda p: p.fit((1e6 * p.X).astype(np.float16)).predict_proba(1e6 * p.X), Same(0.02)),
    # -- shapes ----------------------------------------------------------------------------------------
    ("one-epoch-2d", lambda p: p.of(p.X[0]), Raises(ValueError, r"1 channel\(s\), .* on 3. .*X\[np.newaxis\]")),
    ("one-epoch-3d", lambda p: p.of(p.X[:1]).round(6), Gives(lambda p: p.proba[:1].round(6))),
    ("1d", lambda p: p.of(p.X[0, 0]), Raises(ValueError, "Reshape your data")),
    ("4d", lambda p: p.of(p.X[None]), Raises(ValueError, "n_samples, n_channels, n_times.* got 4 dimensions")),
    ("no-samples", lambda p: p.of(p.X[:0]), Raises(ValueError, "0 sample.* minimum of 1 is required")),
    ("no-channels", lambda p: p.of(p.X[:, :0]), Raises(ValueError, r"no channels or no times: .* \(16, 0, 50\)")),
    ("no-times", lambda p: p.fit(p.X[..., :0]), Raises(ValueError, "no channels or no times")),
    ("axes-swapped", lambda p: CNNClassifier(max_epochs=1).fit(p.X.transpose(0, 2, 1), p.y), Warns(r"50 channels and 3 time points, .* Are the axes swapped\? .*transpose")),
    ("one-time", lambda p: p.fit(p.X[..., :1]), Raises(ValueError, "at least 27 time points .* got 1 time point")),
    ("ragged", lambda p: p.of([p.X[0], p.X[1, :, :9]]), Raises(ValueError, "list of samples that differ in shape")),
    ("nothing", lambda p: p.of(None), Raises(TypeError, "X must be mne.Epochs, an EpochsView, or .* got None")),
    ("path", lambda p: p.of("x-epo.fif"), Raises(TypeError, "got a str. Read the file first, .*read_epochs")),
    ("dict", lambda p: p.of({"X": p.X}), Raises(TypeError, "X must be mne.Epochs, .* got a dict")),
    ("spectra", lambda p: p.of(p.epochs.compute_psd(fmax=40, verbose="ERROR")), Raises(TypeError, r"got a EpochsSpectrum: pass the mne.Epochs .*X.get_data\(\)")),
    ("spectra-fit", lambda p: evaluate(LDA, p.epochs.compute_psd(verbose="ERROR"), p.y, cv=2), Raises(TypeError, "got a EpochsSpectrum: pass the mne.Epochs")),
    ("one-spectrum", lambda p: p.of([p.epochs.average().compute_psd(verbose="ERROR")]), Raises(TypeError, "got Spectrum. Pass Epochs")),
    ("time-frequency", lambda p: p.of(p.epochs.compute_tfr("morlet", freqs=[20.0], n_cycles=2)), Raises(TypeError, "got a EpochsTFR: pass the mne.Epochs")),
    ("covariance", lambda p: p.of(mne.make_ad_hoc_cov(p.epochs.info)), Raises(TypeError, "got a Covariance: pass the mne.Epochs")),
    ("sources", lambda p: p.of([mne.SourceEstimate(p.X[0], [[0, 1], [2]], 0, 0.01)]), Raises(TypeError, "got SourceEstimate. Pass Epochs")),
    ("several-evoked", lambda p: p.of([p.epochs.average(), p.epochs[:4].average()]), Raises(TypeError, r"got EvokedArray.* mne.EpochsArray\(\[x.data for x in X\], X\[0\].info")),
    ("evoked-of-that-advice", lambda p: p.of(mne.EpochsArray([p.epochs[k].average().data for k in range(3)], p.epochs.info, verbose="ERROR")).round(6), Gives(lambda p: p.proba[:3].round(6))),
    ("list-of-raw", lambda p: p.of([mne.io.RawArray(p.X[0], p.epochs.info, verbose="ERROR")] * 2), Raises(TypeError, "alone, got RawArray. Pass Epochs")),
    ("array-of-evoked", lambda p: p.of(np.array([p.epochs.average()], object)), Raises(TypeError, "must hold numbers alone")),
    ("evoked", lambda p: p.of(p.epochs.average()), Raises(TypeError, "got a EvokedArray: cut it into mne.Epochs")),
    ("list-of-evoked", lambda p: p.of([p.epochs.average()]), Raises(TypeError, "list X must hold mne.Epochs or arr")),
    ("mixed-list", lambda p: p.of([p.epochs, p.X]), Raises(TypeError, "a list of Epochs .*'EpochsArray', 'ndarray'")),
    ("table-with-text", lambda p: p.of(p.epochs.to_data_frame()), Raises(ValueError, "numbers alone: .*'left'")),
    # -- amplitudes ------------------------------------------------------------------------------------
    ("uV-at-prediction", lambda p: p.of(1e6 * p.X), Warns(r"vary 1e\+06 times as much .* another unit")),
    ("mV-at-prediction", lambda p: p.of(1e3 * p.epochs.get_data()), Warns(r"vary 1e\+03 times")),
    ("kV-at-prediction", lambda p: p.of(1e-3 * p.X), Warns("vary 0.001 times as much")),
    ("huge-at-prediction", lambda p: p.of(1e40 * p.X), Raises(ValueError, "no finite output for sample 0.* another unit")),
    ("detached-at-prediction", lambda p: p.of(p.with_value(0.0, CHANNEL_1)), Warns(r"Channel\(s\) number 1 of X vary .*e-07 times as much")),
    ("uV-throughout", lambda p: network().fit(1e6 * p.X, p.y).predict_proba(1e6 * p.X), Same(1e-4)),
    ("constant", lambda p: p.fit(p.with_value(1.0, CHANNEL_1)), Warns(r"Flat channel\(s\) number 1: .* interpolate")),
    ("all-constant", lambda p: p.fit(0 * p.X), Warns(r"Flat channel\(s\) number 0, number 1, number 2")),
    ("saturated", lambda p: p.fit(p.with_value(np.clip(p.X[:, 1], -1e-7, 1e-7), CHANNEL_1)), Warns(r"Saturated channel\(s\) number 1: .* for 9\d% of the time. Mark them bad")),
    ("half-clipped-is-fine", lambda p: p.fit(np.clip(p.X, -2e-6, 2e-6)).classes_, Gives(lambda p: ["left", "right"])),
    ("beyond-squares", lambda p: p.fit(1e160 * p.X), Raises(ValueError, "number 0 are too large .* scale the samples")),
    ("not-standardized-V", lambda p: network(standardize=False).fit(p.X, p.y), Warns("standardize=False .* deviation of .e-06, .* Set standardize=True")),
    # -- channels --------------------------------------------------------------------------------------
    ("reordered", lambda p: p.of(p.epochs.reorder_channels(NAMES[::-1])), Same()),
    ("extra", lambda p: p.of(p.epochs.add_channels([p.epochs.pick(["C3"]).rename_channels({"C3": "Oz"})])), Same()),
    ("missing", lambda p: p.of(p.epochs.drop_channels("C3")), Raises(ValueError, r"\['C3'\] missing: .*\['Cz', 'C4'\]")),
    ("renamed", lambda p: p.of(p.epochs.rename_channels({"C3": "c3"})), Raises(ValueError, "missing: .*'c3'.* spelt differently: make_epochs.rename")),
    ("bad", lambda p: p.of(p.changed(marked_bad)), Raises(ValueError, r"\['Cz'\] are marked bad: interpolate")),
    ("bad-since-the-view", lambda p: (view := EpochsView(p.epochs), marked_bad(view._sources[0]), p.of(view)), Raises(ValueError, r"\['Cz'\] are marked bad")),
    ("bad-by-name", lambda p: p.of(EpochsView(p.changed(marked_bad), picks=list(NAMES))), Same()),
    ("other-type", lambda p: p.of(p.epochs.set_channel_types({"C3": "eog"})), Same()),
    ("same-names", lambda p: p.fit(p.changed(same_names)), Raises(ValueError, r"unique, .*\['C3'\].* Rename these")),
    ("same-names-predict", lambda p: p.of(p.changed(same_names)), Raises(ValueError, "names must be unique")),
    # -- epochs ----------------------------------------------------------------------------------------
    ("rate", lambda p: p.of(planted_epochs(sfreq=200.0, ch_names=NAMES)), Raises(ValueError, "200 Hz, .* 100 Hz. Resample")),
    ("decimated", lambda p: p.of(p.changed(lambda e: e.decimate(2, verbose="ERROR"))), Raises(ValueError, "50 Hz")),
    ("longer", lambda p: p.of(planted_epochs(n_times=60, ch_names=NAMES)), Raises(ValueError, r"60 time points, .* Crop")),
    ("baseline", lambda p: p.of(p.epochs.apply_baseline((None, 0.1), verbose="ERROR")), Warns("the baseline 0 to 0.1 s, but the training samples had none.* apply_baseline")),
    ("baseline-in-Pipeline", lambda p: make_pipeline(Standardize(), network()).fit(p.epochs, p.y).predict(p.epochs.apply_baseline((None, 0.1), verbose="ERROR")), Warns("the baseline 0 to 0.1 s")),
    ("reference", lambda p: p.of(p.epochs.set_eeg_reference("average", verbose="ERROR")), Warns("the EEG reference custom, but .* had as recorded.* set_eeg_reference")),
    ("projector", lambda p: p.of(projected(p.epochs)), Warns("number of applied projectors 1, but .* had 0.* apply_proj")),
    ("other-times", lambda p: p.of(p.changed(lambda e: e.shift_time(1.0))), Warns("as start of the windows 1 s, but the training samples had 0 s.* Cut them at the same times")),
    ("filter", lambda p: p.of(p.changed(lambda e: with_pass_band(e, 4.0, 38.0))), Warns("pass band 4 to 38 Hz, but the training samples had 0 to 50 Hz.* Filter the recordings")),
    ("filter-in-Pipeline", lambda p: make_pipeline(Clip(9), network()).fit(p.epochs, p.y).predict(p.changed(lambda e: with_pass_band(e, 4.0, 38.0))), Warns("pass band 4 to 38 Hz")),
    ("filter-rounded", lambda p: p.of(p.changed(lambda e: with_pass_band(e, 0.01, 49.9))), Same()),
    ("filters-of-two-sites", lambda p: p.fit([p.epochs[:9], p.changed(lambda e: with_pass_band(e, 4.0, 38.0))[9:]]).predict_proba(p.changed(lambda e: with_pass_band(e, 4.0, 38.0))), Same(1e-5)),
    ("dropped", lambda p: p.of(p.epochs.drop([0, 1], verbose="ERROR")), Gives(lambda p: p.of(p.epochs[2:]))),
    ("all-dropped", lambda p: p.fit(p.epochs.drop(range(16), verbose="ERROR")), Raises(ValueError, "X holds 0 epochs")),
    ("concatenated", lambda p: p.of(mne.concatenate_epochs([p.epochs[:9], p.epochs[9:]], verbose="ERROR")), Same()),
    ("list-of-Epochs", lambda p: p.of([p.epochs[:9], p.epochs[9:]]), Same()),
    ("out-of-order", lambda p: p.of(p.changed(lambda e: e.events.__setitem__((slice(None), 0), range(16, 0, -1)))), Same()),
    ("overlapping", lambda p: p.of(p.changed(lambda e: e.events.__setitem__((slice(None), 0), range(16)))), Same()),
    ("view-of-none", lambda p: p.fit(EpochsView(p.epochs)[:0]), Raises(ValueError, "X holds 0 epochs")),
    ("view-of-path", lambda p: EpochsView("x-epo.fif"), Raises(TypeError, "must be Epochs, .* got str")),
    ("view-of-array", lambda p: EpochsView(p.X), Raises(TypeError, "got ndarray. Make Epochs of an array by mne.EpochsArray")),
    ("groups-of-each-Epochs", lambda p: EpochsView([p.epochs[:9], p.epochs[9:]], groups=["a", "b"]), Raises(ValueError, r"one for each epoch: np.repeat\(groups")),
    ("view-of-nothing", lambda p: EpochsView([]), Raises(ValueError, "empty list; at least one")),
    ("view-of-two-rates", lambda p: EpochsView([p.epochs, p.epochs.resample(50)]), Raises(ValueError, "100 Hz: number 0; 50 Hz: number 1. Resample")),
    ("view-of-two-names", lambda p: EpochsView(p.changed(lambda e: e.event_id.update(also=7))), Raises(ValueError, "not have the same code, .*'also': 7.* labels=")),
    ("view-of-two-names-labelled", lambda p: EpochsView(p.changed(lambda e: e.event_id.update(also=7)), labels=p.y).labels, Gives(lambda p: p.y)),
    ("view-and-other-data", lambda p: EpochsView(p.epochs).with_data(p.X[:3]), Raises(ValueError, r"16 epochs, .* got \(3, 3, 50\)")),
    # -- labels ----------------------------------------------------------------------------------------
    ("y-decimals", lambda p: p.fit(y=[0.5, 1.5] * 8), Raises(ValueError, "must hold classes .*got float64")),
    ("y-whole-decimals", lambda p: p.fit(y=[0.0, 1.0] * 8).classes_, Gives(lambda p: [0.0, 1.0])),
    ("y-NaN", lambda p: p.fit(y=[np.nan, 1.0] * 8), Raises(ValueError, "y contains NaN")),
    ("y-NaN-beside-text", lambda p: p.fit(y=["a", np.nan] * 8), Raises(ValueError, "y is missing .* 8 of 16 .* sample 1. Leave")),
    ("y-None", lambda p: p.fit(y=[None, "a"] * 8), Raises(ValueError, "y is missing .* sample 0")),
    ("y-mixed", lambda p: p.fit(y=[1, "a"] * 8), Raises(TypeError, r"mixes integers \(1\) and text \('a'\).*str\(value\)")),
    ("y-mixed-booleans", lambda p: p.fit(y=np.array([True, 2] * 8, object)), Raises(TypeError, "mixes booleans")),
    ("y-objects", lambda p: p.fit(y=np.array([3, 2] * 8, object)).classes_, Gives(lambda p: [2, 3])),
    ("y-sorted-as-numbers", lambda p: p.fit(y=np.resize([1, 2, 10], 16)).classes_, Gives(lambda p: [1, 2, 10])),
    ("y-sorted-as-text", lambda p: p.fit(y=np.resize(["1", "2", "10"], 16)).classes_, Gives(lambda p: ["1", "10", "2"])),
    ("y-dates", lambda p: p.fit(y=np.array(["2020", "2021"] * 8, "M8[Y]")), Raises(ValueError, "classes .*datetime64")),
    ("y-bytes", lambda p: p.fit(y=np.array([b"a", b"b"] * 8)), Raises(ValueError, r"classes \(text, .*\|S1")),
    ("y-beyond-64-bits", lambda p: p.fit(y=[2**70, 1] * 8), Raises(ValueError, "must hold classes")),
    ("y-one-hot", lambda p: p.fit(y=np.eye(2)[np.arange(16) % 2]), Raises(ValueError, r"1d array, .*\(16, 2\)")),
    ("y-name", lambda p: p.fit(y="hand"), Raises(ValueError, "1d array")),
    ("y-short", lambda p: p.fit(y=[0, 1]), Raises(ValueError, r"inconsistent numbers of samples: \[16, 2\]")),
    ("y-one-class", lambda p: p.fit(y=["a"] * 16), Raises(ValueError, "only 1 class, 'a', .* at least 2")),
    ("y-none", lambda p: network().fit(p.X), Raises(ValueError, "requires y to be passed")),
    ("y-each-its-own", lambda p: len(p.fit(y=[f"{i}" for i in range(16)]).classes_), Gives(lambda p: 16)),
    ("y-unseen", lambda p: p.fitted.score(p.X, ["up"] * 16), Raises(ValueError, "not there at fit: 'up'; fitted on")),
    ("view-labels-NaN", lambda p: EpochsView(p.epochs, labels=["a", np.nan] * 8), Raises(ValueError, "labels is missing")),
    ("view-labels-mixed", lambda p: EpochsView(p.epochs, labels=["a", 1] * 8), Raises(TypeError, "labels mixes text")),
    # -- weights and groups ----------------------------------------------------------------------------
    ("weights-negative", lambda p: p.fit(sample_weight=-np.ones(16)), Raises(ValueError, "not be negative, got -1")),
    ("weights-NaN", lambda p: p.fit(sample_weight=[np.nan] * 16), Raises(ValueError, "sample_weight contains NaN")),
    ("weights-zero", lambda p: p.fit(sample_weight=np.zeros(16)), Raises(ValueError, "weights are zero")),
    ("weights-huge", lambda p: p.fit(sample_weight=[1e308] * 16), Raises(ValueError, "too large .* Divide it")),
    ("weights-of-one-class", lambda p: p.fit(sample_weight=p.y == "left"), Raises(ValueError, "only 1 class, 'left'")),
    ("weights-short", lambda p: p.fit(sample_weight=[1, 1]), Raises(ValueError, r"shape \(16,\), got \(2,\)")),
    ("weights-scalar", lambda p: p.fit(sample_weight=2.0), Raises(ValueError, "one number a sample")),
    ("weights-text", lambda p: p.fit(sample_weight="balanced"), Raises(ValueError, "'balanced'. .*: class_weight")),
    ("weights-negative-score", lambda p: p.fitted.score(p.X, p.y, -np.ones(16)), Raises(ValueError, "not be negative")),
    ("groups-NaN", lambda p: p.fit(groups=[np.nan] + [1.0] * 15), Raises(ValueError, "groups is missing .* Leave")),
    ("groups-short", lambda p: p.fit(groups=[1, 2]), Raises(ValueError, r"groups .* shape \(16,\), got shape \(2,\)")),
    ("groups-mixed", lambda p: p.fit(groups=["a", 1] * 8), Raises(TypeError, "groups mixes text")),
    ("groups-of-one", lambda p: network(validation_fraction=0.5).fit(p.X, p.y, np.arange(16)).classes_, Gives(lambda p: ["left", "right"])),
    ("groups-one", lambda p: network(validation_fraction=0.5).fit(p.X, p.y, [1] * 16), Raises(ValueError, "at least 2 groups")),
    # -- other functions -------------------------------------------------------------------------------
    ("score-array", lambda p: p.fitted.score(p.X), Raises(ValueError, "y to be passed")),
    ("transformer-NaN", lambda p: Clip().fit(p.with_value(np.nan, 3)), Raises(ValueError, "number 0 of sample 3")),
    ("transformer-constant", lambda p: Standardize().fit_transform(0 * p.X), Gives(lambda p: 0 * p.X)),
    ("transformer-rate", lambda p: Clip().fit(p.epochs).transform(p.epochs.resample(50)), Raises(ValueError, "fitted at 100 Hz")),
    ("alignment-constant", lambda p: RiemannianAlignment().fit(0 * p.X), Raises(ValueError, "less than full rank.* use Euc")),
    ("alignment-groups", lambda p: EuclideanAlignment().fit(p.X, groups=[1]), Raises(ValueError, "groups must have one")),
    ("patterns-nothing", lambda p: spatial_patterns(p.fitted, None), Raises(TypeError, "X must be mne.Epochs")),
    ("saliency-labels", lambda p: saliency(p.fitted, p.epochs, ["up"] * 16), Raises(ValueError, "not there at fit: 'up'")),
    ("importance-empty", lambda p: channel_importance(p.fitted, EpochsView(p.epochs)[:0]), Raises(ValueError, "0 epochs")),
    ("probes-nothing", lambda p: make_probes(None), Raises(TypeError, "got None")),
    ("log-of-others", lambda p: len(epochs_log(p.epochs)), Gives(lambda p: 0)),
    ("further-other-classes", lambda p: FineTunedClassifier(p.fitted).fit(p.epochs, [0, 1] * 8), Raises(ValueError, r"\['left', 'right'\], got \[0, 1\]")),
    ("further-other-channels", lambda p: FineTunedClassifier(p.fitted).fit(p.epochs.drop_channels("C3")), Raises(ValueError, "missing")),
    ("beats-without-columns", lambda p: ecg.BeatClassifier(network()).fit(p.epochs), Raises(ValueError, "lack the metadata.*make_beat_epochs")),
    ("beats-of-array", lambda p: ecg.BeatClassifier(network()).fit(p.X, p.y), Raises(TypeError, "must be Epochs of ecg.make_beat_epochs")),
)
# fmt: on
def test_data(problem, call, outcome):
    outcome.check(call, problem)


def test_a_memory_map_gives_the_same(problem, tmp_path):
    Same().check(lambda p: p.of(memory_map(p, tmp_path)), problem)


TABLE = np.random.default_rng(0).standard_normal((30, 2)) + np.arange(30)[:, None] % 2
Y = np.resize(["a", "b"], 30)


def cv(*folds):
    return [tuple(np.array(part, int) for part in fold) for fold in folds]


# fmt: off
@table(
    ("X-nothing", lambda p: evaluate(LDA, None, Y), Raises(TypeError, "X must be mne.Epochs.* got None")),
    ("X-path", lambda p: evaluate(LDA, "x.fif", Y), Raises(TypeError, "Read the file first")),
    ("X-one", lambda p: evaluate(LDA, TABLE[:1], Y[:1]), Raises(ValueError, "at least 2 samples, got 1")),
    ("X-sparse", lambda p: evaluate(LDA, scipy.sparse.csr_array(TABLE), Y), Raises(TypeError, "array with a row a sample")),
    ("X-NaN", lambda p: evaluate(network(), np.where(np.arange(16)[:, None, None] == 3, np.nan, p.X), p.y), Raises(ValueError, "NaN .* sample")),
    ("y-nothing", lambda p: evaluate(LDA, TABLE), Raises(ValueError, "with an array X, give y")),
    ("y-NaN", lambda p: evaluate(LDA, TABLE, ["a", np.nan] * 15), Raises(ValueError, "y is missing .* Leave")),
    ("y-mixed", lambda p: evaluate(LDA, TABLE, ["a", 1] * 15), Raises(TypeError, "y mixes text")),
    ("y-decimals", lambda p: evaluate(LDA, TABLE, TABLE[:, 0]), Raises(ValueError, "must hold classes")),
    ("y-dates", lambda p: evaluate(LDA, TABLE, np.array(["2020", "2021"] * 15, "M8[Y]")), Raises(ValueError, "classes")),
    ("y-one-class", lambda p: evaluate(LDA, TABLE, ["a"] * 30), Raises(ValueError, r"only the class\(es\) \['a'\].* more")),
    ("y-sorted-as-numbers", lambda p: [n for n in evaluate(LDA, TABLE, np.resize([1, 2, 10], 30)).predictions if "proba" in n], Gives(lambda p: ["proba_1", "proba_2", "proba_10"])),
    ("groups-mixed", lambda p: evaluate(LDA, TABLE, Y, groups=["a", 1] * 15), Raises(TypeError, "groups mixes")),
    ("groups-NaN", lambda p: evaluate(LDA, TABLE, Y, groups=["s", np.nan] * 15), Raises(ValueError, "groups is missing")),
    ("groups-few", lambda p: evaluate(LDA, TABLE, Y, groups=[1, 2, 3] * 10), Raises(ValueError, "cv=5 needs at least 5 groups, and there are 3, .* Give cv=3")),
    ("groups-one", lambda p: evaluate(LDA, TABLE, Y, groups=[1] * 30), Raises(ValueError, "needs at least 5 groups, and there is 1")),
    ("groups-lacking", lambda p: evaluate(LDA, TABLE, Y, cv=GroupKFold(3)), Raises(ValueError, "'groups' parameter")),
    ("folds-many", lambda p: evaluate(LDA, TABLE, Y, cv=100), Raises(ValueError, "n_splits=100 .* samples: n_samples=30")),
    ("folds-one", lambda p: evaluate(LDA, TABLE, Y, cv=1), Raises(ValueError, "n_splits=2 or more, got n_splits=1")),
    ("folds-none", lambda p: evaluate(LDA, TABLE, Y, cv=[]), Raises(ValueError, r"cv=\[\] gives no folds")),
    ("fold-beyond", lambda p: evaluate(LDA, TABLE, Y, cv=cv((range(20), [99]))), Raises(ValueError, "positions of the 30 samples")),
    ("fold-leaks", lambda p: evaluate(LDA, TABLE, Y, cv=cv((range(20), [3]))), Raises(ValueError, "both the training and .* sample 3")),
    ("epoch-twice", lambda p: evaluate(network(), EpochsView(p.epochs)[[*range(16), 3]], cv=[(range(8), range(8, 17))]), Raises(ValueError, "both the training and .* sample 16.* each sample once")),
    ("Epochs-twice", lambda p: evaluate(network(), [p._epochs, p._epochs], cv=2), Raises(ValueError, "16 samples in both the training")),
    ("fold-empty", lambda p: evaluate(LDA, TABLE, Y, cv=cv((range(20), []))), Raises(ValueError, "no test samples. Use fewer")),
    ("fold-one-class", lambda p: evaluate(LDA, TABLE, Y, cv=cv((range(0, 20, 2), [1]))), Raises(ValueError, r"only the class\(es\) \['a'\]")),
    ("class-missing-in-folds", lambda p: evaluate(LDA, np.r_[TABLE, TABLE[:3]], [*Y, "c", "c", "c"], cv=KFold(3)).summary()["n_folds"]["roc_auc"], Gives(lambda p: 1)),
)
# fmt: on
def test_evaluation(problem, call, outcome):
    outcome.check(call, problem)


def recording(kind="eeg", names=NAMES, scale=1e-5):
    rng = np.random.default_rng(0)
    info = mne.create_info(list(names), 100.0, kind)
    raw = mne.io.RawArray(scale * rng.standard_normal((len(names), 1000)), info, verbose="ERROR")
    return raw.set_annotations(mne.Annotations(np.arange(1.0, 9), 0.0, ["T1", "T2"] * 4))


def damaged(**options):
    raw = recording(**options)
    if options.get("kind") == "ecg":
        raw._data[:, 30::80] += 1e-3  # beats, as noise alone gives a warning of its own
    raw._data[1, 500] = np.nan
    return raw


def beating(gap=False):
    """Beats 200 samples apart on an offset of 5 mV; one lies in a gap."""
    beats = 5e-3 + np.tile(1e-3 * np.exp(-(((np.arange(200) - 75) / 4) ** 2)), 40)
    beats[3020:3180] = np.nan if gap else beats[3020:3180]
    return mne.io.RawArray(beats[np.newaxis], mne.create_info(["II"], 250.0, "ecg"), verbose="ERROR")


def cut(raw=None, **options):
    return make_epochs(recording() if raw is None else raw, **dict(tmin=0.0, tmax=0.5) | options)


# fmt: off
@table(
    ("NaN", lambda p: cut(damaged(), l_freq=5.0), Warns(r"1 of 8 epochs hold NaN or infinity and are left out \(Cz in 1\)")),
    ("uV", lambda p: cut(recording(scale=10.0)), Warns("deviation of 9.7 V .* another unit .*1e-6")),
    ("folder", lambda p: cut("/tmp"), Raises(IsADirectoryError, r"/tmp is a folder. Give its files: sorted\(Path")),
    ("pattern", lambda p: cut("/tmp/*.edf"), Raises(FileNotFoundError, r"No such file: /tmp/\*.edf. Give the files: sorted")),
    ("events-swapped", lambda p: cut(events={"T1": "left", "T2": "right"}), Raises(ValueError, "No event left, right. .* The name of a class comes first, then its event: left=T1, right=T2")),
    ("no-events", lambda p: cut(recording().set_annotations(None)), Raises(ValueError, "no events")),
    ("nothing", lambda p: cut([]), Raises(ValueError, "recordings is empty; at least one")),
    ("epochs", lambda p: cut(p.epochs), Raises(TypeError, "paths or mne.io.Raw objects, got EpochsArray")),
    ("twice", lambda p: cut([raw := recording(), recording(), raw]), Raises(ValueError, "each one once, .* both sides of a split, but has <RawArray")),
    ("two-rates", lambda p: cut([recording(), recording().resample(50)]), Raises(ValueError, "differ in sampling .*sfreq=50")),
    ("two-montages", lambda p: cut([recording(), recording().drop_channels("C4")]), Raises(ValueError, r"lacks \['C4'\].* Pick")),
    ("ecg-NaN", lambda p: ecg.make_rhythm_epochs(damaged(kind="ecg"), duration=2.0), Warns("Cz holds no numbers from 5 to .* Of 5 windows 1 are left out")),
    ("ecg-mV", lambda p: ecg.find_r_peaks(recording("ecg", scale=1.0)), Raises(ValueError, "spans .* V, .* another unit")),
    ("ecg-flat", lambda p: len(ecg.find_r_peaks(recording("ecg", scale=0.0))), Gives(lambda p: 0)),
    ("ecg-gap", lambda p: ecg.find_r_peaks(beating(gap=True)) // 200, Gives(lambda p: np.delete(ecg.find_r_peaks(beating()) // 200, 15))),
    ("ecg-slow", lambda p: ecg.find_r_peaks(recording("ecg").resample(40)), Raises(ValueError, "at 40 Hz; 60 Hz at least")),
    ("ecg-array", lambda p: ecg.find_r_peaks(p.X), Raises(TypeError, "must be an mne.io.Raw, .* got ndarray")),
    ("ecg-without-leads", lambda p: ecg.find_r_peaks(recording()), Raises(ValueError, "No channel of type ecg")),
    ("ecg-without-beats", lambda p: ecg.make_beat_epochs(recording("ecg", ["MLII", "V1"])), Raises(ValueError, "0 beats; at least 2")),
    ("ecg-nothing", lambda p: ecg.make_beat_epochs(None), Raises(TypeError, "an mne.io.Raw, the path of a WFDB record")),
    ("ecg-info", lambda p: ecg.patient_info(None), Raises(TypeError, "mne.Info, got None")),
    ("ecg-intervals", lambda p: ecg.interval_features([1.0, -1.0]), Raises(ValueError, "positive intervals in s")),
)
# fmt: on
def test_recordings(problem, call, outcome):
    outcome.check(call, problem)


# fmt: off
@table(
    ("group-missing", lambda p: EpochsView(p, groups="subject"), Raises(ValueError, "groups is missing .* 8 of 16")),
    ("label-missing", lambda p: EpochsView(p, labels="subject"), Raises(ValueError, "labels is missing")),
    ("column-misspelt", lambda p: EpochsView(p, groups="subjects"), Raises(ValueError, "no metadata column. Did you mean 'subject'")),
    ("side-input-missing", lambda p: network(side_inputs=["age"]).fit(p), Raises(ValueError, "'age' must be a finite .* sample 1. Fill")),
    ("side-input-text", lambda p: network(side_inputs=["name"]).fit(p), Raises(ValueError, "'name' must hold real .*get_dummies")),
    ("side-input-misspelt", lambda p: network(side_inputs=["ages"]).fit(p), Raises(ValueError, r"\['ages'\] not at all")),
    ("side-input-of-array", lambda p: network(side_inputs=["age"]).fit(p.get_data(), [0, 1] * 8), Raises(ValueError, "an array, which has none")),
)
# fmt: on
def test_metadata(call, outcome):
    epochs = planted_epochs(16, ch_names=NAMES, n_times=50)
    epochs.metadata = pd.DataFrame({"subject": ["a", None] * 8, "age": [30.0, np.nan] * 8, "name": "x"})
    outcome.check(call, epochs)


@pytest.mark.filterwarnings("ignore:Glyph")  # of fonts without the letters of a label
@pytest.mark.parametrize(
    "labels", [["<script>alert(1)</script>", "a\nb"], ["$x_{", "🧠 ünï"]], ids=["html", "text"]
)
def test_hostile_labels_are_shown_as_text(labels, tmp_path):
    result = evaluate(LDA, TABLE, np.resize(labels, 30), cv=2)
    assert result.classes.tolist() == sorted(labels)
    result.plot_confusion_matrix().canvas.draw()
    result.plot_roc().canvas.draw()
    result.report(tmp_path / "report.html", n_permutations=10)
    assert "<script>alert(1)" not in (tmp_path / "report.html").read_text(encoding="utf-8")
