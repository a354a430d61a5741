"""What holds for any index, any labels and any parameters."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planted import planted_epochs
from sklearn.naive_bayes import GaussianNB

from mne_cnnclass import CNNClassifier, EpochsView, evaluate, load_classifier

N = 9
# The same examples each time, and few, as each fit takes 50 ms; the fixtures do not change.
quick = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

indices = st.one_of(
    st.integers(-N, N - 1),
    st.slices(N),
    st.lists(st.integers(-N, N - 1), min_size=1, max_size=2 * N),
    st.lists(st.booleans(), min_size=N, max_size=N).map(np.array),
    st.just(Ellipsis),
)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
classes = st.one_of(
    st.lists(names, min_size=2, max_size=4, unique=True),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=4, unique=True),
    st.just([True, False]),
)

weights = st.fixed_dictionaries({0: st.floats(0.1, 9), 1: st.floats(0.1, 9)})


@pytest.fixture(scope="module")
def view():
    epochs = planted_epochs(N, ch_names=["C3", "C4"], n_times=4)
    epochs.metadata = pd.DataFrame({"number": np.arange(N)})
    return EpochsView(epochs, groups=np.arange(N) // 2)


@pytest.fixture(scope="module")
def signals():
    return np.random.default_rng(0).standard_normal((12, 2, 64))


@settings(quick, max_examples=150)
@given(index=indices, rest=st.sampled_from([(), (...,), (slice(None),), (slice(None), slice(None))]))
def test_a_view_is_indexed_as_an_array(view, index, rest):
    rest = () if index is ... else rest
    expected = np.asarray(view)[index]
    part = view[(index, *rest) if rest else index]
    rows = np.atleast_1d(np.arange(N)[index])
    np.testing.assert_array_equal(np.asarray(part), expected.reshape(len(rows), 2, 4))
    np.testing.assert_array_equal(part.labels, view.labels[rows])
    np.testing.assert_array_equal(part.groups, view.groups[rows])
    np.testing.assert_array_equal(part.metadata["number"], rows)
    if len(rows):  # MNE warns when it is asked for the data of no epochs
        np.testing.assert_array_equal(part.epochs.get_data(), np.asarray(part))


@quick
@given(data=st.data())
def test_a_view_of_a_view_is_that_of_the_positions(view, data):
    positions, part = np.arange(N), view
    for _ in range(3):
        index = data.draw(st.lists(st.integers(-len(part), len(part) - 1), min_size=1, max_size=N))
        positions, part = positions[index], part[index]
    np.testing.assert_array_equal(part.metadata["number"], positions)
    np.testing.assert_array_equal(np.asarray(part), np.asarray(view)[positions])


@quick
@given(classes=classes, data=st.data())
def test_labels_survive_fit_prediction_saving_and_evaluation(signals, tmp_path, classes, data):
    y = data.draw(st.permutations((classes * 12)[: len(signals)]))
    clf = CNNClassifier("MultiScaleCNN", max_epochs=1, random_state=0, n_threads=1).fit(signals, y)
    assert clf.classes_.tolist() == sorted(classes)
    assert set(clf.predict(signals).tolist()) <= set(classes)
    clf.save(tmp_path / "clf.mcnn")
    loaded = load_classifier(tmp_path / "clf.mcnn")
    assert loaded.classes_.tolist() == sorted(classes)
    np.testing.assert_array_equal(loaded.predict_proba(signals), clf.predict_proba(signals))
    twice, halves = (
        np.tile(signals[:, 0], (2, 1)) + 1e-6 * np.arange(24)[:, None],
        [(np.arange(12), np.arange(12, 24))],
    )
    result = evaluate(GaussianNB(), twice, y * 2, cv=halves)
    assert result.predictions["y_true"].tolist() == y
    assert result.classes.tolist() == sorted(classes)


@quick
@given(
    params=st.fixed_dictionaries(
        {
            "lr": st.floats(1e-6, 0.1),
            "weight_decay": st.floats(0, 1),
            "label_smoothing": st.floats(0, 0.9),
            "batch_size": st.one_of(st.just("auto"), st.integers(1, 2**40)),
            "class_weight": st.one_of(st.sampled_from([None, "balanced"]), weights),
            "standardize": st.booleans(),
            "model_params": st.one_of(st.none(), st.fixed_dictionaries({"drop_prob": st.floats(0, 0.9)})),
        }
    )
)
def test_parameters_survive_saving(signals, tmp_path, params):
    clf = CNNClassifier("EEGNet", **params, max_epochs=1, random_state=0, n_threads=1)
    clf.fit(signals, np.arange(12) % 2).save(tmp_path / "clf.mcnn")
    loaded = load_classifier(tmp_path / "clf.mcnn")
    assert {name: loaded.get_params()[name] for name in params} == params
    np.testing.assert_array_equal(loaded.predict_proba(signals), clf.predict_proba(signals))
