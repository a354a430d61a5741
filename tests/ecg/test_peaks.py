"""R peaks of hearts that beat as slowly or fast as hearts do, at any gain, offset and sampling frequency."""

import gc
import tracemalloc

import mne
import numpy as np
import pytest
import wfdb
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mne_cnnclass import ecg


def heart(sfreq, rate, seconds=30.0, t_wave=0.25, noise=0.01):
    """An ECG of one lead in V with P, QRS and T, and the onsets of its beats in s, at so many a minute."""
    rng = np.random.default_rng(0)
    time = np.arange(int(seconds * sfreq)) / sfreq
    onset = np.arange(0.6, seconds - 0.5, 60 / rate)
    onset = onset + rng.normal(0, 0.6 / rate, len(onset))
    signal = noise * rng.standard_normal(len(time))
    waves = [(1, 0, 0.012), (-0.2, 0.03, 0.012), (t_wave, min(0.28, 27 / rate), 0.05)]
    waves += [(0.12, -min(0.16, 15 / rate), 0.025)]
    for height, delay, width in waves:
        distance = time[:, None] - onset - delay
        signal += height * np.exp(-((distance / width) ** 2)).sum(1)
    return 1e-3 * signal, onset


def find(signal, sfreq):
    return ecg.find_r_peaks(mne.io.RawArray(signal[None], mne.create_info(["II"], sfreq, "ecg"), verbose=40))


def assert_found(found, onset, most_lost=0.01):
    distance = np.abs(found[:, None] - onset)
    assert (distance.min(0) < 0.05).mean() >= 1 - most_lost
    assert (distance.min(1) < 0.05).all()


@settings(max_examples=20, deadline=None)
@given(
    rate=st.floats(25, 300),
    sfreq=st.sampled_from([125.0, 250.0, 257.0, 360.0, 500.0, 1000.0]),
    gain=st.floats(-1, 1),
    sign=st.sampled_from([-1, 1]),
    offset=st.floats(-3e-3, 3e-3),
)
@example(rate=192, sfreq=125.0, gain=0.0, sign=-1, offset=0.0)
@example(rate=210, sfreq=500.0, gain=0.0, sign=1, offset=0.0)
@example(rate=250, sfreq=500.0, gain=0.0, sign=1, offset=0.0)
def test_beats_are_found_at_any_rate_gain_and_offset(rate, sfreq, gain, sign, offset):
    signal, onset = heart(sfreq, rate)
    assert_found(find(sign * 10**gain * signal + offset, sfreq) / sfreq, onset, most_lost=0.02)


@pytest.mark.parametrize("gain", [0.1, 0.5, 2, 5, 10])
@pytest.mark.parametrize("t_wave", [0.1, 0.35, 0.5])
def test_the_gain_of_a_recording_changes_no_beat(gain, t_wave):
    signal, onset = heart(360.0, 70, t_wave=t_wave)
    found = find(signal, 360.0)
    assert_found(found / 360, onset)
    np.testing.assert_array_equal(find(gain * signal, 360.0), found)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_an_electrode_that_is_off_for_most_of_the_time_changes_no_beat(share):
    signal, onset = heart(250.0, 75, seconds=60.0)
    on = 60 * share
    signal[: round(250 * on)] = 5e-6 * np.random.default_rng(0).standard_normal(round(250 * on))
    found = find(signal, 250.0) / 250
    assert_found(found[found > on + 2], onset[onset > on + 2])
    assert np.sum(found < on - 1) < 5


@pytest.mark.parametrize("fill", [0.0, 0.003, np.nan])
@pytest.mark.parametrize(("before", "after"), [(0, 120), (120, 0), (3, 0), (60, 60)])
def test_padding_changes_no_beat_however_long(fill, before, after):
    signal, onset = heart(250.0, 75, seconds=5.9)
    found = find(np.pad(signal, (before * 250, after * 250), constant_values=fill), 250.0) / 250
    inner = found[(found > before + 0.3) & (found < before + 5.0)] - before
    assert len(found) <= len(onset) + 1  # a step to padding may look like one
    assert_found(inner, onset[onset < 5.0])  # the last one goes on into the padding


def test_a_search_leaves_nothing_behind():
    signal, _ = heart(250, 70, seconds=300)
    find(signal, 250)  # what is kept of a first search, such as imports
    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        for _ in range(3):
            find(signal, 250)
        assert tracemalloc.get_traced_memory()[0] < 1e6  # bytes; a signal of the detector has 1.5e6
    finally:
        tracemalloc.stop()
        gc.enable()


