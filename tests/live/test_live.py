"""A stream is classified as its recording is, and no decision rests on what is not one stretch of signal."""

import mne
import numpy as np
import pandas as pd
import pytest
from scipy.signal import hilbert
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from streamed import HOW, rhythm_raw

from mne_cnnclass import CNNClassifier, EpochsView, save_classifier
from mne_cnnclass.live import DecisionTable, LiveClassifier, filter_cost, live_epochs
from mne_cnnclass.preprocessing import EuclideanAlignment, ToElectrodes, make_epochs

BAND = dict(l_freq=5.0, h_freq=30.0)
WINDOWS = HOW | dict(step=0.25, trained_live=True)
AT_EVENTS = HOW | dict(trained_live=True)


def played(live, raw, rng, times=None, most=300):
    """Decisions on a recording that comes in chunks of random sizes."""
    session, decisions = live.open(raw.info), []
    data = raw.get_data()
    if live.step is None:
        for annotation in raw.annotations:
            session.mark({"T1": "rhythm", "T2": "noise"}[annotation["description"]], annotation["onset"])
    first = 0
    while first < data.shape[1]:
        part = slice(first, first + rng.integers(1, most))
        decisions += session.push(data[:, part], None if times is None else times[part])
        first = part.stop
    return decisions + session.finish()


# -- the same decisions ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", [WINDOWS, AT_EVENTS], ids=["windows", "events"])
def test_decisions_are_the_same_bits_whatever_the_chunks_are(how, pipeline, raw):
    live = LiveClassifier(pipeline, **how)
    decisions = list(live.replay(raw))
    assert sum(d.judged for d in decisions) > 15
    for seed, most in ((0, 30), (1, 3000)):
        assert played(live, raw, np.random.default_rng(seed), most=most) == decisions


def test_a_stream_gets_what_the_pipeline_says_of_all_its_epochs_at_once(pipeline, raw):
    view = EpochsView(live_epochs(raw, **HOW), groups="subject")
    decisions = [d for d in LiveClassifier(pipeline, **AT_EVENTS).replay(raw) if d.judged]
    proba = np.array([[d.proba[name] for name in pipeline.classes_] for d in decisions])
    np.testing.assert_allclose(proba, pipeline.predict_proba(view), rtol=1e-4)
    assert [d.event for d in decisions] == view.labels.tolist()
    assert np.mean([d.label == d.event for d in decisions]) > 0.85


def test_nothing_after_a_window_changes_its_decision(pipeline, raw):
    live, changed = LiveClassifier(pipeline, **WINDOWS), raw.copy()
    changed._data[:, 2000:] = np.random.default_rng(5).standard_normal(changed._data[:, 2000:].shape)
    before, after = list(live.replay(raw)), list(live.replay(changed))
    kept = [k for k, d in enumerate(before) if d.time < 20.0]
    assert len(kept) > 70
    assert [before[k] for k in kept] == [after[k] for k in kept]


def test_a_subject_of_the_training_is_aligned_as_then(pipeline):
    raw = rhythm_raw(1, subject="S001")
    view = EpochsView(live_epochs(raw, **HOW), groups="subject")
    decisions = list(LiveClassifier(pipeline, **AT_EVENTS, group="S001").replay(raw))
    proba = [[d.proba[name] for name in pipeline.classes_] for d in decisions]
    np.testing.assert_allclose(proba, pipeline.predict_proba(view), rtol=1e-4)
    with pytest.raises(ValueError, match="'S7' was not there .* S001, S002"):
        LiveClassifier(pipeline, **AT_EVENTS, group="S7").open(raw.info)


# -- signals as they were trained on ---------------------------------------------------------------


def tone(freq, sfreq=400.0, seconds=20):
    times = np.arange(int(seconds * sfreq)) / sfreq
    info = mne.create_info(["C3", "C4"], sfreq, "eeg")
    raw = mne.io.RawArray(1e-5 * np.sin(2 * np.pi * freq * times) * [[1], [1]], info, verbose="ERROR")
    return raw.set_annotations(mne.Annotations([10.0], 0.0, ["T1"]))


def cut(raw, **how):
    return live_epochs(raw, events=dict(a="T1"), tmin=0.0, tmax=2.0, **how)[0]


