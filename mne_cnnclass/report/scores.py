"""Pages about how well the classifier did: summary, scores, groups, statistics, calibration, probes."""

import numpy as np
import pandas as pd

from ..metrics.scores import are_probabilities, get_scores
from ..metrics.statistics import format_p
from ..viz.style import CHANCE, COLORS, class_names, get_axes
from .html import bullets, html_table, interval_text, paragraph, words
from .methods import permuted_among, whole_groups


def summary_pages(result, permutations):
    """The result in one sentence and one table, and what to know before it is believed."""
    summary = result.summary()
    metric = "accuracy" if np.isnan(summary.loc["balanced_accuracy", "pooled"]) else "balanced_accuracy"
    row = summary.loc[metric]
    interval = f" (95 % CI {row['low']:.2f} to {row['high']:.2f})" if np.isfinite(row["low"]) else ""
    sentence = (
        f"{len(result.classes)} classes were told apart with a {words(metric)} of {row['pooled']:.2f}"
        f"{interval}, where chance is {row['chance']:.2f}: "
        f"{format_p(permutations.loc[metric, 'p_value'])} by permutation."
    )
    shown = ["accuracy", "balanced_accuracy", "f1_macro", "matthews_corrcoef", "roc_auc", "average_precision"]
    table = html_table(_readable_summary(result).loc[list(map(words, shown))])
    yield "Result", paragraph(sentence) + table + bullets(_cautions(result, row))


def _readable_summary(result):
    summary = result.summary()
    table = pd.DataFrame(
        {
            "all folds together": summary["pooled"],
            "95 % CI": [interval_text(*edges) for edges in summary[["low", "high"]].to_numpy()],
            "chance": summary["chance"],
            "mean over folds": summary["mean"],
            "SD over folds": summary["sd"],
            "folds": summary["n_folds"],
        }
    )
    return table.rename(index=words).rename_axis("metric")


def _class_table(result):
    """Rates of each class as texts, with their intervals."""
    scores = result.class_scores(intervals=True)
    table = scores[[name for name in scores if not name.endswith(("_low", "_high"))]].copy()
    for name in [name for name in table if f"{name}_low" in scores]:
        table[name] = [
            "–" if np.isnan(value) else f"{value:.3f} ({interval_text(*edges)})".removesuffix(" (–)")
            for value, *edges in scores[[name, f"{name}_low", f"{name}_high"]].to_numpy()
        ]
    return table.rename(columns=words)


def _cautions(result, row):
    """What a reader has to know before the number is believed."""
    predictions, folds = result.predictions, result.folds
    if row["low"] <= row["chance"]:
        yield "The interval reaches chance: these data do not show that the classes can be told apart."
    failed = int(folds["error"].notna().sum())
    if failed:
        given = "" if np.isnan(result.error_score) else f", or count as {result.error_score:g} in the means"
        yield f"{failed} of {len(folds)} folds failed and are left out of all scores{given}; see Splits."
    whole = whole_groups(result)
    if "group" not in predictions:
        yield (
            "No groups were given, so samples of one person or recording may be in training and test part: "
            "the scores do not tell how well the classifier does on new people."
        )
    elif whole is False:
        yield "Groups were in training and test part at once: the scores are no estimate for new groups."
    elif predictions["group"].nunique() < 10:
        yield f"There are only {predictions['group'].nunique()} groups: the intervals are too narrow."
    if result.probes is None:
        yield "Confounds were not looked for: evaluate(..., probes=True) does."
    elif result.probes["flagged"].any():
        names = ", ".join(map(str, result.probes.index[result.probes["flagged"]]))
        yield f"Confound probes are about as good as the classifier: {names}; see Confound probes."


def scores_pages(result, permutations):
    """All scores, and the figures of predictions and of training."""
    table = _readable_summary(result)
    table["p"] = permutations["p_value"].reindex(result.summary().index).to_numpy()
    text = paragraph(
        "Scores over the predictions of all folds together, their confidence intervals (bootstrap of "
        f"{'groups' if 'group' in result.predictions else 'samples'}), the level of chance, mean and "
        "standard deviation over folds, and the p-value by permutation of the labels. Of log loss, Brier "
        "score and calibration error, lower is better."
    )
    yield "All scores", text + html_table(table)
    text = "Positive predictivity is also called precision, sensitivity recall. In brackets: 95 % CI."
    yield "Each class against the rest", paragraph(text) + html_table(_class_table(result))
    yield "Confusion matrix", result.plot_confusion_matrix(), "Predictions of all folds together."
    curves, caption = "ROC and precision-recall curves", "Of the predictions on test samples."
    if get_scores(result.predictions) is None:
        yield None, f"{curves}: the classifier gives no probabilities or decision scores."
    elif result.predictions.groupby("fold")["y_true"].nunique().max() < 2:
        yield None, f"{curves}: each fold tests a single class."
    else:
        yield "ROC curves", result.plot_roc(), caption
        yield "Precision-recall curves", result.plot_precision_recall(), caption
    yield from _training(result)


