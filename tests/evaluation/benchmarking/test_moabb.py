"""Our pipelines in MOABB and MOABB's in ours: the same epochs, the same splits, the same scores."""

import importlib.util
import re
import sys
from pathlib import Path

import mne
import numpy as np
import pytest
from mne.decoding import CSP as MneCSP
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneGroupOut, check_cv
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mne_cnnclass import CNNClassifier, EpochsView, benchmark, recipe
from mne_cnnclass.evaluation.benchmarking import moabb_view
from mne_cnnclass.preprocessing import EuclideanAlignment

MOABB = importlib.util.find_spec("moabb") is not None
needs_moabb = pytest.mark.skipif(not MOABB, reason="could not import 'moabb'")
pytestmark = [
    # MOABB 1.7 with h5py 3.16 and MNE 1.13
    pytest.mark.filterwarnings("ignore:Creating a dataset without passing data or dtype"),
    pytest.mark.filterwarnings("ignore:Montage name 'standard_1005' is deprecated"),
    # Folds within a session have its subject on both sides.
    pytest.mark.filterwarnings("ignore:In . of . folds a group is on both sides"),
]
SEED, N_FOLDS = 42, 2


def network():
    return CNNClassifier("EEGNet", max_epochs=1, random_state=0, n_threads=1)


def imagery_recipe():
    pipeline = recipe("motor imagery", random_state=0, n_threads=1)
    return pipeline.set_params(cnnclassifier__n_members=1, cnnclassifier__max_epochs=1)


def aligned_network():
    return make_pipeline(EuclideanAlignment(), network())


OURS = dict(aligned=aligned_network, recipe=imagery_recipe)


# pyRiemann takes arrays only; before them, MOABB's own pipelines as MOABB has them in its files.
def csp_and_lda():
    from pyriemann.estimation import Covariances
    from pyriemann.spatialfilters import CSP

    return make_pipeline(
        FunctionTransformer(np.asarray), Covariances("oas"), CSP(nfilter=6), LinearDiscriminantAnalysis()
    )


def tangent_space():
    from pyriemann.estimation import Covariances
    from pyriemann.tangentspace import TangentSpace

    return make_pipeline(
        FunctionTransformer(np.asarray),
        Covariances("oas"),
        TangentSpace(metric="riemann"),
        LogisticRegression(),
    )


def csp_of_mne():
    return make_pipeline(MneCSP(4, reg="oas"), LinearDiscriminantAnalysis())


MOABBS = {"tangent space + LR": tangent_space, "MNE's CSP + LDA": csp_of_mne}


