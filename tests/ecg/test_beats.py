"""Beats become epochs where they are, and what is said of them is true."""

import pickle
import warnings

import mne
import numpy as np
import pytest
import wfdb
from hearts import SFREQ, made_up
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import StratifiedKFold
from skorch.callbacks import Callback

from mne_cnnclass import CNNClassifier, EpochsView, ecg, evaluate, recipe
from mne_cnnclass.estimators.beat_copies import gather
from mne_cnnclass.estimators.beats import average_alike, beat_shapes, patient_weights


@pytest.fixture(scope="module")
def raw():
    onset = 1.0 + 0.8 * np.arange(60)
    onset[[20, 40]] -= 0.25  # two beats come early
    symbols = np.full(60, "N", object)
    symbols[20], symbols[40], symbols[50] = "A", "V", "F"
    return made_up(onset, symbols.astype(str))


@pytest.fixture(scope="module")
def epochs(raw):
    return ecg.make_beat_epochs(raw)


def test_every_beat_has_its_epoch_with_the_peak_at_zero(raw, epochs):
    assert len(epochs) == 60
    assert epochs.ch_names == ["MLII", "MLII - typical", "V1", "V1 - typical"]
    assert set(epochs.get_channel_types()) == {"ecg"}
    peak = epochs.get_data(picks="MLII")[:, 0].argmax(axis=1)
    assert (np.abs(epochs.times[peak]) <= 1 / 128).all()
    np.testing.assert_allclose(epochs.metadata["onset"], raw.annotations.onset, atol=1e-9)


def test_classes_are_those_of_aami_or_those_given(raw, epochs):
    assert EpochsView(epochs).labels[[0, 20, 40, 50]].tolist() == ["N", "S", "V", "F"]
    early = ecg.make_beat_epochs(raw, classes={"early": ["A", "V"], "normal": ["N"]})
    assert EpochsView(early).labels[[20, 40]].tolist() == ["early", "early"]
    assert len(early) == 59  # the F beat is of no class, but remains a neighbour
    np.testing.assert_allclose(early.metadata["rr_next"].iloc[49], 0.8)


def test_intervals_are_measured(epochs):
    table = epochs.metadata
    assert np.isnan(table["rr_previous"].iloc[0])
    np.testing.assert_allclose(table["rr_previous"].iloc[[1, 20, 21]], [0.8, 0.55, 1.05])
    np.testing.assert_allclose(table["heart_rate"], 75, rtol=1e-6)
    np.testing.assert_allclose(
        table.loc[20, ["rr_ratio", "rr_next_ratio"]].astype(float),
        np.log([0.55 / 0.8, 1.05 / 0.8]),
        rtol=1e-6,
    )
    assert table["rr_surprise+0"].idxmin() in (20, 40)


def test_the_wide_beat_differs_from_the_typical_one(epochs):
    table = epochs.metadata
    assert table["qrs_difference"].idxmax() == table["qrs_width_ratio"].idxmax() == 40
    assert table["qrs_correlation"].idxmin() == 40
    typical = epochs.get_data(picks=["MLII - typical", "V1 - typical"])
    assert np.ptp(typical[40]) > 5 * np.ptp(typical[10])


def test_a_typical_beat_is_one_millivolt_high_whatever_the_gain(raw, epochs):
    louder = ecg.make_beat_epochs(raw.copy().apply_function(lambda x: 7 * x, picks="all"))
    np.testing.assert_allclose(louder.get_data(), epochs.get_data(), atol=1e-9)
    np.testing.assert_array_equal(
        louder.metadata[ecg.INTERVAL_COLUMNS], epochs.metadata[ecg.INTERVAL_COLUMNS]
    )


