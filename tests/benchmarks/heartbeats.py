"""Heartbeats of patients never seen: the recipe on the first half (DS1) of the MIT-BIH Arrhythmia Database.

    MNE_CNNCLASS_DATA=... python tests/benchmarks/heartbeats.py [n_folds=22] [n_seeds=3] [key=value ...]

Each patient is tested once by networks that were trained on others (one patient out), by one network of each
seed and by all of them together, which is the recipe. Prints tables in Markdown: pooled over all beats, F and
Q among the true ones; S beats a patient; and S beats of patients whose share of them is raised: recordings
are cut between beats and joined again, with each run of S beats (``10+``: of ten and more) after as many of
the normal beats before it as the share allows, in time order, again and again.

Further arguments are parameters of `BeatClassifier`, such as ``n_fibrillation=0`` or ``smoothing=0``;
``leak=1`` splits beats at random, so that each patient is on both sides, as a warning of what that split is
worth; ``causal=1`` uses nothing of the future; ``detected=1`` tests on beats at detected R peaks: those not
found, and those found where none is, count as errors; ``leads=1`` also tests on each lead alone, and
``rate=125`` on recordings resampled to it (Hz); ``save=FILE`` keeps the probabilities. ``nested=1 n_folds=5``
tests patients that not even the choice among `CHOICES` has seen, which is made in folds of the others.
"""

import os
import pickle
import sys
import time
import warnings
from itertools import combinations, product
from pathlib import Path

import mne
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.metrics import classification_report, confusion_matrix, f1_score
from sklearn.model_selection import GroupKFold, StratifiedKFold

from mne_cnnclass import EpochsView, ecg, recipe

CLASSES = ["N", "S", "V"]
SHARES = (0.25, 0.5, 0.75)
LEAST_S = 10  # S beats of patients whose share is raised
# variants that a nested choice is made among: what is trained, and how much beats are smoothed
CHOICES = ({}, dict(n_fibrillation=0), dict(n_premature=0))
SMOOTHING = (0.7, 0.0)


