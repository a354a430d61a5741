"""
A report to send
================

All about an evaluation on one page, an `mne.Report`: the data, the pipeline, the splits, scores with
intervals, figures, statistics, calibration, and a methods paragraph with its citations. It needs no network
and no Python to be read.
"""

# %%
# Evaluate
# --------

import tempfile
from pathlib import Path

import mne

from mne_cnnclass import CNNClassifier, EpochsView, datasets, evaluate
from mne_cnnclass.report import build_report

mne.set_log_level("ERROR")
view = EpochsView(datasets.load_sample())
result = evaluate(CNNClassifier("EEGNet", max_epochs=15, random_state=0), view, cv=3, probes=True)

# %%
# Write the report
# ----------------
# With a fitted classifier, what it looks at is part of the report; the test trials of the second day were not
# trained on.

clf = CNNClassifier("EEGNet", max_epochs=15, random_state=0).fit(view)
report = build_report(
    result, title="Cursor", explain=clf, explain_on=EpochsView(datasets.load_sample("test"))
)
print(report)

# %%
# It is an ordinary `mne.Report`, so pages of one's own can be added, before or after: give ``report=`` to add
# to one that exists.

report.add_html("<p>Recorded in Tübingen.</p>", title="Remarks")
with tempfile.TemporaryDirectory() as folder:
    report.save(Path(folder) / "report.html", open_browser=False)