def test_leads_are_taken_by_name_in_any_order(raw, epochs):
    swapped = ecg.make_beat_epochs(raw.copy().reorder_channels(["V1", "MLII"]))
    np.testing.assert_array_equal(swapped.get_data(), epochs.get_data())
    other = raw.copy().rename_channels({"V1": "V5"})
    stood_in = ecg.make_beat_epochs(other)
    assert stood_in.ch_names == epochs.ch_names
    assert stood_in.metadata["leads"].unique().tolist() == ["MLII, V5"]
    with pytest.raises(ValueError, match=r"no lead V1 that is good .* \['MLII', 'V5'\].*leads="):
        ecg.make_beat_epochs(other, leads=["MLII", "V1"])
    assert ecg.make_beat_epochs(other, leads=None).ch_names[::2] == ["MLII", "V5"]
    raw = raw.copy()
    raw.info["bads"] = ["MLII"]
    assert ecg.make_beat_epochs(raw, leads=None).ch_names[::2] == ["V1"]
    with pytest.raises(ValueError, match=r"no lead MLII or II .*bad ones \['MLII'\]"):
        ecg.make_beat_epochs(raw, leads=["MLII|II"])


@pytest.mark.parametrize(
    ("names", "used", "masked"),
    [(["II"], "II", 1), (["V5"], "V5", 0), (["channel 7"], "channel 7", 1), (["aVR", "V6"], "aVR, V6", None)],
)
def test_a_recording_may_lack_a_lead_which_is_zero_then(raw, names, used, masked):
    some = raw.copy().pick(["MLII", "V1"][: len(names)])
    some.rename_channels(dict(zip(some.ch_names, names, strict=True)))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        epochs = ecg.make_beat_epochs(some)
    assert epochs.ch_names == ["MLII", "MLII - typical", "V1", "V1 - typical"]
    assert epochs.metadata["leads"].unique().tolist() == [used]
    is_zero = [not epochs.get_data(picks=name).any() for name in ("MLII", "V1")]
    assert is_zero == [masked == 0, masked == 1]
    assert len(said) == (masked is not None)
    assert all("it has no lead for" in str(w.message) for w in said)


@pytest.mark.parametrize("kind", ["ECG ", "EKG_", "ECG Lead "])
def test_a_lead_is_known_by_its_name_behind_its_kind_whatever_the_order(raw, epochs, kind):
    renamed = raw.copy().reorder_channels(["V1", "MLII"])  # as in files of EDF+
    renamed.rename_channels({"MLII": f"{kind}ii", "V1": f"{kind}V1"})
    same = ecg.make_beat_epochs(renamed)
    assert same.metadata["leads"].unique().tolist() == [f"{kind}ii, {kind}V1"]
    np.testing.assert_array_equal(same.get_data(), epochs.get_data())


def test_the_first_of_several_leads_that_nobody_knows_is_told_of(raw):
    unknown = raw.copy().rename_channels({"MLII": "CH1", "V1": "CH2"})
    with pytest.warns(
        RuntimeWarning, match=r"CH1 is taken, as no lead has a name that is known \(others: CH2\)"
    ):
        ecg.make_beat_epochs(unknown)


def test_a_lead_that_is_given_as_none_is_masked(raw, epochs):
    second = ecg.make_beat_epochs(raw, leads={"MLII": None, "V1": "V1"})
    assert not second.get_data(picks=["MLII", "MLII - typical"]).any()
    np.testing.assert_array_equal(second.get_data(picks="V1"), epochs.get_data(picks="V1"))
    with pytest.raises(ValueError, match="must name one at least"):
        ecg.make_beat_epochs(raw, leads={"MLII": None})


def test_leads_of_any_name_and_type_can_be_chosen(raw, epochs):
    other = raw.copy().rename_channels({"MLII": "Direct_1", "V1": "chest"})
    other.set_channel_types({"Direct_1": "misc", "chest": "resp"}, verbose="ERROR")
    chosen = ecg.make_beat_epochs(other, leads={"MLII": "Direct_1", "V1": "V2|chest"})
    assert chosen.ch_names == epochs.ch_names
    np.testing.assert_array_equal(chosen.get_data(), epochs.get_data())
    assert ecg.make_beat_epochs(other, leads=["chest"]).ch_names[0] == "chest"
    assert ecg.make_rhythm_epochs(other, leads={"II": "direct_1"}).get_channel_types() == ["ecg"]
    with pytest.raises(ValueError, match=r"no lead MLII or II .* and others Direct_1, chest\..*leads="):
        ecg.make_beat_epochs(other)


