"""An evaluation as pages of an `mne.Report`: read without code, and kept beside the paper."""

from __future__ import annotations

import platform
from collections import Counter
from html import escape
from importlib.metadata import version

import mne
import numpy as np
import pandas as pd
from mne.time_frequency import psd_array_welch
from sklearn import config_context
from sklearn.base import BaseEstimator

from ._version import __version__
from .evaluation.metrics import are_probabilities, get_scores
from .explain import EEG_BANDS
from .methods import (
    changed_parameters,
    describe_estimator,
    describe_splits,
    format_p,
    networks_of,
    steps_of,
    trains_on_the_rest,
    whole_groups,
    write_methods,
)
from .utils import _PACKAGES

TAG = "classification"
MAX_SAMPLES = 600  # that are drawn
MAX_EXPLAINED = 150
MAX_VALUES = 2**23  # of them, in memory
MAX_ROWS = 6  # classes drawn over the head
PHONE = '<meta name="viewport" content="width=device-width, initial-scale=1">'
# MNE's table of contents stays beside the text however narrow the window is.
CSS = """
#content .accordion-body p, #content .accordion-body li { max-width: 60em; }
.mne-cnnclass-table { overflow: auto; max-height: 60em; margin-bottom: 1em; }
.mne-cnnclass-table table { width: auto; }
.mne-cnnclass-table th, .mne-cnnclass-table tr { text-align: left !important; }
.mne-cnnclass-table td { overflow-wrap: break-word; min-width: 4.5em; max-width: 32em; }
.mne-cnnclass-text { white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 800px) {
  #toc { position: static !important; width: 100%; height: auto !important; padding-bottom: 1em; }
  #content { width: 100%; margin-left: 0; margin-top: 1em; }
  #content .accordion-body { padding: 0.75em 0.5em; }
  #top-bar .navbar-brand { white-space: normal; overflow-wrap: anywhere; max-width: 100%; margin-right: 0; }
  #top-bar .navbar-brand span { font-size: 1rem !important; }
  #top-bar .navbar-brand img { width: 48px; }
  #filter-by-tags-dropdown-menu { display: none; }
  #content .accordion-button .badge { display: none; }
}
"""


def build_report(
    result, *, title=None, report=None, comparison=None, explain=None, explain_on=None, n_permutations=400
):
    """Put an evaluation on the pages of an `mne.Report`.

    Parameters
    ----------
    result : Evaluation
        What :func:`evaluate` returned.
    title : None | str
        Title of a new report; ``None`` names the classifier.
    report : None | mne.Report
        A report to add the pages to. ``None`` makes a new one.
    comparison : None | Comparison
        What :func:`compare` returned, for the page of statistics.
    explain : None | scikit-learn classifier
        A fitted classifier to be explained: of a :class:`CNNClassifier`, what its network looks at; of any,
        which frequency bands its score needs.
    explain_on : None | EpochsView
        Samples on which it is explained, better not those that it was trained on. ``None`` takes the samples
        of the result.
    n_permutations : int
        Number of permutations for the p-values.

    Returns
    -------
    report : mne.Report
        The report, not yet saved.

    Raises
    ------
    ValueError
        If ``title`` is given for a report that has one, or if there are no epochs to explain.

    Notes
    -----
    A figure that a result can't give (no probabilities, no groups, no positions of the channels …) is left
    out, and a sentence says why. Of many samples, signals are drawn from 600, evenly spaced.
    All that comes from data (classes, groups, names of channels and files) is shown as text.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from mne_cnnclass import evaluate
    >>> from mne_cnnclass.report import build_report
    >>> result = evaluate(GaussianNB(), *load_iris(return_X_y=True))
    >>> report = build_report(result, title="Iris", n_permutations=100)
    >>> report.save("iris.html", open_browser=False)  # doctest: +SKIP
    """
    if title is not None and report is not None:
        raise ValueError("title is that of a new report, but report= was given, too; leave one out.")
    if explain is not None and explain_on is None:
        explain_on = result.view
        if explain_on is None:
            raise ValueError("The samples of this result were an array: give epochs as explain_on=.")
    if report is None:
        names = " + ".join(type(step).__name__ for step in steps_of(result.estimator).values())
        title = f"Evaluation of {names or 'a classifier'}" if title is None else title
        report = mne.Report(title=title, image_format="png", verbose="ERROR")
    report.add_custom_css(CSS)
    if PHONE not in report.include:
        report.include += PHONE
    permutations = result.permutation_test(n_permutations=n_permutations)
    sections = {
        "Summary": _summary(result, permutations),
        "Data": _data(result),
        "Pipeline": _pipeline(result),
        "Splits": _splits(result),
        "Scores": _scores(result, permutations),
        "Groups": _groups(result),
        "Statistics": _statistics(permutations, comparison, n_permutations),
        "Calibration": _calibration(result),
        "Explanations": _explanations(explain, explain_on, result),
        "Confound probes": _probes(result),
        "Methods": _methods(result, permutations),
        "Versions and how to reproduce": _reproduce(result),
    }
    for section, items in sections.items():
        for heading, content, *caption in items:
            options = dict(title=heading, section=section, tags=(TAG,))
            if isinstance(content, str):
                report.add_html(content, **options)
            else:
                _add_figure(report, content, caption[0], options)
    return report