def test_the_filter_delays_the_middle_of_its_band_by_what_is_said(pipeline, raw):
    session = LiveClassifier(pipeline, **WINDOWS).open(raw.info)
    assert session.delay_at == pytest.approx(np.sqrt(5 * 30))
    burst = tone(session.delay_at, 100.0)
    burst._data *= np.exp(-((burst.times - 11) ** 2) / 0.1)
    before, after = (np.abs(hilbert(cut(burst, **how).get_data()[0, 0])) ** 2 for how in ({}, BAND))
    middle = [(np.arange(201) * its).sum() / its.sum() / 100 for its in (before, after)]
    assert session.delay == pytest.approx(middle[1] - middle[0], rel=0.05)


def test_what_would_be_folded_is_filtered_before_samples_are_left_out():
    epochs = cut(tone(35.0), sfreq=100.0)
    assert epochs.info["sfreq"] == 100.0
    assert np.ptp(epochs.get_data()) == pytest.approx(2e-5, rel=0.05)
    assert np.ptp(cut(tone(70.0), sfreq=100.0).get_data()) < 2e-5 / 500  # it would be at 30 Hz
    with pytest.raises(ValueError, match="no integer part.*Resample as a step"):
        cut(tone(10.0), sfreq=128.0)


def test_a_notch_takes_out_a_line_alone():
    assert cut(tone(50.0), notch=50.0).get_data().std() < 1e-7
    assert cut(tone(40.0), notch=50.0).get_data().std() == pytest.approx(1e-5 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize("reference", ["average", ["Fz", "C4"]])
def test_reference_baseline_and_picks_are_those_of_make_epochs(reference, raw):
    how = dict(events=dict(a="T1"), tmin=-0.2, tmax=0.5, reference=reference, baseline=(None, 0))
    how["picks"] = ["C3", "Cz"]
    live, offline = live_epochs(raw, **how)[0], make_epochs(raw, **how)[0]
    np.testing.assert_allclose(live.get_data(), offline.get_data(), atol=1e-12)
    assert (live.metadata["onset"] == offline.metadata["onset"]).all()


def test_filters_of_zero_phase_in_the_training_are_warned_of_and_their_cost_is_measured(pipeline, raw):
    live = LiveClassifier(pipeline, **HOW)
    with pytest.warns(RuntimeWarning, match=r"delays 12.2 Hz by \d+ ms.*filter_cost"):
        live.open(raw.info)
    cost = filter_cost(live, [raw]).iloc[0]
    decisions = list(LiveClassifier(pipeline, **AT_EVENTS).replay(raw))
    assert cost["n_events"] == 20
    assert cost["causal"] == np.mean([d.label == d.event for d in decisions])
    assert cost["zero_phase"] > 0.6


def test_another_pass_band_than_in_the_training_is_warned_of(pipeline, raw):
    with pytest.warns(RuntimeWarning, match="pass band 8 to 30 Hz, but the training samples had 5 to 30 Hz"):
        LiveClassifier(pipeline, **WINDOWS | dict(l_freq=8.0)).open(raw.info)


# -- what happens to streams -----------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "reason"), [(0.5, "0.5 s lost"), (-3.0, "jumped back by 3 s")])
def test_no_decision_is_on_a_window_across_lost_samples_or_a_jump_of_the_clock(shift, reason, pipeline, raw):
    live = LiveClassifier(pipeline, **WINDOWS)
    times = np.arange(raw.n_times) / 100 + np.where(np.arange(raw.n_times) >= 1510, shift, 0)
    decisions = played(live, raw, np.random.default_rng(0), times)
    assert played(live, raw, np.random.default_rng(1), times) == decisions
    told = [d.status for d in decisions]
    across = [k for k in range(len(told)) if 25 * k < 1510 < 25 * k + 100]  # window k is of these samples
    assert all(
        told[k] == f"not judged: {reason if shift < 0 else reason}" or reason in told[k] for k in across
    )
    assert len(across) == 4
    assert told[across[-1] + 1] == "not judged: the filter settles"
    later = decisions[across[-1] + 10 :]
    assert all(d.judged for d in later)
    assert later[-1].time == pytest.approx(raw.times[-1] + shift, abs=0.26)


def test_time_stamps_that_vary_are_no_lost_samples(pipeline, raw):
    live = LiveClassifier(pipeline, **WINDOWS)
    late = np.abs(np.random.default_rng(0).normal(0, 0.008, raw.n_times))
    drift = 1 + 1e-4  # of the clock
    decisions = played(live, raw, np.random.default_rng(0), drift * np.arange(raw.n_times) / 100 + late)
    exact = list(live.replay(raw))
    assert [d.proba for d in decisions] == [d.proba for d in exact]
    assert np.allclose([d.time for d in decisions], [drift * d.time for d in exact], atol=0.02)


def test_a_rate_that_time_stamps_contradict_is_an_error(pipeline, raw):
    with pytest.raises(RuntimeError, match="says that it has 100 Hz, but .* it has 90 Hz"):
        played(
            LiveClassifier(pipeline, **WINDOWS), raw, np.random.default_rng(0), np.arange(raw.n_times) / 90
        )


def test_flat_channels_nan_and_loud_windows_are_not_judged_and_named(pipeline, raw):
    raw = raw.copy()
    raw._data[2, 1000:1200] = raw._data[2, 1000]  # as a rail
    raw._data[1, 2003] = np.nan
    raw._data[3, 3000] = 4e-3
    decisions = list(LiveClassifier(pipeline, **WINDOWS, reject=dict(eeg=1e-3)).replay(raw))
    windows = {status: [d.start for d in decisions if status in d.status] for status in ("Cz", "NaN", "C4")}
    assert windows["Cz"][0] == pytest.approx(10.0)
    assert windows["Cz"][-1] == pytest.approx(11.75)  # the end of a second that is constant is in it
    assert windows["NaN"] == pytest.approx([19.25, 19.5, 19.75, 20.0])
    assert len(windows["C4"]) == 4
    assert all(start < 30.02 < start + 1.02 for start in windows["C4"])
    assert all(
        "C4" in d.status and "above 1e+03 µV" in d.status for d in decisions if d.start in windows["C4"]
    )
    quiet = [d for d in decisions if d.start > 31]
    assert quiet
    assert all(d.judged for d in quiet)


def test_events_without_signal_are_told_of(pipeline, raw):
    live = LiveClassifier(pipeline, **AT_EVENTS)
    raw = raw.copy().crop(0, 40.5)  # within the last epoch
    decisions = list(live.replay(raw))
    assert [d.status for d in decisions][-1] == "not judged: the stream ended"
    session = live.open(raw.info)
    session.push(raw.get_data())
    (late,) = session.mark("rhythm", 4.0)
    assert late.status == "not judged: its samples are no longer kept"


def test_a_cut_of_a_recording_is_a_gap(pipeline, raw):
    raw = raw.copy().set_annotations(raw.annotations + mne.Annotations([15.1], 0.0, ["boundary"]))
    decisions = list(LiveClassifier(pipeline, **WINDOWS).replay(raw))
    across = [d for d in decisions if d.start < 15.095 < d.time]
    assert {d.status for d in across} == {"not judged: the recording was cut"}


# -- errors before the start -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda raw: raw.copy().rename_channels({"C3": "EEG1"}), r"\['C3'\] missing: the stream has"),
        (lambda raw: raw.copy().rename_channels({"C3": "c3."}), 'spelt differently.*rename="standard"'),
        (lambda raw: raw.copy().resample(200), "at 200 Hz, but .* fitted at 100 Hz. Give sfreq=100"),
        (lambda raw: raw.copy().resample(128), "at 128 Hz, but .* Set the rate of the device"),
    ],
)
def test_a_stream_that_does_not_fit_is_refused(change, error, pipeline, raw):
    with pytest.raises(ValueError, match=error):
        LiveClassifier(pipeline, **WINDOWS).open(change(raw).info)