def test_beats_at_the_ends_and_in_bad_spans_are_left_out_but_remain_neighbours():
    raw = made_up(np.r_[0.1, 0.9, 1.7, 2.5, 3.3], ["N"] * 5, duration=3.5)
    raw.annotations.append(1.6, 0.2, "bad_movement")
    with pytest.warns(RuntimeWarning, match="1 of 5 beats lie in spans annotated as bad"):
        epochs = ecg.make_beat_epochs(raw)
    np.testing.assert_allclose(epochs.metadata["onset"], [0.9, 2.5])
    np.testing.assert_allclose(epochs.metadata["rr_previous"], 0.8)
    assert [why for why in epochs.drop_log if why] == [("TOO_SHORT",), ("bad_movement",), ("TOO_SHORT",)]
    assert (epochs.info["highpass"], epochs.info["lowpass"]) == (0.5, 45.0)


def test_what_has_no_beats_is_refused(raw):
    with pytest.raises(ValueError, match='has 0 beats.*peaks="detected"'):
        ecg.make_beat_epochs(raw.copy().set_annotations(None))
    with pytest.raises(ValueError, match="at least one is needed"):
        ecg.make_beat_epochs([])
    with pytest.raises(ValueError, match=r"gives 'A' to 'S' and to 'early'"):
        ecg.make_beat_epochs(raw, classes={"S": "AJ", "early": "A"})
    with pytest.raises(ValueError, match="must hold the R peak"):
        ecg.make_beat_epochs(raw, tmin=0.1)


@pytest.mark.parametrize("given", [np.zeros(9), np.zeros((2, 9)), [None], {"a": "b"}, [3]], ids=str)
@pytest.mark.parametrize("make", [ecg.make_beat_epochs, ecg.make_rhythm_epochs])
def test_what_is_no_recording_is_told_how_it_becomes_one(make, given):
    with pytest.raises(TypeError, match=r"list of these, got a .* becomes a Raw by mne\.io\.RawArray"):
        make(given)


def test_recordings_come_from_a_generator_too(raw, epochs):
    assert len(ecg.make_beat_epochs(iter([raw]))[0]) == len(epochs)


def test_advice_about_bad_leads_is_possible(raw):
    raw = raw.copy().pick(["MLII"])
    raw.info["bads"] = ["MLII"]
    with pytest.raises(ValueError, match=r'\("MLII\|V5"\)'):
        ecg.make_beat_epochs(raw)
    with pytest.raises(ValueError, match="or give lead="):
        ecg.find_r_peaks(raw)
    assert len(ecg.find_r_peaks(raw, "MLII"))


def test_recordings_without_a_name_are_told_apart(raw):
    view = EpochsView(ecg.make_beat_epochs([raw, raw.copy()]), groups="patient")
    assert len(np.unique(view.groups)) == 2


def test_epochs_of_other_rates_are_named(raw):
    other = ecg.make_beat_epochs(raw.copy(), sfreq=100)
    with pytest.raises(
        ValueError, match=r"They have 128 Hz: recording \w+; 100 Hz: recording \w+. .*raw.resample\(100\)"
    ):
        EpochsView([ecg.make_beat_epochs(raw), other])


@pytest.mark.parametrize("causal", [False, True])
def test_recordings_of_a_lower_rate_give_the_same_epochs(causal):
    onset = 1.0 + 0.8 * np.arange(200)
    slow, same = (
        ecg.make_beat_epochs(made_up(onset, ["N"] * 200, sfreq=sfreq, noise=0.001), causal=causal)
        for sfreq in (125.0, 128.0)
    )
    assert slow.info["sfreq"] == 128
    for k in (5, -5):  # so there is no drift
        x, y = (epochs.get_data(picks="MLII")[k, 0] for epochs in (slow, same))
        assert np.corrcoef(x, y)[0, 1] > 0.99