def _training(result):
    if result.histories is None:
        yield None, "Training curves: the classifier keeps no table of its training."
        return
    n_panels = 1 + any(name.endswith("_accuracy") for name in result.histories)
    fig = result.plot_training(ax=get_axes(None, (5.6, 3.4 * n_panels), nrows=n_panels))
    yield "Training", fig, "Loss and accuracy over the passes through the training samples."


def groups_pages(result):
    """The scores of each group."""
    if "group" not in result.predictions:
        yield None, "Scores of groups: the samples have none (subjects, patients, sessions …)."
        return
    scores, errors = result.group_scores(), result.group_errors()
    shown = ["accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "log_loss"]
    table = errors[["n", "errors"]].join(scores[shown].dropna(axis=1, how="all"))
    table["share of all errors"] = [f"{100 * share:.1f} %" for share in errors["share"]]
    table["most frequent error"] = [
        f"{kind} ({times}×)" if times else "–"
        for kind, times in zip(errors["most_frequent"], errors["times"], strict=True)
    ]
    table = table.rename(columns=words).rename(columns={"n": "predictions"})
    yield "Scores of each group", paragraph("Most errors first.") + html_table(table)
    fig = _plot_groups(scores["accuracy"], result.chance)
    yield "Accuracy of each group", fig, f"Sorted; n = {len(scores)} groups."


def _plot_groups(accuracy, chance):
    accuracy = accuracy.sort_values()
    place = np.arange(len(accuracy))
    named = len(accuracy) <= 40
    names = class_names(accuracy.index, width=30) if named else []
    n_lines = max(sum(name.count("\n") + 1 for name in names), 12)
    ax = get_axes(None, figsize=(5.6, 1.2 + 0.16 * n_lines))[0]
    ax.plot(accuracy, place, "o", color=COLORS[0], markersize=5)
    ax.axvline(accuracy.mean(), color=COLORS[0], label=f"mean of groups {accuracy.mean():.2f}")
    ax.axvline(chance, label=f"chance {chance:.2f}", **CHANCE)
    ax.set(ylabel="Group", xlabel="Accuracy (share of samples)", xlim=(-0.02, 1.02))
    ax.set_yticks(place if named else [], names, fontsize="small")
    ax.figure.legend(loc="outside upper right", ncols=2, fontsize="small")
    return ax.figure


def statistics_pages(result, permutations, comparison, n_permutations):
    """Tests against chance and against other pipelines."""
    table = permutations.dropna(subset="p_value").rename_axis(None)
    table = table.rename(index=words, columns={"limit": "5 % limit of chance", "p_value": "p"})
    text = paragraph(
        f"The labels were permuted {n_permutations} times under the predictions as they are, "
        f"{permuted_among(result)}. “Chance” is the mean score of these, and the limit is what chance "
        "passes once in twenty times. p is the share of permutations that are as good or better. Labels "
        "have to be exchangeable: windows of one trial, or neighbours in a recording that changes slowly, "
        "are not, unless they are one group."
    )
    yield "Against chance", text + html_table(table)
    if comparison is None:
        yield None, "Tests against other pipelines: report(..., comparison=compare(...)) adds them."
        return
    yield "Against other pipelines", html_table(comparison.table.rename(columns=words), index=False)
    caption = f"Metric: {comparison.metric}; units: {comparison.units}."
    yield "Differences", comparison.plot(), caption
    yield "Paired scores", comparison.plot_scores(), caption


def calibration_pages(result):
    """Whether predictions are right as often as they are sure."""
    predictions = result.predictions
    if not are_probabilities(predictions):
        yield None, "Calibration: the classifier gives no probabilities."
        return
    row = result.summary()["pooled"]
    proba = get_scores(predictions)
    sure = proba.max(axis=1).mean()
    right = (result.classes[proba.argmax(axis=1)] == predictions["y_true"]).mean()
    verdict = "more" if sure > right else "less"
    text = (
        f"The mean probability of the likeliest class is {sure:.2f}, and it is the true one in {right:.2f} "
        f"of the predictions: the classifier is {verdict} sure than right, by {abs(sure - right):.2f}. The "
        f"expected calibration error is {row['calibration_error']:.3f}, the Brier score {row['brier']:.3f} "
        f"and the log loss {row['log_loss']:.3f}."
    )
    yield "In words", paragraph(text)
    caption = "On the diagonal, predictions are right as often as they are sure."
    yield "Reliability", result.plot_reliability(), caption


def probes_pages(result):
    """How well models do of what should hold no information on the classes."""
    if result.probes is None:
        text = (
            "Confound probes: evaluate(..., probes=True) scores, on the same splits, simple models of what "
            "should know nothing: eye movements, muscles, order in the recording, quality of the channels, "
            "the time before the event, the group."
        )
        yield None, text
        return
    verdicts = [f"{name}: {text}" for name, text in result.probes["verdict"].items()]
    numbers = result.probes.drop(columns="verdict").rename(columns=words)
    yield "What they say", bullets(verdicts) + html_table(numbers)
