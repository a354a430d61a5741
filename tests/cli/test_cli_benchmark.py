"""A benchmark from a config: what is wrong in it is named by its key, and the commands read its store."""

import importlib.util
import inspect
import json
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
from planted import planted_epochs
from sklearn.dummy import DummyClassifier

from mne_cnnclass import EpochsView, baselines, benchmark, datasets, ecg, open_benchmark, recipe
from mne_cnnclass.evaluation.benchmarking import entries, read_config, tables
from mne_cnnclass.evaluation.benchmarking.sources import as_dataset
from mne_cnnclass.preprocessing import make_epochs

DOCS = Path(__file__).parents[2] / "docs"
PIPELINES = '[pipelines.simple]\nbaselines = "eeg"\nnames = ["dummy"]\n'
DATASETS = '[datasets.cursor]\nload = "sample"\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with epochs of four people, as files of two data sets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNE_LOGGING_LEVEL", "ERROR")
    monkeypatch.setenv("MPLBACKEND", "agg")
    for seed, place in enumerate(("first", "second")):
        (tmp_path / place).mkdir()
        for n in range(4):
            epochs = planted_epochs(16, ch_names=("C3", "Cz", "C4"), n_times=60, seed=10 * seed + n)
            with mne.use_log_level("ERROR"):
                epochs.metadata = pd.DataFrame({"subject": [f"sub-{n}"] * 16})
            epochs.save(tmp_path / place / f"sub-{n}-epo.fif", verbose="ERROR")
    return tmp_path


def _write(folder, text):
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return path


CONFIG = """
splits = ["within-session", "leave-one-subject-out"]
n_folds = 2
keep_predictions = true

[pipelines.EEGNet]
model = "EEGNet"
before = ["EuclideanAlignment", {step = "Crop", tmin = 0.0}]
max_epochs = 1
n_threads = 1

[pipelines.simple]
baselines = "eeg"
names = ["dummy", "band power + LR"]

[datasets.one]
epochs = "first/sub-*-epo.fif"

[datasets.two]
epochs = ["second/sub-0-epo.fif", "second/sub-1-epo.fif"]
"""
N_FOLDS = 3 * (4 * 2 + 4 + 2 * 2 + 2)  # pipelines × folds of both kinds on both


def test_a_config_is_run_and_its_store_told(folder, run):
    path = _write(folder, CONFIG)
    code, out, _ = run("benchmark", path, "-o", "results.sqlite")
    assert code == 0
    assert "band power + LR" in out
    table = open_benchmark("results.sqlite").table()
    assert len(table) == N_FOLDS
    assert table[["accuracy", "f1_macro", "roc_auc"]].notna().all(axis=None)

    # all is done, so that nothing is done again, and what the commands tell is what Python tells
    finished = table["finished"].max()
    assert run("benchmark", path, "-o", "results.sqlite")[0] == 0
    result = open_benchmark("results.sqlite")
    assert result.table()["finished"].max() == finished
    code, out, _ = run("status", "results.sqlite")
    assert (code, out) == (0, f"results.sqlite: {N_FOLDS} done, 0 running, 0 failed, 0 waiting\n")

    code, out, _ = run("compare", "results.sqlite", "--splits", "within-session")
    assert code == 0
    expected = result.compare(splits="within-session").table
    for pair in expected.itertuples():
        row = f"{pair.dataset} {pair.pipeline_a} {pair.pipeline_b} {pair.mean_a:.3f} {pair.mean_b:.3f} "
        row += f"{pair.difference:z.3f} {pair.low:z.3f} to {pair.high:z.3f} {pair.n} "
        assert row in re.sub(" +", " ", out)
    code, _, err = run("compare", "results.sqlite")
    assert code == 2
    assert "one kind of splits" in err

    code, out, _ = run("report", "results.sqlite", "-o", "page.html")
    assert code == 0
    assert "page.html" in out
    page = Path("page.html").read_text("utf-8")
    row = result.summary().loc["one", "within-session", "band power + LR"]
    assert f"{row['mean']:.3f} ± {row['sd']:.3f}" in page
    assert re.search(r"<th>chance</th>\s*<td>0.500</td>", page)
    assert f"{N_FOLDS} folds done" in page
    assert "No fold failed" in page
    assert f"<td>{mne.__version__}</td>" in page


