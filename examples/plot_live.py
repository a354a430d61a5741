"""
Decisions while the signal comes in
===================================

A classifier is trained on two recordings of a person and then follows a stream. Here, the stream is a third
recording that is played as fast as it can be; ``live.connect("name")`` follows one of the Lab Streaming Layer
in the same way, with the same decisions.

The recordings are those of `mne.datasets.eegbci` (imagined left and right fist, with rest in between); a
local copy is used if ``MNE_CNNCLASS_DATA`` points to one.
"""

# %%
# Train on what a stream will give
# --------------------------------
# Filters of a stream can't look ahead. `live_epochs` cuts epochs from recordings that are filtered in the
# same way, so that the classifier learns what it will get. With 60 short epochs of one person, spatial
# patterns and a linear model do better than networks; any fitted classifier can follow a stream.

import os
from pathlib import Path

import mne
import numpy as np
from mne.decoding import CSP
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline

from mne_cnnclass import EpochsView
from mne_cnnclass.live import LiveClassifier, evaluate_live, live_epochs

mne.set_log_level("ERROR")
if "MNE_CNNCLASS_DATA" in os.environ:
    folder = Path(os.environ["MNE_CNNCLASS_DATA"]) / "eegmmidb" / "S007"
    files = [folder / f"S007R{run:02d}.edf" for run in (4, 8, 12)]
else:
    files = mne.datasets.eegbci.load_data(7, [4, 8, 12], update_path=False)
how = dict(events=dict(left="T1", right="T2", rest="T0"), tmin=0.5, tmax=2.49, rename="standard")
how |= dict(l_freq=8.0, h_freq=30.0)
view = EpochsView(live_epochs(files[:2], **how))
clf = make_pipeline(CSP(8, reg="ledoit_wolf"), LinearDiscriminantAnalysis())
clf.fit(np.asarray(view), view.labels)
print(view)

# %%
# Follow a stream
# ---------------
# A window of 2 s every quarter of a second. The first ones are not judged, because filters settle. The
# classifier was fitted on an array, so it is told the channels.

live = LiveClassifier(clf, **how, picks=view.ch_names, step=0.25, trained_live=True)
for number, decision in enumerate(live.replay(files[2])):
    print(decision)
    if number == 11:
        break

# %%
# What is delayed by what
# -----------------------
# A filter delays the signal, a window has to be complete, and the classifier computes.

session = live.open(mne.io.read_raw(files[2]).info)
delay, settling = 1e3 * session.delay, session.settling
print(f"The filter delays {session.delay_at:.0f} Hz by {delay:.0f} ms, and settles in {settling:.2f} s.")

# %%
# How well it goes
# ----------------
# The decisions over time are compared with the cues: how many are detected and how fast, how often there is
# an alarm while there is no cue, and how much of this is so if the cues are moved elsewhere.

result = evaluate_live(live, files[2], threshold=0.9, idle=["rest"])
print(result)

# %%
# Probability over time, with the cues.

fig = result.plot()
fig.axes[0].set_xlim(0, 60)