def read(files, **how):
    """Beats as a view, without what is said of the recordings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return EpochsView(ecg.make_beat_epochs(files, **how), groups="patient")


def raised(raw, share, least, n_beats=1500):
    """The recording with S beats at a share, as far as stretches with S beats have so many; else None."""
    is_beat = np.isin(raw.annotations.description, [s for text in ecg.AAMI_CLASSES.values() for s in text])
    is_beat &= raw.annotations.duration == 0
    onset, symbol = raw.annotations.onset[is_beat], raw.annotations.description[is_beat]
    is_s = np.isin(symbol, list(ecg.AAMI_CLASSES["S"]))
    is_n = np.isin(symbol, list(ecg.AAMI_CLASSES["N"]))
    cut = onset - np.minimum(0.3, 0.45 * np.r_[1.0, np.diff(onset)])  # before the P wave

    edges = np.flatnonzero(np.diff(np.r_[False, is_s, False])).reshape(-1, 2).tolist()
    runs = [(a, b) for a, b in edges if b - a >= least and is_n[1:a].any()]
    if not runs:
        return None
    parts, n_s, n = [], 0, 0
    while n < n_beats:  # in time order, so that the heart rate around remains
        for a, b in runs:
            stop = min(b + 1, len(onset))
            wanted = max(1, round((n_s + b - a) / share - n) - (stop - a))
            before = np.flatnonzero(is_n[1:a])[-wanted:] + 1
            pieces = np.split(before, np.flatnonzero(np.diff(before) > 1) + 1)
            parts += [(piece[0], piece[-1] + 1) for piece in pieces]
            parts.append((a, stop))
            n, n_s = n + len(before) + stop - a, n_s + b - a
    data, rate, level = raw.get_data(), raw.info["sfreq"], 0.0
    pieces, onsets, symbols, length = [], [], [], 0
    for a, b in parts:
        first, last = round(cut[a] * rate), round(cut[b] * rate) if b < len(cut) else data.shape[1]
        piece = data[:, first:last]
        pieces.append(piece - piece[:, :1] + level)  # without a step
        level = pieces[-1][:, -1:]
        onsets.append(onset[a:b] + (length - first) / rate)
        symbols.append(symbol[a:b])
        length += last - first
    joined = mne.io.RawArray(np.concatenate(pieces, axis=1), raw.info, verbose="ERROR")
    return joined.set_annotations(mne.Annotations(np.concatenate(onsets), 0.0, np.concatenate(symbols)))


def variants(files, groups):
    """Recordings with a raised share of S beats, a dict of patient to a dict of name to view."""
    made = {}
    for file in files:
        raw = ecg.read_raw_wfdb(file)
        n_s = np.isin(raw.annotations.description, list(ecg.AAMI_CLASSES["S"])).sum()
        patient = ecg.patient_info(raw)["patient"]
        for least, text in ((10, ", 10+"), (1, "")):
            for share in SHARES if n_s >= LEAST_S and patient in groups else ():
                joined = raised(raw, share, least)
                if joined is not None:
                    made.setdefault(patient, {})[f"{patient} at {share:g}{text}"] = read(joined)
    return made


def predict(train, tests, seed, causal, params):
    """Probabilities of beats of each test, and the seconds of training and predicting."""
    pipeline = recipe("heartbeats", causal=causal, random_state=seed, n_threads=1)
    pipeline[-1].set_params(n_members=1, **params)
    begin = time.process_time()
    pipeline.fit(train)
    trained = time.process_time()
    proba = [
        pd.DataFrame(pipeline.predict_proba(test), columns=pipeline.classes_).reindex(
            columns=["N", "S", "V", "F"], fill_value=0.0
        )
        for test in tests
    ]
    return proba, trained - begin, time.process_time() - trained


def missed(annotated, detected):
    """Labels of annotated beats that no detected one was matched with."""
    counts = [pd.Series(view.labels).value_counts() for view in (annotated, detected)]
    return np.repeat(
        counts[0].index, counts[0].sub(counts[1], fill_value=0)[counts[0].index].clip(0).astype(int)
    )


def row(y, predicted, **first):
    """Pooled scores as a row of the table."""
    table = classification_report(y, predicted, labels=CLASSES, output_dict=True, zero_division=0)
    cells = {
        name: f"{100 * table[name]['recall']:.1f} / {100 * table[name]['precision']:.1f}" for name in CLASSES
    }
    return {
        **first,
        "macro F1 of N, S, V": f"{np.mean([table[name]['f1-score'] for name in CLASSES]):.3f}",
        **{f"{name}: sensitivity / PPV (%)": text for name, text in cells.items()},
        "accuracy (%)": f"{100 * np.mean(y == predicted):.2f}",
    }


def of_s(y, predicted):
    """Sensitivity to S, and the share of N that is called S."""
    return np.mean(predicted[y == "S"] == "S"), np.mean(predicted[y == "N"] == "S")


def macro_f1(y, predicted):
    """Mean F1 of N, S and V, F and Q among the true ones."""
    return f1_score(y, predicted, labels=CLASSES, average="macro", zero_division=0)


def over_patients(score, y, predicted, groups, n_draws=1000):
    """A 95 % interval of a score by bootstrap over patients."""
    rng, rows = np.random.default_rng(0), [np.flatnonzero(groups == one) for one in np.unique(groups)]
    drawn = (
        np.concatenate([rows[k] for k in rng.integers(len(rows), size=len(rows))]) for _ in range(n_draws)
    )
    return np.quantile([score(y[d], predicted[d]) for d in drawn], [0.025, 0.975])


def nested_choice(view, n_folds, n_seeds, causal, save):
    """Print how patients are classified by the variant that is best on the patients of the other folds.

    A network that is trained without two folds judges each variant on either, for the choice of the other.
    """
    y, groups, labels = view.labels, view.groups, np.array(["N", "S", "V", "F"])
    folds = [test for _, test in GroupKFold(n_folds).split(y, groups=groups)]
    variants = list(product(range(len(CHOICES)), SMOOTHING))
    inner = np.full((n_folds, len(variants), len(y)), "", "U1")

    def fit(k, left_out, seed):
        pipeline = recipe("heartbeats", causal=causal, random_state=seed, n_threads=1)
        pipeline[-1].set_params(n_members=1, **CHOICES[k])
        return pipeline.fit(view[np.setdiff1d(np.arange(len(y)), np.concatenate(left_out))])

    def proba(pipeline, smoothing, rows):
        found = pipeline.set_params(beatclassifier__smoothing=smoothing).predict_proba(view[rows])
        return (
            pd.DataFrame(found, columns=pipeline.classes_).reindex(columns=labels, fill_value=0.0).to_numpy()
        )

    for (a, b), k in product(combinations(range(n_folds), 2), range(len(CHOICES))):
        pipeline = fit(k, (folds[a], folds[b]), seed=0)
        for outer, judged in ((a, b), (b, a)):
            for v, (its, smoothing) in enumerate(variants):
                if its == k:
                    found = proba(pipeline, smoothing, folds[judged])
                    inner[outer, v, folds[judged]] = labels[found.argmax(axis=1)]
        print(".", end="", flush=True)
    print("\n")
    outer, rows = np.zeros((len(y), len(labels))), []
    for a, test in enumerate(folds):
        others = np.setdiff1d(np.arange(len(y)), test)
        scores = [macro_f1(y[others], inner[a, v, others]) for v in range(len(variants))]
        k, smoothing = variants[best := int(np.argmax(scores))]
        outer[test] = np.mean([proba(fit(k, (test,), s), smoothing, test) for s in range(n_seeds)], axis=0)
        text = f"{CHOICES[k] or 'the recipe'}, smoothing {smoothing:g}"
        rows.append({"patients": " ".join(np.unique(groups[test])), "chosen": text})
        rows[-1]["its macro F1 on the others"] = f"{scores[best]:.3f}"
        rows[-1] |= {"that of the recipe": f"{scores[0]:.3f}", "lowest": f"{min(scores):.3f}"}
        rows[-1]["macro F1 here"] = f"{macro_f1(y[test], labels[outer[test].argmax(axis=1)]):.3f}"
    show(rows)
    if save:
        Path(save).write_bytes(pickle.dumps((y, outer, groups)))
    predicted = labels[outer.argmax(axis=1)]
    show([row(y, predicted, patients="all, each with the choice of others")])
    low, high = over_patients(macro_f1, y, predicted, groups)
    print(f"macro F1, 95 % over patients: {low:.2f}–{high:.2f}")
    for name in ("S", "V"):
        for what, axis in (("sensitivity", y), ("PPV", predicted)):

            def share(a, b, name=name, axis=axis):
                of = (a if axis is y else b) == name
                return np.mean((a == b)[of]) if of.any() else np.nan

            low, high = over_patients(share, y, predicted, groups)
            print(f"{name} {what}, 95 % over patients: {100 * low:.0f}–{100 * high:.0f} %")
    print(confusion_matrix(y, predicted, labels=labels), "\n")
    rows = []
    for one in np.unique(groups):
        own, cells = groups == one, {}
        for name in ("S", "V"):
            right = ((y == name) & (predicted == name))[own].sum()
            cells |= {f"{name}": (y[own] == name).sum(), f"{name} found": right}
            cells[f"others called {name}"] = (predicted[own] == name).sum() - right
        rows.append({"patient": one, **cells})
    show(rows)


def show(rows):
    print(pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True), "\n", flush=True)


def main(n_folds=22, n_seeds=3, leak=0, causal=0, detected=0, leads=0, rate=0, save="", nested=0, **params):
    files = sorted((Path(os.environ["MNE_CNNCLASS_DATA"]) / "mitdb").glob("*.hea"))
    begin = time.perf_counter()
    view = read(files, causal=bool(causal))
    print(f"{view}\nread, filtered and cut in {time.perf_counter() - begin:.0f} s\n", flush=True)
    if nested:
        return nested_choice(view, n_folds, n_seeds, bool(causal), save)
    tested = read(files, peaks="detected") if detected else view
    not_found = missed(view, tested)
    if leak:
        folds = list(StratifiedKFold(n_folds, shuffle=True, random_state=0).split(view.labels, view.labels))
    else:
        folds = [
            (train, np.flatnonzero(np.isin(tested.groups, view.groups[test])))
            for train, test in GroupKFold(n_folds).split(view.labels, groups=view.groups)
        ]
    sets = {"": tested}
    if leads:
        both = dict(zip(view.ch_names[::2], ecg.LEADS, strict=True))
        for name in both:
            alone = {n: lead if n == name else None for n, lead in both.items()}
            sets[f", {name} alone"] = read(files, leads=alone, causal=bool(causal))
    if rate:
        slow = [ecg.read_raw_wfdb(file).resample(rate, verbose="ERROR") for file in files]
        sets[f", at {rate} Hz"] = read(slow, causal=bool(causal))
    is_plain = len(sets) == 1
    more = {} if leak or causal or detected or not is_plain else variants(files, set(view.groups))
    names = [name for its in more.values() for name in its]
    truth = {text: its.labels for text, its in sets.items()} | {
        name: v.labels for its in more.values() for name, v in its.items()
    }
    proba = {name: np.zeros((n_seeds, len(y), 4)) for name, y in truth.items()}

    def job(train, test, seed):
        patients = set(tested.groups[test]) if not leak else ()
        rows = {text: test if is_plain else np.isin(v.groups, list(patients)) for text, v in sets.items()}
        its = {text: v[rows[text]] for text, v in sets.items()}
        its |= {name: v for p in patients for name, v in more.get(p, {}).items()}
        found, *seconds = predict(view[train], its.values(), seed, bool(causal), params)
        return rows, dict(zip(its, found, strict=True)), seconds

    for seed in range(n_seeds):
        done = Parallel(n_jobs=int(os.environ.get("N_JOBS", "1")))(
            delayed(job)(*fold, seed) for fold in folds
        )
        for rows, found, _ in done:
            for name, p in found.items():
                proba[name][seed, rows.get(name, slice(None))] = p
        seconds = np.median([s for *_, s in done], axis=0)
        print(f"{seconds[0]:.0f} s of processor time to train a network, {seconds[1]:.1f} s to predict\n")
        so_far = {name: p[: seed + 1] for name, p in proba.items()}
        if save:
            Path(save).write_bytes(pickle.dumps((truth, so_far, tested.groups)))
        report(truth, so_far, sets, names, tested.groups, not_found)


def report(truth, proba, sets, names, groups, not_found):
    labels = np.array(["N", "S", "V", "F"])
    rows = []
    for text in sets:
        true = np.concatenate([truth[text], not_found])
        for what, p in [(f"seed {k}{text}", p) for k, p in enumerate(proba[text])] + [
            (f"**all, the recipe**{text}", proba[text].mean(axis=0))
        ]:
            predicted = np.concatenate([labels[p.argmax(axis=1)], ["none"] * len(not_found)])
            rows.append(row(true, predicted, networks=what))
    show(rows)
    print("Rows true, columns predicted, N S V F, of the last row:")
    print(confusion_matrix(true, predicted, labels=labels), "\n")
    y, p = truth[""], labels[proba[""].mean(axis=0).argmax(axis=1)]
    rows = []
    for patient in np.unique(groups):
        own = groups == patient
        if (y[own] == "S").any() or (p[own] == "S").any():
            n, right = (y[own] == "S").sum(), ((y == "S") & (p == "S"))[own].sum()
            wrong = ((y == "N") & (p == "S"))[own].sum()
            rows.append({"patient": patient, "S": n, "found": right, "N called S": wrong})
    show(rows)
    rows = []
    for name in names:
        found = [of_s(truth[name], labels[p.argmax(axis=1)]) for p in proba[name]]
        found.append(of_s(truth[name], labels[proba[name].mean(axis=0).argmax(axis=1)]))
        share = np.mean(truth[name] == "S")
        cells = [f"{100 * a:.0f} / {100 * b:.1f}" for a, b in found]
        rows.append(
            {"patient and share of S": name, "share of S (%)": f"{100 * share:.0f}"}
            | {f"seed {k}": cell for k, cell in enumerate(cells[:-1])}
            | {"recipe: S found / N called S (%)": cells[-1]}
        )
    show(rows)
    if names:
        ok = [
            a >= 0.6 and b <= 0.02
            for a, b in (of_s(truth[n], labels[proba[n].mean(axis=0).argmax(axis=1)]) for n in names)
        ]
        print(f"{sum(ok)} of {len(ok)} have S >= 60 % and N called S <= 2 %.")


if __name__ == "__main__":
    mne.set_log_level("ERROR")
    given = dict(text.split("=") for text in sys.argv[1:])
    main(**{k: v if k == "save" else float(v) if "." in v else int(v) for k, v in given.items()})
