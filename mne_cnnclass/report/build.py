"""The pages of a report, in their order."""

from __future__ import annotations

from typing import Any

import mne
import numpy as np
from sklearn.base import BaseEstimator

from ..samples.view import EpochsView
from . import account, scores
from .data import data_pages
from .explanations import explanations_pages
from .html import CSS, PHONE, bullets
from .methods import name_of, top_steps

TAG = "classification"
DPI = 110


def build_report(
    result: Any,
    *,
    title: str | None = None,
    report: mne.Report | None = None,
    comparison: Any = None,
    explain: BaseEstimator | None = None,
    explain_on: EpochsView | None = None,
    n_permutations: int = 1000,
) -> mne.Report:
    """Add an evaluation to an `mne.Report`.

    Parameters
    ----------
    result : Evaluation
        The evaluation, returned by :func:`~mne_cnnclass.evaluate`.
    title : None | str
        Title of a new report. ``None`` uses the name of the classifier.
    report : None | mne.Report
        The report to add the sections to. ``None`` creates a new one.
    comparison : None | Comparison
        A comparison, returned by :func:`~mne_cnnclass.compare`, for the section on statistics.
    explain : None | scikit-learn classifier
        A fitted classifier to explain: for a :class:`~mne_cnnclass.CNNClassifier`, what its network relies
        on; for any classifier, the importance of frequency bands for its score.
    explain_on : None | EpochsView
        Samples on which to explain it, preferably not those that it was trained on. ``None`` uses the samples
        of the result.
    n_permutations : int
        Number of permutations for the p-values, which are at least 1 / (n_permutations + 1). Default is 1000.

    Returns
    -------
    report : mne.Report
        The report, not yet saved.

    Raises
    ------
    ValueError
        If both ``title`` and ``report`` are given, or if there are no epochs to explain the classifier on.

    Notes
    -----
    A figure that is not available for a result (no probabilities, no groups, no channel positions …) is
    omitted, and the report says why. If there are many samples, signals are plotted for about 600 and
    explanations computed for about 60 of them, evenly spaced within each class and in proportion to the class
    frequencies, but at least five per class. Everything that comes from the data (classes, groups, channel
    and file names) is shown as plain text.

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
        names = " + ".join(map(name_of, top_steps(result.estimator).values()))
        title = f"Evaluation of {names or 'a classifier'}" if title is None else title
        report = mne.Report(title=title, image_format="png", verbose="ERROR")
    permutations = result.permutation_test(n_permutations=n_permutations)
    sections = {
        "Summary": scores.summary_pages(result, permutations),
        "Data": data_pages(result),
        "Pipeline": account.pipeline_pages(result),
        "Splits": account.splits_pages(result),
        "Scores": scores.scores_pages(result, permutations),
        "Groups": scores.groups_pages(result),
        "Statistics": scores.statistics_pages(result, permutations, comparison, n_permutations),
        "Calibration": scores.calibration_pages(result),
        "Explanations": explanations_pages(explain, explain_on, result),
        "Confound probes": scores.probes_pages(result),
        "Methods": account.methods_pages(result, permutations),
        "Versions and how to reproduce": account.reproduce_pages(result),
    }
    return add_sections(report, sections)


def add_sections(report, sections):
    """Add the pages of each section to a report, and return it.

    A page is heading and HTML, or heading, figure and caption. Without a heading (``None``), it is a sentence
    on something that is missing; these are gathered on a last page.
    """
    if PHONE not in report.include:
        report.add_custom_css(CSS)
        report.include += PHONE
    missing = []
    for section, items in sections.items():
        for heading, content, *caption in items:
            options = dict(title=heading, section=section, tags=(TAG,))
            if heading is None:
                missing.append(content)
            elif isinstance(content, str):
                report.add_html(content, **options)
            else:
                _add_figure(report, content, caption[0], options)
    if missing:
        options = dict(title="What is missing, and why", section="Not in this report", tags=(TAG,))
        report.add_html(bullets(missing), **options)
    return report


def _add_figure(report, fig, caption, options):
    import matplotlib.pyplot as plt

    fig.set_dpi(DPI)
    # whole pixels: MNE and matplotlib round others differently, which shears the picture
    fig.set_size_inches((np.round(fig.get_size_inches() * DPI) + 0.01) / DPI)
    report.add_figure(fig, caption=caption, **options)
    plt.close(fig)
