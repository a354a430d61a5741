"""Windows of rhythms, R peaks, measures and answers for recordings, on hearts whose beats are known."""

import mne
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_cnnclass import EpochsView, ecg, evaluate, recipe, viz

SFREQ = 250.0


def heart(rr, *, sfreq=SFREQ, noise=0.01, names=("II",), seed=0, p_height=0.15):
    """A recording with a beat after each interval (s), and the samples of its R peaks."""
    onset = np.cumsum(rr)
    time = np.arange(round((onset[-1] + 0.5) * sfreq)) / sfreq
    data = noise * np.random.default_rng(seed).standard_normal((len(names), len(time)))
    for height, delay, width in (
        (p_height, -0.16, 0.025),
        (1.0, 0.0, 0.012),
        (-0.2, 0.03, 0.012),
        (0.25, 0.25, 0.05),
    ):
        for beat in onset:
            data += height * np.exp(-(((time - beat - delay) / width) ** 2) / 2)
    raw = mne.io.RawArray(1e-3 * data, mne.create_info(list(names), sfreq, "ecg"), verbose="ERROR")
    return raw, np.round(onset * sfreq).astype(int)


def regular(n, rng):
    return 0.8 + 0.01 * rng.standard_normal(n)


@pytest.mark.parametrize("sfreq", [100.0, 250.0, 360.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_r_peaks_are_found_where_they_are(sfreq, sign):
    rng = np.random.default_rng(0)
    raw, truth = heart(ecg.simulate_fibrillation(60, rng), sfreq=sfreq, noise=0.02)
    raw.apply_function(lambda x: sign * x, picks="all")
    found = ecg.find_r_peaks(raw)
    distance = np.abs(found[:, None] - truth).min(axis=0) / sfreq
    assert np.mean(distance < 0.02) > 0.95
    assert abs(len(found) - len(truth)) <= 2


def test_r_peaks_of_silence_and_of_missing_leads():
    raw = mne.io.RawArray(np.zeros((1, 2000)), mne.create_info(["II"], SFREQ, "ecg"), verbose="ERROR")
    assert not len(ecg.find_r_peaks(raw))
    with pytest.raises(ValueError, match="one of .*II.*got 'V9'"):
        ecg.find_r_peaks(raw, "V9")
    with pytest.raises(ValueError, match="No channel of type ecg"):
        ecg.find_r_peaks(raw.copy().set_channel_types({"II": "eeg"}, verbose="ERROR"))


def test_windows_take_the_rhythm_of_the_span_in_which_they_lie_entirely():
    raw, _ = heart(np.full(80, 0.75))
    raw.set_annotations(mne.Annotations([0, 25, 0.75], [25, 35.5, 0], ["(N", "(AFIB", "N"]))
    raw.crop(0, 60 - 1 / SFREQ)
    epochs = ecg.make_rhythm_epochs(raw)
    names = {code: name for name, code in epochs.event_id.items()}
    assert [names[code] for code in epochs.events[:, 2]] == ["(N", "(N", "(AFIB", "(AFIB", "(AFIB"]
    assert_allclose(epochs.metadata["onset"], [0, 10, 30, 40, 50])
    assert epochs.drop_log == ((), (), ("no single rhythm",), (), (), ())
    assert_array_equal(epochs.metadata["window"], [0, 1, 3, 4, 5])
    assert set(epochs.metadata["n_windows"]) == {6}


def test_a_share_of_a_window_is_enough_if_asked_for_and_classes_name_spans():
    raw, _ = heart(np.full(80, 0.75))
    raw.crop(0, 60 - 1 / SFREQ)
    raw.set_annotations(mne.Annotations([0, 22, 52], [22, 30, 8], ["(N", "(AFIB", "(VT"]))
    epochs = ecg.make_rhythm_epochs(raw, share=0.75, classes={"AF": ["(AFIB"], "normal": ["(N"]})
    names = {code: name for name, code in epochs.event_id.items()}
    assert [names[code] for code in epochs.events[:, 2]] == ["normal", "normal", "AF", "AF", "AF"]
    assert epochs.drop_log[5] == ("no single rhythm",)


def test_bad_spans_are_left_out_and_counted():
    raw, _ = heart(np.full(55, 0.75))
    raw.crop(0, 40 - 1 / SFREQ)
    raw.set_annotations(mne.Annotations([0, 12], [40, 3], ["N", "BAD_contact"]))
    epochs = ecg.make_rhythm_epochs(raw)
    assert epochs.drop_log == ((), ("BAD_contact",), (), ())
    assert epochs.drop_log_stats() == 25


def test_windows_cover_a_recording_to_its_end():
    raw, _ = heart(np.full(30, 0.8))  # 24.5 s
    epochs = ecg.make_rhythm_epochs(raw, label="N")
    assert_allclose(epochs.metadata["onset"], [0, 7.25, 14.5], atol=0.01)
    assert list(epochs.event_id) == ["N"]
    assert list(ecg.make_rhythm_epochs(raw).event_id) == ["unknown"]
    more = ecg.make_rhythm_epochs(raw, overlap=8.0)
    assert np.diff(more.metadata["onset"]).max() <= 2.0


def test_short_recordings_are_filled_up_and_very_short_ones_refused():
    raw, _ = heart(np.full(9, 0.8))  # 7.7 s
    epochs = ecg.make_rhythm_epochs(raw, label="N")
    assert_allclose(epochs.metadata["padded"], [2.3], atol=0.011)
    data = epochs.get_data()[0, 0]
    assert not data[-230:].any()
    assert data[:760].std() > 1e-5
    with pytest.raises(ValueError, match="lasts 4 s, less than half a window of 10 s"):
        ecg.make_rhythm_epochs(raw.crop(0, 4 - 1 / SFREQ), label="N")


def test_what_a_window_is_told_of_patient_leads_and_gain():
    raw, _ = heart(np.full(30, 0.8), names=("V5", "II"))
    raw.info["subject_info"] = dict(his_id="p7", sex=2)
    epochs = ecg.make_rhythm_epochs(raw, label="N", leads=["II", "V1|V5"])
    row = epochs.metadata.iloc[0]
    assert (row["patient"], row["sex"], row["leads"]) == ("p7", "F", "II, V5")
    assert epochs.ch_names == ["II", "V1"]
    assert set(epochs.get_channel_types()) == {"ecg"}
    louder = ecg.make_rhythm_epochs(
        raw.copy().apply_function(lambda x: 7 * x, picks="all"), label="N", leads=["II", "V1|V5"]
    )
    assert_allclose(louder.get_data(), epochs.get_data(), rtol=1e-6, atol=1e-9)
    assert_allclose(
        louder.metadata[ecg.RHYTHM_COLUMNS], epochs.metadata[ecg.RHYTHM_COLUMNS], rtol=1e-4, atol=1e-4
    )
    volts = ecg.make_rhythm_epochs(raw, label="N", leads=["II"], normalize=False)
    assert 0.8e-3 < np.ptp(volts.get_data()) < 1.6e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(overlap=10.0), "overlap must be"),
        (dict(share=0.3), "share must be above 0.5"),
        (dict(leads=["V9"]), "no lead V9"),
        (dict(classes={"AF": ["(AFIB"]}), "none of its 2 windows"),
    ],
)
def test_wrong_options_are_told(options, message):
    raw, _ = heart(np.full(25, 0.8))
    raw.set_annotations(mne.Annotations([0], [20], ["(N"]))
    with pytest.raises(ValueError, match=message):
        ecg.make_rhythm_epochs(raw, **options)


