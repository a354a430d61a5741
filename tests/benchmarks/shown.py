"""Tables and figures of docs/guide/scaling.md, from the stores that its commands fill.

Run by hand: ``python tests/benchmarks/shown.py eegmmidb.sqlite mitdb.sqlite docs/benchmark``.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt

from mne_cnnclass import open_benchmark
from mne_cnnclass.metrics.scores import chance_levels
from mne_cnnclass.viz import plot_paired_scores


def main(path, folder):
    result = open_benchmark(path)
    comparison = result.compare()
    names = [name for name in result.datasets().index if name in set(result.table()["dataset"])]
    several = comparison.scores.index.nlevels > 1
    tables = [
        {name: table.loc[name] if several else table for name in names}
        for table in (comparison.scores, comparison.means)
    ]
    order = comparison.scores.mean().sort_values(ascending=False).index
    chance = []
    for name in names:
        one = result.evaluation(order[0], name, "cross-subject")
        chance.append(chance_levels(one.predictions, one.folds, one.classes)["accuracy"])
    width = 1.5 + 1.0 * len(order)
    axes = plt.subplots(len(names), figsize=(width, 4 * len(names)), layout="constrained", squeeze=False)[1]
    fig = plot_paired_scores(
        {name: table[order] for name, table in tables[0].items()},
        means=tables[1],
        chance=chance,
        metric="accuracy",
        units="subjects",
        ax=axes[:, 0],
    )
    fig.savefig(Path(folder, f"{Path(path).stem}.png"), dpi=100)
    texts = comparison.means.map("{:.3f}".format)
    texts["95 % CI"] = texts.pop("low") + " to " + texts.pop("high")
    print(texts.to_markdown())
    seconds = result.table().groupby(["dataset", "pipeline"])["seconds"].mean()
    print(seconds.unstack("dataset").to_markdown(floatfmt=".1f"))


if __name__ == "__main__":
    for store in sys.argv[1:-1]:
        main(store, sys.argv[-1])
