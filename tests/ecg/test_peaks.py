"""R peaks of hearts that beat as slowly or fast as hearts do, at any gain, offset and sampling frequency."""

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