def _add_figure(report, fig, caption, options):
    import matplotlib.pyplot as plt

    fig.set_dpi(110)
    report.add_figure(fig, caption=caption, **options)
    plt.close(fig)


# -- HTML ------------------------------------------------------------------------------------------------


def _text(*sentences):
    """A paragraph; whatever it holds stays text."""
    return f"<p>{escape(' '.join(filter(None, sentences)))}</p>"


def _points(sentences):
    return f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>"


def _verbatim(text):
    return f'<pre class="mne-cnnclass-text">{escape(text)}</pre>'


def _table(table, index=True):
    """A table that is scrolled where it is wider than the page."""
    numbers = {name: _number for name in table.columns if table[name].dtype.kind == "f"}
    with pd.option_context("display.max_colwidth", None):
        html = table.to_html(
            escape=True, index=index, border=0, classes="table table-sm", formatters=numbers, na_rep="–"
        )
    return f'<div class="mne-cnnclass-table">{html}</div>'


def _number(value):
    return "–" if np.isnan(value) else f"{value:.3f}"


def _rows(facts):
    """A table of two columns."""
    table = pd.DataFrame({"": list(facts), " ": [str(value) for value in facts.values()]})
    return _table(table, index=False)


# -- pages -----------------------------------------------------------------------------------------------


def _summary(result, permutations):
    summary = result.summary()
    n_classes = len(result.classes)
    metric = "accuracy" if np.isnan(summary.loc["balanced_accuracy", "pooled"]) else "balanced_accuracy"
    row = summary.loc[metric]
    interval = f" (95 % CI {row['low']:.2f} to {row['high']:.2f})" if np.isfinite(row["low"]) else ""
    sentence = (
        f"{n_classes} classes were told apart with a {metric.replace('_', ' ')} of "
        f"{row['pooled']:.2f}{interval}, "
        f"where chance is {row['chance']:.2f}: {format_p(permutations.loc[metric, 'p_value'])} by "
        f"permutation."
    )
    yield "Result", _text(sentence) + _main_scores(result) + _points(_cautions(result, row))


def _main_scores(result):
    shown = ["accuracy", "balanced_accuracy", "f1_macro", "matthews_corrcoef", "roc_auc", "average_precision"]
    return _table(_readable_summary(result).loc[[name.replace("_", " ") for name in shown]])


def _readable_summary(result):
    summary = result.summary()
    table = pd.DataFrame(
        {
            "all folds together": summary["pooled"],
            "95 % CI": [
                f"{low:.3f}\u00a0to\u00a0{high:.3f}" if np.isfinite(low) else "–"
                for low, high in zip(summary["low"], summary["high"], strict=True)
            ],
            "chance": summary["chance"],
            "mean over folds": summary["mean"],
            "SD over folds": summary["sd"],
            "folds": summary["n_folds"],
        }
    )
    table.index = [name.replace("_", " ") for name in table.index]
    return table.rename_axis("metric")


def _cautions(result, row):
    """What a reader has to know before the number is believed."""
    predictions, folds = result.predictions, result.folds
    if row["low"] <= row["chance"]:
        yield "The interval reaches chance: these data do not show that the classes can be told apart."
    failed = int(folds["error"].notna().sum())
    if failed:
        yield f"{failed} of {len(folds)} folds failed and are left out of all scores; see Splits."
    whole = whole_groups(result)
    if whole is None:
        yield (
            "No groups were given, so samples of one person or recording may be in training and test part: "
            "the "
            "scores do not tell how well the classifier does on new people."
        )
    elif not whole:
        yield "Groups were in training and test part at once: the scores are no estimate for new groups."
    elif predictions["group"].nunique() < 10:
        yield f"There are only {predictions['group'].nunique()} groups: the intervals are too narrow."
    if result.probes is None:
        yield "Confounds were not looked for: evaluate(..., probes=True) does."
    elif result.probes["flagged"].any():
        names = ", ".join(map(str, result.probes.index[result.probes["flagged"]]))
        yield f"Confound probes are about as good as the classifier: {names}; see Confound probes."


