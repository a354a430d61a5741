"""Whether ready models are as sure as they are right, on people or recordings left out of the training.

    python tests/benchmarks/reliability.py IMAGERY/ HEARTS.pkl RHYTHM.pkl FIGURE.png

IMAGERY is the folder of ``imagery.py across``, the files are what ``heartbeats.py nested=1 save=…`` and
``rhythm.py cinc2017 recipe save=…`` keep. Prints a table in Markdown: share of right answers (%), and their
number, by how probable the answer is.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from mne_cnnclass.viz import plot_reliability

EDGES = [0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0]


def imagery(folder):
    """Trials of both windows, whole sessions of people left out."""
    rows = pd.concat(pd.read_csv(file) for file in sorted(Path(folder).glob("across_*.csv")))
    rows = rows[rows["method"] == "whole session, 32 electrodes"]
    right = 1 / (1 + np.exp(-rows["score"].to_numpy()))
    return np.where(rows["right"], "right", "left"), pd.DataFrame({"left": 1 - right, "right": right})


def hearts(file):
    """Beats of patients left out, but for the 8 that experts could not class."""
    y, proba, _ = pd.read_pickle(file)
    return y[y != "Q"], pd.DataFrame(proba[y != "Q"], columns=["N", "S", "V", "F"])


def main(folder, beats, rhythms, figure):
    models = {
        "Imagined hand\nboth windows of the trials of 48 people": imagery(folder),
        "Heartbeats, one network\nbeats of 22 people": hearts(beats),
        "Rhythm\n900 recordings": pd.read_pickle(rhythms),
    }
    fig, axes = plt.subplots(1, 3, figsize=(14, 5.6), layout="constrained")
    table = {}
    for ax, (name, (y, proba)) in zip(axes, models.items(), strict=True):
        plot_reliability(y, proba.to_numpy(), classes=proba.columns.to_numpy(), title=name, ax=ax)
        answers = pd.DataFrame({"sure": proba.max(axis=1), "right": proba.idxmax(axis=1).to_numpy() == y})
        of = answers.groupby(pd.cut(answers["sure"], EDGES), observed=False).agg(
            sure=("sure", "mean"), right=("right", "mean"), n=("right", "size")
        )
        table[name.split("\n")[0]] = [
            f"{100 * row.sure:.0f} → {100 * row.right:.0f} ({row.n:.0f})" if row.n >= 20 else f"({row.n:.0f})"
            for row in of.itertuples()
        ]
    bins = [f"{a:g}–{b:g}" for a, b in zip(EDGES[:-1], EDGES[1:], strict=True)]
    print(pd.DataFrame(table, pd.Index(bins, name="probability of the answer")).to_markdown())
    fig.savefig(figure, dpi=110)


if __name__ == "__main__":
    main(*sys.argv[1:])