def test_patients_on_both_sides_are_warned_about_though_no_groups_are_given(raw):
    slow = made_up(1.0 + 1.2 * np.arange(30), ["N", "V"] * 15)
    apart = EpochsView(ecg.make_beat_epochs([slow, made_up(1.1 + 1.2 * np.arange(30), ["N", "V"] * 15)]))
    with pytest.warns(UserWarning, match="Give groups='patient'"):
        evaluate(DummyClassifier(), apart, cv=3)
    evaluate(DummyClassifier(), apart, groups="patient", cv=2)
    evaluate(DummyClassifier(), apart, cv=StratifiedKFold(3))  # who gives splits may mean them
    evaluate(DummyClassifier(), ecg.make_beat_epochs(slow), cv=2)  # of one patient
    shuffled = StratifiedKFold(2, shuffle=True, random_state=0)
    noise = 1e-6 * np.random.default_rng(1).normal(size=raw.n_times)
    noisy = raw.copy().apply_function(lambda x: x + noise, picks="ecg")
    close = EpochsView(ecg.make_beat_epochs([raw, noisy], classes=dict(N="N", X="AVF"), tmax=0.7))
    with pytest.warns(UserWarning, match="overlap in time.*groups='patient'"):
        evaluate(DummyClassifier(), close, cv=shuffled)


def test_a_cropped_recording_has_the_same_beats(raw, epochs):
    cropped = ecg.make_beat_epochs(raw.copy().crop(tmin=9.0, tmax=30.0))
    times = cropped.metadata["onset"] + 9.0
    np.testing.assert_allclose(times, [t for t in epochs.metadata["onset"] if 9.25 <= t <= 29.5], atol=1e-6)
    again = raw.copy().crop(tmin=9.0, tmax=30.0)
    again.set_annotations(mne.Annotations(cropped.metadata["onset"], 0.0, cropped.metadata["symbol"]))
    np.testing.assert_allclose(ecg.make_beat_epochs(again).metadata["onset"], cropped.metadata["onset"])


def test_detected_beats_are_those_annotated(raw, epochs):
    detected = ecg.make_beat_epochs(raw, peaks="detected")
    assert len(detected) == 60
    known = np.abs(detected.metadata["onset"].to_numpy()[:, None] - raw.annotations.onset).min(axis=1)
    assert np.median(known) < 0.01
    unknown = ecg.make_beat_epochs(raw.copy().set_annotations(None), peaks="detected")
    assert set(EpochsView(unknown).labels) == {"unknown"}
    np.testing.assert_allclose(unknown.metadata["onset"], detected.metadata["onset"])


def test_records_without_annotations_are_cut_at_detected_peaks(raw, tmp_path):
    signals = dict(units=["mV", "mV"], sig_name=raw.ch_names, p_signal=1e3 * raw.get_data().T)
    wfdb.wrsamp("new", fs=SFREQ, fmt=["16", "16"], write_dir=str(tmp_path), **signals)
    assert len(ecg.make_beat_epochs(tmp_path / "new", peaks="detected")) == 60
    assert set(ecg.make_rhythm_epochs(tmp_path / "new").event_id) == {"unknown"}
    with pytest.raises(FileNotFoundError, match="No annotations"):
        ecg.make_beat_epochs(tmp_path / "new")


def test_causal_epochs_do_not_know_the_future(raw):
    onset, symbols = raw.annotations.onset, raw.annotations.description
    other = made_up(np.r_[onset[:30], onset[30:] * 1.3], symbols, noise=0.0)
    same = made_up(onset, symbols, noise=0.0)
    one, two = (ecg.make_beat_epochs(r, causal=True) for r in (same, other))
    assert not any("next" in column or "+1" in column for column in one.metadata)
    assert one.metadata["onset"].iloc[0] == onset[1]  # nothing is known of the interval before the first beat
    columns = [c for c in ecg.BEAT_COLUMNS if c in one.metadata]
    np.testing.assert_array_equal(one.metadata[columns][:28], two.metadata[columns][:28])
    np.testing.assert_array_equal(one.get_data()[:28], two.get_data()[:28])
    with pytest.raises(ValueError, match="causal=True needs annotated peaks"):
        ecg.make_beat_epochs(raw, causal=True, peaks="detected")


