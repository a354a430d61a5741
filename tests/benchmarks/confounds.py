"""What else tells left from right? Confound probes beside a classifier, on imagery of 16 people.

    python tests/benchmarks/confounds.py > confounds.md

eegmmidb S001–S016, imagined left against right fist, of people who were not trained on: unfiltered,
band-passed at 4–38 Hz, and with the same high-pass once more; in the windows 0–3 s and 1–4 s after the cue.
Prints what `docs/guide/evaluation.md` shows, in Markdown. Needs ``MNE_CNNCLASS_DATA``; takes ten minutes.
"""

import sys

import mne
import numpy as np
import pandas as pd
from scipy.fft import dct
from scipy.signal.windows import hann
from sklearn.model_selection import GroupKFold

from mne_cnnclass import CNNClassifier, EpochsView, datasets, evaluate
from mne_cnnclass.evaluation.probes import Probe, judge_probes, make_probes, probe_estimator

SUBJECTS = range(1, 17)
FRONTAL = ["Fp1", "Fpz", "Fp2", "AF7", "AF3", "AFz", "AF4", "AF8", "F7", "F8"]
FILTERS = {  # of the recording, and once more of the epochs
    "unfiltered": ((None, None), None),
    "4–38 Hz": ((4.0, 38.0), None),
    "4–38 Hz, high-pass twice": ((4.0, 38.0), 4.0),
}
WINDOWS = ((0.0, 3.0), (1.0, 4.0))


def leftover(view):
    """Slow frontal signals however weak: cosine coefficients below 1.5 Hz under a Hann window, each rescaled.

    The window keeps stronger rhythms from leaking into them.
    """
    data = np.asarray(view.pick(FRONTAL))
    data -= data.mean(2, keepdims=True)
    n_cosines = int(2 * 1.5 * view.shape[2] / view.sfreq)
    return dct(data * hann(view.shape[2]), norm="ortho")[..., :n_cosines].reshape(len(view), -1)


def score(name, window, view):
    """The scores with one filter and in one window, and what is said of eyes."""
    splits = list(GroupKFold(4).split(view, view.labels, view.groups))
    classifier = CNNClassifier("EEGNet", max_epochs=20, n_threads=1, random_state=0)
    result = evaluate(classifier, view, cv=splits)
    probes = make_probes(view)
    probes["leftover"] = Probe("leftover", leftover.__doc__, leftover(view))
    evaluations = {
        title: evaluate(probe_estimator(), probe.features, view.labels, groups=view.groups, cv=splits)
        for title, probe in probes.items()
        if probe.features is not None
    }
    table = judge_probes(result, probes, evaluations)
    cells = table.apply(
        lambda row: f"{row['score']:.2f} ({row['low']:.2f}–{row['high']:.2f})" + row["flagged"] * " *", axis=1
    ).where(table["score"].notna(), "–")
    first = table.iloc[0]
    cells["EEGNet"] = (
        f"{first['classifier']:.2f} ({first['classifier_low']:.2f}–{first['classifier_high']:.2f})"
    )
    return cells.rename(f"{name}, {window[0]:g}–{window[1]:g} s"), table["verdict"]["ocular"]


def main():
    mne.set_log_level("ERROR")
    columns, verdicts = [], {}
    for name, ((l_freq, h_freq), again) in FILTERS.items():
        # a second more on both sides, for the second filter, which is 1.65 s long
        whole = datasets.load_eegbci(SUBJECTS, tmin=-1.0, tmax=5.0, l_freq=l_freq, h_freq=h_freq)
        for epochs in whole:
            epochs.filter(again, None)
        for window in WINDOWS:
            view = EpochsView([epochs.copy().crop(*window) for epochs in whole], groups="subject")
            column, words = score(name, window, view)
            columns.append(column)
            verdicts[column.name] = words
            print(column.name, words, file=sys.stderr, flush=True)
    print(f"{sum(map(len, whole))} trials of {len(whole)} people.", end="\n\n")
    print(pd.concat(columns, axis=1).to_markdown(), end="\n\n")
    for title, words in verdicts.items():
        print(f"- {title}: {words}")


if __name__ == "__main__":
    main()
