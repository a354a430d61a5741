"""Beats and rhythms of a stream are those of its recording, and no decision rests on what comes later."""

import mne
import numpy as np
import pandas as pd
import pytest

from mne_cnnclass import EpochsView, ecg, load_pretrained
from mne_cnnclass.estimators.pretrained import pretrained_file
from mne_cnnclass.live import DecisionTable, LiveClassifier, LiveHeart

LASTS = 31.0  # s


@pytest.fixture(scope="module")
def raw(data_path):
    """Many ventricular beats; from 0 V on, so that all filters start from the same."""
    raw = ecg.read_raw_wfdb(data_path / "mitdb" / "119").crop(0, LASTS, include_tmax=False)
    return raw.apply_function(lambda signal: signal - signal[0], picks="ecg")


@pytest.fixture(scope="module")
def live():
    return LiveHeart()


@pytest.fixture(scope="module")
def decisions(live, raw):
    return list(live.replay(raw))


def beats_of(decisions):
    return [d for d in decisions if d.event == "beat"]


def statuses(decisions):
    return {d.status.removeprefix("not judged: ") for d in decisions}


# -- the same decisions ----------------------------------------------------------------------------


def test_decisions_are_the_same_bits_whatever_the_chunks_are(live, raw, decisions):
    session, rng, seen, first = live.open(raw.info), np.random.default_rng(0), [], 0
    data = raw.get_data()
    while first < data.shape[1]:
        part = slice(first, first + rng.integers(1, 700))
        seen += session.push(data[:, part])
        first = part.stop
    assert seen == decisions


def test_a_decision_is_there_after_its_look_ahead_and_uses_nothing_later(live, raw, decisions):
    session, until = live.open(raw.info), 14.0
    seen = session.push(raw.get_data(tmax=until))
    assert session.look_ahead == pytest.approx(1.2)
    due = [d for d in decisions if (d.time if d.onset is None else d.onset + session.look_ahead) <= until]
    assert len(beats_of(due)) > 10
    assert seen[: len(due)] == due
    assert all(d in decisions for d in seen)


def test_decisions_are_those_of_causal_epochs_at_the_same_peaks(raw, decisions):
    found = beats_of(decisions)
    marked = raw.copy().set_annotations(mne.Annotations([d.onset for d in found], 0, "N"))
    view = EpochsView(ecg.make_beat_epochs(marked, causal=True, unusable="keep"))
    clf = load_pretrained("heartbeats", causal=True)
    offline = dict(zip(view.metadata["onset"].round(4), clf.predict_proba(view), strict=True))
    judged = [d for d in found if d.judged]
    assert {d.label for d in judged} == {"N", "V"}
    proba = np.array([list(d.proba.values()) for d in judged])
    expected = np.array([offline[round(d.onset, 4)] for d in judged])
    np.testing.assert_allclose(proba, expected, atol=2e-3)  # where intervals are equal but for rounding
    assert np.median(np.abs(proba - expected).max(axis=1)) < 1e-5


def test_the_beats_are_those_that_experts_annotated(data_path, raw, decisions):
    truth = ecg.read_raw_wfdb(data_path / "mitdb" / "119").crop(0, LASTS).annotations
    is_beat = np.isin(truth.description, list("NV"))
    onset, symbol = truth.onset[is_beat], truth.description[is_beat]
    found = beats_of(decisions)
    nearest = [np.abs(onset - d.onset).argmin() for d in found]
    assert np.abs(onset[nearest] - [d.onset for d in found]).max() < 0.15
    assert set(np.flatnonzero((onset > 2) & (onset < LASTS - 1.2))) <= set(nearest)
    right = [d.label == symbol[k] for d, k in zip(found, nearest, strict=True) if d.judged]
    assert np.mean(right) > 0.95


def test_one_lead_of_any_name_takes_the_place_of_two(raw):
    alone = raw.copy().crop(0, 7).pick(["MLII"]).rename_channels({"MLII": "chest strap"})
    named = list(LiveHeart(rhythm=None, leads=["chest strap", ""]).replay(alone))
    with pytest.warns(RuntimeWarning, match="The stream: it has no lead for V1, which is zero"):
        first = list(LiveHeart(rhythm=None).replay(alone))
    assert any(d.judged for d in named)
    assert named == first  # the first channel of an ECG, if none is named


def test_the_rhythm_is_that_of_the_last_half_minute(live, raw, decisions):
    rhythms = [d for d in decisions if d.event == "rhythm"]
    assert [round(d.time) for d in rhythms] == [*range(5, 31, 5)]
    assert [d.judged for d in rhythms] == [False] * 5 + [True]
    assert statuses(rhythms) == {"the first 30 s are not over", "ok"}
    window = raw.copy().crop(0.0, 30.0, include_tmax=False).set_annotations(None)
    epochs = ecg.make_rhythm_epochs(window, duration=30.0, around=30.0, leads=["MLII"])
    (proba,) = load_pretrained("rhythm", causal=True).predict_proba(EpochsView(epochs))
    assert list(rhythms[-1].proba.values()) == proba.tolist()
    assert rhythms[-1].start == 0.0