@pytest.mark.parametrize("sfreq", [100.0, 360.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_r_peaks_are_found_where_they_are_in_any_rhythm(sfreq, sign):
    onset = 1 + np.cumsum(ecg.simulate_fibrillation(60, np.random.default_rng(0)))
    raw = made_up(onset, ["N"] * 60, names=["II"], sfreq=sfreq)
    raw.apply_function(lambda x: sign * x, picks="all")
    found = ecg.find_r_peaks(raw) / sfreq
    assert len(found) == 60
    assert np.abs(found - onset).max() < 0.03


def test_no_r_peaks_in_silence_and_no_lead_that_is_not_there(raw):
    silent = mne.io.RawArray(np.zeros((1, 2000)), mne.create_info(["II"], 250.0, "ecg"), verbose="ERROR")
    assert not len(ecg.find_r_peaks(silent))
    with pytest.raises(ValueError, match="one of .*MLII.*got 'V9'"):
        ecg.find_r_peaks(raw, "V9")
    with pytest.raises(ValueError, match="No channel of type ecg"):
        ecg.find_r_peaks(raw.copy().set_channel_types({"MLII": "eeg", "V1": "eeg"}, verbose="ERROR"))


def test_irregular_rhythms_take_the_surprise_out_of_short_intervals():
    rng = np.random.default_rng(0)
    regular = np.full(400, 0.8)
    regular[200] = 0.55
    fibrillating = ecg.simulate_fibrillation(400, rng)
    short = np.argmin(np.abs(fibrillating / np.median(fibrillating) - 0.55 / 0.8))
    surprise = [
        ecg.interval_features(rr)["rr_surprise+0"].iloc[k]
        for rr, k in ((regular, 200), (fibrillating, short))
    ]
    assert surprise[0] < -1.9 < -1.2 < surprise[1]


def test_rearranged_beats_keep_their_interval_and_are_premature_at_any_share():
    rr, symbol = np.full(2000, 0.8), np.full(2000, "N")
    symbol[10::40] = "S"
    symbol[500:530], symbol[1500] = "S", "V"
    rr[symbol == "S"] = 0.5
    shares = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        beats, intervals = ecg.rearrange_premature(rr, symbol == "S", symbol == "N", rng, 600)
        is_early = symbol[beats] == "S"
        shares.append(is_early.mean())
        assert intervals[is_early].max() < 0.7
        assert intervals[~is_early].min() >= 0.8
    assert min(shares) < 0.2 < 0.6 < max(shares)
    rr[symbol == "S"] = 0.78  # of another focus, but not early
    beats, _ = ecg.rearrange_premature(rr, symbol == "S", symbol == "N", np.random.default_rng(0))
    assert not len(beats)


def test_fibrillating_beats_have_their_qrs_complex_and_no_p_wave():
    times = np.arange(-32, 58) / 128
    bumps = [(-0.16, 0.02, 1.5e-4), (0, 0.012, 1e-3)]
    beat = sum(height * np.exp(-(((times - at) / width) ** 2)) for at, width, height in bumps)
    beats = np.tile(beat, (200, 2, 1))
    for seed in range(5):
        average = np.mean(ecg.fibrillate(beats, times[0], 128.0, np.random.default_rng(seed)), axis=0)
        before = (times > -0.22) & (times < -0.08)
        assert np.abs(average[:, before]).max() < 3e-5
        assert np.abs(average - beat)[:, np.abs(times) < 0.04].max() < 3e-5


def test_premature_beats_stay_premature_however_many_they_are():
    """After 30 intervals of 0.8 s, 60 of 0.45 s: no majority is 0.8 s, and each is short beside that."""
    rr = np.r_[np.full(30, 0.8), np.full(60, 0.45), 1.0, np.full(20, 0.8)]
    features = ecg.interval_features(rr)
    assert (features["rr_run_ratio"][30:90] < np.log(0.45 / 0.8) + 0.15).all()
    assert (features["rr_next_run_ratio"][35:85] < -0.4).all()  # and backwards
    assert features["rr_run_length"].iloc[[29, 30, 89, 90]].round(2).tolist() == [0, 0.69, 4.11, 0]
    assert features["rr_ratio"].abs()[50:70].max() < 1e-9  # what the median around says
    slower = np.exp(np.linspace(np.log(0.9), np.log(0.65), 200))  # exercise is no run
    assert not ecg.interval_features(slower)["rr_run_length"].any()


def test_intervals_of_live_use_do_not_know_the_future():
    rr = np.r_[np.full(4, 0.8), np.full(40, 0.5)]
    first, whole = (ecg.interval_features(part, causal=True) for part in (rr[:4], rr))
    np.testing.assert_array_equal(first, whole[:4])


def test_intervals_recur_in_trigeminy_and_not_in_fibrillation():
    trigeminy = np.tile([0.8, 0.5, 1.1], 40)
    fibrillating = ecg.simulate_fibrillation(120, np.random.default_rng(0))
    alike, chaos = (
        ecg.interval_features(rr)[["rr_alike", "rr_next_alike"]] for rr in (trigeminy, fibrillating)
    )
    assert alike[20:-20].to_numpy().min() > 0.3
    assert chaos.median().max() < 0.25


def test_interval_features_refuse_what_is_no_interval():
    with pytest.raises(ValueError, match="positive intervals"):
        ecg.interval_features([0.8, 0.0])


def test_a_patient_counts_by_the_root_of_its_beats_of_a_class():
    y, groups = np.array(["N"] * 4 + ["V"] + ["N"]), np.array(["a"] * 5 + ["b"])
    weight = patient_weights(y, groups)
    np.testing.assert_allclose(weight / weight[-1], [0.5] * 4 + [1, 1])


def test_beats_that_look_and_time_alike_share_their_probability(epochs):
    view = EpochsView(epochs)
    proba = np.tile([0.8, 0.2], (60, 1))
    proba[10] = [0.1, 0.9]  # a mistake about one of many alike
    proba[40] = [0.1, 0.9]  # a beat that no other looks like
    average = average_alike(proba, beat_shapes(view), view.metadata, 0.7)
    assert average[10, 1] < 0.6
    assert average[40, 1] > 0.85
    np.testing.assert_allclose(average.sum(axis=1), 1)


@pytest.fixture(scope="module")
def patients():
    """Beats of five people in sinus rhythm, with early beats, wide ones too, and of one who fibrillates."""
    epochs = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        symbols = rng.choice(["N", "A", "V"], 120, p=[0.7, 0.15, 0.15])
        rr = (0.7 + 0.05 * seed) * (1 + 0.01 * rng.standard_normal(120))
        rr[symbols != "N"] *= 0.65
        if seed == 5:
            symbols, rr = np.full(120, "N"), ecg.simulate_fibrillation(120, rng)
        raw = made_up(1 + np.cumsum(rr), symbols)
        raw.info["subject_info"] = {"his_id": f"p{seed}"}
        epochs.append(ecg.make_beat_epochs(raw))
    return EpochsView(epochs, groups="patient")


def quick(**params):
    pipeline = recipe("heartbeats", random_state=0, n_threads=1)
    few = dict(n_members=1, n_fibrillation=1, n_premature=1, estimator__batch_size=64)
    pipeline[-1].set_params(**few | params)
    return pipeline


@pytest.fixture(scope="module")
def trained(patients):
    return quick().fit(patients[np.isin(patients.groups, ["p0", "p1", "p2", "p3"])])


def test_the_recipe_learns_beats_of_new_patients(patients, trained):
    new = patients[patients.groups == "p4"]
    assert trained.score(new, new.labels) > 0.9
    proba = trained.predict_proba(new)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(trained)).predict_proba(new), proba)
    with pytest.raises(TypeError, match=r"Epochs of ecg.make_beat_epochs"):
        trained.predict(np.zeros((3, 4, 91)))
    with pytest.raises(ValueError, match="lack the metadata"):
        trained.predict(_without_metadata(new))
    older = new[:]
    older.metadata = new.metadata.drop(columns="rr_run_ratio")  # of a version that did not write it
    with pytest.raises(ValueError, match="lack the metadata rr_run_ratio, which"):
        quick().fit(older)