def _data(result):
    truth = result.predictions.drop_duplicates("sample").sort_values("sample")
    view = result.view
    facts = {"samples tested": len(truth)}
    if view is not None:
        types = Counter(view.info.get_channel_types())
        info = view.info
        facts |= {
            "samples given": len(view),
            "channels": ", ".join(f"{n} {kind.upper()}" for kind, n in types.items()),
            "channel names": ", ".join(view.ch_names),
            "window": f"{view.times[0]:g} to {view.times[-1]:g} s, {len(view.times)} times",
            "sampling frequency": f"{view.sfreq:g} Hz",
            "pass band, by the header": f"{info['highpass']:g} to {info['lowpass']:g} Hz",
        }
    yield "Samples", _rows(facts)
    counts = pd.crosstab(truth["group"], truth["y_true"]) if "group" in truth else None
    if counts is None:
        table = truth["y_true"].value_counts().reindex(result.classes, fill_value=0)
        table = table.rename_axis("class").to_frame("samples")
    else:
        table = counts.rename_axis(index="group", columns=None)
        table.loc["all groups"] = table.sum()
    yield "Samples of each class", _table(table)
    if view is None:
        yield "Signals", _text("The samples were an array, so their channels and times are not known.")
        return
    if view.metadata is not None and "file" in view.metadata:
        files = pd.crosstab(
            view.metadata["file"].iloc[truth["sample"]].to_numpy(), truth["y_true"].to_numpy()
        )
        yield "Files", _table(files.rename_axis(index="file", columns=None))
    yield "Dropped epochs", _dropped(view)
    yield from _signals(view, truth)


def _dropped(view):
    _, recording = view.onsets()
    reasons, n_events = Counter(), 0
    for first in np.unique(recording, return_index=True)[1]:
        log = view[[first]].epochs.drop_log
        kept_out = [entry for entry in log if set(entry) - {"IGNORED"}]
        n_events += sum(set(entry) != {"IGNORED"} for entry in log)
        reasons.update(", ".join(map(str, entry)) for entry in kept_out)
    n_dropped = sum(reasons.values())
    if not n_dropped:
        return _text("The log of the Epochs tells of no dropped epoch.")
    n_recordings = len(np.unique(recording))
    text = _text(
        f"{n_dropped} epochs were dropped, by the log of the {n_recordings} Epochs object(s), for the "
        f"reasons "
        "below: channels that were rejected, or what MNE calls the reason."
    )
    shown = reasons.most_common(30)
    table = pd.DataFrame(shown, columns=["reason", "epochs"])
    rest = n_dropped - sum(n for _, n in shown)
    return text + _table(table, index=False) + (_text(f"{rest} more have rarer reasons.") if rest else "")