def test_one_label_a_recording_of_a_list():
    raws = [heart(np.full(15, 0.8))[0] for _ in range(2)]
    view = EpochsView(ecg.make_rhythm_epochs(raws, label=["N", "A"]))
    assert set(view.labels) == {"N", "A"}
    with pytest.raises(ValueError, match="one for each of 2 recordings, got 1"):
        ecg.make_rhythm_epochs(raws, label=["N"])


def measures_of(rr, **options):
    raw, peaks = heart(rr, **options)
    return ecg.measure_rhythm(raw.get_data()[0], peaks, SFREQ)


def test_measures_tell_fibrillation_from_premature_beats_and_regular_rhythm():
    rng = np.random.default_rng(3)
    plain = regular(70, rng)
    early = plain.copy()
    early[[20, 40, 60]], early[[21, 41, 61]] = 0.5, 1.1
    af = ecg.simulate_fibrillation(70, rng)
    normal, premature, fibrillation = (measures_of(rr) for rr in (plain, early, af))
    assert set(normal) == set(ecg.RHYTHM_COLUMNS)
    assert fibrillation["rr_irregularity"] > 0.1 > 0.03 > premature["rr_irregularity"]
    assert_allclose([premature["rr_early"], premature["rr_late"]], 3 / 69, rtol=1e-6)
    assert_allclose(premature["rr_shortest"], np.log(0.5 / np.median(early[1:])), atol=0.01)
    assert normal["rr_changed"] == 0 < premature["rr_changed"] < fibrillation["rr_changed"]
    assert fibrillation["rr_entropy"] > normal["rr_entropy"]
    assert_allclose(normal["n_beats"], 60 / 0.8, rtol=0.03)


