"""
What does this recording show?
==============================

From a file to a page, without any training: a ready model tells the class of each beat of an ECG, another one
the rhythm. For research only: neither is a medical device.
"""

# %%
# The recording is half an hour of the MIT-BIH Arrhythmia Database. Yours may be any WFDB record, EDF or other
# file that MNE reads, or an `mne.io.Raw`, with one lead or more, from some seconds to days. The model of
# beats has learnt from this patient, among others, so it knows this heart better than it would know yours.

import mne

from mne_cnnclass import ecg, viz

mne.set_log_level("ERROR")
recording = ecg.fetch_mitdb(["201"])[0]
found = ecg.describe(recording)
print(found)

# %%
# The page to share has all of that, over time, with examples of each finding on ECG paper, and with what is
# known of the models: ``mne-cnnclass ecg predict 201 --report 201.html`` makes it from the shell.

report = found.report()  # found.report("201.html") saves it

# %%
# For further analyses the same is there as tables: the counts of each class, each beat, and the rhythm of
# each window of 30 s.

found.summary().round(3)

# %%
found.beats.head(3).round(3)

# %%
# And as figures: here is where the longest run of supraventricular beats may be, among beats that are
# irregular anyway. In fibrillation, which the model of rhythms finds here, an early beat is no sign of
# anything else.

beats = found.beats
is_s = (beats["description"] == "S").rolling(6).sum()  # of six beats in a row
viz.plot_beats(
    ecg.read_raw_wfdb(recording, annotator=None),
    beats["onset"],
    beats["description"],
    start=beats["onset"][is_s.idxmax()] - 7,
)
