"""The report holds what was measured, and nothing in it but text, tables and figures."""

import base64
import io
from collections import Counter
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import mne
import numpy as np
import pytest
from mne.decoding import Vectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from mne_cnnclass import CNNClassifier, EpochsView, evaluate
from mne_cnnclass.preprocessing import Clip
from mne_cnnclass.report import build_report
from mne_cnnclass.report.build import _add_figure
from mne_cnnclass.report.data import draw_rows
from mne_cnnclass.report.methods import write_methods
from mne_cnnclass.report.scores import groups_pages
from mne_cnnclass.samples.datasets import MONTAGE_1005

SCRIPT = "<script>alert(1)</script>"
SECTIONS = [
    *["Summary", "Data", "Pipeline", "Splits", "Scores", "Groups", "Statistics", "Calibration"],
    *["Methods", "Versions and how to reproduce", "Not in this report"],
]


class Page(HTMLParser):
    """Titles, text, images and the number of each tag of a page."""

    def __init__(self, html):
        super().__init__()
        self.images, self.tags, self.text, self.addresses = [], Counter(), [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags[tag] += 1
        if tag == "img":
            self.images.append(attrs["src"])
        if tag in ("img", "script", "link", "iframe"):
            self.addresses.append(attrs.get("src") or attrs.get("href") or "data:")

    def handle_data(self, data):
        self.text.append(" ".join(data.split()))


def make_view(names=("left", "right"), n_groups=4, montage=True, channel="C3"):
    """Epochs whose classes differ in their first channel, in groups of 12."""
    rng = np.random.default_rng(0)
    n = 12 * n_groups
    code = np.arange(n) % 2
    data = 1e-6 * rng.standard_normal((n, 5, 60))
    data[:, 0] += 3e-7 * code[:, None]
    ch_names = ["C3", "Cz", "C4", "Fz", "Pz"]
    info = mne.create_info(ch_names, 100.0, "eeg")
    if montage:
        info.set_montage(MONTAGE_1005)
    events = np.column_stack([200 * np.arange(n), np.zeros(n, int), 1 + code])
    epochs = mne.EpochsArray(data, info, events, event_id={names[0]: 1, names[1]: 2}, verbose="ERROR")
    epochs.rename_channels({"C3": channel})
    return EpochsView(epochs, groups=[f"S{i // 12} {names[0]}" for i in range(n)])


def linear(C=0.01):
    return make_pipeline(Vectorizer(), LogisticRegression(C=C))


@pytest.fixture(scope="module")
def result():
    return evaluate(linear(), make_view(), cv=4)


@pytest.fixture(scope="module")
def report(result):
    return build_report(result, n_permutations=100)


@pytest.fixture
def unrendered(monkeypatch):
    """Figures are made, but not rendered, which takes most of the time of a report."""

    def add(report, fig, caption, options):
        report.add_html(caption or "", **options)
        plt.close(fig)

    monkeypatch.setattr("mne_cnnclass.report.build._add_figure", add)


@pytest.fixture(scope="module")
def page(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    report.save(path, open_browser=False, verbose="ERROR")
    return Page(path.read_text(encoding="utf-8"))


def test_every_section_is_there(report):
    titles = report.get_contents()[0]
    assert titles == SECTIONS


def test_figures_are_in_the_page_and_nothing_is_loaded(page):
    figures = [image for image in page.images if image.startswith("data:image/png;base64,")]
    assert len(figures) == len(page.images) >= 9
    assert all(base64.b64decode(image.partition(",")[2])[:4] == b"\x89PNG" for image in figures)
    assert all(address.startswith("data:") for address in page.addresses)


def test_methods_tell_the_numbers(result):
    permutations = result.permutation_test(n_permutations=100)
    text, bibtex = write_methods(result, permutations)
    row = result.summary().loc["accuracy"]
    assert (
        "48 samples of the classes left (n = 24) and right (n = 24) from 4 groups (12 samples each)" in text
    )
    assert "trained on 36 and tested on 12 samples in each of 4 folds of a cross-validation" in text
    assert "the scores are those on new groups" in text
    assert "a pipeline of Vectorizer and LogisticRegression" in text
    assert "with C = 0.01, and otherwise default parameters" in text
    interval = f"95 % CI {row['low']:.2f} to {row['high']:.2f}"
    assert f"The accuracy was {row['pooled']:.2f}, {interval}" in text
    assert "chance is 0.50" in text
    assert {"Gramfort2013", "Pedregosa2011", "Efron1993"} <= {
        line.partition("{")[2].rstrip(",") for line in bibtex.splitlines() if line.startswith("@")
    }
    assert "skorch" not in text + bibtex  # no network was trained


def test_the_paper_of_the_network_is_cited():
    from mne_cnnclass import CNNClassifier

    clf = CNNClassifier("EEGNet", max_epochs=1, lr=0.01, random_state=0, n_threads=1)
    result = evaluate(clf, make_view(), cv=2)
    text, bibtex = write_methods(result, result.permutation_test(n_permutations=20))
    assert "The convolutional network EEGNet [EEGNet]" in text
    assert "was trained for 1 epoch in batches of 8 to 64 samples by AdamW" in text
    assert "10.1088/1741-2552/aace8c" in bibtex
    assert "@software{braindecode," in bibtex


def test_what_comes_from_data_stays_text(page, tmp_path):
    view = make_view(names=(SCRIPT, "b & <i>c</i>"), channel="<img src=x>")
    result = evaluate(linear(), view, cv=2)
    report = build_report(result, title=f"Title {SCRIPT}", n_permutations=20)
    report.save(tmp_path / "report.html", open_browser=False, verbose="ERROR")
    hostile = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert hostile.tags["script"] == page.tags["script"]
    assert hostile.tags["i"] == page.tags["i"]
    assert "x" not in hostile.images
    assert any(SCRIPT in text for text in hostile.text)


@pytest.mark.usefixtures("unrendered")
def test_what_cannot_be_drawn_is_told():
    y = np.tile([0, 1], 20)
    X = np.random.default_rng(0).standard_normal((40, 3)) + y[:, None]
    result = evaluate(LinearSVC(), X, y, cv=2)
    _, _, html = build_report(result, n_permutations=20).get_contents()
    text = " ".join(Page(" ".join(html)).text)
    assert "The samples were an array, so their channels and times are not known." in text
    assert "Calibration: the classifier gives no probabilities" in text
    assert "Scores of groups: the samples have none" in text
    assert "No groups were given" in text
    _, _, html = build_report(
        evaluate(linear(), make_view(montage=False), cv=2), n_permutations=20
    ).get_contents()
    assert "Maps of the head: the positions of the channels are not known" in html[-1]
    heart = make_view(montage=False).epochs.set_channel_types(
        dict.fromkeys(["C3", "Cz", "C4", "Fz", "Pz"], "ecg")
    )
    _, _, html = build_report(evaluate(linear(), heart, cv=2), n_permutations=20).get_contents()
    assert "of the head" not in " ".join(html)


@pytest.mark.usefixtures("unrendered")
def test_dropped_epochs_are_counted_by_reason():
    epochs = make_view().epochs
    epochs.drop([0, 5], reason="blink")
    epochs.drop([45], reason="TOO_SHORT")
    view = EpochsView(epochs, groups=np.arange(len(epochs)) // 8)
    html = build_report(evaluate(linear(), view, cv=2), n_permutations=20).get_contents()[2]
    text = " ".join(Page(html[SECTIONS.index("Data")]).text)
    assert "3 epochs were dropped" in text
    assert "TOO_SHORT means that the window leaves the recording" in text
    assert "blink 2" in " ".join(text.split())


@pytest.mark.usefixtures("unrendered")
def test_pages_are_added_to_a_report_of_ones_own(result):
    own = mne.Report(title="Mine", verbose="ERROR")
    own.add_html("<p>Before</p>", "Introduction")
    assert build_report(result, report=own, n_permutations=20) is own
    assert own.get_contents()[0] == ["Introduction", *SECTIONS]
    with pytest.raises(ValueError, match="leave one out"):
        build_report(result, report=own, title="New")


def test_brackets_in_names_are_no_citations():
    result = evaluate(linear(), make_view(names=("[skorch]", "[left")), cv=2)
    text, bibtex = write_methods(result, result.permutation_test(n_permutations=20))
    assert "[skorch] (n = 24)" in text
    assert "[left (n = 24)" in text
    assert "[Gramfort2013]" in text
    assert "@article{Gramfort2013" in bibtex
    assert "skorch" not in bibtex


def test_failed_folds_are_told_and_claim_nothing_of_their_samples():
    view = make_view()

    class Fails(LogisticRegression):
        def fit(self, X, y):
            if len(X) == 24:
                raise ValueError("24 are too few")
            return super().fit(X, y)

    everything = np.arange(48)
    tests = [everything[:24], everything[24:36], everything[36:]]  # the first is two groups
    cv = [(np.setdiff1d(everything, test), test) for test in tests]
    with pytest.warns(match="1 of 3 folds failed"):
        result = evaluate(make_pipeline(Vectorizer(), Fails()), view, cv=cv)
    text, _ = write_methods(result, result.permutation_test(n_permutations=20))
    assert "24 samples of the 48 given" in text
    assert "trained on 36 and tested on 12 samples in each of 2 folds" in text
    assert "1 more fold failed and was left out" in text
    assert "the scores are those on new groups" in text

    # one group is cut: half of it is tested, and the other half would have been by the fold that fails
    tests = [everything[6:30], np.r_[0:6, 30:36], everything[36:]]
    cv = [(np.setdiff1d(everything, test), test) for test in tests]
    with pytest.warns(match="1 of 3 folds failed"), pytest.warns(match="a group is on both sides"):
        result = evaluate(make_pipeline(Vectorizer(), Fails()), view, cv=cv)
    text, _ = write_methods(result, result.permutation_test(n_permutations=20))
    assert "the scores are no estimate for new groups" in text


def test_labels_of_groups_are_told_to_be_exchanged_between_groups():
    view = make_view()
    view = EpochsView(view, groups=[f"{label} {i // 8}" for i, label in enumerate(view.labels)])
    result = evaluate(linear(), view, cv=2)
    text, _ = write_methods(result, result.permutation_test(n_permutations=20))
    assert "permutations of the labels between groups, each of which has one label" in text


def test_a_rare_class_is_drawn():
    labels = np.where(np.isin(np.arange(10_000), [1, 5001, 9001]), "rare", np.tile(["a", "b"], 5000))
    rows = draw_rows(labels, 100)
    assert dict(Counter(labels[rows].tolist())) == {"a": 50, "b": 50, "rare": 3}
    assert rows.min() < 10
    assert rows.max() > 9990
    assert (draw_rows(labels[:20], 100) == np.arange(20)).all()


def test_scores_of_groups_are_those_of_the_result(result):
    _, html = next(groups_pages(result))
    text = " ".join(Page(html).text)
    expected = result.group_scores()
    for name in ["accuracy", "balanced_accuracy", "f1_macro", "roc_auc", "log_loss"]:
        for value in expected[name]:
            assert f"{value:.3f}" in text


def test_pictures_are_not_sheared():
    # in dots of 110 an inch, 813.9999999999999, which is rounded down in one place and up in another
    fig = plt.figure(figsize=(6.8 + 0.075 * 8, 5.0))
    fig.add_axes([0.5, 0, 0.5, 1], facecolor="black").set(xticks=[], yticks=[])
    report = mne.Report(image_format="png", verbose="ERROR")
    _add_figure(report, fig, None, dict(title="half", section="s"))
    image = Page(report.get_contents()[2][0]).images[0]
    pixels = plt.imread(io.BytesIO(base64.b64decode(image.partition(",")[2])))[..., 0]
    assert (pixels[:, pixels.shape[1] // 2 + 5 : -5] < 0.1).all()
    assert (pixels[:, : pixels.shape[1] // 2 - 5] > 0.9).all()


def test_the_methods_name_the_augmentations():
    clf = CNNClassifier(
        "MultiScaleCNN", augmentation=["time_shift", ("channel_dropout", {"p_drop": 0.1})], max_epochs=1
    )
    result = evaluate(clf, make_view(), cv=2)
    text, _ = write_methods(result, result.permutation_test(n_permutations=20))
    assert "augmentation of the samples (time_shift; channel_dropout: p_drop = 0.1)" in text


def test_a_network_at_the_end_of_a_pipeline_is_explained():
    view = make_view()
    pipeline = make_pipeline(Clip(5), CNNClassifier("EEGNet", max_epochs=1, n_threads=1, random_state=0))
    result = evaluate(pipeline, view, cv=2)
    report = build_report(result, explain=pipeline.fit(view, view.labels), n_permutations=10)
    names = [element.name for element in report._content]
    assert {"Spatial patterns", "Saliency over time"} <= set(names)
