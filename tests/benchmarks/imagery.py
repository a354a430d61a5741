"""The ready model for motor imagery: how it is trained, and how it does on people it was not trained on.

    python tests/benchmarks/imagery.py across results/ 0  # one of six folds of 48 people; all without
    python tests/benchmarks/imagery.py own results/       # a model of S001–S016 on the trials of 32 others
    python tests/benchmarks/imagery.py summary results/ docs/images/pretrained_imagery.png

eegmmidb S001–S048, runs 4, 8 and 12, imagined left against right fist, 42 to 45 trials a person, 4–38 Hz, 80
Hz, in windows of 0–3 and 1–4 s after the cue. Needs ``MNE_CNNCLASS_DATA``, with S017–S048 as files of
``eegmmidb_80hz``. ``pretrain.py`` trains the model that comes with the package by `fit`.
"""

import os
import sys
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from sklearn.pipeline import make_pipeline

from mne_cnnclass import (
    EpochsView,
    FineTunedClassifier,
    baselines,
    datasets,
    load_classifier,
    recipe,
    save_classifier,
)
from mne_cnnclass.estimators.by_window import WindowClassifier
from mne_cnnclass.preprocessing import EuclideanAlignment, ToElectrodes

PEOPLE = tuple(range(1, 49))
RATE, SECONDS, BAND = 80.0, 3.0, (4.0, 38.0)
STARTS = {"0–3 s": 0.0, "1–4 s": 1.0}
TRAINED_ON = {"0–3 s": ["0–3 s"], "1–4 s": ["0–3 s", "1–4 s"]}  # chosen on S001–S024
REQUIRED = ["FC3", "FC4", "C3", "C4", "CP3", "CP4", "Cz"]
ELECTRODES = [
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "FC5", "FC3", "FC1", "FC2", "FC4", "FC6", "T7", "C3", "Cz"),
    *("C4", "T8", "CP5", "CP3", "CP1", "CP2", "CP4", "CP6", "P7", "P3", "Pz", "P4", "P8", "O1", "Oz", "O2"),
]
CAPS = {f"{len(ELECTRODES)} electrodes": ELECTRODES, "the 7 required": REQUIRED}
N_FOLDS, N_OWN = 6, (5, 10, 20)
TEMPERATURES = {"0–3 s": 1.55, "1–4 s": 2.05}  # of people left out, as `summary` prints


def read(person):
    """The trials of a person, -0.5 to 4.1 s around the cue, as Epochs at 80 Hz."""
    if person <= 16:
        (epochs,) = datasets.load_eegbci([person], tmin=-0.5, tmax=4.1)
        epochs = epochs.resample(RATE)
        data, labels, names = epochs.get_data(), EpochsView(epochs).labels, epochs.ch_names
    else:
        file = np.load(Path(os.environ["MNE_CNNCLASS_DATA"]) / "eegmmidb_80hz" / f"S{person:03d}.npz")
        data, labels, names = file["data"] * float(file["scale"]), file["label"], file["ch_names"].tolist()
    info = mne.create_info(names, RATE, "eeg")
    with info._unlock():
        info["highpass"], info["lowpass"] = BAND
    events = np.column_stack([np.arange(len(data)), np.zeros(len(data), int), 1 + (labels == "right")])
    subject = pd.DataFrame({"subject": [f"S{person:03d}"] * len(data)})
    kinds = {"left": 1, "right": 2}
    return mne.EpochsArray(data, info, events, tmin=-0.5, event_id=kinds, metadata=subject, verbose="ERROR")


def window(epochs, start, cap=None):
    """The epochs of a window, of some or all electrodes."""
    epochs = epochs.copy().crop(start, start + SECONDS, include_tmax=False)
    return epochs if cap is None else epochs.pick(cap)


def fit(people=PEOPLE, **params):
    """The Pipeline, with networks for each window, fitted to those of some people."""
    everybody = [read(person) for person in people]
    networks = {}
    for name, start in STARTS.items():
        pipeline = fit_network(everybody, TRAINED_ON[name], **params)
        pipeline[-1].temperature_ = TEMPERATURES[name]
        networks[start] = rounded(pipeline[-1])
    pipeline[1].references_ = {}  # of people who are nobody's
    return make_pipeline(*pipeline[:-1], WindowClassifier.of_fitted(list(networks), list(networks.values())))