def test_channels_are_found_by_name_in_any_order_unit_and_at_a_multiple_of_the_rate(pipeline):
    fast = rhythm_raw(9, sfreq=200.0)
    expected = [d.label for d in LiveClassifier(pipeline, **WINDOWS, sfreq=100.0).replay(fast)]
    other = fast.copy().add_channels(
        [mne.io.RawArray(fast.get_data(["C3"]), mne.create_info(["x"], 200, "eeg"))]
    )
    other = other.reorder_channels(["C4", "x", "Fz", "Cz", "C3"]).rename_channels({"C3": "EEG C3-REF"})
    live = LiveClassifier(pipeline, **WINDOWS, sfreq=100.0, rename="standard")
    session = live.open(other.info, scale=1e-6)
    assert [d.label for d in session.push(1e6 * other.get_data())] == expected


def test_a_model_for_any_cap_takes_a_stream_of_another_cap_and_rate():
    first = ToElectrodes(["C4", "Cz", "C3"], required=["C3"], sfreq=80.0, duration=1.0)
    network = CNNClassifier("EEGNet", max_epochs=1, random_state=0)
    clf = make_pipeline(first, EuclideanAlignment(online=True), network)
    clf.fit(
        EpochsView(live_epochs([rhythm_raw(s, subject=f"S{s}") for s in (1, 2)], **HOW), groups="subject")
    )
    other = rhythm_raw(9, sfreq=200.0).rename_channels({"C3": "EEG C3-REF"})
    live = LiveClassifier(clf, **AT_EVENTS | dict(tmax=None))
    decisions = list(live.replay(other))
    view = EpochsView(live_epochs(other, **HOW | dict(tmax=0.995)))
    proba = [[d.proba[name] for name in clf.classes_] for d in decisions]
    np.testing.assert_allclose(proba, clf.predict_proba(view), rtol=1e-4)
    with pytest.raises(ValueError, match="X is missing C3"):
        live.open(other.rename_channels({"EEG C3-REF": "x"}).info)


