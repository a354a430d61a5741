"""A beat that comes alone gets the same numbers as in a record of which nothing after it is used."""

import numpy as np
import pandas as pd

from mne_cnnclass.ecg import interval_features
from mne_cnnclass.ecg.beat_shapes import TYPICAL_HEIGHT, compare_beats
from mne_cnnclass.ecg.beats_so_far import BeatsSoFar
from mne_cnnclass.ecg.intervals import record_median
from mne_cnnclass.ecg.measures import span_slice
from mne_cnnclass.ecg.rhythm_shapes import QRS

FIRST, RATE = -32, 128.0


def test_beats_that_come_get_the_features_of_the_record_so_far():
    rng = np.random.default_rng(0)
    rr = 0.8 * np.exp(rng.normal(0, 0.03, 100))
    rr[20::9] *= 0.6  # premature ones
    rr[60:75] *= 0.55  # and a run of them
    beats = 1e-3 * rng.standard_normal((101, 2, 91))
    beats[50:] *= 3  # as if the gain had changed
    intervals = interval_features(np.r_[rr[0], rr], causal=True)
    height = record_median(np.ptp(beats[..., span_slice(QRS, FIRST, RATE)], axis=2), causal=True)
    scaled = beats * (TYPICAL_HEIGHT / height)[..., np.newaxis]
    difference, shapes = compare_beats(scaled, slice(None), FIRST, RATE, causal=True)

    so_far, rows = BeatsSoFar(FIRST, RATE), []
    for number, beat in enumerate(beats):
        signals, features = so_far.add(beat, rr[number - 1] if number else None)
        np.testing.assert_allclose(signals[:, 0], scaled[number], rtol=1e-12)
        np.testing.assert_allclose(signals[:, 1], difference[number], atol=1e-15)
        rows.append(features)
    pd.testing.assert_frame_equal(pd.DataFrame(rows)[1:], intervals.join(shapes)[1:], check_like=True)


def test_a_beat_without_a_signal_does_not_say_what_is_typical():
    beat = 1e-3 * np.random.default_rng(0).standard_normal((1, 91))
    so_far = BeatsSoFar(FIRST, RATE)
    so_far.add(beat, None)
    for _ in range(50):
        so_far.add(0 * beat, 0.8, has_signal=False)
    signals, _ = so_far.add(beat, 0.8)
    np.testing.assert_allclose(np.ptp(signals[0, 0, so_far.qrs]), TYPICAL_HEIGHT)
    np.testing.assert_allclose(signals[0, 1], 0, atol=1e-15)
