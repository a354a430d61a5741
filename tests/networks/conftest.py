"""Signals for tests of networks."""

import mne
import numpy as np
import pytest


@pytest.fixture(scope="session")
def signals(data_path):
    """White noise, and eegmmidb S007 in V, unfiltered, with the offsets and drifts that amplifiers add."""
    raw = mne.io.read_raw_edf(data_path / "eegmmidb" / "S007" / "S007R04.edf", verbose="ERROR")
    eeg = mne.make_fixed_length_epochs(raw, 2.5, preload=True, verbose="ERROR").get_data(picks=range(7))[:12]
    rng = np.random.default_rng(0)
    offsets = 1e-4 * rng.standard_normal((7, 1))
    drifts = 1e-4 * rng.standard_normal((12, 7, 1)) * np.linspace(0, 1, eeg.shape[2])
    return {"noise": rng.standard_normal(eeg.shape), "EEG in V": eeg + offsets + drifts}
