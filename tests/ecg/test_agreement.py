"""Annotations that are none of beats, or of no class, are told of; those of good recordings are not."""

import re
import warnings

import mne
import numpy as np
import pytest
from hearts import made_up
from hypothesis import given, settings
from hypothesis import strategies as st

from mne_cnnclass import EpochsView, ecg
from mne_cnnclass.ecg.beats import BEAT_SYMBOLS
from mne_cnnclass.ecg.errors import NoBeats

ONSET = 1.0 + 0.8 * np.arange(60) + 0.02 * np.sin(np.arange(60))
ODD = np.arange(60) % 2 == 1


def annotated(onset, text="N", duration=0.0):
    """A heart that beats at ONSET, annotated otherwise."""
    return made_up(ONSET, ["N"] * 60, sfreq=128.0).set_annotations(mne.Annotations(onset, duration, text))


def cut(raw, **how):
    """The epochs, and the only line that is said of them, or None."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        epochs = ecg.make_beat_epochs(raw, **how)
    assert len(said) < 2
    return epochs, str(said[0].message) if said else None


@pytest.mark.parametrize("name", ["108", "207", "208"])  # noise, flutter, many ventricular beats
def test_real_beats_are_not_doubted(data_path, name):
    assert cut(data_path / "mitdb" / name)[1] is None


def test_real_beats_that_are_found_are_not_doubted(data_path):
    raw = ecg.read_raw_wfdb(data_path / "mitdb" / "108", stop=300)
    assert cut(raw, peaks="detected")[1] is None


@pytest.mark.parametrize("record", ["1", "45", "92"])
def test_short_records_are_not_doubted(data_path, record):
    raw = ecg.read_raw_wfdb(data_path / "ludb" / "data" / record, annotator="ii")  # with P and T waves
    assert cut(raw)[1] is None


def test_spikes_of_a_pacemaker_are_named_as_a_reason():
    raw = annotated(ONSET)
    raw.load_data()._data[:, np.round((ONSET - 0.2) * 128).astype(int)] += 8e-3
    assert "pacemaker's spikes are higher" in cut(raw)[1]


@settings(max_examples=20, deadline=None)
@given(rate=st.floats(40, 170), spread=st.floats(0, 0.15), seed=st.integers(0, 9))
def test_hearts_of_any_rate_are_not_doubted(rate, spread, seed):
    intervals = 60 / rate * np.random.default_rng(seed).uniform(1 - spread, 1 + spread, 40)
    onset = 1.0 + np.cumsum(intervals)
    assert cut(made_up(onset, ["N", "V"] * 20, sfreq=128.0))[1] is None


@settings(max_examples=20, deadline=None)
@given(scale=st.sampled_from([360 / 500, 0.98, 1.02, 500 / 360]), shift=st.floats(0.2, 0.4))
def test_annotations_of_another_rate_or_start_are_told_of(scale, shift):
    onset = scale * ONSET + shift
    said = cut(annotated(onset[onset < 49]))[1]
    assert re.search(r"of its annotated beats are within 0.15 s of the highest peak.*another recording", said)


@pytest.mark.parametrize(
    ("onset", "message"),
    [
        (np.arange(5.0, 50, 10), "are 10 s apart, as in no heart"),  # what marks spans, as minutes of apnea
        (np.sort(np.r_[ONSET, ONSET + 0.03]), "are 0.03 s apart|as in no heart"),
        (np.sort(np.r_[ONSET, ONSET[::2] + 0.05]), "34 % of the intervals .* below 0.2 s: .* twice"),
        (50 - ONSET[::-1] - 0.3, "highest peak around"),
        (ONSET[::2], "between 100 % of its annotated beats there are others"),
        (ONSET[np.arange(60) % 3 > 0], "between 49 % of its annotated beats there are others"),
        (ONSET[:25], "annotated from 1 to 20.18 s alone, of 50.2"),
        (ONSET + 0.05, None),
        (ONSET[:50], None),
    ],
)
def test_annotations_that_are_none_of_beats_are_told_of(onset, message):
    said = cut(annotated(onset))[1]
    assert (said is None) if message is None else re.search(f"^recording 0: .*{message}", said)


def test_waves_among_the_beats_are_told_of():
    raw, waves = annotated(ONSET), made_up(ONSET + 0.3, ["V"] * 60, sfreq=128.0, noise=0)
    raw._data += 0.25 * waves.get_data()[:, : raw.n_times]
    raw.set_annotations(mne.Annotations(np.sort(np.r_[ONSET, ONSET + 0.3]), 0.0, "N"))
    assert "50 % of its annotated beats are where the signal has no QRS complex" in cut(raw)[1]


def test_annotations_that_name_no_detected_beat_are_told_of():
    epochs, said = cut(annotated(0.7 * ONSET), peaks="detected")
    assert "unknown" in epochs.event_id
    assert "another recording, rate or start" in said
    assert cut(annotated(ONSET), peaks="detected")[1] is None
    some = annotated(ONSET[[5, 20, 30, 55]], "V")  # to be named alone
    assert cut(some, peaks="detected")[1] is None


@pytest.mark.parametrize("text", ["W", '"', "s", "Sleep stage 2", "+"])
def test_annotators_without_beats_are_refused_with_what_they_have(text):
    with pytest.raises(NoBeats, match=f"0 beats.*annotations are: {re.escape(text)}.*peaks="):
        ecg.make_beat_epochs(annotated(np.arange(0, 50, 10.0), text))


@pytest.mark.parametrize(("symbols", "name"), [("nBLRej", "N"), ("aAJS", "S"), ("rEV", "V"), ("/fQ", "Q")])
def test_symbols_of_beats_have_the_class_of_wfdb(symbols, name):
    epochs, said = cut(annotated(ONSET, np.where(ODD, np.resize([*symbols], 60), "N")))
    assert (len(epochs), said) == (60, None)
    assert (EpochsView(epochs).labels[ODD] == name).all()


def test_every_symbol_of_beats_has_a_class_or_is_told_of():
    assert BEAT_SYMBOLS - {*"".join(ecg.AAMI_CLASSES.values())} == {"?"}
    epochs, said = cut(annotated(ONSET, np.where(ODD, "?", "N")))
    assert "30 beats of no class are left out (? 30)" in said
    assert epochs.drop_log == tuple(("no class for ?",) if odd else () for odd in ODD)


def test_beats_that_own_classes_leave_out_are_counted_without_a_warning():
    epochs, said = cut(annotated(ONSET, np.where(ODD, "V", "N")), classes={"normal": "N"})
    assert (len(epochs), said) == (30, None)
    assert sum(why == ("no class for V",) for why in epochs.drop_log) == 30
    assert epochs.selection.tolist() == np.flatnonzero(~ODD).tolist()


def test_texts_that_are_no_symbols_are_told_of_unless_they_are_classes():
    raw = annotated(ONSET, np.where(ODD, "PVC", "N"))
    assert "not annotated as beats" in cut(raw)[1]
    epochs, said = cut(raw, classes={"N": "N", "V": ["PVC"]})
    assert (len(epochs), said) == (60, None)
    with pytest.raises(ValueError, match=r"'P' to 'S' and to 'V'.*in a list.*\[\"PVC\"\]"):
        ecg.make_beat_epochs(raw, classes={"S": "PAC", "V": "PVC"})
    with pytest.raises(NoBeats, match=r"Its annotations are: PVC.*dict\(V=\[\"PVC\"\]\)"):
        ecg.make_beat_epochs(annotated(ONSET, "PVC"), classes={"V": "PVC"})


@pytest.mark.parametrize("text", ["(AFIB", "AFIB", "atrial fibrillation", "A", "O~"])
@pytest.mark.parametrize("as_list", [False, True])
def test_a_rhythm_is_one_text(text, as_list):
    letters = text == "O~" and not as_list
    raw = annotated([0, 24], ["~" if letters else text, "(N"], [24, 26])
    epochs = ecg.make_rhythm_epochs(raw, classes={"AF": [text] if as_list else text, "normal": "(N"})
    assert sorted(epochs.event_id) == ["AF", "normal"]


def test_beats_may_have_a_duration_but_rhythms_are_none():
    epochs, said = cut(annotated(ONSET, duration=0.1))
    assert (len(epochs), said) == (60, None)
    with pytest.raises(NoBeats, match="has 0 beats"):
        ecg.make_beat_epochs(annotated([0, 20], ["N", "A"], 20.0))


@pytest.mark.parametrize("classes", [[("N", "N")], {"N": None}, {"N": 1}])
def test_classes_are_a_dict_of_texts(classes):
    for make in (ecg.make_beat_epochs, ecg.make_rhythm_epochs):
        with pytest.raises(TypeError, match="classes must be a dict such as"):
            make(annotated(ONSET), classes=classes)


def test_rhythms_without_a_duration_are_told_of():
    with pytest.warns(RuntimeWarning, match="recording 0 has no annotations with a duration: .* 'unknown'"):
        epochs = ecg.make_rhythm_epochs(annotated([0, 24], ["(AFIB", "(N"]), classes={"AF": "(AFIB"})
    assert list(epochs.event_id) == ["unknown"]


def test_a_class_that_none_of_several_recordings_has_is_told_of():
    raws = [annotated([0, 24], ["(AFIB", "(N"], [24, 26]) for _ in range(2)]
    with pytest.warns(RuntimeWarning, match="No recording has the classes AF: how are their annotations"):
        ecg.make_rhythm_epochs(raws, classes={"AF": "AFIB", "normal": "(N"})
    raws = [annotated(ONSET), annotated(ONSET, np.where(ODD, "V", "N"))]
    with pytest.warns(RuntimeWarning, match="No recording has the classes early"):
        ecg.make_beat_epochs(raws, classes={"normal": "N", "early": "A"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ecg.make_beat_epochs(raws, classes={"normal": "N", "early": "V"})
        ecg.make_beat_epochs(raws)