@pytest.mark.parametrize("lead", ["MLII", "V1"])
def test_a_network_of_two_leads_predicts_from_one(patients, trained, lead):
    new = patients[patients.groups == "p4"]
    data = np.asarray(new).copy()
    data[:, [k for k, name in enumerate(new.ch_names) if not name.startswith(lead)]] = 0.0
    assert trained.score(new.with_data(data), new.labels) > 0.95  # without masks in the training 0.85


def test_the_only_lead_of_a_record_is_never_masked(patients):
    view = patients[:200]
    data = np.asarray(view).copy()
    data[:100, 2:] = 0.0  # V1 is lacking
    drawn = gather(view.with_data(data), [], np.arange(200), 0.5, np.random.default_rng(0))
    is_there = np.asarray(drawn).any(axis=2)
    known = data[:, 1].any(axis=1)
    assert is_there[known].any(axis=1).all()
    assert 20 < (is_there[100:].sum(axis=1) == 1).sum() < 80


def test_fibrillation_that_no_patient_of_the_training_has_is_learnt_from_simulations(patients, trained):
    sinus, fibrillating = (
        patients[np.isin(patients.groups, names)] for names in (["p0", "p1", "p2", "p3"], ["p5"])
    )
    without = quick(n_fibrillation=0).fit(sinus)
    wrong, wrong_without = ((p.predict(fibrillating) != "N").mean() for p in (trained, without))
    assert wrong < 0.2 < wrong_without


