"""Recordings to stream, with a rhythm that is known."""

import mne
import numpy as np

CHANNELS = ("Fz", "C3", "Cz", "C4")
HOW = dict(events=dict(rhythm="T1", noise="T2"), tmin=0.0, tmax=0.99, l_freq=5.0, h_freq=30.0)


def rhythm_raw(seed=0, *, sfreq=100.0, n_events=20, subject="S001"):
    """Noise, and a rhythm of 10 Hz at C3 for 1 s after each event T1, every two seconds."""
    rng = np.random.default_rng(seed)
    onsets = 2.0 + 2.0 * np.arange(n_events)
    kinds = np.resize(["T1", "T2"], n_events)
    times = np.arange(int((onsets[-1] + 3) * sfreq)) / sfreq
    data = rng.standard_normal((len(CHANNELS), len(times)))
    for onset in onsets[kinds == "T1"]:
        on = (times >= onset) & (times < onset + 1)
        data[1, on] += 4 * np.sin(2 * np.pi * 10 * times[on] + rng.uniform(0, 6))
    info = mne.create_info(list(CHANNELS), sfreq, "eeg")
    info["subject_info"] = {"his_id": subject}
    raw = mne.io.RawArray(1e-5 * data, info, verbose="ERROR")
    return raw.set_annotations(mne.Annotations(onsets, 1.0, kinds))


# of streams that never leave this computer
LOCAL = """[multicast]
ResolveScope = machine
AddressesOverride = {127.0.0.1}
[lab]
KnownPeers = {127.0.0.1}
[log]
level = -3
"""

# in another process: path, name, samples a chunk, unit, encoding of the annotations
PLAYER = """
import sys, time, warnings
import mne
from mne_lsl.player import PlayerLSL
warnings.simplefilter("ignore")
path, name, chunk_size, unit, encoding = sys.argv[1:]
raw = mne.io.read_raw(path, preload=True, verbose="ERROR")
player = PlayerLSL(raw, int(chunk_size), 1, name=name, annotations_encoding=encoding)
if unit != "V":
    player.set_channel_units(dict.fromkeys(raw.ch_names, unit))
player.start()
print("started", flush=True)
while player.running:
    time.sleep(0.05)
time.sleep(1)
"""