def test_a_step_that_looks_ahead_is_refused_with_its_causal_variant(pipeline, raw):
    ahead = clone(pipeline)
    ahead.steps = [(n, s) for n, s in pipeline.steps]
    ahead.set_params(euclideanalignment__online=False)
    try:
        with pytest.raises(
            ValueError, match=r"'euclideanalignment' .*set_params\(euclideanalignment__online=True\)"
        ):
            LiveClassifier(ahead, **WINDOWS).open(raw.info)
    finally:
        ahead.set_params(euclideanalignment__online=True)
    LiveClassifier(ahead, **WINDOWS).open(raw.info)


def test_a_step_that_mixes_samples_is_refused_by_name(raw):
    epochs = live_epochs(raw, **HOW)
    centre = FunctionTransformer(lambda X: np.asarray(X) - np.asarray(X).mean(axis=0))
    clf = make_pipeline(centre, CNNClassifier("EEGNet", max_epochs=1, random_state=0))
    clf.fit(EpochsView(epochs), EpochsView(epochs).labels)
    with pytest.raises(ValueError, match="'functiontransformer' .* beside others"):
        LiveClassifier(clf, **WINDOWS).open(raw.info)


def test_parameters_that_do_not_fit_together_are_refused(pipeline, raw):
    with pytest.raises(ValueError, match="step=, .* or events="):
        LiveClassifier(pipeline)
    with pytest.raises(ValueError, match="201 samples at 100 Hz, .* fitted on 100"):
        LiveClassifier(pipeline, **WINDOWS | dict(tmax=2.0)).open(raw.info)
    with pytest.raises(ValueError, match='"auto" looks at a whole recording'):
        LiveClassifier(pipeline, **WINDOWS, reject="auto")
    session = LiveClassifier(pipeline, **WINDOWS).open(raw.info)
    with pytest.raises(ValueError, match=r"shape \(4, n_times\)"):
        session.push(np.zeros((3, 10)))


# -- files -----------------------------------------------------------------------------------------


def test_a_saved_classifier_knows_how_its_epochs_were_made(pipeline, raw, tmp_path):
    save_classifier(pipeline, tmp_path / "a.mcnn", epochs_settings=AT_EVENTS)
    assert list(LiveClassifier.load(tmp_path / "a.mcnn").replay(raw)) == list(
        LiveClassifier(pipeline, **AT_EVENTS).replay(raw)
    )
    save_classifier(pipeline, tmp_path / "b.mcnn", epochs_settings=HOW | dict(artifacts="ica"))
    with pytest.raises(ValueError, match="artifacts='ica', which looks at a whole recording"):
        LiveClassifier.load(tmp_path / "b.mcnn")


def test_rows_are_in_the_file_as_soon_as_decisions_are_there(pipeline, raw, tmp_path):
    live, path = LiveClassifier(pipeline, **WINDOWS), tmp_path / "decisions.csv"
    decisions = []
    with DecisionTable(path, live.classes_) as table:
        for decision in live.replay(raw, callbacks=[table]):
            decisions.append(decision)
            read = pd.read_csv(path, float_precision="round_trip")
            assert (read["time"] == [d.time for d in decisions]).all()
            if len(decisions) == 12:
                break
    assert read["proba_noise"].iloc[-1] == decision.proba["noise"]
    assert read["status"].iloc[0] == "not judged: the filter settles"


def test_alignment_goes_on_where_it_was_to_the_bit():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3, 200)) * rng.lognormal(0, 1, (1, 3, 1))
    fitted = EuclideanAlignment(online=True).fit(X, groups=np.repeat(["a", "b"], 20))
    together = fitted.transform(X[:7], groups=["new"] * 7)
    state, one_by_one = None, []
    for x in X[:7]:
        aligned, state = fitted.follow(x[np.newaxis], state)
        one_by_one.append(aligned[0])
    assert (np.array(one_by_one) == together).all()