def fit_network(everybody, windows, **params):
    """The Pipeline of one network, fitted to some windows of each of some people."""
    parts, groups = [], []
    for epochs in everybody:
        for name in windows:
            parts.append(window(epochs, STARTS[name]).shift_time(0.0, relative=False))
            groups += [f"{epochs.metadata['subject'].iloc[0]} {name}"] * len(epochs)
    _, alignment, network = (step for _, step in recipe("motor imagery", random_state=0).steps)
    # as many steps whatever the windows; samples are aligned, and an electrode may be silent
    network.set_params(max_epochs=40 // len(windows), standardize=False).set_params(**params)
    electrodes = ToElectrodes(
        ELECTRODES, required=REQUIRED, sfreq=RATE, duration=SECONDS, start=(0.0, 1.0), band=BAND
    )
    pipeline = make_pipeline(electrodes, alignment, network)
    pipeline.fit(EpochsView(parts, groups=groups))
    pipeline[-1].provenance_["tmin"] = [STARTS[name] for name in windows]
    return pipeline


def rounded(network):
    """A network whose weights are numbers of 16 bits, which take half the room in a file."""
    for value in network.module_.state_dict().values():
        if value.is_floating_point():
            value.copy_(value.half())
    return network


def score(pipeline, view):
    """How much speaks for the right hand, above 0 where it is predicted."""
    if hasattr(pipeline, "predict_proba"):
        share = pipeline.predict_proba(view)[:, 1].clip(1e-6, 1 - 1e-6)
        return np.log(share / (1 - share))
    return pipeline.decision_function(view)


def saved(file, people):
    """The Pipeline of some people, fitted once."""
    if not file.exists():
        save_classifier(fit(people), file)
    return load_classifier(file)


def run_across(folder, *folds):
    """Each person by a model of the others: whole session and trial by trial, each cap, and baselines."""
    people = np.random.default_rng(0).permutation(PEOPLE)
    for fold in map(int, folds or range(N_FOLDS)):
        file = folder / f"across_{fold}.csv"
        if file.exists():
            continue
        tested = people[fold::N_FOLDS]
        rest = [person for person in PEOPLE if person not in tested]
        pipeline, rows = saved(folder / f"across_{fold}.mcnn", rest), []
        for start in STARTS:
            train = joined(rest, start)
            linear = {
                f"{name}, aligned": make_pipeline(EuclideanAlignment(), *steps).fit(train, train.labels)
                for name, steps in baselines("eeg", names=["CSP + LDA", "tangent space + LR"]).items()
            }
            for person in tested:
                epochs = read(person)
                for cap, names in CAPS.items():
                    view = EpochsView(window(epochs, STARTS[start], names))
                    for how, online in (("whole session", False), ("trial by trial", True)):
                        pipeline.set_params(euclideanalignment__online=online)
                        rows += tabulate(f"{how}, {cap}", start, person, view, score(pipeline, view))
                view = EpochsView(window(epochs, STARTS[start], ELECTRODES), groups="subject")
                for name, baseline in linear.items():
                    rows += tabulate(name, start, person, view, score(baseline, view))
        table = pd.DataFrame(rows)
        table.to_csv(file, index=False)
        print(
            file.name, table.groupby(["window", "method"]).apply(_accuracy).round(3).to_string(), flush=True
        )


def joined(people, start):
    """The trials of people in a window, at the electrodes of the model."""
    return EpochsView([window(read(p), STARTS[start], ELECTRODES) for p in people], groups="subject")


def run_own(folder):
    """A model of S001–S016 on the later trials of the others, before and after their first ones."""
    pipeline, rows = saved(folder / "own.mcnn", range(1, 17)), []
    for person in range(17, 49):
        epochs = read(person)
        for start in STARTS:
            view = EpochsView(window(epochs, STARTS[start], ELECTRODES), groups="subject")
            later = view[max(N_OWN) :]
            rows += tabulate("ready", start, person, later, score(pipeline, later), n_own=0)
            for n_own in N_OWN:
                first, anew = view[:n_own], later[:]
                anew.groups = np.full(len(later), "later")  # aligned by themselves, as first trials are few
                methods = {
                    "fine-tuned": FineTunedClassifier(pipeline),
                    "from scratch": recipe("motor imagery", random_state=0),
                    "CSP + LDA": baselines("eeg", names=["CSP + LDA"])["CSP + LDA"],
                }
                for name, method in methods.items():
                    fitted = method.fit(first, first.labels)
                    tested = anew if name == "fine-tuned" else later
                    rows += tabulate(name, start, person, later, score(fitted, tested), n_own=n_own)
        print(f"S{person:03d}", pd.DataFrame(rows).groupby(["window", "method", "n_own"]).apply(_accuracy))
    pd.DataFrame(rows).to_csv(folder / "own.csv", index=False)


def tabulate(method, start, person, view, scores, **more):
    about = dict(method=method, window=start, subject=f"S{person:03d}", **more)
    return [
        about | dict(right=label == "right", score=s) for label, s in zip(view.labels, scores, strict=True)
    ]


def _accuracy(rows):
    return ((rows["score"] > 0) == rows["right"]).mean()


def interval(values):
    """The mean over people, with a bootstrap interval."""
    values = np.asarray(values)
    means = np.random.default_rng(0).choice(values, (10000, len(values))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.3f} ({low:.3f}–{high:.3f})"


def summarize(folder, figure):
    """Tables in Markdown, the temperature of the model, and the figure of own trials."""
    across = pd.concat([pd.read_csv(file) for file in sorted(folder.glob("across_*.csv"))])
    people = across.groupby(["method", "window", "subject"], sort=False).apply(_accuracy)
    judged = people.index.get_level_values("subject") > "S024"
    for name, part in {"48 people": people, "S025–S048": people[judged]}.items():
        table = part.groupby(["method", "window"], sort=False).agg(interval).unstack("window")
        print(f"\n{name}\n\n{table.to_markdown()}")
    n_trials = across.groupby(["method", "window", "subject"], sort=False).size()
    chance = people < 0.5 + 1.645 * 0.5 / np.sqrt(n_trials)
    share = chance.groupby(["method", "window"], sort=False).mean()
    print(f"\nnot better than chance (one-sided, 5 %)\n\n{share.round(2).unstack('window').to_markdown()}")
    for how in ("whole session", "trial by trial"):
        rows = across[across["method"] == f"{how}, {len(ELECTRODES)} electrodes"]
        for start, of_window in rows.groupby("window"):
            logits = TEMPERATURES[start] * of_window["score"]
            print(f"\n{how}, {start}: temperature {temperature(logits, of_window['right']):.2f}")
    if (folder / "own.csv").exists():
        draw_own(pd.read_csv(folder / "own.csv"), figure)


def temperature(logits, right):
    """What the logits have to be divided by, by the likelihood of the labels."""
    signed = np.where(right, logits, -logits)
    grid = np.exp(np.linspace(np.log(0.2), np.log(5), 400))
    return grid[np.argmin([np.logaddexp(0, -signed / t).mean() for t in grid])]


def draw_own(own, figure):
    """Accuracy on the same later trials against the number of own trials."""
    import matplotlib.pyplot as plt

    people = own.groupby(["window", "method", "n_own", "subject"], sort=False).apply(_accuracy)
    print("\n" + people.groupby(["window", "method", "n_own"]).agg(interval).unstack("n_own").to_markdown())
    fig, axes = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True, layout="constrained")
    for ax, start in zip(axes, STARTS, strict=True):
        ready = people[start, "ready", 0]
        ax.axhline(ready.mean(), color="0.3", linewidth=1)
        ax.annotate("ready, no own trials", (15, ready.mean() - 0.01), ha="center", va="top")
        for k, (method, of_method) in enumerate(people[start].drop("ready").groupby("method")):
            of_people = of_method.unstack("n_own")[list(N_OWN)]
            mean, error = of_people.mean(), 1.96 * of_people.std() / np.sqrt(len(ready))
            at = np.array(N_OWN) + 0.15 * (k - 1)  # side by side
            ax.errorbar(at, mean, error, fmt="o-", capsize=2, label=method)
        for n_own in N_OWN:
            gain = people[start, "fine-tuned", n_own] - ready
            better, worse = (gain > 0).sum(), (gain < 0).sum()
            ax.text(n_own, 0.9, f"{better} better\n{worse} worse", ha="center", va="bottom", fontsize=8)
            print(f"{start}: {n_own} own trials {interval(gain)}, {better} people better, {worse} worse")
        ax.annotate("chance", (max(N_OWN), 0.5), ha="right", va="top")
        ax.axhline(0.5, color="0.3", linestyle="--", linewidth=1)
        ax.set(xlabel="Own trials", xticks=N_OWN, xlim=(3, 22), ylim=(0.4, 1.0))
        ax.set_title(f"{start} after the cue, n = {len(ready)} people", fontsize=10, loc="left")
    axes[0].set_ylabel("Accuracy on the same later trials")
    fig.legend(*axes[1].get_legend_handles_labels(), frameon=False, loc="outside lower center", ncols=3)
    fig.savefig(figure, dpi=150)


if __name__ == "__main__":
    mne.set_log_level("ERROR")
    command, folder, *more = sys.argv[1:]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    {"across": run_across, "own": run_own, "summary": summarize}[command](folder, *more)