def test_the_recipe_is_the_same_for_the_same_seed_and_never_predicts_what_is_untrained(patients):
    labels = patients.labels.copy()
    labels[::10] = "Q"
    view = EpochsView(patients, labels=labels)[:200]
    one, two = (quick(n_premature=0).fit(view) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(view), two.predict_proba(view))
    assert one.classes_.tolist() == ["N", "S", "V"]


class Stop(Callback):
    """An error at the end of the second epoch of a training of this number."""

    n_trainings, at = 0, 0

    def on_train_begin(self, net, **kwargs):
        Stop.n_trainings += 1

    def on_epoch_end(self, net, **kwargs):
        if Stop.n_trainings == Stop.at and len(net.history) == 2:
            raise OSError("the disk is full")


def test_networks_that_were_trained_are_kept_when_a_later_one_is_stopped(patients):
    view = patients[:200]
    how = dict(estimator__max_epochs=3, estimator__callbacks=[Stop()], n_members=3)
    clf = quick(**how)[-1]
    Stop.n_trainings, Stop.at = 0, 2
    with pytest.raises(OSError, match="disk") as stopped:
        clf.fit(view)
    assert "keeps what 2 network(s) learnt" in stopped.value.__notes__[-1]
    assert [len(member.history_) for member in clf.estimators_] == [3, 2]
    proba = clf.predict_proba(view)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    Stop.n_trainings, Stop.at = 0, 0
    whole = quick(**how)[-1].fit(view)
    np.testing.assert_array_equal(
        whole.estimators_[0].predict_proba(view), clf.estimators_[0].predict_proba(view)
    )
    clf.set_params(estimator=clone(clf.estimator).set_params(lr=-1))
    with pytest.raises(ValueError, match="lr"):
        clf.fit(view)
    np.testing.assert_array_equal(clf.predict_proba(view), proba)  # as before that fit
    with pytest.raises(ValueError, match="n_members == 0"):
        clf.set_params(n_members=0).fit(view)