def test_measures_see_the_p_wave_and_odd_beats():
    rr = regular(40, np.random.default_rng(0))
    with_p, without = measures_of(rr), measures_of(rr, p_height=0.0)
    assert_allclose(with_p["p_height"], 0.15 / 1.2, atol=0.03)
    assert without["p_height"] < 0.03
    assert without["p_similarity"] < with_p["p_similarity"]
    raw, peaks = heart(rr)
    data = raw.get_data()[0]
    for peak in peaks[[5, 15, 25, 35]]:
        data[peak - 25 : peak + 25] *= -1
    odd = ecg.measure_rhythm(data, peaks, SFREQ)
    assert_allclose(odd["qrs_different"], 0.1, atol=0.02)
    assert with_p["qrs_different"] == 0


def test_measures_without_beats_are_numbers():
    measures = ecg.measure_rhythm(np.zeros(1000), np.empty(0, int), SFREQ)
    assert np.isfinite(list(measures.values())).all()
    assert measures["n_beats"] == 0


def test_measures_do_not_depend_on_polarity_gain_rate_or_which_wave_of_a_beat_was_found():
    rr = ecg.simulate_fibrillation(40, np.random.default_rng(0))
    raw, peaks = heart(rr)
    signal = raw.get_data()[0]
    expected = pd.Series(ecg.measure_rhythm(signal, peaks, SFREQ))
    turned = pd.Series(ecg.measure_rhythm(-7 * signal, peaks, SFREQ))
    assert_allclose(turned, expected, rtol=1e-6, atol=1e-9)
    moved = peaks + np.where(np.arange(len(peaks)) % 3, 0, round(0.03 * SFREQ))  # every third at the S wave
    found = pd.Series(ecg.measure_rhythm(signal, moved, SFREQ))
    assert_allclose(found, expected, rtol=0.05, atol=0.05)
    faster, peaks = heart(rr, sfreq=2 * SFREQ, noise=0.0)
    plain, _ = heart(rr, noise=0.0)
    columns = [name for name in ecg.RHYTHM_COLUMNS if name.startswith(("rr_", "qrs_"))]
    twice = pd.Series(ecg.measure_rhythm(faster.get_data()[0], peaks, 2 * SFREQ))[columns]
    once = pd.Series(ecg.measure_rhythm(plain.get_data()[0], peaks / 2, SFREQ))[columns]
    assert_allclose(twice, once, rtol=0.05, atol=0.05)


def test_measures_tell_pauses_premature_beats_and_what_is_between_sound_beats():
    rng = np.random.default_rng(1)
    plain, dropped, early = (regular(50, rng) for _ in range(3))
    dropped[[10, 30]] *= 2
    early[[20, 35]], early[[21, 36]] = 0.5, 1.1
    plain, dropped, early = map(measures_of, (plain, dropped, early))
    kinds = ["rr_n_premature", "rr_n_pauses"]
    assert [[m[kind] for kind in kinds] for m in (plain, dropped, early)] == [[0, 0], [0, 2], [2, 0]]
    assert plain["rr_plain"] == plain["rr_sound"] == 1
    assert plain["longest_gap"] < dropped["longest_gap"]
    raw, peaks = heart(regular(50, rng))
    false = np.sort(np.r_[peaks, peaks[10:42:4] + np.arange(40, 120, 10)])  # where there is no beat
    measures = ecg.measure_rhythm(raw.get_data()[0], false, SFREQ)
    assert measures["rr_changed"] > 0.1 > measures["rr_sound_changed"]


@pytest.mark.parametrize("n", [0, 1, 4, 5, 6, 9])
def test_measures_of_few_beats_flat_lines_and_noise_are_numbers(n):
    rng = np.random.default_rng(n)
    for signal in (np.zeros(1000), rng.standard_normal(1000), np.tile([1.0, -1.0], 500)):
        for peaks in (
            np.arange(n) * 100,
            np.arange(n) * 3,
            990 + np.arange(n),
            np.sort(rng.choice(1000, n, False)),
        ):
            values = ecg.measure_rhythm(signal, peaks, 100.0)
            assert list(values) == ecg.RHYTHM_COLUMNS
            assert np.isfinite(list(values.values())).all()