def test_a_drift_has_no_beat():
    assert not len(find(np.linspace(0, 1e-3, 15000), 250.0))


@pytest.mark.parametrize("record", ["119", "203"])
def test_the_gain_changes_no_beat_of_patients(data_path, record):
    signal = ecg.read_raw_wfdb(data_path / "mitdb" / record, stop=120).get_data([0])[0]
    found = find(signal, 360.0)
    annotated = wfdb.rdann(str(data_path / "mitdb" / record), "atr", sampto=120 * 360).symbol
    n_beats = sum(symbol in "NLRAaJSVFejEfQ" for symbol in annotated)
    assert abs(len(found) - n_beats) < 0.03 * n_beats
    for gain in (0.1, 3, 10):
        assert abs(len(find(gain * signal, 360.0)) - len(found)) <= 1


@pytest.mark.parametrize("sfreq", [125.0, 360.0, 1000.0])
@pytest.mark.parametrize("slowly", [False, True])
def test_beats_that_are_found_in_noise_alone_are_told_of(sfreq, slowly):
    noise = np.random.default_rng(0).standard_normal(round(60 * sfreq))
    with pytest.warns(RuntimeWarning, match="Lead II looks like noise: .* beats were found"):
        find(1e-5 * (np.cumsum(noise) if slowly else noise), sfreq)


NORMAL = ((1, 0, 0.012), (-0.2, 0.03, 0.012), (0.25, 0.28, 0.07), (0.12, -0.16, 0.025))
VENTRICULAR = ((1, 0, 0.035), (-0.4, 0.07, 0.03), (-0.3, 0.33, 0.07))


def onsets(rate, seconds, start=0.6):
    rng = np.random.default_rng(0)
    beats = start + np.cumsum(60 / rate * (1 + 0.03 * rng.standard_normal(int(seconds * rate / 60) + 2)))
    return beats[beats < start + seconds - 1.1]


def draw(sfreq, seconds, beats, noise=0.01):
    """A lead in V of beats, each an onset in s, the waves (height, delay, width) and how high they are."""
    time = np.arange(int(seconds * sfreq)) / sfreq
    signal = noise * np.random.default_rng(0).standard_normal(len(time))
    for onset, waves, gain in beats:
        for height, delay, width in waves:
            signal += gain * height * np.exp(-(((time - onset - delay) / width) ** 2))
    return 1e-3 * signal


@pytest.mark.parametrize("gain", [0.05, 0.2, 5, 20])
@pytest.mark.parametrize(("start", "stop"), [(60, 120), (40, 70)])
def test_beats_are_found_after_the_gain_changed_within_a_recording(gain, start, stop):
    signal, onset = heart(250.0, 75, seconds=120.0)
    signal[250 * start : 250 * stop] *= gain
    found = find(signal, 250.0) / 250
    near = [np.abs(times[:, None] - [start, stop]).min(1) < 3 for times in (onset, found)]
    assert_found(found[~near[1]], onset[~near[0]])


@pytest.mark.parametrize("taller", [2, 4, 6])
@pytest.mark.parametrize("every", [2, 3])
def test_normal_beats_are_found_between_ventricular_ones_that_are_taller(taller, every):
    onset = onsets(75, 90)
    is_v = np.arange(len(onset)) % every == 1
    onset[is_v] -= 0.2
    beats = [(at, VENTRICULAR, taller) if v else (at, NORMAL, 1) for at, v in zip(onset, is_v, strict=True)]
    assert_found(find(draw(250.0, 90, beats), 250.0) / 250, onset, most_lost=0.04)


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_beats_are_found_between_artefacts_however_many(share):
    rng, (signal, onset) = np.random.default_rng(1), heart(250.0, 75, seconds=180.0)
    at = 3.0 * np.arange(1, 59)[rng.random(58) < share] + rng.uniform(0, 1)
    for start in np.round(250 * at).astype(int):
        signal[start : start + 60] += 30e-3 * np.hanning(60)
    found = find(signal, 250.0) / 250
    far = [((times[:, None] < at - 0.3) | (times[:, None] > at + 0.6)).all(1) for times in (onset, found)]
    assert_found(found[far[1]], onset[far[0]], most_lost=0.04)


@pytest.mark.parametrize("rate", [180, 220, 260])
def test_a_paroxysm_is_found_beat_by_beat(rate):
    slow, fast, after = onsets(70, 60), onsets(rate, 15, start=60.3), onsets(70, 60, start=75.5)
    short = [(height, min(delay, 27 / rate), width / 2) for height, delay, width in NORMAL[:3]]
    beats = [(at, NORMAL, 1) for at in [*slow, *after]] + [(at, short, 1) for at in fast]
    assert_found(find(draw(250.0, 136, beats), 250.0) / 250, np.sort([at for at, *_ in beats]))


