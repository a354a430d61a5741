"""
A report to share
=================

An `mne.Report` shows everything about an evaluation on one page: the data, the pipeline, the splits, scores
with intervals, figures, statistics, calibration, and a methods paragraph with its citations. It opens in a
browser, without Python or an internet connection.
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
# Every figure of the report can also be drawn alone:

fig = result.plot_roc()

# %%
# Write the report
# ----------------
# If you pass a fitted classifier, the report also shows what it looks at. This is computed on the test trials
# of the second day, which were not used for training.

clf = CNNClassifier("EEGNet", max_epochs=15, random_state=0).fit(view)
report = build_report(
    result, title="Cursor", explain=clf, explain_on=EpochsView(datasets.load_sample("test"))
)
print(report)

# %%
# It is an ordinary `mne.Report`, so you can add your own content. Pass ``report=`` to add the evaluation to a
# report that exists already.

report.add_html("<p>Recorded in Tübingen.</p>", title="Remarks")
with tempfile.TemporaryDirectory() as folder:
    report.save(Path(folder) / "report.html", open_browser=False)