def test_a_segment_is_as_long_at_the_ends_of_a_recording():
    raw, _ = heart(np.r_[np.full(40, 0.8), np.full(100, 0.6)])  # 32 s, then 60 s
    rate = ecg.make_rhythm_epochs(raw, around=30.0).metadata["n_beats"]
    assert_allclose(rate.iloc[[0, 1]], 75, atol=2)
    assert_allclose(rate.iloc[-2:], 100, atol=2)
    assert ecg.make_rhythm_epochs(raw, around=90.0).metadata["n_beats"].nunique() == 1


def test_windows_are_combined_by_the_mean_of_log_probabilities():
    proba = pd.DataFrame({"A": [0.5, 0.9, 0.2], "N": [0.5, 0.1, 0.8]})
    combined = ecg.combine_windows(proba, ["r2", "r2", "r1"])
    odds = np.sqrt(9.0)
    assert list(combined.index) == ["r2", "r1"]
    assert_allclose(combined.loc["r2"], [odds / (1 + odds), 1 / (1 + odds)])
    assert_allclose(combined.loc["r1"], [0.2, 0.8])
    with pytest.raises(ValueError, match="one for each of 3 windows, got 1"):
        ecg.combine_windows(proba, ["r1"])
    for wrong in ([[np.nan, 0.5], [0.5, 0.5]], [[2.0, 1.0], [0.5, 0.5]], [[-1.0, 2.0], [0.5, 0.5]]):
        with pytest.raises(ValueError, match="must hold probabilities"):
            ecg.combine_windows(wrong, ["r1", "r1"])
    for records in ([1.0, np.nan, 1.0], ["r1", None, "r1"]):
        with pytest.raises(ValueError, match="records is missing .* for 1 of 3 .* sample 1"):
            ecg.combine_windows(proba, records)


def test_an_evaluation_of_windows_becomes_one_of_recordings():
    rng = np.random.default_rng(0)
    records = np.repeat(np.arange(24), 6)
    y = np.repeat(np.where(np.arange(24) % 2, "A", "N"), 6)
    X = (y == "A")[:, None] + 0.9 * rng.standard_normal((len(y), 1))
    cv, scoring = StratifiedGroupKFold(4), ["jaccard_macro"]
    result = evaluate(LogisticRegression(), X, y, groups=records, cv=cv, scoring=scoring)
    combined = ecg.combine_windows(result, records)
    table = combined.predictions
    assert len(table) == 24
    assert list(table.columns) == list(result.predictions.columns)
    assert_array_equal(table["y_true"], y[table["sample"]])
    assert_array_equal(combined.folds["n_test"], 6)
    assert_array_equal(combined.folds["n_train"], 18)  # of which the corrected t test takes the ratio
    assert "jaccard_macro" not in set(combined.scores["metric"])  # it was that of windows
    assert combined.summary().loc["accuracy", "pooled"] > result.summary().loc["accuracy", "pooled"] + 0.1
    with pytest.raises(ValueError, match=r"several classes \(2\).* a name for each span"):
        ecg.combine_windows(result, np.zeros(len(y), int))
    with pytest.raises(ValueError, match=r"several folds \(4\).* groups='record'"):
        ecg.combine_windows(result, y)
    with pytest.raises(ValueError, match="got None. Make the view with groups='record'"):
        ecg.combine_windows(result, None)
    with pytest.raises(ValueError, match="at least 144, got 3"):
        ecg.combine_windows(result, [0, 1, 2])


def test_fibrillation_is_told_from_a_regular_rhythm_in_recordings_never_seen():
    rng = np.random.default_rng(1)
    raws = [
        heart(ecg.simulate_fibrillation(40, rng) if k % 2 else regular(40, rng), seed=k)[0] for k in range(12)
    ]
    labels = ["A" if k % 2 else "N" for k in range(12)]
    epochs = ecg.make_rhythm_epochs(raws, label=labels)
    view = EpochsView(epochs, groups=np.repeat(np.arange(12), [len(part) for part in epochs]))
    measures = FunctionTransformer(lambda part: part.metadata[["rr_irregularity", "rr_deviation"]].to_numpy())
    model = make_pipeline(measures, LogisticRegression(C=1e6))
    result = ecg.combine_windows(evaluate(model, view, cv=3), view.groups)
    assert result.summary().loc["accuracy", "pooled"] == 1


def test_gain_varies_and_leads_turn_without_touching_labels():
    torch = pytest.importorskip("torch")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        x, y = ecg.vary_gain(torch.ones(2000, 2, 3), torch.arange(2000))
    assert_array_equal(y, np.arange(2000))
    assert torch.equal(x[:, :1, :1].expand_as(x), x)
    assert abs(float((x[:, 0, 0] < 0).float().mean()) - 0.5) < 0.05
    assert abs(float(x[:, 0, 0].abs().log().std()) - 0.2) < 0.02