def test_report_of_an_unfinished_benchmark_without_predictions_has_errors(folder, run):
    (folder / "own_pipelines.py").write_text(
        "from sklearn.dummy import DummyClassifier\n"
        "class Broken(DummyClassifier):\n"
        "    def fit(self, X, y): raise ValueError('a <b>planted</b> error')\n"
        "def make(strategy): return DummyClassifier(strategy=strategy)\n"
    )
    path = _write(
        folder,
        'splits = ["within-session", "learning-curve"]\nn_folds = 2\n'
        '[pipelines.broken]\nimport = "own_pipelines:Broken"\n'
        '[pipelines.prior]\nimport = "own_pipelines:make"\nstrategy = "prior"\n'
        '[datasets.one]\nepochs = "first/*-epo.fif"\n',
    )
    code, out, err = run("benchmark", path, "-o", "results.sqlite")
    assert code == 1
    assert "planted" in out
    assert "--retry" in out
    assert "retry=True" not in err
    _, out, _ = run("status", "results.sqlite")
    assert "48 done, 0 running, 48 failed, 0 waiting" in out
    result = open_benchmark("results.sqlite")
    result.report("page.html")
    page = Path("page.html").read_text("utf-8")
    assert "48 folds failed" in page
    assert "a &lt;b&gt;planted&lt;/b&gt; error" in page
    assert "<b>planted</b>" not in page
    assert "Traceback (most recent call last)" in page
    assert "are not done or failed" in page  # why there is no comparison
    assert "were not kept" in page  # why there is no chance level


@pytest.mark.filterwarnings("ignore:.*folds failed")
def test_report_tells_of_folds_that_lack_a_class(folder):
    epochs = planted_epochs(48, ch_names=("C3", "Cz"), n_times=60)
    view = EpochsView(epochs)
    number = np.arange(48) // 2
    groups = np.where(view.labels == view.labels[0], number % 3, number % 2)  # 2 has one class
    benchmark(
        {"guess": DummyClassifier(), "deep": _Deep()},
        {"d": EpochsView(epochs, groups=groups)},
        splits="leave-one-subject-out",
        store="s.sqlite",
    )
    for metric, told in (("roc_auc", True), ("accuracy", False)):
        page = "".join(open_benchmark("s.sqlite").report(metric=metric).html)
        assert (
            "Left out, as it is undefined where a class is missing: 1 of 3 subjects of d." in page
        ) is told
    assert re.search(r"… \d{3,} lines …", page)
    assert "RecursionError" in page


class _Deep(DummyClassifier):
    def fit(self, X, y):
        return self.down(y)

    def down(self, y):
        return self.deeper(y)

    def deeper(self, y):  # in turns, as Python itself shortens what repeats one line
        return self.down(y)


@pytest.mark.filterwarnings("ignore:.*folds failed")
def test_report_of_an_empty_store(folder):
    benchmark({"guess": _Never()}, {"d": "first/*-epo.fif"}, store="s.sqlite", n_folds=2)
    report = open_benchmark("s.sqlite").report()
    assert "No fold is done yet" in "".join(report.html)


class _Never(DummyClassifier):
    def fit(self, X, y):
        raise RuntimeError("never")


