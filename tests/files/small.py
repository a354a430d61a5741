"""Small recordings with steps of 1 mV at their events, in the formats of files."""

import mne
import numpy as np
from made_up import write_brainvision, write_edf, write_set

from mne_cnnclass.preprocessing import make_epochs

SFREQ, LENGTH = 100, 20
ONSETS = np.arange(1.0, LENGTH - 1, 2.0)
TEXTS = np.resize(["T1", "T2"], len(ONSETS))


def signals(n_channels=3, length=LENGTH):
    """Noise in µV, and steps of 1 mV for 0.3 s at the events."""
    data = np.random.default_rng(0).normal(0, 20, (n_channels, length * SFREQ))
    for onset in ONSETS:
        data[:, int(onset * SFREQ) :][:, :30] += 1000
    return data


def edf(path, *more, starts=None, record=1.0, **options):
    """An EDF+ file with the events in it, and more annotations."""
    starts = record * np.arange(LENGTH / record) if starts is None else starts
    at = (ONSETS // record).astype(int)
    notes = [(t, 0, text) for t, text in zip(starts[at] + ONSETS % record, TEXTS, strict=True)]
    return write_edf(path, signals(), SFREQ, notes=[*notes, *more], starts=starts, record=record, **options)


def brainvision(path, *more, **options):
    names = dict(T1="S  1", T2="S  2")
    events = [("Stimulus", names[text], int(t * SFREQ) + 1, 1) for t, text in zip(ONSETS, TEXTS, strict=True)]
    return write_brainvision(path, signals(), SFREQ, markers=[*events, *more], **options)


def eeglab(path, *more, **options):
    events = [dict(type=text, latency=t * SFREQ + 1) for t, text in zip(ONSETS, TEXTS, strict=True)]
    return write_set(
        path, signals(), SFREQ, events=sorted([*events, *more], key=lambda e: e["latency"]), **options
    )


def raw_of(*more):
    raw = mne.io.RawArray(
        1e-6 * signals(), mne.create_info(["C3", "Cz", "C4"], SFREQ, "eeg"), verbose="ERROR"
    )
    notes = mne.Annotations(*zip(*zip(ONSETS, 0 * ONSETS, TEXTS, strict=True), *more, strict=True))
    return raw.set_annotations(notes, verbose="ERROR")


def cut_off(path, n_bytes=5000):
    path.write_bytes(path.read_bytes()[:-n_bytes])
    return path


def epochs_of(recording, tmax=0.29, **options):
    return make_epochs(recording, tmin=0.0, tmax=tmax, **options)[0]


def held(epochs):
    """How many epochs hold the step of their event."""
    return int((epochs.get_data().mean((1, 2)) > 900e-6).sum())


def toy_epochs(n=8):
    data = 1e-5 * np.random.default_rng(0).standard_normal((n, 3, 100))
    events = np.column_stack([100 * np.arange(n), np.zeros(n, int), np.arange(n) % 2 + 1])
    info = mne.create_info(["C3", "Cz", "C4"], SFREQ, "eeg")
    return mne.EpochsArray(data, info, events, event_id=dict(left=1, right=2), verbose="ERROR")


def epochs_set(path, events, n_written=None, **options):
    """Epochs of EEGLAB from -0.5 s, of the events in each: (time in s, type)."""
    data = 20 * np.random.default_rng(0).standard_normal((3, 100, len(events)))
    flat = [
        dict(type=kind, latency=100.0 * k + 51 + 100 * t, epoch=k + 1.0)
        for k, its in enumerate(events)
        for t, kind in its
    ]
    table = []
    for its in events:
        times, kinds = zip(*its, strict=True)
        one = len(its) == 1
        table.append(
            dict(
                event=1.0,
                eventtype=kinds[0] if one else np.array(kinds, object),
                eventlatency=1e3 * times[0] if one else np.array([1e3 * t for t in times], object),
            )
        )
    return write_set(path, data, SFREQ, events=flat[:n_written], epochs=table, tmin=-0.5, **options)
