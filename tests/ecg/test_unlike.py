"""What is no ECG, or unlike those that classifiers know, is refused, or marked as not judged."""

import mne
import numpy as np
import pytest
from hearts import SFREQ, made_up
from scipy.signal import butter, sosfiltfilt

from mne_cnnclass import EpochsView, ecg

ONSET = 1 + 0.8 * np.arange(40)
TIMES = np.arange(int(34 * SFREQ)) / SFREQ


def heart():
    return made_up(ONSET, ["N"] * len(ONSET), names=["II"])


def filtered(low, high):
    raw = heart()
    sos = butter(4, (low, high), "bandpass", fs=SFREQ, output="sos")
    raw._data[:] = sosfiltfilt(sos, raw.get_data())
    return raw


def of(signal):
    return mne.io.RawArray(signal[None], mne.create_info(["II"], SFREQ, "ecg"), verbose="ERROR")


def paced():
    raw = heart()
    spikes = np.round((ONSET - 0.12) * SFREQ).astype(int)
    raw._data[:, spikes] += 0.4e-3
    return raw


def noise():
    return np.random.default_rng(0).standard_normal(len(TIMES))


def pulse_wave():
    phase = TIMES * 1.2 % 1
    wave = np.exp(-(((phase - 0.25) / 0.1) ** 2)) + 0.4 * np.exp(-(((phase - 0.55) / 0.12) ** 2))
    return of(1e-3 * wave + 2e-6 * noise())


def clicks():
    signal = 2e-6 * noise()
    signal[:: round(SFREQ)] += 1e-3
    return of(signal)


def scaled(factor):
    raw = heart()
    raw._data *= factor
    return raw


@pytest.mark.filterwarnings("ignore:.*(looks like noise|not judged|in noise|lie in|which is zero)")
@pytest.mark.parametrize(
    ("make", "why"),
    [
        pytest.param(lambda: filtered(5, 15), "next to nothing above 15 or 25 Hz", id="5 to 15 Hz"),
        pytest.param(lambda: filtered(0.5, 8), "next to nothing above 15 or 25 Hz", id="0.5 to 8 Hz"),
        pytest.param(pulse_wave, "next to nothing above 15 or 25 Hz", id="a pulse wave"),
        pytest.param(paced, "spike of a pacemaker", id="a paced heart"),
        pytest.param(lambda: of(1e-4 * noise()), "is noise", id="white noise"),
        pytest.param(lambda: of(1e-5 * np.cumsum(noise())), "is noise|nothing in common", id="drift"),
        pytest.param(clicks, "has 1 beats", id="clicks"),
        pytest.param(lambda: of(3e-4 * np.sin(314 * TIMES) + 1e-6 * noise()), "beats", id="line noise"),
        pytest.param(lambda: of(0 * TIMES), "0 beats", id="flat"),
        pytest.param(lambda: heart().crop(0, 3), "do not tell what is typical", id="3 s"),
        pytest.param(lambda: scaled(1e3), "in another unit than V", id="mV as V"),
        pytest.param(lambda: scaled(1e6), "in another unit than V", id="µV as V"),
        pytest.param(lambda: heart().resample(50), "60 Hz at least", id="50 Hz"),
    ],
)
def test_what_is_unlike_an_ecg_is_refused(make, why):
    with pytest.raises(ValueError, match=why):
        ecg.make_beat_epochs(make(), peaks="detected")


@pytest.mark.filterwarnings("ignore:.*which is zero")
@pytest.mark.parametrize(
    "raw",
    [heart(), scaled(-1), scaled(1e-6), heart().resample(125), heart().resample(1000)],
    ids=["as it is", "upside down", "another gain", "125 Hz", "1000 Hz"],
)
def test_what_does_not_matter_is_judged(raw):
    table = ecg.make_beat_epochs(raw, peaks="detected").metadata
    assert (table["quality"] == "good").all()
    assert len(table) >= len(ONSET) - 1


@pytest.mark.filterwarnings("ignore:.*(which is zero|is constant)")
def test_what_is_not_judged_can_be_kept():
    with pytest.warns(RuntimeWarning, match="none of its beats is judged, as most of its beats follow"):
        epochs = ecg.make_beat_epochs(paced(), peaks="detected", unusable="keep")
    assert set(epochs.metadata["quality"]) == {"paced"}
    with pytest.warns(RuntimeWarning, match="unlike what classifiers of rhythms are trained on: most of its"):
        assert set(ecg.make_rhythm_epochs(paced()).metadata["quality"]) == {"paced"}
    with pytest.warns(RuntimeWarning, match="no beats were found"):
        assert set(ecg.make_rhythm_epochs(of(0 * TIMES)).metadata["quality"]) == {"no ecg"}
    assert set(ecg.make_rhythm_epochs(heart()).metadata["quality"]) == {"good"}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_real_pacemakers_and_real_eeg(data_path):
    for number, quality in ((34, "paced"), (72, "paced"), (2, "good"), (11, "good")):
        raw = ecg.read_raw_wfdb(data_path / "ludb" / "data" / str(number), annotator=None)
        table = EpochsView(ecg.make_beat_epochs(raw, peaks="detected", unusable="keep")).metadata
        assert set(table["quality"]) == {quality}, number
    raw = mne.io.read_raw_edf(data_path / "eegmmidb" / "S009" / "S009R04.edf", include=["Fpz."], preload=True)
    with pytest.raises(ValueError, match="is noise"):
        ecg.make_beat_epochs(raw.set_channel_types({"Fpz.": "ecg"}), peaks="detected")