# -- what is not judged ----------------------------------------------------------------------------


def test_nothing_is_judged_across_lost_samples(live, raw):
    times = raw.times[: 14 * 360].copy()
    times[6 * 360 :] += 0.5
    seen = live.open(raw.info).push(raw.get_data(stop=len(times)), times)
    after = [d for d in seen if d.time > 6.5]
    assert {d.status for d in after if d.event == "rhythm"} == {"not judged: 0.5 s lost, less than 30 s ago"}
    for d in beats_of(seen):
        assert d.start > 6.4 or d.time < 6.0
    judged = [d.onset for d in beats_of(after) if d.judged]
    assert 10.0 < judged[0] < 12.0  # as soon as filters have settled


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        (lambda data, rng: rng.normal(0, 1e-4, data.shape), {"the filter settles", "noisy"}),
        (lambda data, rng: 0 * data, {"flat"}),
        (lambda data, rng: data * [[1], [0]], {"the filter settles", "flat"}),  # one of two leads
    ],
    ids=["noise", "flat", "an electrode off"],
)
def test_what_is_no_ecg_is_not_judged(change, reasons, live, raw):
    data = change(raw.get_data(tmax=8.0), np.random.default_rng(0))
    seen = live.open(raw.info).push(data)
    assert not any(d.judged for d in seen)
    assert statuses(beats_of(seen)) == reasons - ({"flat"} if not data.any() else set())


def test_a_stream_in_another_unit_than_volts_is_an_error(live, raw):
    with pytest.raises(ValueError, match="Lead MLII spans .* V"):
        live.open(raw.info).push(1e3 * raw.get_data(tmax=5.0))
    assert live.open(raw.info, scale=1e-3).push(1e3 * raw.get_data(tmax=5.0))


def test_what_can_not_follow_a_stream_is_an_error(live, raw):
    with pytest.raises(ValueError, match=r"recipe\('heartbeats', causal=True\)"):
        LiveHeart(load_pretrained("heartbeats"))
    with pytest.raises(ValueError, match="is no classifier of heartbeats"):
        LiveHeart(load_pretrained("rhythm"))
    with pytest.raises(ValueError, match="mne-cnnclass ecg live"):
        LiveClassifier.load(pretrained_file("heartbeats", causal=True))
    with pytest.raises(ValueError, match="tells rhythms: LiveHeart"):
        LiveClassifier.load(pretrained_file("rhythm", causal=True))
    with pytest.raises(ValueError, match="nothing to decide on"):
        LiveHeart(None, None)
    with pytest.raises(ValueError, match="no lead"):
        live.open(mne.create_info(["C3", "C4"], 250.0, "eeg"))
    with pytest.raises(ValueError, match="125 Hz or more"):
        live.open(mne.create_info(["II"], 100.0, "ecg"))


# -- where they go ---------------------------------------------------------------------------------


def test_beats_and_rhythms_are_rows_of_one_table(live, decisions, tmp_path):
    with DecisionTable(tmp_path / "heart.csv", live.classes_) as table:
        for decision in decisions:
            table(decision)
    rows = pd.read_csv(tmp_path / "heart.csv")
    assert rows["event"].tolist() == [d.event for d in decisions]
    assert rows["onset"].dropna().tolist() == pytest.approx([d.onset for d in beats_of(decisions)])
    assert rows["proba_A"].notna().sum() == 1
    assert rows["proba_V"].notna().sum() == sum(d.judged for d in beats_of(decisions))


def test_the_command_follows_hearts_by_ready_models(run, raw, tmp_path):
    raw.copy().crop(0, 8).save(tmp_path / "heart_raw.fif", verbose="ERROR")
    code, out, _ = run("ecg", "live", "--replay", "heart_raw.fif", "-o", "decisions.csv")
    lines, table = out.splitlines(), pd.read_csv(tmp_path / "decisions.csv")
    assert code == 0
    assert "For research only" in lines[2]
    judged = table[table["status"] == "ok"]
    assert {"N", "V"} >= set(judged["label"])
    for row in judged.itertuples():
        assert f"{row.onset:10.3f} s  {row.label} " in out
    assert lines[-3].startswith(f"{len(table)} decisions: ")
    code, _, err = run("ecg", "live")
    assert code == 2
    assert "--stream NAME and --replay FILE" in err


@pytest.mark.slow
def test_a_stream_gives_the_same_bits_as_its_recording(live, raw, play, seen):
    play(raw.copy().crop(0, 8), "mne-cnnclass-heart")
    decisions = list(live.connect("mne-cnnclass-heart", timeout=10.0, patience=1.0))
    data = np.concatenate(seen, axis=1)
    replayed = list(live.replay(mne.io.RawArray(data, raw.info, verbose="ERROR")))
    assert sum(d.judged for d in decisions) > 1
    assert [(d.label, d.proba, d.status) for d in decisions] == [
        (d.label, d.proba, d.status) for d in replayed
    ]
