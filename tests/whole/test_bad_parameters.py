"""Bad parameters and paths, one row each: an error of the right type that names the parameter and the mend."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from outcomes import Gives, Raises, Warns, table
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from test_bad_input import LDA, NAMES, TABLE, Problem, Y, cut, network, recording

from mne_cnnclass import (
    EpochsView,
    FineTunedClassifier,
    baselines,
    compare,
    datasets,
    ecg,
    evaluate,
    load_classifier,
    recipe,
    save_classifier,
    viz,
)
from mne_cnnclass.evaluation import calibration_error, learning_curve, summary_table
from mne_cnnclass.explain import band_importance, channel_importance, saliency, spatial_patterns
from mne_cnnclass.preprocessing import (
    Clip,
    Crop,
    EuclideanAlignment,
    ExponentialStandardize,
    Features,
    Filter,
    Pick,
    Reference,
    Resample,
)


@pytest.fixture(scope="module")
def problem():
    return Problem()


class NoWeights(torch.nn.Module):
    def __init__(self, n_chans, n_outputs, n_times):
        super().__init__()
        self.n_outputs = n_outputs

    def forward(self, x):
        return x[:, 0, : self.n_outputs]


class WrongShape(NoWeights):
    def forward(self, x):
        return x


class Fails(NoWeights):
    def forward(self, x):
        return x @ x


class Softmax(torch.nn.Module):
    def __init__(self, n_chans, n_outputs, n_times):
        super().__init__()
        self.layer = torch.nn.Linear(n_chans * n_times, n_outputs)

    def forward(self, x):
        return self.layer(x.flatten(1)).softmax(dim=1)


def name_of(value):
    """Of a row, its parameter."""
    return next(iter(value)) if isinstance(value, dict) else ""


A_NUMBER = "must be a number, got"


# fmt: off
@pytest.mark.parametrize(
    ("params", "kind", "message"),
    [
        ({"model": "EEGnett"}, ValueError, "no model 'EEGnett'; did you mean EEGNet"),
        ({"model": 3}, TypeError, "a name or a subclass of torch.nn.Module, got 3"),
        ({"model": torch.nn.Identity()}, TypeError, "must be a class, got an instance .* model_params"),
        ({"model": NoWeights}, ValueError, "NoWeights has no parameters to train"),
        ({"model": WrongShape}, ValueError, r"must return logits of shape \(1, 2\) .* returned shape \(1, 3, 50\)"),
        ({"model": Fails}, ValueError, r"Fails was built, but fails on a batch of 3 channel\(s\), 50 time points at 100 Hz"),
        ({"model_params": {"n_chans": 2}}, ValueError, "model_params has n_chans, which the samples determine"),
        ({"model_params": {"drop": 1}}, ValueError, "no parameter drop. .*drop_prob"),
        ({"model_params": {"drop_prob": 2}}, ValueError, r"params=\{'drop_prob': 2\}: .* between 0 and 1"),
        ({"model_params": {"F1": -1}}, ValueError, r"can't be built .* model_params=\{'F1': -1\}"),
        ({"max_epochs": -1}, ValueError, "max_epochs == -1, must be >= 1"),
        ({"max_epochs": 1e9}, TypeError, "max_epochs must be an instance of int, not float"),
        ({"max_epochs": True}, TypeError, f"max_epochs {A_NUMBER} True"),
        ({"max_epochs": None}, TypeError, "max_epochs must be an instance of int"),
        ({"batch_size": 0}, ValueError, "batch_size == 0, must be >= 1"),
        ({"batch_size": "all"}, TypeError, "batch_size must be an instance of int, not str"),
        ({"lr": -1.0}, ValueError, "lr == -1.0, must be > 0"),
        ({"lr": np.nan}, ValueError, f"lr {A_NUMBER} nan"),
        ({"weight_decay": np.nan}, ValueError, f"weight_decay {A_NUMBER} nan"),
        ({"weight_decay": np.inf}, ValueError, "weight_decay == inf, must be < inf"),
        ({"label_smoothing": np.nan}, ValueError, f"label_smoothing {A_NUMBER} nan"),
        ({"validation_fraction": np.nan}, ValueError, f"validation_fraction {A_NUMBER} nan"),
        ({"validation_fraction": 5}, ValueError, "validation_fraction == 5, must be < 1"),
        ({"patience": 1.5, "validation_fraction": 0.5}, TypeError, "patience must be an instance of int"),
        ({"n_threads": 10**6}, ValueError, r"n_threads == 1000000, must be <= \d+"),
        ({"n_threads": "all"}, TypeError, "n_threads must be an instance of int"),
        ({"n_members": 0}, ValueError, "n_members == 0, must be >= 1"),
        ({"random_state": "a"}, ValueError, "random_state must be None, an integer .* got 'a'"),
        ({"random_state": -1}, ValueError, "random_state must be None, an integer from 0"),
        ({"random_state": np.random.default_rng()}, ValueError, "random_state .* numpy.random.RandomState, got Gen"),
        ({"device": "gpu"}, ValueError, "device must be 'auto', .* got 'gpu'"),
        ({"warm_start": "yes"}, TypeError, "warm_start must be True or False, got 'yes'"),
        ({"verbose": []}, TypeError, r"verbose must be None, a bool or a level of logging, got \[\]"),
        ({"class_weight": "fair"}, TypeError, "class_weight must be None, 'balanced' or a dict .* got 'fair'"),
        ({"class_weight": [1, 2]}, TypeError, "class_weight must be None"),
        ({"class_weight": {"left": np.nan, "right": 1}}, ValueError, "class_weight must be finite"),
        ({"callbacks": [3]}, TypeError, r"callbacks must be None or a list of skorch callbacks, .* got \[3\]"),
        ({"callbacks": [("a", "b")]}, TypeError, "callbacks must be None or a list"),
        ({"callbacks": print}, TypeError, "callbacks must be None or a list"),
        ({"augmentation": "timeshift"}, ValueError, "no augmentation 'timeshift'; there are .*time_shift"),
        ({"augmentation": [("time_shift", {"by": 1})]}, ValueError, "'time_shift' has the parameters .* got by"),
        ({"augmentation": lambda x, y: None}, TypeError, r"augmentation <lambda> must return \(x, y\), .* NoneType"),
        ({"augmentation": lambda x, y: (x.numpy(), y)}, TypeError, "must return .* a tensor"),
        ({"augmentation": lambda x, y: (x[:1], y)}, ValueError, "must keep the shape of the signals"),
        ({"side_inputs": "age"}, TypeError, r"list of names .* side_inputs=\['name'\]"),
        ({"symmetry": True}, ValueError, "symmetry must be None, 'left_right'"),
    ],
    ids=name_of,
)
# fmt: on
def test_parameters_of_the_classifier(problem, params, kind, message):
    with pytest.raises(kind, match=message):
        network(**params).fit(problem.epochs)


# fmt: off
@table(
    ("softmax", lambda p: network(model=Softmax).fit(p.X, p.y), Warns("Softmax returns values that sum to one, .* Leave the softmax out of forward")),
    ("huge-batch", lambda p: network(batch_size=10**9).fit(p.X, p.y).classes_, Gives(lambda p: ["left", "right"])),
    ("unknown", lambda p: network().set_params(epochs=3), Raises(ValueError, "Invalid parameter 'epochs'")),
    ("not-fitted", lambda p: network().predict(p.X), Raises(NotFittedError, "not fitted yet")),
    ("beats-not-fitted", lambda p: ecg.BeatClassifier(network()).predict(p.epochs), Raises(NotFittedError, "not fitted")),
    ("further-unfitted", lambda p: FineTunedClassifier(network()).fit(p.X, p.y), Raises(NotFittedError, "not fitted")),
    ("further-of-another", lambda p: FineTunedClassifier(LDA).fit(p.X, p.y), Raises(TypeError, "a fitted CNNClassifier")),
    ("further-lr", lambda p: FineTunedClassifier(p.fitted, lr=np.nan).fit(p.epochs), Raises(ValueError, "lr must be a number")),
    ("picks-number", lambda p: EpochsView(p.epochs, picks=0), Raises(TypeError, "names or types of channels, .* got 0")),
    ("picks-none", lambda p: EpochsView(p.epochs, picks=[]), Raises(ValueError, "each channel once, and at least one")),
    ("picks-twice", lambda p: EpochsView(p.epochs, picks=["C3", "C3"]), Raises(ValueError, "each channel once")),
    ("picks-unknown", lambda p: EpochsView(p.epochs, picks=["Oz"]), Raises(ValueError, r"\['Oz'\] are neither .*'C3'")),
    ("index-text", lambda p: EpochsView(p.epochs)["left"], Raises(IndexError, "a mask such as view.labels == 'left'")),
    ("index-beyond", lambda p: EpochsView(p.epochs)[99], Raises(IndexError, "99 is out of bounds .* size 16")),
    ("index-mask", lambda p: EpochsView(p.epochs)[np.ones(5, bool)], Raises(IndexError, "16 but .* 5")),
    ("index-channel", lambda p: EpochsView(p.epochs)[0, 1], Raises(IndexError, "by epoch only; pick channels with picks=")),
    ("index-decimal", lambda p: EpochsView(p.epochs)[0.5], Raises(IndexError, "only integers, slices")),
    # -- transformers ----------------------------------------------------------------------------------
    ("clip-NaN", lambda p: Clip(np.nan).fit(p.X), Raises(ValueError, f"n_deviations {A_NUMBER} nan")),
    ("clip-zero", lambda p: Clip(0).fit(p.X), Raises(ValueError, "n_deviations == 0, must be > 0")),
    ("factor-NaN", lambda p: ExponentialStandardize(np.nan).fit(p.X), Raises(ValueError, f"factor_new {A_NUMBER}")),
    ("prior-NaN", lambda p: EuclideanAlignment(n_prior=np.nan).fit(p.X), Raises(ValueError, f"n_prior {A_NUMBER}")),
    ("crop-text", lambda p: Crop("a", 1).fit(p.epochs), Raises(TypeError, "tmin must be an instance of float, not str")),
    ("crop-order", lambda p: Crop(0.3, 0.1).fit(p.epochs), Raises(ValueError, "must be in order, and within")),
    ("crop-rate", lambda p: Crop(0, 0.1, sfreq=-1.0).fit(p.X), Raises(ValueError, "sfreq must be above 0 Hz")),
    ("filter-order", lambda p: Filter(20, 5).fit(p.epochs), Raises(ValueError, "l_freq must be less than h_freq, got 20 and 5")),
    ("filter-negative", lambda p: Filter(-1, 5).fit(p.epochs), Raises(ValueError, "l_freq must be between 0 and 50 Hz")),
    ("filter-NaN", lambda p: Filter(np.nan, 5).fit(p.epochs), Raises(ValueError, f"l_freq {A_NUMBER} nan")),
    ("filter-text", lambda p: Filter("a", 5).fit(p.epochs), Raises(TypeError, "l_freq must be an instance of float")),
    ("resample-inf", lambda p: Resample(np.inf).fit(p.epochs), Raises(ValueError, "sfreq must be above 0 Hz, and finite")),
    ("resample-text", lambda p: Resample("a").fit(p.epochs), Raises(TypeError, "sfreq must be an instance of float")),
    ("pick-number", lambda p: Pick(3).fit(p.epochs), Raises(TypeError, "not their numbers, got 3")),
    ("reference", lambda p: Reference("Cz").fit(p.epochs), Raises(ValueError, "kind must be 'average' or 'csd', got 'Cz'")),
    ("features-number", lambda p: Features(3).fit(p.epochs), Raises(TypeError, "features must be a list .* got 3")),
    # -- explanations ----------------------------------------------------------------------------------
    ("patterns-of-another", lambda p: spatial_patterns(LDA.fit(TABLE, Y), p.epochs), Raises(TypeError, "fitted CNNClassifier.* channel_imp")),
    ("patterns-of-members", lambda p: spatial_patterns(network(n_members=2).fit(p.epochs), p.epochs), Raises(ValueError, "n_members=2 networks, .* Fit one with n_members=1")),
    ("steps-none", lambda p: saliency(p.fitted, p.epochs, n_steps=0), Raises(ValueError, "n_steps == 0, must be >= 1")),
    ("steps-boolean", lambda p: saliency(p.fitted, p.epochs, n_steps=True), Raises(TypeError, f"n_steps {A_NUMBER}")),
    ("bands-list", lambda p: band_importance(p.fitted, p.epochs, bands=[(1, 2)]), Raises(TypeError, "bands must be a dict")),
    ("bands-edge", lambda p: band_importance(p.fitted, p.epochs, bands={"a": 5}), Raises(TypeError, "names and their edges")),
    ("bands-order", lambda p: band_importance(p.fitted, p.epochs, bands={"a": (9, 5)}), Raises(ValueError, "'a', 9 to 5 Hz, holds no")),
    ("bands-rate", lambda p: band_importance(p.fitted, p.epochs, sfreq=-1), Raises(ValueError, "sfreq must be above 0")),
    ("importance-of-one", lambda p: channel_importance(p.fitted, p.epochs[:1]), Raises(ValueError, "exchanges samples, .* at least 2, got 1")),
    # -- names -----------------------------------------------------------------------------------------
    ("recipe", lambda p: recipe("heart"), Raises(ValueError, "no recipe for 'heart'; there is one for 'erp' and 'heartbeats'")),
    ("baselines-kind", lambda p: baselines("EEG"), Raises(ValueError, "baselines for 'eeg', 'ecg', got 'EEG'")),
    ("baselines-text", lambda p: baselines("eeg", names="dummy"), Raises(TypeError, "list of names among dummy")),
    ("baselines-task", lambda p: baselines("eeg", task="p300"), Raises(ValueError, "None or, for 'eeg', 'erp' or 'ssvep', got 'p300'")),
    ("baselines-task-of-ecg", lambda p: baselines("ecg", task="erp"), Raises(ValueError, "got 'erp' for 'ecg'")),
    ("baselines-ssvep", lambda p: baselines("eeg", task="ssvep"), Raises(ValueError, 'frequencies and task="ssvep" need each other')),
    ("baselines-hz", lambda p: baselines("eeg", frequencies={"a": 13.0}), Raises(ValueError, 'frequencies and task="ssvep" need each other')),
    ("baselines-name", lambda p: baselines("eeg", names=["svm"]), Raises(ValueError, "no baseline 'svm' .* there are dummy")),
    ("sample-part", lambda p: datasets.load_sample("both"), Raises(ValueError, '"train" or "test", got \'both\'')),
    ("subjects-none", lambda p: datasets.load_eegbci([]), Raises(ValueError, "integers from 1 to 109, got none")),
    ("subjects-text", lambda p: datasets.load_eegbci("S001"), Raises(ValueError, r"from 1 to 109, got \['S001'\]")),
    ("runs", lambda p: datasets.load_eegbci(1, runs=[1]), Raises(ValueError, r"left or right fist, .* got \[1\]")),
    ("no-such-folder", lambda p: datasets.load_eegbci(1, path="/nowhere"), Raises(FileNotFoundError, "S001R04.edf: path must be")),
)
# fmt: on
def test_parameters(problem, call, outcome):
    outcome.check(call, problem)


@pytest.fixture(scope="module")
def result():
    return evaluate(LDA, TABLE, Y, cv=2)


# fmt: off
@table(
    ("class", lambda r: evaluate(type(LDA), TABLE, Y), Raises(TypeError, "instance of a scikit-learn classifier")),
    ("transformer", lambda r: evaluate(StandardScaler(), TABLE, Y), Raises(TypeError, "instance of a scikit-learn classifier")),
    ("scorer-unknown", lambda r: evaluate(LDA, TABLE, Y, scoring="rocauc"), Raises(ValueError, "'rocauc' .*get_scorer_names")),
    ("scorer-function", lambda r: evaluate(LDA, TABLE, Y, scoring=len), Raises(TypeError, "a list of names .* result.predictions")),
    ("scorer-nothing", lambda r: evaluate(LDA, TABLE, Y, scoring=None), Raises(TypeError, "scoring must be a name")),
    ("scorer-known", lambda r: evaluate(LDA, TABLE, Y, scoring=["jaccard_macro", "f1_macro"]), Raises(ValueError, r"scoring names \['f1_macro'\], .* Leave")),
    ("scores-of-pairs", lambda r: evaluate(SVC(decision_function_shape="ovo"), TABLE, np.resize(["a", "b", "c"], 30)), Raises(ValueError, "gives one a pair of classes. Set .*='ovr'")),
    ("fitted-on-other-classes", lambda r: evaluate(FrozenEstimator(type(LDA)().fit(TABLE, np.resize(["a", "b", "c"], 30))), TABLE, Y), Raises(ValueError, r"predicts 'c', but y has only the classes \['a', 'b'\].* all of them")),
    ("resamples-none", lambda r: r.intervals(n_resamples=0), Raises(ValueError, "n_resamples == 0, must be >= 1")),
    ("resamples-decimal", lambda r: r.intervals(n_resamples=9.5), Raises(TypeError, "n_resamples must be an instance of int")),
    ("level-percent", lambda r: r.intervals(level=95), Raises(ValueError, "level == 95, must be < 1")),
    ("permutations-none", lambda r: r.permutation_test(n_permutations=0), Raises(ValueError, "n_permutations == 0")),
    ("no-groups", lambda r: r.group_scores(), Raises(ValueError, "no groups: pass groups= to evaluate")),
    ("no-history", lambda r: r.plot_training(), Raises(ValueError, "no training curves")),
    ("no-probabilities", lambda r: evaluate(RidgeClassifier(), TABLE, Y).plot_reliability(), Raises(ValueError, "needs probabilities")),
    ("report-pdf", lambda r: r.report("report.pdf"), Raises(ValueError, r"HTML page \(.html\) .* got 'report.pdf'")),
    ("report-folder", lambda r: r.report("/nowhere/report.html"), Raises(FileNotFoundError, "no folder /nowhere")),
    ("compare-list", lambda r: compare([r, r]), Raises(TypeError, "a dict of pipeline names .* got list")),
    ("compare-one", lambda r: compare({"a": r}), Raises(ValueError, "at least 2 pipelines, got")),
    ("compare-number", lambda r: compare({"a": r, "b": 3}), Raises(TypeError, "what evaluate returned, got 'b': 3")),
    ("compare-metric", lambda r: compare({"a": r, "b": r}, metric="acc"), Raises(ValueError, "metric must be one of .*'accuracy'")),
    ("compare-folds", lambda r: compare({"a": r, "b": evaluate(LDA, TABLE, Y, cv=3)}), Raises(ValueError, "same splits, .* Give evaluate")),
    ("summary-nothing", lambda r: summary_table({}), Raises(TypeError, "a dict of names to evaluations, and not empty")),
    ("sizes-none", lambda r: learning_curve(LDA, TABLE, Y, sizes=[]), Raises(ValueError, r"sizes must be from 1 to .* got \[\]")),
    ("sizes-zero", lambda r: learning_curve(LDA, TABLE, Y, sizes=0), Raises(ValueError, "sizes == 0, must be >= 1")),
    ("sizes-many", lambda r: learning_curve(LDA, TABLE, Y, sizes=[10**6]), Raises(ValueError, "sizes must be from 1 to 24")),
    ("calibration-sums", lambda r: calibration_error(Y, np.ones((30, 2)), ["a", "b"]), Raises(ValueError, "rows that sum to one")),
    ("calibration-NaN", lambda r: calibration_error(Y, np.full((30, 2), np.nan), ["a", "b"]), Raises(ValueError, "sum to one")),
    ("calibration-rows", lambda r: calibration_error(Y, np.ones((3, 2)) / 2, ["a", "b"]), Raises(ValueError, "each of 30 samples")),
    ("calibration-classes", lambda r: calibration_error(Y, np.ones((30, 2)) / 2, ["a", "c"]), Raises(ValueError, "y_true has 'b', which")),
    ("roc-rows", lambda r: viz.plot_roc(Y, np.ones((3, 2)), np.zeros(30), classes=["a", "b"]), Raises(ValueError, "a row a sample")),
    ("roc-one-class", lambda r: viz.plot_roc(Y[::2], np.ones((15, 2)), np.zeros(15), classes=["a", "b"]), Raises(ValueError, "test samples of two classes")),
    ("axes", lambda r: viz.plot_confusion_matrix(Y, Y, classes=["a", "b"], ax=3), Raises(TypeError, "axes of matplotlib .* got 3")),
    ("training-empty", lambda r: viz.plot_training(pd.DataFrame()), Raises(TypeError, "columns epoch and train_loss")),
    ("importance-number", lambda r: viz.plot_importance(3), Raises(TypeError, "columns mean and sd, .* got 3")),
)
# fmt: on
def test_evaluation_and_figures(result, call, outcome):
    outcome.check(call, result)


# fmt: off
@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"reject": {"eeg": 150}}, ValueError, "'eeg': 150} is above all .* 150 µV is 150e-6"),
        ({"reject": {"eeg": np.nan}}, ValueError, rf"reject\['eeg'\] {A_NUMBER} nan"),
        ({"reject": {"eeg": -1}}, ValueError, r"reject\['eeg'\] == -1, must be >= 0"),
        ({"reject": {"brain": 1e-4}}, ValueError, "by the type of channel, one of eeg"),
        ({"reject": 150e-6}, ValueError, 'reject must be None, "auto" or a dict'),
        ({"flat": {"eeg": 1}}, ValueError, "flat={'eeg': 1} is above"),
        ({"flat": "auto"}, ValueError, "flat must be None or a dict"),
        ({"reject": {"eeg": 1e-9}}, ValueError, "all of its 8 epochs were rejected"),
        ({"tmin": 1.0, "tmax": 0.0}, ValueError, "tmin must be below tmax"),
        ({"tmin": np.nan}, ValueError, f"tmin {A_NUMBER} nan"),
        ({"tmin": "a"}, TypeError, "tmin must be an instance of float"),
        ({"tmax": np.inf}, ValueError, "tmax == inf, must be < inf"),
        ({"tmin": -99, "tmax": 99}, ValueError, "none of its 8 events has .* shorter span"),
        ({"events": "T1"}, TypeError, "events must be None or a dict"),
        ({"events": {"a": "T9"}}, ValueError, r"No event T9. Events found: .* T1 \(4\)"),
        ({"l_freq": 40, "h_freq": 4}, ValueError, "l_freq must be less than h_freq"),
        ({"l_freq": "a"}, TypeError, "l_freq must be an instance of float, not str"),
        ({"h_freq": 500}, ValueError, "h_freq must be between 0 and 50 Hz"),
        ({"notch": []}, ValueError, "at least one frequency"),
        ({"notch": "50"}, TypeError, "notch must be an instance of float"),
        ({"sfreq": "a"}, TypeError, "sfreq must be an instance of float"),
        ({"sfreq": -5}, ValueError, "sfreq must be above 0 Hz"),
        ({"reference": 3}, TypeError, "reference must be names of channels, got 3"),
        ({"reference": ["Oz"]}, ValueError, r"\['Oz'\] are no channels of recording 0, which has C3"),
        ({"baseline": 3}, TypeError, r"baseline must be None or \(start, end\) in s, got 3"),
        ({"picks": 3}, TypeError, "picks must be names or types of channels"),
        ({"bads": 3}, TypeError, "bads must be names of channels, got 3"),
        ({"montage": 3}, TypeError, "montage must be a name or an mne.channels.DigMontage"),
        ({"ch_types": "eeg"}, TypeError, r'ch_types must be a dict such as dict\(EOG1="eog"\)'),
        ({"rename": {"Oz": "O1"}}, ValueError, "'Oz'.* not present .* C3, Cz, C4"),
        ({"group": "person"}, ValueError, 'group must be None, "file" or "subject"'),
        ({"windows": {"duration": 1e-9}, "classes": ["a"]}, ValueError, "hold no sample .* at 100 Hz"),
        ({"windows": {"duration": "a"}, "classes": ["a"]}, TypeError, "duration of windows must be"),
        ({"windows": {"duration": 1, "overlap": 2}, "classes": ["a"]}, ValueError, "0 <= overlap < duration"),
    ],
    ids=name_of,
)
# fmt: on
def test_parameters_of_make_epochs(options, kind, message):
    if "windows" in options:
        options = dict(tmin=None, tmax=None) | options
    with pytest.raises(kind, match=message):
        cut(**options)


ECG = recording("ecg", ["MLII", "V1"]).set_annotations(None)


# fmt: off
@table(
    ("rate-zero", lambda raw: ecg.make_rhythm_epochs(raw, sfreq=0), Raises(ValueError, "sfreq must be above 0 Hz")),
    ("edges", lambda raw: ecg.make_rhythm_epochs(raw, l_freq=40, h_freq=4), Raises(ValueError, "l_freq must be less than h")),
    ("duration-zero", lambda raw: ecg.make_rhythm_epochs(raw, duration=0), Raises(ValueError, "less than the duration, 0 s")),
    ("duration-text", lambda raw: ecg.make_rhythm_epochs(raw, duration="a"), Raises(TypeError, "duration must be")),
    ("duration-long", lambda raw: ecg.make_rhythm_epochs(raw, duration=999.0), Raises(ValueError, "lasts 10 s, .* shorter")),
    ("classes-list", lambda raw: ecg.make_rhythm_epochs(raw, classes=["N"]), Raises(TypeError, "classes must be a dict")),
    ("leads-text", lambda raw: ecg.make_beat_epochs(raw, leads="II"), Raises(ValueError, "leads must be a sequence of names")),
    ("window", lambda raw: ecg.make_beat_epochs(raw, tmin=0.1), Raises(ValueError, "must hold the R peak")),
    ("lead-unknown", lambda raw: ecg.find_r_peaks(raw, "II"), Raises(ValueError, r"one of \['MLII', 'V1'\], got 'II'")),
    ("no-record", lambda raw: ecg.read_raw_wfdb("/nowhere/100"), Raises(FileNotFoundError, "/nowhere/100.hea. Files of")),
    ("label-missing", lambda raw: ecg.make_rhythm_epochs([raw, raw], label=["a", np.nan]), Raises(ValueError, "label is missing .* 1 of 2 .* sample 1")),
    ("label-list", lambda raw: ecg.make_rhythm_epochs(raw, label=["a"]), Raises(TypeError, r"None or a text, got \['a'\]")),
    ("measures-short", lambda raw: ecg.measure_rhythm(np.zeros(50), [], 100.0), Raises(ValueError, "at least a second long, .* at 100 Hz")),
    ("measures-order", lambda raw: ecg.measure_rhythm(np.zeros(900), [500, 100, 200, 300, 400], 100.0), Raises(ValueError, "from 0 to 900, and rise")),
    ("measures-twice", lambda raw: ecg.measure_rhythm(np.zeros(900), [100, 100, 200, 300, 400], 100.0), Raises(ValueError, "and rise")),
    ("beats-NaN", lambda raw: ecg.write_beats("/tmp/a.pred", [0.5, np.nan], ["N", "N"], sfreq=100.0), Raises(ValueError, "times must rise from 0 s on")),
    ("beats-rate", lambda raw: ecg.write_beats("/tmp/a.pred", [0.5, 1.0], ["N", "N"], sfreq=np.nan), Raises(ValueError, "sfreq must be a number, got nan")),
    ("records-none", lambda raw: ecg.combine_windows([[1, 0]], None), Raises(ValueError, "the record of each window")),
)
# fmt: on
def test_parameters_for_hearts(call, outcome):
    outcome.check(call, ECG)


# fmt: off
@table(
    ("load-nowhere", lambda p: load_classifier("/nowhere.mcnn"), Raises(FileNotFoundError, "No such file .*/nowhere.mcnn")),
    ("load-module-by-name", lambda p: load_classifier("/nowhere.mcnn", module="EEGNet"), Raises(TypeError, "module must be the class of a network, got 'EEGNet'")),
    ("load-folder", lambda p: load_classifier("/tmp"), Raises(IsADirectoryError, "/tmp is a folder; give the file")),
    ("save-nowhere", lambda p: p.fitted.save("/nowhere/a.mcnn"), Raises(FileNotFoundError, "no folder /nowhere .* a.mcnn")),
    ("save-folder", lambda p: p.fitted.save("/tmp"), Raises(IsADirectoryError, "name a file in it")),
    ("save-unfitted", lambda p: network().save("a.mcnn"), Raises(NotFittedError, "not fitted yet")),
    ("save-bad-parameter", lambda p: copy.copy(p.fitted).set_params(lr=-1).save("a.mcnn"), Raises(ValueError, "lr == -1, must be > 0")),
    ("save-others", lambda p: save_classifier(SVC().fit(TABLE, Y), "a.mcnn"), Raises(TypeError, "can't be saved without pickle; these can")),
    ("save-search", lambda p: save_classifier(GridSearchCV(LDA, {"tol": [1e-4]}).fit(TABLE, Y), "a.mcnn"), Raises(TypeError, "Save its best_estimator_")),
    ("recording-nowhere", lambda p: cut("/nowhere.edf"), Raises(FileNotFoundError, "No such file: /nowhere.edf")),
    ("channels-of-three", lambda p: p.fitted.ch_names_, Gives(lambda p: list(NAMES))),
)
# fmt: on
def test_paths(problem, call, outcome):
    outcome.check(call, problem)