def test_windows_that_are_too_short_for_copies_are_told(patients):
    short = patients[:200]
    short = short.with_data(np.asarray(short)[..., 20:], tmin=short.times[20])
    with pytest.raises(ValueError, match="need windows from -0.15 to 0.2 s"):
        quick().fit(short)
    quick(n_fibrillation=0, n_premature=0, estimator__max_epochs=1).fit(short)


def test_simulations_add_no_class_that_the_labels_lack(patients):
    labels = np.where(patients.labels == "S", "N", patients.labels)
    view = EpochsView(patients, labels=labels)[:200]
    trained = quick(n_premature=1).fit(view)
    assert trained.classes_.tolist() == ["N", "V"]
    np.testing.assert_allclose(trained.predict_proba(view).sum(axis=1), 1)


def test_premature_beats_are_found_where_most_beats_are_premature(trained):
    """Runs of ten and more, which no patient of the training has, so that the median interval is theirs."""
    rng = np.random.default_rng(7)
    symbols = np.r_[np.full(20, "N"), np.tile(np.r_[np.full(12, "A"), np.full(3, "N")], 12)]
    rr = 0.8 * np.where(symbols == "N", 1.0, 0.65) * (1 + 0.01 * rng.standard_normal(len(symbols)))
    view = EpochsView(ecg.make_beat_epochs(made_up(1 + np.cumsum(rr), symbols)))
    found = trained.predict(view)
    assert (found[view.labels == "S"] == "S").mean() > 0.8
    assert (found[view.labels == "N"] == "S").mean() < 0.1


def test_averaging_over_alike_beats_leaves_timing_to_the_beat(patients, trained):
    new = patients[patients.groups == "p4"]
    smooth = trained.predict_proba(new)
    trained[-1].smoothing = 0.0
    alone = trained.predict_proba(new)
    trained[-1].smoothing = 0.7
    assert not np.allclose(smooth[:, 2], alone[:, 2])  # V, a matter of shape
    np.testing.assert_allclose(smooth[:, 1] / smooth[:, 0], alone[:, 1] / alone[:, 0], rtol=1e-5)  # S and N


def test_the_causal_recipe_needs_nothing_of_the_future():
    rng = np.random.default_rng(0)
    symbols = rng.choice(["N", "A", "V"], 100, p=[0.7, 0.15, 0.15])
    onset = 1 + np.cumsum(np.where(symbols == "N", 0.8, 0.5))
    raw = made_up(onset, symbols)
    epochs = ecg.make_beat_epochs(raw, causal=True)
    pipeline = recipe("heartbeats", causal=True, random_state=0, n_threads=1)
    pipeline[-1].set_params(n_members=1, n_premature=0, n_fibrillation=1, estimator__batch_size=16)
    pipeline.fit(EpochsView(epochs))
    until = raw.copy().crop(tmax=30.0)  # without its later annotations, too
    known = ecg.make_beat_epochs(until, causal=True)
    np.testing.assert_allclose(
        pipeline.predict_proba(EpochsView(known)),
        pipeline.predict_proba(EpochsView(epochs))[: len(known)],
        atol=1e-6,
    )


def _without_metadata(view):
    epochs = view.epochs.copy()
    epochs.metadata = None
    return EpochsView(epochs)


def test_there_is_no_recipe_for_everything():
    with pytest.raises(ValueError, match="no recipe for 'dreams'"):
        recipe("dreams")
    assert isinstance(recipe("heartbeats")[-1].estimator, CNNClassifier)


def test_records_of_the_mit_bih_database(data_path):
    epochs = ecg.make_beat_epochs([data_path / "mitdb" / name for name in ("101", "114")])
    view = EpochsView(epochs, groups="patient")
    assert view.metadata.groupby("record")["leads"].first().to_dict() == {
        "101": "MLII, V1",
        "114": "MLII, V5",
    }
    counts = dict(zip(*np.unique(view[view.groups == "114"].labels, return_counts=True), strict=True))
    assert counts == {"F": 4, "N": 1820, "S": 12, "V": 43}
    assert view.metadata["age"].unique().tolist() == [75.0, 72.0]