@pytest.mark.parametrize("rate", [60, 90, 120])
def test_a_t_wave_as_high_as_the_qrs_complex_is_no_beat(rate):
    waves = [*NORMAL[:2], (1.0, min(0.3, 24 / rate), 0.07)]
    onset = onsets(rate, 60)
    assert_found(find(draw(250.0, 60, [(at, waves, 1) for at in onset]), 250.0) / 250, onset)


def test_p_waves_that_are_not_conducted_are_no_beats():
    onset = onsets(35, 60)
    beats = [(at, NORMAL[:3], 1) for at in onset] + [
        (at, [(0.3, 0, 0.05)], 1) for at in np.arange(0.6, 59, 0.8)
    ]
    assert_found(find(draw(250.0, 60, beats), 250.0) / 250, onset)


@pytest.mark.parametrize("sfreq", [250.0, 360.0, 1000.0])
@pytest.mark.parametrize(("waves", "delay"), [(NORMAL, -0.16), (VENTRICULAR, -0.03)])
def test_spikes_of_a_pacemaker_are_no_beats(sfreq, waves, delay):
    onset = onsets(70, 60)
    spikes = np.zeros(60 * 4000)
    for at in np.round(4000 * (onset + delay)).astype(int):
        spikes[at : at + 6] = 10e-3  # 1.5 ms, ten times as high as the beats
    spikes = mne.filter.resample(spikes, down=4000 / sfreq, verbose="ERROR")
    signal = draw(sfreq, 60, [(at, waves, 1) for at in onset]) + spikes[: int(60 * sfreq)]
    assert_found(find(signal, sfreq) / sfreq, onset)


@pytest.mark.parametrize("kind", ["nothing", "noise", "least bits"])
def test_a_lead_that_has_no_electrode_for_minutes_has_no_beats_there(kind):
    signal, onset = heart(250.0, 75, seconds=240.0)
    noise = np.random.default_rng(0).standard_normal(100 * 250)
    off = {"nothing": 0 * noise, "noise": 2e-6 * noise, "least bits": 5e-6 * np.round(0.6 * noise)}[kind]
    signal[80 * 250 : 180 * 250] = off
    kept = (onset < 79) | (onset > 181)
    found = find(signal, 250.0) / 250
    assert ((found > 80.5) & (found < 179.5)).sum() < 5
    assert_found(found[(found < 79) | (found > 181)], onset[kept])


@pytest.mark.parametrize("record", ["119", "203"])
def test_beats_of_patients_are_found_in_muscle_noise(data_path, record):
    stem = data_path / "mitdb" / record
    signal = ecg.read_raw_wfdb(stem, stop=120).get_data([0])[0]
    notes = wfdb.rdann(str(stem), "atr", sampto=120 * 360)
    onset = notes.sample[[symbol in "NLRAaJSVFejEfQ" for symbol in notes.symbol]]
    height = np.ptp(signal[np.clip(onset[:, None] + np.arange(-18, 19), 0, None)], axis=1).mean()
    noise = np.random.default_rng(0).standard_normal(len(signal))
    noise = mne.filter.filter_data(noise, 360.0, 10.0, 80.0, verbose="ERROR")
    found = find(signal + height / np.sqrt(8) / 4 * noise / noise.std(), 360.0)  # 12 dB
    distance = np.abs(found[:, None] - onset)
    assert (distance.min(0) < 54).mean() > 0.95
    assert (distance.min(1) < 54).mean() > 0.95


def test_the_filter_is_that_of_gqrs():
    from wfdb.processing.qrs import GQRS

    from mne_cnnclass.ecg.peaks import _match

    class Listener(GQRS):
        def rewind_gqrs(self):
            super().rewind_gqrs()
            self.v1 = 0  # else it goes on with what it summed up in the first pass

        def qf(self):
            super().qf()
            heard[self.t] = self.qfv_at(self.t)

    heard, conf = {}, GQRS.Conf(fs=120.0, adc_gain=200)
    signal = np.round(2e5 * heart(120.0, 75, seconds=20.0)[0]).astype(int)
    Listener().detect(signal, conf, 0)
    times = np.arange(30, 2000)  # the second pass, as heard last
    ours = np.trunc(_match(signal.astype(float), conf.dt) / conf.v1norm) ** 2
    np.testing.assert_array_equal([heard[time] for time in times], ours[times])