def test_status_while_another_process_fills_the_store(folder, run):
    (folder / "slow.py").write_text(
        "import time\nfrom sklearn.dummy import DummyClassifier\n"
        "class Slow(DummyClassifier):\n"
        "    def fit(self, X, y):\n"
        "        time.sleep(1)\n"
        "        return super().fit(X, y)\n"
    )
    text = 'n_folds = 4\n[pipelines.slow]\nimport = "slow:Slow"\n[datasets.d]\nepochs = "first/*-epo.fif"\n'
    path = _write(folder, text)
    command = [sys.executable, "-m", "mne_cnnclass", "benchmark", str(path), "-o", "s.sqlite"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        seen = set()
        while process.poll() is None:
            if Path("s.sqlite").exists():
                code, out, _ = run("status", "s.sqlite")
                if code == 0 and (found := re.search(r"(\d) done, (\d) running", out)):
                    seen.add((*map(int, found.groups()), "Expected end: " in out and "Running:" in out))
            time.sleep(0.1)  # not to take the time of the other process
        process.communicate()
    assert process.returncode == 0
    assert {(1, 1, True), (2, 1, True)} <= seen
    assert run("status", "s.sqlite")[1] == "s.sqlite: 4 done, 0 running, 0 failed, 0 waiting\n"


# -- what a config says ----------------------------------------------------------------------------


def test_pipelines_are_those_of_python(folder):
    path = _write(
        folder,
        '[pipelines.imagery]\nrecipe = "motor imagery"\ncausal = true\n'
        '[pipelines.simple]\nbaselines = "eeg"\nnames = ["CSP + LDA"]\n'
        '[pipelines.aligned]\nbaselines = "eeg"\nnames = ["CSP + LDA"]\nbefore = ["EuclideanAlignment"]\n'
        '[pipelines.net]\nmodel = "EEGNet"\nmax_epochs = 3\nlr = 1\nmodel_params = {F1 = 4}\n' + DATASETS,
    )
    made = read_config(path)["pipelines"]
    assert list(made) == ["imagery", "CSP + LDA", "aligned + CSP + LDA", "net"]
    assert repr(made["imagery"]) == repr(recipe("motor imagery", causal=True))
    simple = repr(baselines("eeg", names=["CSP + LDA"])["CSP + LDA"])
    strip = re.compile(r" at 0x\w+|\s")
    assert strip.sub("", repr(made["CSP + LDA"])) == strip.sub("", simple)
    assert list(made["aligned + CSP + LDA"].named_steps) == ["euclideanalignment", "pipeline"]
    net = made["net"]
    assert (net.model, net.max_epochs, net.lr, net.model_params) == ("EEGNet", 3, 1, {"F1": 4})


def test_recordings_are_cut_as_by_make_epochs(tmp_path, write_recording):
    files = [write_recording(f"S00{n}_raw.fif", seed=n) for n in (1, 2)]
    path = _write(
        tmp_path,
        PIPELINES + '[datasets.d]\nrecordings = "S*_raw.fif"\nevents = {a = "T1", b = "T2"}\n'
        "tmin = -0.1\ntmax = 1\nbaseline = [-0.1, 0]\n",
    )
    data = as_dataset("d", read_config(path)["datasets"]["d"])
    same = make_epochs(files, events=dict(a="T1", b="T2"), tmin=-0.1, tmax=1.0, baseline=(-0.1, 0))
    np.testing.assert_array_equal(np.asarray(data.X), np.asarray(EpochsView(same)))
    assert data.subjects.tolist() == ["S001"] * 24 + ["S002"] * 24
    assert data.sessions is None  # make_epochs has a column of None

    both = _source(tmp_path, recordings="S*_raw.fif", events=dict(any=["T1", "T2"]), tmin=0, tmax=1)
    assert set(as_dataset("d", both).y) == {"any"}
    old = _source(tmp_path, recordings="S*_raw.fif", events=dict(T1="a", T2="b"), tmin=0, tmax=1)
    with pytest.raises(ValueError, match="class comes first, then its event: a=T1, b=T2"):
        as_dataset("d", old)

    by_file = as_dataset("d", _source(tmp_path, recordings="S*_raw.fif", tmin=0, tmax=1, group="file"))
    assert set(by_file.X.groups) == {"S001_raw.fif", "S002_raw.fif"}


def _source(folder, **table):
    return entries.dataset_source("d", table, folder)


def test_bids_root(tmp_path, data_path):
    mne_bids = pytest.importorskip("mne_bids")
    root = tmp_path / "root"
    for subject in ("01", "02", "03"):
        file = data_path / "eegmmidb" / f"S0{subject}" / f"S0{subject}R04.edf"
        raw = mne.io.read_raw_edf(file, verbose="ERROR")
        raw.info["line_freq"] = 60
        where = mne_bids.BIDSPath(subject=subject, session="a", task="t", datatype="eeg", root=root)
        mne_bids.write_raw_bids(raw, where, verbose="ERROR")
    table = dict(bids="root", select=dict(subjects=["01", "03"]), events=dict(a="T1", b="T2"), tmin=0, tmax=1)
    data = as_dataset("d", _source(tmp_path, **table))
    assert np.unique(data.subjects).tolist() == ["sub-01", "sub-03"]
    assert set(data.sessions) == {"a"}
    # the same as a dict in Python
    assert len(as_dataset("d", table | dict(bids=str(root))).X) == len(data.X)


def test_wfdb_folder_is_of_patients(data_path, tmp_path):
    for name in ("101", "106"):
        for file in (data_path / "mitdb").glob(f"{name}.*"):
            (tmp_path / file.name).symlink_to(file)
    data = as_dataset("d", _source(tmp_path, wfdb=".", cut="heartbeats", leads=["MLII"], classes=dict(N="N")))
    assert (
        data.X.shape
        == EpochsView(
            ecg.make_beat_epochs([tmp_path / "101", tmp_path / "106"], leads=["MLII"], classes=dict(N="N"))
        ).shape
    )
    assert np.unique(data.subjects).tolist() == ["101", "106"]
    windows = as_dataset("d", _source(tmp_path, wfdb=".", cut="rhythm", duration=60, label="x"))
    assert len(windows.X) == 2 * 31  # records of 1805.6 s


@pytest.mark.filterwarnings("ignore:Montage name 'standard_1005' is deprecated")  # MOABB 1.7 with MNE 1.13
def test_moabb(tmp_path, monkeypatch):
    pytest.importorskip("moabb")
    monkeypatch.setenv("MNE_DATA", str(tmp_path))
    table = dict(
        moabb="FakeDataset",
        dataset_params=dict(
            event_list=["left_hand", "right_hand"], n_runs=1, n_events=16, duration=60, seed=0
        ),
        paradigm="LeftRightImagery",
        paradigm_params=dict(fmin=4, fmax=38),
        subjects=[1, 2],
    )
    data = as_dataset("d", _source(tmp_path, **table))
    assert np.unique(data.subjects).tolist() == [1, 2]
    assert set(data.y) == {"left_hand", "right_hand"}
    for change, message in (
        (dict(moabb="FakeDatasett"), "datasets.d.moabb has no .*Did you mean FakeDataset"),
        (dict(paradigm="LeftRigthImagery"), "datasets.d.paradigm has no .*Did you mean LeftRightImagery"),
        (dict(paradigm_params=dict(fmn=3)), "datasets.d.paradigm_params.fmn is unknown. Did you mean fmin"),
    ):
        with pytest.raises(ValueError, match=message):
            _source(tmp_path, **(table | change))


def test_every_parameter_that_a_config_can_set_has_a_type_that_is_understood():
    from mne_cnnclass import CNNClassifier, preprocessing

    transformers = [getattr(preprocessing, name) for name in preprocessing.__all__]
    functions = [make_epochs, ecg.make_beat_epochs, ecg.make_rhythm_epochs, recipe, baselines, CNNClassifier]
    functions += [datasets.load_eegbci, datasets.load_sample]
    functions += [one for one in transformers if isinstance(one, type)]
    not_toml = {"recordings", "callbacks", "model"}  # files, objects, and what the kind itself names
    for function in functions:
        types = tables.parameter_types(function)
        for name in set(inspect.signature(function).parameters) - not_toml:
            assert tables._alternatives(types[name]), f"{function.__name__}: {name}"


def test_types_are_checked_without_docstrings(tmp_path):
    cases = (
        (f'n_folds = "5"\n{PIPELINES}{DATASETS}', "n_folds is '5', expected an integer"),
        (
            f'{PIPELINES}[datasets.d]\nload = "eegbci"\n',
            "subjects is missing, expected an integer or a list of",
        ),
    )
    for number, (text, _) in enumerate(cases):
        (tmp_path / f"{number}.toml").write_text(text, "utf-8")
    # in one process, as what it imports is compiled anew
    code = (
        "import sys\nfrom mne_cnnclass import read_config\nfor path in sys.argv[1:]:\n"
        "    try: read_config(path)\n    except ValueError as error: print(error)\n"
    )
    paths = sorted(map(str, tmp_path.glob("*.toml")))
    run = subprocess.run([sys.executable, "-OO", "-c", code, *paths], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    for (_, message), line in zip(cases, run.stdout.splitlines(), strict=True):
        assert message in line


# -- what is wrong in a config ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("splits = 3 3", r"config.toml: .*line 1"),
        (DATASETS, r"pipelines is missing or empty: at least one table \[pipelines.NAME\]"),
        (PIPELINES, r"datasets is missing or empty"),
        (f"split = 3\n{PIPELINES}{DATASETS}", r"split is unknown. Did you mean splits\?"),
        (f'n_folds = "5"\n{PIPELINES}{DATASETS}', r"n_folds is '5', expected an integer"),
        (f"n_folds = true\n{PIPELINES}{DATASETS}", r"n_folds is True, expected an integer"),
        (f"keep_predictions = 1\n{PIPELINES}{DATASETS}", "keep_predictions is 1, expected true or false"),
        (
            f'splits = ["within-sesion"]\n{PIPELINES}{DATASETS}',
            "splits has no kind of splits 'within-sesion'. Did you mean within-session",
        ),
        (f"splits = []\n{PIPELINES}{DATASETS}", "splits is empty"),
        (f"pipelines = 3\n{DATASETS}", "pipelines is 3, expected a table"),
        (f"[pipelines]\na = 3\n{DATASETS}", "pipelines.a is 3, expected a table"),
        (
            f'[pipelines."my net"]\nrecipee = "x"\n{DATASETS}',
            r'pipelines."my net".recipee is no key .*recipe\?',
        ),
        (f"[pipelines.a]\nlr = 1\n{DATASETS}", "pipelines.a must say what it is by one key of recipe, model"),
        (f'[pipelines.a]\nmodel = "EEGNet"\nrecipe = "rhythm"\n{DATASETS}', "it has recipe and model"),
        (f'[pipelines.a]\nmodel = "EEGNett"\n{DATASETS}', "pipelines.a.model: .*did you mean EEGNet"),
        (
            f'[pipelines.a]\nmodel = "EEGNet"\nmax_epoch = 3\n{DATASETS}',
            r"a.max_epoch is unknown.*max_epochs\?",
        ),
        (
            f'[pipelines.a]\nmodel = "EEGNet"\nbatch_size = 1.5\n{DATASETS}',
            'pipelines.a.batch_size is 1.5, expected "auto" or an integer',
        ),
        (
            f'[pipelines.a]\nmodel = "EEGNet"\nmodel_params = {{F9 = 3}}\n{DATASETS}',
            "pipelines.a.model_params: EEGNet has no parameter F9",
        ),
        (
            f'[pipelines.a]\nmodel = "EEGNet"\nbefore = ["Euclidean"]\n{DATASETS}',
            r"pipelines.a.before\[0\].step has no transformer 'Euclidean'. Did you mean EuclideanAlignment",
        ),
        (
            f'[pipelines.a]\nmodel = "EEGNet"\nbefore = [{{step = "Resample", sfrq = 80}}]\n{DATASETS}',
            r"pipelines.a.before\[0\].sfrq is unknown. Did you mean sfreq",
        ),
        (
            f'[pipelines.a]\nmodel = "EEGNet"\nbefore = [{{sfreq = 80}}]\n{DATASETS}',
            r"pipelines.a.before\[0\].step is missing, expected a string",
        ),
        (
            f'[pipelines.a]\nmodel = "EEGNet"\nbefore = [3]\n{DATASETS}',
            "pipelines.a.before is .3., expected a list of strings or tables",
        ),
        (
            f'[pipelines.a]\nrecipe = "imagery"\n{DATASETS}',
            'recipe is \'imagery\', expected "erp" or "heartbeats" or "mental state" or "motor imagery"',
        ),
        (
            f'[pipelines.a]\nrecipe = "ssvep"\n{DATASETS}',
            "a.recipe: frequencies and .ssvep. need each other",
        ),
        (
            f'[pipelines.a]\nbaselines = "eeg"\nnames = ["CSP"]\n{DATASETS}',
            "pipelines.a.names: There is no baseline 'CSP'",
        ),
        (
            f'{PIPELINES}[pipelines.b]\nbaselines = "eeg"\nnames = ["dummy"]\n{DATASETS}',
            "pipelines.b makes a pipeline 'dummy', and so does pipelines.simple",
        ),
        (f'[pipelines.a]\nimport = "no_module"\n{DATASETS}', "pipelines.a.import must be MODULE:NAME"),
        (
            f'[pipelines.a]\nimport = "sklearn.dummy:DummyClasifier"\n{DATASETS}',
            "import has no name in the module sklearn.dummy .*Did you mean DummyClassifier",
        ),
        (
            f'[pipelines.a]\nimport = "sklearn.dummy:DummyClassifier"\nstrateg = 1\n{DATASETS}',
            "pipelines.a.strateg is unknown. Did you mean strategy",
        ),
        (
            f'{PIPELINES}[datasets.d]\nloadd = "sample"\n',
            r"datasets.d.loadd is no key of a data set. Did you mean load",
        ),
        (f'{PIPELINES}[datasets.d]\nload = "eegbcy"\n', "datasets.d.load has no .*Did you mean eegbci"),
        (
            f'{PIPELINES}[datasets.d]\nload = "eegbci"\n',
            "subjects is missing, expected an integer or a list of int",
        ),
        (
            f'{PIPELINES}[datasets.d]\nload = "eegbci"\nsubjects = ["S001"]\n',
            r"datasets.d.subjects is \['S001'\], expected an integer or a list of integers",
        ),
        (f'{PIPELINES}[datasets.d]\nepochs = "no/*-epo.fif"\n', "datasets.d.epochs finds no file .*no/"),
        (f"{PIPELINES}[datasets.d]\nepochs = []\n", "datasets.d.epochs is empty"),
        (f'{PIPELINES}[datasets.d]\nepochs = "*.toml"\ntmin = 1\n', "datasets.d.tmin is unknown"),
        (
            f'{PIPELINES}[datasets.d]\nrecordings = "*.toml"\ntmax = 1\n',
            "datasets.d.tmin is missing, expected a number",
        ),
        (
            f'{PIPELINES}[datasets.d]\nrecordings = "*.toml"\ntmin = 0\ntmax = "1 s"\n',
            "datasets.d.tmax is '1 s', expected a number",
        ),
        (f'{PIPELINES}[datasets.d]\nbids = "nowhere"\n', "datasets.d.bids does not exist: .*nowhere"),
        (f'{PIPELINES}[datasets.d]\nbids = "."\n', "datasets.d.bids is no BIDS root"),
        (f'{PIPELINES}[datasets.d]\nwfdb = "."\ncut = "rhythm"\n', "datasets.d.wfdb: .* has no WFDB records"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as error:
        read_config(_write(tmp_path, text))
    assert str(error.value).startswith(str(tmp_path / "config.toml"))


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    path = _write(tmp_path, f'[pipelines.a]\nimport = "no_module:x"\n{DATASETS}')
    with pytest.raises(ImportError, match="config.toml: pipelines.a.import: No module named"):
        read_config(path)
    for module in ("moabb", "moabb.datasets"):
        monkeypatch.setitem(sys.modules, module, None)
    path = _write(tmp_path, f'{PIPELINES}[datasets.d]\nmoabb = "X"\nparadigm = "P300"\n')
    with pytest.raises(
        ImportError, match=r"config.toml: datasets.d.moabb needs moabb.*mne-cnnclass\[moabb\]"
    ):
        read_config(path)


def test_keys_of_bids_and_wfdb_are_checked(tmp_path):
    pytest.importorskip("mne_bids")
    (tmp_path / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.8.0"}))
    (tmp_path / "100.hea").write_text("100 1 360 10\n")
    for table, message in (
        (
            dict(bids=".", select=dict(subject="01")),
            "datasets.d.select.subject is unknown. Did you mean subjects",
        ),
        (
            dict(bids=".", select=dict(tasks=3)),
            "datasets.d.select.tasks is 3, expected a string or a list of str",
        ),
        (dict(wfdb=".", cut="beats"), "datasets.d.cut has no kind of epochs 'beats'.*heartbeats"),
        (dict(wfdb="."), "datasets.d.cut is missing"),
        (dict(wfdb=".", cut="heartbeats", lead="II"), "datasets.d.lead is unknown. Did you mean leads"),
    ):
        with pytest.raises(ValueError, match=message):
            _source(tmp_path, **table)


def test_errors_of_the_command_are_one_line(folder, run):
    for args in (
        ["benchmark", "none.toml", "-o", "s.sqlite"],
        ["benchmark", _write(folder, PIPELINES), "-o", "s.sqlite"],
        ["status", "none.sqlite"],
        ["compare", "none.sqlite"],
        ["report", "config.toml"],
    ):
        code, _, err = run(*args)
        assert code == 2
        assert err.startswith("Error: ")
        assert err.count("\n") == 1
    assert not Path("s.sqlite").exists()  # nothing is begun with a config that is wrong


def test_the_example_of_the_docs_is_read(tmp_path, monkeypatch):
    pytest.importorskip("mne_bids")
    monkeypatch.setenv("MNE_DATA", str(tmp_path))
    text = (DOCS / "scaling" / "config.toml").read_text("utf-8")
    assert text.count("\n") <= 60  # fits on a page
    for file in ("epochs/sub-1-epo.fif", "recordings/S1R04.edf", "bids_root/dataset_description.json"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).touch()
    if importlib.util.find_spec("moabb") is None:
        text = text[: text.index("[datasets.physionet]")]
    arguments = read_config(_write(tmp_path, text))
    assert list(arguments["pipelines"])[:3] == ["imagery", "EEGNet", "dummy"]
    assert set(arguments["datasets"]) == set(tomllib.loads(text)["datasets"])
    assert arguments["n_jobs"] == 2


@pytest.mark.parametrize("path", sorted((DOCS / "benchmark").glob("*.toml")), ids=lambda path: path.stem)
def test_configs_of_the_study_are_read(path, data_path):
    arguments = read_config(path)
    assert "recipe" in arguments["pipelines"]
    assert all(callable(make) for make in arguments["datasets"].values())


def test_paths_are_taken_as_by_a_shell(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder / "first"))
    monkeypatch.setenv("PEOPLE", str(folder))
    for pattern, n_epochs in (("~/*-epo.fif", 64), ("$PEOPLE/second/sub-0-epo.fif", 16)):
        text = f'{PIPELINES}[datasets.d]\nepochs = "{pattern}"\n'
        (folder / "elsewhere").mkdir(exist_ok=True)
        make = read_config(_write(folder / "elsewhere", text))["datasets"]["d"]
        assert len(EpochsView(make())) == n_epochs