def _signals(view, truth):
    """Figures of the samples: means of the classes over time and frequency, and over the head."""
    types = view.info.get_channel_types()
    kind = Counter(types).most_common(1)[0][0]
    names = [name for name, of_type in zip(view.ch_names, types, strict=True) if of_type == kind]
    step = int(np.ceil(len(truth) / max(2, min(MAX_SAMPLES, MAX_VALUES // np.prod(view.shape[1:])))))
    rows = truth.iloc[::step]
    part = view[rows["sample"].to_numpy()].pick(names)
    scale = mne.defaults.DEFAULTS["scalings"].get(kind, 1.0)
    unit = mne.defaults.DEFAULTS["units"].get(kind, "AU")
    data, y = scale * np.asarray(part), rows["y_true"].to_numpy()
    taken = f"n = {len(rows)} of {len(truth)} samples" if step > 1 else f"n = {len(rows)} samples"
    classes = [name for name in np.unique(truth["y_true"]) if (y == name).any()]
    yield from _draw_signals(data, y, part, classes, unit, f"{kind.upper()} channels, {taken}")


def _draw_signals(data, y, part, classes, unit, described):
    from .viz.signals import N_SHOWN, plot_class_means, plot_heads

    info = part.info
    chosen = f"The {min(N_SHOWN, len(part.ch_names))} channels in which the classes differ most"
    options = dict(classes=classes, ch_names=part.ch_names)
    fig = plot_class_means(data, part.times, y, xlabel="Time (s)", ylabel=f"Mean ({unit})", **options)
    yield "Mean signal of each class", fig, f"Mean ± standard error. {chosen}; {described}."

    power, frequencies = psd_array_welch(
        data,
        part.sfreq,
        fmin=1e-9,  # not the mean
        fmax=min(part.sfreq / 2, 1.25 * info["lowpass"]),
        n_fft=min(len(part.times), int(2 * part.sfreq)),
        verbose="ERROR",
    )
    power = 10 * np.log10(np.maximum(power, np.finfo(float).tiny))
    fig = plot_class_means(
        power, frequencies, y, xlabel="Frequency (Hz)", ylabel=f"dB of 1 {unit}²/Hz", **options
    )
    yield "Spectrum of each class", fig, f"Welch spectra, mean ± standard error. {chosen}; {described}."

    if not _has_positions(info):
        yield (
            "Over the head",
            _text("No positions of EEG or magnetometer channels are known, so there are no maps."),
        )
        return
    shown = classes[:MAX_ROWS]
    more = f" The first {MAX_ROWS} of {len(classes)} classes." if len(classes) > MAX_ROWS else ""
    windows = np.array_split(np.arange(len(part.times)), 4)
    means = [[data[y == name][..., w].mean(axis=(0, 2)) for w in windows] for name in shown]
    columns = [f"{part.times[w[0]]:.2f} to\n{part.times[w[-1]]:.2f} s" for w in windows]
    fig = plot_heads(np.array(means), info, rows=shown, columns=columns, label=f"Mean ({unit})")
    yield "Mean signal over the head", fig, f"Mean of each class in four windows; {described}.{more}"

    bands = {
        f"{name}\n{low}–{high} Hz": (low <= frequencies) & (frequencies < high)
        for name, (low, high) in EEG_BANDS.items()
        if low < info["lowpass"] and high > info["highpass"]
    }
    bands = {name: inside for name, inside in bands.items() if inside.any()}
    if bands:
        levels = np.array(
            [[power[y == name][..., b].mean(axis=(0, 2)) for b in bands.values()] for name in classes]
        )
        levels = (levels - levels.mean(axis=0))[: len(shown)]
        fig = plot_heads(
            levels, info, rows=shown, columns=list(bands), label="dB against the mean of the classes"
        )
        yield (
            "Power over the head",
            fig,
            f"Power of each class against that of all classes; {described}.{more}",
        )


def _has_positions(info):
    """Whether a map can be drawn: one value a place, at places that are known and differ."""
    if info.get_channel_types()[0] not in ("eeg", "mag", "csd"):
        return False
    places = np.array([channel["loc"][:3] for channel in info["chs"]])
    known = np.isfinite(places).all() and places.any(axis=1).all()
    return bool(known and len(places) > 3 and len(np.unique(places.round(6), axis=0)) == len(places))


def _pipeline(result):
    yield "In words", _text(*describe_estimator(result.estimator))
    for name, step in steps_of(result.estimator).items():
        changed = changed_parameters(step)
        params = step.get_params(deep=False)
        table = pd.DataFrame(
            {
                "parameter": list(params),
                "value": [repr(value) for value in params.values()],
                "": ["set" if key in changed else "default" for key in params],
            }
        )
        described = _text(f"{type(step).__module__}.{type(step).__qualname__}")
        yield f"Step {name}", described + _table(table, index=False)


def _splits(result):
    folds = result.folds[["fold", "n_train", "n_test"]]
    tested = pd.crosstab(result.predictions["fold"], result.predictions["y_true"]).reindex(folds["fold"])
    tested.columns = [f"test {name}" for name in tested.columns]
    folds = folds.join(tested.reset_index(drop=True))
    if "group" in result.predictions:
        groups = result.predictions.groupby("fold")["group"].nunique().reindex(folds["fold"])
        folds = folds.assign(**{"test groups": groups.to_numpy()})
    times = [name for name in ("fit_time", "score_time") if name in result.folds]
    folds = folds.join(
        result.folds[times].set_axis([f"{name.replace('_', ' ')} (s)" for name in times], axis=1)
    )
    counts = folds.columns[3 : 3 + tested.shape[1] + ("group" in result.predictions)]
    folds[counts] = folds[counts].astype("Int64")
    if result.folds["error"].notna().any():
        folds["error"] = result.folds["error"].fillna("")
    yield "Folds", _text(describe_splits(result)) + _table(folds, index=False)


def _scores(result, permutations):
    table = _readable_summary(result)
    table["p"] = [
        format_p(p)[2:].removeprefix("= ") if np.isfinite(p) else "–" for p in _p_values(result, permutations)
    ]
    yield (
        "All scores",
        _text(
            "Scores over the predictions of all folds together, their confidence intervals (bootstrap of "
            f"{'groups' if 'group' in result.predictions else 'samples'}), the level of chance, mean and "
            f"standard "
            "deviation over folds, and the p-value by permutation of the labels. Of log loss, Brier score "
            "and "
            "calibration error, lower is better."
        )
        + _table(table),
    )
    yield (
        "Each class against the rest",
        _table(result.class_scores().rename(columns=lambda n: n.replace("_", " "))),
    )
    yield "Confusion matrix", result.plot_confusion_matrix(), "Predictions of all folds together."
    scores = get_scores(result.predictions)
    curves = result.predictions.groupby("fold")["y_true"].nunique().max() > 1
    if scores is None:
        yield (
            "Curves",
            _text("The classifier gives no probabilities or decision scores, so there are no curves."),
        )
    elif not curves:
        yield (
            "Curves",
            _text("Each fold tests a single class, so there are no ROC or precision-recall curves."),
        )
    else:
        from .viz.precision_recall import plot_precision_recall

        yield "ROC curves", result.plot_roc(), "Of the predictions on test samples."
        predictions = result.predictions
        truth, folds = predictions["y_true"].to_numpy(), predictions["fold"].to_numpy()
        fig = plot_precision_recall(truth, scores, folds, classes=result.classes)
        yield "Precision-recall curves", fig, "Of the predictions on test samples."
    yield from _training(result)


def _p_values(result, permutations):
    return permutations["p_value"].reindex(result.summary().index)


def _training(result):
    if result.histories is None:
        yield (
            "Training",
            _text("The classifier keeps no table of its training, so there are no curves of it."),
        )
        return
    import matplotlib.pyplot as plt

    n_panels = 1 + any(name.endswith("_accuracy") for name in result.histories)
    _, axes = plt.subplots(n_panels, 1, figsize=(5.6, 3.4 * n_panels), layout="constrained")
    fig = result.plot_training(ax=axes)
    yield "Training", fig, "Loss and accuracy over the passes through the training samples."


def _groups(result):
    if "group" not in result.predictions:
        yield (
            "Groups",
            _text("The samples have no groups (subjects, patients, sessions …), so none are compared."),
        )
        return
    scores = result.group_scores()
    shown = ["accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "log_loss"]
    table = scores[[name for name in shown if scores[name].notna().any()]].astype(float)
    table.insert(0, "predictions", result.predictions["group"].value_counts().reindex(table.index))
    yield "Scores of each group", _table(table.rename(columns=lambda name: name.replace("_", " ")))
    fig = _plot_groups(scores["accuracy"].astype(float), result.chance)
    yield "Accuracy of each group", fig, f"Sorted; n = {len(scores)} groups."


def _plot_groups(accuracy, chance):
    from .viz.style import CHANCE, COLORS, class_names, get_axes

    accuracy = accuracy.sort_values()
    place = np.arange(len(accuracy))
    ax = get_axes(None, figsize=(5.6, 3.6))[0]
    ax.plot(place, accuracy, "o", color=COLORS[0], markersize=5)
    ax.axhline(accuracy.mean(), color=COLORS[0], label=f"mean of groups {accuracy.mean():.2f}")
    ax.axhline(chance, label=f"chance {chance:.2f}", **CHANCE)
    ax.set(xlabel="Group", ylabel="Accuracy (share of samples)", ylim=(-0.02, 1.02))
    named = len(accuracy) <= 30
    ax.set_xticks(place if named else [], class_names(accuracy.index, width=60) if named else [])
    ax.tick_params(axis="x", rotation=90, labelsize="small")
    ax.legend(fontsize="small", loc="lower right")
    return ax.figure


def _statistics(permutations, comparison, n_permutations):
    table = permutations.dropna(subset="p_value").rename_axis("metric")
    table.index = [name.replace("_", " ") for name in table.index]
    table = table.rename(columns={"limit": "5 % limit of chance", "p_value": "p"})
    text = _text(
        f"The labels were permuted {n_permutations} times under the predictions as they are, within folds "
        f"and "
        "groups. “Chance” is the mean score of these, and the limit is what chance passes once in twenty "
        "times. "
        "p is the share of permutations that are as good or better. Labels have to be exchangeable: "
        "windows of "
        "one trial, or neighbours in a recording that changes slowly, are not, unless they are one group."
    )
    yield "Against chance", text + _table(table)
    if comparison is None:
        yield "Against other pipelines", _text("No comparison was given: compare() makes one.")
        return
    yield "Against other pipelines", _table(comparison.table, index=False)
    yield "Differences", comparison.plot(), f"Metric: {comparison.metric}; units: {comparison.units}."
    yield (
        "Paired scores",
        comparison.plot_scores(),
        f"Metric: {comparison.metric}; units: {comparison.units}.",
    )


def _calibration(result):
    predictions = result.predictions
    if not are_probabilities(predictions):
        yield "Calibration", _text("The classifier gives no probabilities, so they can't be right or wrong.")
        return
    from .viz.reliability import plot_reliability

    row = result.summary()["pooled"]
    proba = get_scores(predictions)
    sure = proba.max(axis=1).mean()
    right = (result.classes[proba.argmax(axis=1)] == predictions["y_true"]).mean()
    verdict = "more" if sure > right else "less"
    yield (
        "In words",
        _text(
            f"The mean probability of the likeliest class is {sure:.2f}, and it is the true one in "
            f"{right:.2f} of the "
            f"predictions: the classifier is {verdict} sure than right, by {abs(sure - right):.2f}. The "
            f"expected "
            f"calibration error is {row['calibration_error']:.3f}, the Brier score {row['brier']:.3f} and "
            f"the log loss "
            f"{row['log_loss']:.3f}."
        ),
    )
    fig = plot_reliability(predictions["y_true"].to_numpy(), proba, classes=result.classes)
    yield "Reliability", fig, "On the diagonal, predictions are right as often as they are sure."


def _explanations(clf, view, result):
    if clf is None:
        yield "Explanations", _text("No fitted classifier was given: report(..., explain=clf) explains it.")
        return
    from . import explain
    from .viz.explain import plot_importance

    part = view[:: int(np.ceil(len(view) / MAX_EXPLAINED))]
    trained = (
        ""
        if view is not result.view
        else (
            " If it was trained on them, this shows what it memorised, too; give held-out samples as "
            "explain_on=."
        )
    )
    yield "Samples", _text(f"{len(part)} of {len(view)} samples were looked at.{trained}")
    bands = explain.band_importance(clf, part, n_repeats=5, random_state=0)
    yield (
        "Frequency bands",
        plot_importance(bands),
        "What the score loses when a band of a sample is that of another one; the mean ± SD of permutations.",
    )
    if not networks_of(clf) or clf is not networks_of(clf)[0]:
        yield (
            "Network",
            _text("Patterns, filters and saliency are those of a CNNClassifier, which this is not."),
        )
        return
    yield from _network(clf, part)


def _network(clf, part):
    from . import explain
    from .explain.components import FRONTS
    from .viz.signals import plot_heads
    from .viz.style import COLORS, get_axes

    saliency = explain.saliency(clf, part, n_steps=8, random_state=0)
    info = next(iter(saliency.values())).info
    if any(cls.__name__ in FRONTS for cls in type(clf.module_).__mro__):
        best = (
            explain.component_contributions(clf, part, n_steps=8, random_state=0)
            .mean(axis=1)
            .nlargest(4)
            .index
        )
        patterns = explain.spatial_patterns(clf, part).data[:, best]
        gains = explain.filter_responses(clf)[best]
        names = [f"component {number}" for number in best]
        if _has_positions(info):
            scaled = patterns / np.abs(patterns).max(axis=0)
            fig = plot_heads(scaled.T[None], info, rows=[""], columns=names, label="Pattern (largest = 1)")
            yield (
                "Spatial patterns",
                fig,
                "Where the signals of the four components that matter most come from.",
            )
        else:
            scale = mne.defaults.DEFAULTS["scalings"].get(info.get_channel_types()[0], 1.0)
            unit = mne.defaults.DEFAULTS["units"].get(info.get_channel_types()[0], "AU")
            table = pd.DataFrame(scale * patterns, info["ch_names"], names).rename_axis(f"channel ({unit})")
            yield "Spatial patterns", _table(table)
        ax = get_axes(None, figsize=(5.6, 3.2))[0]
        for name, number, color in zip(names, best, COLORS, strict=False):
            ax.plot(gains.index, gains[number], color=color, label=name)
        ax.set(xlabel="Frequency (Hz)", ylabel="Gain (largest = 1)")
        ax.legend(fontsize="small")
        yield "Temporal filters", ax.figure, "Which frequencies pass the filters of these components."
    else:
        yield (
            "Patterns and filters",
            _text(f"They are known of {', '.join(FRONTS)}, which this network is not."),
        )
    label = "Contribution to the logit"
    labels = list(saliency)
    if _has_positions(info):
        totals = np.array([[saliency[name].data.sum(axis=1)] for name in labels[:MAX_ROWS]])
        fig = plot_heads(totals, info, rows=labels[:MAX_ROWS], columns=["sum over time"], label=label)
        yield (
            "Saliency over the head",
            fig,
            "What in the samples of a class speaks for it, by expected gradients.",
        )
    ax = get_axes(None, figsize=(5.6, 3.2))[0]
    for name, color in zip(labels, COLORS, strict=False):
        curve = saliency[name].data.sum(axis=0)
        ax.plot(saliency[name].times, curve, color=color, label=f"class {name}".replace("$", r"\$"))
    ax.set(xlabel="Time (s)", ylabel=f"{label},\nsum over channels")
    ax.legend(fontsize="small")
    yield (
        "Saliency over time",
        ax.figure,
        "What in the samples of a class speaks for it, by expected gradients.",
    )


def _probes(result):
    if result.probes is None:
        yield (
            "Confound probes",
            _text(
                "They were not computed. evaluate(..., probes=True) scores, on the same splits, simple "
                "models of what "
                "should know nothing: eye movements, muscles, order in the recording, quality of the "
                "channels, the time "
                "before the event, the group."
            ),
        )
        return
    table = result.probes.rename(columns=lambda name: name.replace("_", " "))
    numbers = table.drop(columns=["verdict"])
    verdicts = [f"{name}: {text}" for name, text in result.probes["verdict"].items()]
    yield "What they say", _points(verdicts) + _table(numbers)


def _methods(result, permutations):
    text, bibtex = write_methods(result, permutations)
    yield "Paragraph for a paper", _text(text)
    yield "Citations (BibTeX)", _verbatim(bibtex)


def _reproduce(result):
    packages = {name: version(name) for name in (*_PACKAGES, "matplotlib")}
    yield (
        "Versions",
        _rows(
            {
                "mne-cnnclass": __version__,
                "Python": platform.python_version(),
                "platform": platform.platform(),
                **packages,
            }
        ),
    )
    with config_context(print_changed_only=True):
        estimator = "…" if result.estimator is None else f"{result.estimator!r}"
    imports = sorted({f"from {cls.__module__} import {cls.__name__}" for cls in _classes(result.estimator)})
    lines = [*imports, "from mne_cnnclass import evaluate", f"estimator = {estimator}"]
    if trains_on_the_rest(result):
        lines = ["import numpy as np", "import pandas as pd", *lines]
        lines += [
            'predictions = pd.read_csv("predictions.csv")  # that result.to_csv(folder) wrote',
            'tests = [rows["sample"].to_numpy() for _, rows in predictions.groupby("fold")]',
            "cv = [(np.setdiff1d(np.arange(len(view)), test), test) for test in tests]",
        ]
        note = "The folds are those of the file of predictions; view is the EpochsView of the same epochs."
    else:
        lines += ["cv = …  # the splitter that was used"]
        note = "The training parts of the folds are not all other samples, so cv has to be the same splitter."
    lines += ["result = evaluate(estimator, view, cv=cv)"]
    seeds = [value for clf in networks_of(result.estimator) for value in [clf.random_state] if value is None]
    seed = "The network has no random_state, so another run gives other numbers." if seeds else ""
    yield "Code", _text(note, seed) + _verbatim("\n".join(lines))


def _classes(estimator):
    """The classes that an estimator and its parts are of."""
    parts = [] if estimator is None else [estimator, *estimator.get_params(deep=True).values()]
    return {type(part) for part in parts if isinstance(part, BaseEstimator)}
