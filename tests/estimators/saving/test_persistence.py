"""Files of fitted estimators: the same predictions, and nothing executed."""

import json
import pickle

import mne
import numpy as np
import pandas as pd
import pytest
import torch
from listed import TRANSFORMERS
from mne.utils import object_diff
from planted import planted_epochs
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler

from mne_cnnclass import (
    CNNClassifier,
    EpochsView,
    FineTunedClassifier,
    load_classifier,
    save_classifier,
)
from mne_cnnclass.estimators.saving.files import KEY, pack
from mne_cnnclass.preprocessing import (
    Clip,
    Crop,
    EuclideanAlignment,
    Features,
    Filter,
    Pick,
    Reference,
    Resample,
    Standardize,
)

SETTINGS = dict(max_epochs=2, random_state=0, n_threads=1)
# MNE 1.13 renamed standard_1020.
NAMES_1020 = {"colin27_1020", "standard_1020"}
MONTAGE = mne.channels.make_standard_montage(min(NAMES_1020 & {*mne.channels.get_builtin_montages()}))
PERSON = dict(his_id="Erika Mustermann", birthday=None, sex=2)


def read(path):
    """Header, without its checksum, and tensors of a file."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, not a dict
        header = json.loads(file.metadata()[KEY])
    del header["sha256"]
    return header, tensors


def write(path, header, tensors):
    """A file of that content, with the right checksum."""
    path.write_bytes(pack(header, tensors))


@pytest.fixture
def reload(tmp_path):
    """Save an estimator and load it again."""

    def through_a_file(estimator):
        save_classifier(estimator, tmp_path / "reloaded.mcnn")
        return load_classifier(tmp_path / "reloaded.mcnn")

    return through_a_file


def people_of(numbers, seed=0):
    """Epochs of people who mix the same sources differently, and who are the groups."""
    mixing = np.eye(5) + 0.3 * np.random.default_rng(5).standard_normal((9, 5, 5))
    recordings = []
    for number in numbers:
        epochs = planted_epochs(16, seed=10 * seed + number).set_montage(MONTAGE)
        epochs._data = mixing[number] @ epochs._data
        epochs.info["subject_info"] = PERSON
        epochs.metadata = pd.DataFrame(dict(subject=[f"S{number}"] * 16, rr=np.arange(16.0)))
        recordings.append(epochs)
    return EpochsView(recordings, groups="subject")


@pytest.fixture(scope="module")
def people():
    return people_of([0, 1, 2])


@pytest.fixture(scope="module")
def strangers():
    """One person of the training, and one who was not there, with channels in another order."""
    return people_of([1, 5], seed=1).pick(["Pz", "C4", "Fz", "C3", "Cz"])


def assert_same(one, other):
    """The same types and values, all the way down."""
    assert type(one) is type(other)
    if isinstance(one, dict) and not isinstance(one, mne.Info):
        assert_same(list(one.items()), list(other.items()))
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, mne.Info):
        one = one.copy()
        with one._unlock():
            one["subject_info"] = None
        assert object_diff(one, other) == ""
    else:
        assert one == other


@pytest.fixture(scope="module")
def clf():
    return CNNClassifier("EEGNet", model_params={"drop_prob": 0.1}, max_epochs=2, random_state=0).fit(
        planted_epochs(24)
    )


@pytest.fixture
def path(clf, tmp_path):
    clf.save(tmp_path / "hands.mcnn")
    return tmp_path / "hands.mcnn"


def test_a_loaded_estimator_predicts_the_same_bits_and_knows_the_same(clf, path):
    loaded = load_classifier(path)
    new = planted_epochs(10, seed=1)
    np.testing.assert_array_equal(loaded.predict_proba(new), clf.predict_proba(new))
    assert loaded.predict(new).tolist() == clf.predict(new).tolist()
    assert loaded.get_params() == clf.get_params() | {"random_state": None}
    for name in ("ch_names_", "sfreq_", "n_times_", "n_channels_", "n_features_in_"):
        assert getattr(loaded, name) == getattr(clf, name)
    pd.testing.assert_frame_equal(loaded.history_, clf.history_)
    with pytest.raises(ValueError, match="missing"):
        loaded.predict(new.drop_channels(["C3"]))


def test_weights_of_16_bits_take_half_the_room_and_become_those_of_32(clf, path):
    header, tensors = read(path)
    floats = {name: value.half() for name, value in tensors.items() if value.dtype == torch.float32}
    size = path.stat().st_size
    write(path, header, tensors | floats)
    assert path.stat().st_size < size - 2 * sum(value.numel() for value in floats.values()) + 100
    loaded, new = load_classifier(path), planted_epochs(10, seed=1)
    for name, value in loaded.module_.state_dict().items():
        assert value.equal(floats[name].float() if name in floats else tensors[name])
    np.testing.assert_allclose(loaded.predict_proba(new), clf.predict_proba(new), atol=0.01)


def test_a_loaded_estimator_can_be_trained_on(path):
    loaded = load_classifier(path).set_params(warm_start=True)
    loaded.fit(planted_epochs(24, seed=2))
    assert loaded.history_["epoch"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("labels", [[1, 5], [True, False], ["a", "ü"]])
def test_labels_keep_their_type(labels, tmp_path):
    X, y = np.random.default_rng(0).standard_normal((10, 30)), np.resize(labels, 10)
    clf = CNNClassifier("MultiScaleCNN", max_epochs=1).fit(X, y)
    clf.save(tmp_path / "table.mcnn")
    loaded = load_classifier(tmp_path / "table.mcnn")
    assert loaded.classes_.dtype == y.dtype
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))


def test_class_weights_keep_their_keys(tmp_path):
    X, y = np.random.default_rng(0).standard_normal((10, 30)), np.resize([0, 1], 10)
    CNNClassifier("MultiScaleCNN", max_epochs=1, class_weight={np.int64(0): 1, 1: 3}).fit(X, y).save(
        tmp_path / "w.mcnn"
    )
    loaded = load_classifier(tmp_path / "w.mcnn")
    assert loaded.class_weight == {0: 1, 1: 3}
    loaded.fit(X, y)


class Own(torch.nn.Module):
    def __init__(self, n_chans, n_outputs, n_times):
        super().__init__()
        self.linear = torch.nn.Linear(n_chans * n_times, n_outputs)

    def forward(self, x):
        return self.linear(x.flatten(1))


def test_a_module_of_ones_own_is_never_imported_by_the_file(tmp_path):
    clf = CNNClassifier(Own, max_epochs=1).fit(planted_epochs(8))
    clf.save(tmp_path / "own.mcnn")
    with pytest.raises(ValueError, match=r"trained with a class of its user, .*Own. Pass that class"):
        load_classifier(tmp_path / "own.mcnn")
    loaded = load_classifier(tmp_path / "own.mcnn", module=Own)
    np.testing.assert_array_equal(loaded.predict(planted_epochs(8)), clf.predict(planted_epochs(8)))


def test_files_that_are_no_models_are_refused(path, tmp_path, clf):
    with pytest.raises(FileNotFoundError, match="No such file"):
        load_classifier(tmp_path / "none.mcnn")
    (tmp_path / "pickle.mcnn").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ValueError, match="no classifier saved by mne_cnnclass, or is damaged"):
        load_classifier(tmp_path / "pickle.mcnn")
    (tmp_path / "half.mcnn").write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="damaged"):
        load_classifier(tmp_path / "half.mcnn")
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="no classifier of mne_cnnclass"):
        load_classifier(tmp_path / "other.safetensors")


def test_a_later_schema_and_weights_of_another_network_are_refused(path, tmp_path):
    header, weights = read(path)
    write(tmp_path / "later.mcnn", {**header, "schema": 99}, weights)
    with pytest.raises(ValueError, match="later than this one"):
        load_classifier(tmp_path / "later.mcnn")
    weights.pop(next(iter(weights)))
    write(tmp_path / "less.mcnn", header, weights)
    with pytest.raises(ValueError, match="do not fit the network"):
        load_classifier(tmp_path / "less.mcnn")


def test_a_failed_save_leaves_the_old_file(clf, path, tmp_path, monkeypatch):
    old = path.read_bytes()
    other = CNNClassifier("EEGNet", max_epochs=1).fit(planted_epochs(8))
    monkeypatch.setattr("os.replace", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        other.save(path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["hands.mcnn"]


# -- transformers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("transformer", TRANSFORMERS, ids=repr)
def test_a_transformer_comes_back_as_it_was(transformer, people, strangers, reload):
    fitted = clone(transformer).fit(people)
    loaded = reload(fitted)
    assert_same(vars(fitted), vars(loaded))
    before, after = fitted.transform(strangers), loaded.transform(strangers)
    assert type(before) is type(after)
    np.testing.assert_array_equal(np.asarray(after), np.asarray(before))
    if isinstance(before, EpochsView):
        assert (after.ch_names, after.sfreq) == (before.ch_names, before.sfreq)
        assert after.info["custom_ref_applied"] == before.info["custom_ref_applied"]
    with pytest.raises(ValueError, match="missing"):
        loaded.transform(EpochsView(planted_epochs(4, ch_names=("Fz", "C3", "Cz", "Pz"))))


@pytest.mark.parametrize(
    "transformer",
    [
        Clip(),
        Crop(0.1, 0.3, sfreq=100.0),
        EuclideanAlignment(),
        Features(["hjorth"], sfreq=100),
        Resample(50, sfreq_in=100),
    ]
    + [Filter(20, None, sfreq=100), Reference(), Pick([0]), Pick(np.array([0])), Standardize()],
    ids=repr,
)
@pytest.mark.parametrize("shape", [(6, 3, 100), (6, 100)], ids=["channels", "table"])
def test_so_does_one_that_was_fitted_on_arrays(transformer, shape, reload):
    X = np.random.default_rng(0).standard_normal(shape)
    fitted = clone(transformer).fit(X)
    loaded = reload(fitted)
    assert_same(vars(fitted), vars(loaded))
    np.testing.assert_array_equal(loaded.transform(X), fitted.transform(X))
    with pytest.raises(ValueError, match="100"):
        loaded.transform(X[..., :50])


@pytest.mark.parametrize(
    "groups",
    [["a", "ü"], [1, 2], np.array([1, 2], np.uint8), [True, False], [0.1, 0.2], np.array(["a", "b"], object)],
    ids=repr,
)
def test_groups_keep_their_type(groups, people, reload):
    view = people[:32]
    view.groups = np.repeat(np.asarray(groups), 16)
    fitted = EuclideanAlignment().fit(view)
    loaded = reload(fitted)
    assert_same(loaded.references_, fitted.references_)
    alone = view[3:4]  # of a group that is not known, one sample would be refused
    np.testing.assert_array_equal(np.asarray(loaded.transform(alone)), np.asarray(fitted.transform(alone)))


def test_a_table_keeps_its_names(reload):
    table = pd.DataFrame(np.random.default_rng(0).standard_normal((6, 3)), columns=["a", "b", "c"])
    loaded = reload(Clip().fit(table))
    with pytest.raises(ValueError, match="feature names should match"):
        loaded.transform(table[["b", "a", "c"]])


def test_nobody_is_named(people, tmp_path):
    for kind in ("average", "csd"):
        save_classifier(Reference(kind).fit(people), tmp_path / "reference.mcnn")
        assert b"Mustermann" not in (tmp_path / "reference.mcnn").read_bytes()


# -- pipelines ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pipeline(people):
    return make_pipeline(Resample(50), EuclideanAlignment(), CNNClassifier("MultiScaleCNN", **SETTINGS)).fit(
        people, people.labels
    )


def test_a_pipeline_predicts_the_same_bits_and_refuses_the_same(pipeline, people, strangers, reload):
    loaded = reload(pipeline)
    assert list(loaded.named_steps) == list(pipeline.named_steps)
    for view in (people, strangers):
        np.testing.assert_array_equal(loaded.predict_proba(view), pipeline.predict_proba(view))
    fast = EpochsView(planted_epochs(8, sfreq=200.0), groups=["S0"] * 8)
    few = EpochsView(planted_epochs(8, ch_names=("Fz", "C3", "Cz", "Pz")), groups=["S0"] * 8)
    for wrong, message in [
        (fast, "sampled at 200 Hz, but this Resample was fitted at 100 Hz"),
        (few, "C4"),
        (strangers[-1:], "Group 'S5' has one sample only"),
        (EpochsView([planted_epochs(8), planted_epochs(8, seed=1)]), "was fitted with groups"),
    ]:
        for one in (pipeline, loaded):
            with pytest.raises(ValueError, match=message):
                one.predict(wrong)
    loaded.set_params(resample__sfreq=40).fit(people, people.labels)


def test_steps_may_be_left_out_or_be_pipelines(people, strangers, reload):
    inner = Pipeline([("clip", Clip()), ("none", None)])
    whole = Pipeline(
        [("a", "passthrough"), ("b", None), ("c", inner), ("d", Pick(["C3", "C4"])), ("e", "passthrough")]
    )
    loaded = reload(whole.fit(people))
    assert [loaded.named_steps[name] for name in "abe"] == ["passthrough", None, "passthrough"]
    np.testing.assert_array_equal(
        np.asarray(loaded.transform(strangers)), np.asarray(whole.transform(strangers))
    )


def test_what_cant_be_written_is_named(people, tmp_path):
    path = tmp_path / "x.mcnn"
    chain = Pipeline([("filter", Filter(20, None)), ("scale", Standardize())]).fit(people)
    with pytest.raises(TypeError, match=r"Step 'filter' \(Filter\): method is of type function"):
        save_classifier(chain.set_params(filter__method=lambda x: x), path)
    features = Features(["hjorth"], bands={"alpha": (8, 13)}).fit(people)
    with pytest.raises(TypeError, match=r"^bands/0/1/1 is of type complex"):
        save_classifier(features.set_params(bands={"alpha": (8, 13j)}), path)
    with pytest.raises(TypeError, match=r"Step 'minmaxscaler' \(MinMaxScaler\): .* can't be saved"):
        save_classifier(make_pipeline(MinMaxScaler()).fit(np.eye(3)), path)
    standardize = Standardize().fit(people)
    standardize.note_ = "mine"
    with pytest.raises(TypeError, match="note_ of a Standardize can't be saved"):
        save_classifier(standardize, path)
    with pytest.raises(NotFittedError):
        save_classifier(Standardize(), path)
    assert not path.exists()


# -- side inputs -------------------------------------------------------------------------------------


def test_side_inputs_may_be_transformers(people, strangers, reload):
    features = Features(["hjorth"], bands={"alpha": (8, 13)})
    side = [make_pipeline(Clip(3), features), "rr", features]
    clf = CNNClassifier("MultiScaleCNN", side_inputs=side, warm_start=True, **SETTINGS).fit(people)
    loaded = reload(clf)
    np.testing.assert_array_equal(loaded.predict_proba(strangers), clf.predict_proba(strangers))
    assert repr(loaded.side_inputs) == repr(side)
    assert not hasattr(loaded.side_inputs[2], "feature_names_out_")  # as before: the fitted ones are its own
    with pytest.raises(ValueError, match="no metadata"):
        loaded.predict(planted_epochs(4))
    loaded.fit(people)
    assert len(loaded.history_) == 4
    loaded.set_params(side_inputs=["rr", features])
    with pytest.raises(ValueError, match="warm_start=True continues with side_inputs"):
        loaded.fit(people)


# -- files of others ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "transform",
            "text",
            "Standardize with 'transform', which this version of mne-cnnclass does not know",
        ),
        ("__class__", None, "Standardize with '__class__', which"),
        ("references_", {"dict": []}, "Standardize with 'references_', which"),
        ("mean_", {"tensor": "elsewhere"}, "is damaged: it holds no Standardize .*'elsewhere'.* missing"),
        ("mean_", {"pickle": "gASVAAAA"}, "damaged.*'pickle'.* describes no value"),
        ("ch_names_", {"numpy": ["rubbish", [1]]}, "damaged.*rubbish"),
        ("ch_names_", {"info": {"bads": 5}}, "damaged"),
        ("sfreq_", {"slice": [1, 2, 3, 4]}, "damaged"),
    ],
)
def test_a_file_sets_nothing_but_what_a_fit_sets(name, value, message, people, tmp_path):
    path = tmp_path / "tampered.mcnn"
    save_classifier(make_pipeline(Standardize()).fit(people), path)
    header, tensors = read(path)
    header["steps"][0][1]["attributes"][name] = value
    write(path, header, tensors)
    with pytest.raises(ValueError, match=message):
        load_classifier(path)


@pytest.mark.parametrize("kind", ["EpochsView", "make_epochs", "__builtins__", "FunctionTransformer"])
def test_a_file_names_no_class_but_known_ones(kind, people, tmp_path):
    path = tmp_path / "tampered.mcnn"
    save_classifier(Standardize().fit(people), path)
    header, tensors = read(path)
    write(path, {**header, "kind": kind}, tensors)
    with pytest.raises(ValueError, match=f"holds a '{kind}', which this version .* does not know"):
        load_classifier(path)


def test_files_of_schema_4_are_read(people, strangers, tmp_path):
    path = tmp_path / "old.mcnn"
    pipeline = make_pipeline(CNNClassifier("MultiScaleCNN", side_inputs=["rr"], **SETTINGS)).fit(
        people, people.labels
    )
    save_classifier(pipeline, path)
    header, tensors = read(path)
    header["schema"] = 4
    network = header["steps"][0][1]
    for part, name in (("side_scaler", "transformers"), ("architecture", "mirror"), ("params", "symmetry")):
        del network[part][name]  # which they do not have
    for part in ("architecture", "params"):
        del network[part]["n_members"]
    write(path, header, tensors)
    loaded = load_classifier(path)
    assert loaded[-1].side_inputs == ["rr"]
    np.testing.assert_array_equal(loaded.predict_proba(strangers), pipeline.predict_proba(strangers))
    further = [FineTunedClassifier(one, max_epochs=1).fit(people) for one in (pipeline, loaded)]
    np.testing.assert_array_equal(*(one.predict_proba(strangers) for one in further))