@pytest.fixture(autouse=True)
def _folders(monkeypatch, tmp_path):
    """MOABB keeps what it needs in a folder of the test, and asks no mirror."""
    for variable in ("MNE_DATA", "MOABB_RESULTS"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("MOABB_DOWNLOAD_PROVIDER", "upstream")


@pytest.fixture
def fake():
    """Two people, two sessions of 16 trials, windows that do not overlap."""
    from moabb.datasets.fake import FakeDataset

    hands = ("left_hand", "right_hand")
    return FakeDataset(event_list=hands, n_subjects=2, n_runs=1, n_events=16, duration=60, seed=0)


@pytest.fixture
def physionet(data_path, monkeypatch, tmp_path):
    """Two people of EEGBCI, where MNE and MOABB would have put them; MOABB is to ask for the fists only."""
    from moabb.datasets import PhysionetMI

    folder = tmp_path / "MNE-eegbci-data" / "files" / "eegmmidb"
    folder.mkdir(parents=True)
    (folder / "1.0.0").symlink_to(data_path / "eegmmidb")
    monkeypatch.setenv("MNE_DATASETS_EEGBCI_PATH", str(tmp_path))
    dataset = PhysionetMI(subjects=[1, 2])
    dataset.feet_runs = []
    return dataset


@pytest.fixture
def paradigm():
    from moabb.paradigms import LeftRightImagery

    return LeftRightImagery()


def scores_in_moabb(kind, pipeline, dataset, paradigm, tmp_path, *, as_epochs=True, **options):
    """MOABB's score of each subject and session."""
    from moabb import evaluations

    evaluation = getattr(evaluations, f"{kind}Evaluation")(
        paradigm,
        [dataset],
        random_state=SEED,
        return_epochs=as_epochs,
        overwrite=True,
        hdf5_path=str(tmp_path / "results"),
        **options,
    )
    table = evaluation.process({"pipeline": pipeline})
    return table.set_index([table["subject"].astype(int), "session"])["score"].sort_index()


def scores_in_ours(kind, pipeline, view, tmp_path):
    """The score of each subject and session by `benchmark` on the splits of MOABB."""
    from moabb.evaluations import splitters

    options = dict(n_folds=N_FOLDS, random_state=SEED) if kind == "WithinSession" else {}
    splitter = getattr(splitters, f"{kind}Splitter")(**options)
    table = view.metadata
    splits = [
        (train, test[part])
        for train, test in splitter.split(view.labels, table)
        for part in table.loc[test].reset_index().groupby(["subject", "session"]).indices.values()
    ]
    store = tmp_path / "store.sqlite"
    table = benchmark({"": pipeline}, {"": view}, splits=check_cv(splits), store=store).table()
    return table.groupby(["subject", "session"])["roc_auc"].mean()


def assert_same_scores(kind, pipeline, dataset, paradigm, tmp_path):
    options = dict(n_splits=N_FOLDS) if kind == "WithinSession" else {}
    options["as_epochs"] = "covariances" not in getattr(pipeline, "named_steps", {})  # pyRiemann takes arrays
    there = scores_in_moabb(kind, pipeline, dataset, paradigm, tmp_path, **options)
    here = scores_in_ours(kind, pipeline, moabb_view(dataset, paradigm), tmp_path)
    assert there.index.tolist() == here.index.tolist()
    # MOABB's file has float32, and a ROC-AUC goes in steps far above that, of one pair of trials
    np.testing.assert_array_equal(here.astype(np.float32), there)


@needs_moabb
@pytest.mark.parametrize("kind", ["WithinSession", "CrossSession", "CrossSubject"])
@pytest.mark.parametrize("make", OURS.values(), ids=OURS)
def test_our_pipelines_have_the_same_scores_in_moabb(make, kind, fake, paradigm, tmp_path):
    assert_same_scores(kind, make(), fake, paradigm, tmp_path)


@needs_moabb
@pytest.mark.parametrize("kind", ["WithinSession", "CrossSession", "CrossSubject"])
@pytest.mark.parametrize("make", MOABBS.values(), ids=MOABBS)
def test_pipelines_of_moabb_have_its_scores_here(make, kind, fake, paradigm, tmp_path):
    assert_same_scores(kind, make(), fake, paradigm, tmp_path)


@needs_moabb
@pytest.mark.slow
@pytest.mark.parametrize(("make", "kind"), [(imagery_recipe, "WithinSession"), (csp_and_lda, "CrossSubject")])
def test_scores_are_the_same_on_physionet(make, kind, physionet, paradigm, tmp_path):
    assert_same_scores(kind, make(), physionet, paradigm, tmp_path)


@needs_moabb
def test_arrays_in_microvolts_give_a_network_the_scores_of_epochs(fake, paradigm, tmp_path):
    epochs = scores_in_moabb("CrossSession", network(), fake, paradigm, tmp_path)
    arrays = scores_in_moabb("CrossSession", network(), fake, paradigm, tmp_path, as_epochs=False)
    np.testing.assert_allclose(arrays, epochs, rtol=0, atol=1e-2)


@needs_moabb
def test_alignment_knows_the_subjects_of_epochs_and_not_of_arrays(fake, paradigm):
    epochs, y, table = paradigm.get_data(fake, return_epochs=True)
    array, _, _ = paradigm.get_data(fake)
    assert sorted(EuclideanAlignment().fit(epochs, y).references_) == [1, 2]
    assert list(EuclideanAlignment().fit(array, y).references_) == ["all samples"]


@needs_moabb
def test_the_recipe_says_what_an_array_lacks(fake, paradigm, tmp_path):
    with pytest.raises(ValueError, match="needs the sampling frequency of an array: sfreq_in="):
        scores_in_moabb("CrossSubject", imagery_recipe(), fake, paradigm, tmp_path, as_epochs=False)
    with_rate = imagery_recipe().set_params(resample__sfreq_in=128.0)
    with pytest.raises(ValueError, match="needs the names of channels.*Pass epochs"):
        scores_in_moabb("CrossSubject", with_rate, fake, paradigm, tmp_path, as_epochs=False)


@needs_moabb
@pytest.mark.slow
def test_one_trial_at_a_time_needs_the_causal_recipe(fake, paradigm, tmp_path):
    options = dict(cs_mode="train_trialwise")
    with pytest.raises(ValueError, match="has one sample only.*set online=True"):
        scores_in_moabb("CrossSubject", imagery_recipe(), fake, paradigm, tmp_path, **options)
    causal = imagery_recipe().set_params(euclideanalignment__online=True)
    there = scores_in_moabb("CrossSubject", causal, fake, paradigm, tmp_path, **options)
    assert there.between(0, 1).all()
    assert len(there) == 4


@needs_moabb
def test_view_has_what_moabb_has(fake, paradigm):
    X, y, table = paradigm.get_data(fake, return_epochs=True)
    view = moabb_view(fake, paradigm)
    np.testing.assert_array_equal(view, X.get_data())
    np.testing.assert_array_equal(view.labels, y)
    assert view.metadata.equals(table)
    np.testing.assert_array_equal(view.groups, table["subject"])
    assert view.epochs.event_id == dict(left_hand=1, right_hand=2)
    array, _, _ = paradigm.get_data(fake)
    np.testing.assert_allclose(1e6 * np.asarray(view), array)  # V here, µV there
    assert len(list(LeaveOneGroupOut().split(view, view.labels, view.groups))) == 2


@needs_moabb
def test_view_of_one_subject_has_no_groups(fake, paradigm):
    view = moabb_view(fake, paradigm, [2])
    assert view.groups is None
    assert set(view.metadata["subject"]) == {2}
    assert isinstance(view, EpochsView)


@needs_moabb
def test_what_is_no_data_set_of_moabb_is_told(fake, paradigm):
    from moabb.paradigms import FilterBankLeftRightImagery

    with pytest.raises(TypeError, match="dataset must be an instance of a dataset of MOABB"):
        moabb_view("PhysionetMI", paradigm)
    with pytest.raises(TypeError, match="paradigm must be an instance of a paradigm of MOABB"):
        moabb_view(fake, mne)
    with pytest.raises(ValueError, match="has 6 filters"):
        moabb_view(fake, FilterBankLeftRightImagery())


def test_without_moabb_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "moabb.datasets.base", None)  # what an import fails on
    with pytest.raises(ImportError, match=r'pip install "mne-cnnclass\[moabb\]"'):
        moabb_view(None, None)


@needs_moabb
@pytest.mark.slow
def test_python_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[3] / "docs" / "guide" / "scaling.md"
    section = page.read_text(encoding="utf-8").split("# MOABB\n")[1]
    names = {}
    for code in re.findall(r"```py\n(.*?)```", section, flags=re.DOTALL):
        exec(compile(code, page.name, "exec"), names)
    assert {"evaluation", "tangent_space"} <= names.keys()