def test_figure_of_a_rhythm_shows_each_window_and_the_true_spans():
    raw, _ = heart(np.full(80, 0.75))
    raw.crop(0, 60 - 1 / SFREQ)
    raw.set_annotations(mne.Annotations([0, 30], [30, 30], ["(N", "(AFIB"]))
    epochs = ecg.make_rhythm_epochs(raw)
    proba = np.column_stack([np.linspace(0.9, 0.2, 6), np.linspace(0.1, 0.8, 6)])
    fig = viz.plot_rhythm(raw, epochs, proba, classes=["(N", "(AFIB"])
    line = next(line for line in fig.axes[1].lines if line.get_label() == "(AFIB")
    assert_allclose(line.get_ydata(), proba[:, 1])
    assert_allclose(line.get_xdata(), np.arange(5, 60, 10))
    with pytest.raises(ValueError, match=r"shape \(6, 2\)"):
        viz.plot_rhythm(raw, epochs, proba[:3], classes=["(N", "(AFIB"])


def test_a_published_recording_of_fibrillation(data_path):
    raw = ecg.read_raw_cinc2017(data_path / "cinc2017" / "A00004.mat")
    epochs = ecg.make_rhythm_epochs(raw)
    assert list(epochs.event_id) == ["A"]
    assert len(epochs) == 3
    assert epochs.metadata["rr_irregularity"].min() > 0.05


def test_the_recipe_tells_rhythms_of_recordings_never_seen():
    rng = np.random.default_rng(2)
    raws = []
    for k in range(24):
        rr = ecg.simulate_fibrillation(40, rng) if k % 2 else regular(40, rng)
        raws.append(heart(rr, seed=k, noise=0.4 if k < 2 else 0.01)[0])
    epochs = ecg.make_rhythm_epochs(raws, label=["N", "A"] * 12)
    assert len(mne.concatenate_epochs(epochs, verbose="ERROR")["A"]) == sum(map(len, epochs[1::2]))
    view = EpochsView(epochs, groups=np.repeat(np.arange(24), [len(part) for part in epochs]))
    train = view.groups < 16
    pipeline = recipe("rhythm", random_state=0, n_threads=1)
    proba = pipeline.fit(view[train]).predict_proba(view[~train])
    combined = ecg.combine_windows(proba, view.groups[~train])
    assert_array_equal(combined.to_numpy().argmax(axis=1), np.tile([1, 0], 4))


def test_causal_windows_depend_on_nothing_that_follows_them():
    rr = np.r_[np.full(60, 0.8), ecg.simulate_fibrillation(60, np.random.default_rng(0))]
    raw = heart(rr)[0].crop(0, 75)
    other = raw.copy()
    other._data[:, round(40 * SFREQ) :] = 3e-3 * np.random.default_rng(1).standard_normal(
        other._data[:, round(40 * SFREQ) :].shape
    )
    epochs, its = (ecg.make_rhythm_epochs(one, causal=True) for one in (raw, other))
    assert_array_equal(epochs.metadata["onset"], np.arange(7) * 10.0)
    assert_array_equal(epochs.get_data()[:4], its.get_data()[:4])
    assert_array_equal(epochs.metadata[ecg.RHYTHM_COLUMNS][:4], its.metadata[ecg.RHYTHM_COLUMNS][:4])
    # the last window is what a recording of the last minute ends with
    alone = ecg.make_rhythm_epochs(raw.copy().crop(10, 70, include_tmax=False))
    assert_allclose(epochs.get_data()[-1], alone.get_data()[-1], atol=1e-9)
    assert_allclose(epochs.metadata[ecg.RHYTHM_COLUMNS].iloc[-1], alone.metadata[ecg.RHYTHM_COLUMNS].iloc[-1])


def test_spans_of_a_recording_that_was_cropped_twice():
    raw, _ = heart(np.full(110, 0.75))
    raw.set_annotations(mne.Annotations([0, 40], [40, 42], ["(N", "(AFIB"]))
    raw.crop(10, 75).crop(10, 60 - 1 / SFREQ)  # from 20 s to 70 s
    epochs = ecg.make_rhythm_epochs(raw)
    assert_array_equal(EpochsView(epochs).labels, ["(N", "(N", "(AFIB", "(AFIB", "(AFIB"])
