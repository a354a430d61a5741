"""The package as a whole: light to import, quiet, and its pages say what works."""

import importlib
import inspect
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import mne_cnnclass

ROOT = Path(__file__).parents[2]


# In one process, a line of what has been imported after each step; after the last, that nothing was said.
STEPS = """
import sys
def tell(): print(*sys.modules)
import mne_cnnclass; tell()
import mne_cnnclass.ecg; tell()
from mne_cnnclass import EpochsView, datasets, evaluate, explain, list_models, viz; list_models(); tell()
datasets.load_sample(); tell()
import numpy as np
from sklearn.dummy import DummyClassifier
X, y = np.random.default_rng(0).standard_normal((12, 3, 200)), np.arange(12) % 2
clf = DummyClassifier().fit(X, y)
explain.channel_importance(clf, X, y)
explain.band_importance(clf, X, y, bands=dict(all=(0, 50)), sfreq=100.); tell()
from mne_cnnclass import CNNClassifier
for model in ('EEGNet', 'ShallowFBCSPNet', 'MultiScaleCNN'):
    CNNClassifier(model, max_epochs=1).fit(X, y).predict(X)
from mne_cnnclass.networks.build import build_module
for name in ['BIOT', 'MSVTNet', 'PBT', 'SCCNet', 'ATCNet']:
    build_module(name, n_chans=3, n_outputs=2, n_times=600, sfreq=125.0)
print('end')
"""


@pytest.fixture(scope="module")
def steps():
    out = subprocess.run(
        [sys.executable, "-W", "default", "-c", STEPS],
        capture_output=True,
        text=True,
        env={**os.environ, "MPLBACKEND": "agg", "MNE_LOGGING_LEVEL": "INFO"},
        check=False,
    )
    return out, [set(line.split()) for line in out.stdout.splitlines()]


HEAVY = {"torch", "braindecode", "skorch", "mne", "sklearn", "scipy", "pandas", "matplotlib", "numpy"}


@pytest.mark.parametrize(
    ("step", "unneeded"),
    [
        pytest.param(0, HEAVY, id="the package"),
        pytest.param(1, {"torch", "braindecode", "wfdb"}, id="ecg"),
        pytest.param(2, {"torch", "braindecode", "skorch"}, id="evaluating and listing"),
        pytest.param(3, {"aeon_neuro"}, id="the sample"),
        pytest.param(4, {"torch"}, id="importance by permutation"),
    ],
)
def test_what_is_not_needed_is_not_imported(step, unneeded, steps):
    out, imported = steps
    assert "mne_cnnclass" in imported[step], out.stderr
    assert not unneeded & imported[step]


def test_a_user_who_did_nothing_wrong_sees_no_warning(steps):
    """Nor what architectures of braindecode say when they are built."""
    out, imported = steps
    assert out.returncode == 0, out.stderr
    assert (imported[5:], out.stderr) == ([{"end"}], "")


def test_all_public_names_exist_and_have_docstrings():
    for name in mne_cnnclass.__all__:
        assert getattr(mne_cnnclass, name) is not None
        if name != "__version__":
            assert getattr(mne_cnnclass, name).__doc__.strip()


MADE = {"_build", "auto_examples", "generated"}  # by the site's build, which runs the examples, too
PAGES = [
    *ROOT.glob("*.md"),
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if not MADE & set(page.parts)),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_of_pages_exist(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "auto_examples/plot_" in target:
            assert (ROOT / "examples" / f"{Path(target).stem}.py").exists(), f"{page.name} names {target}"
        elif not target.startswith("http") and "auto_examples" not in target:
            assert (page.parent / target).exists(), f"{page.name} names {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_of_pages_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
        exec(compile(code, page.name, "exec"), {})


def test_notebooks_are_committed_without_outputs():
    (notebook,) = (ROOT / "examples").glob("*.ipynb")
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert not cell["outputs"]
            assert cell["execution_count"] is None
            compile("".join(cell["source"]), notebook.name, "exec")


ROOMS = ["", ".preprocessing", ".evaluation", ".evaluation.benchmarking", ".ecg", ".explain", ".live", ".viz"]
ROOMS += [".samples.datasets"]


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_object_is_in_the_reference_with_an_example(room):
    listed = set(re.findall(r"\w+", (ROOT / "docs" / "api.md").read_text(encoding="utf-8")))
    module = importlib.import_module(f"mne_cnnclass{room}")
    for name in set(module.__all__) - {"__version__"}:
        thing = getattr(module, name)
        if not inspect.ismodule(thing):
            assert name in listed
        if callable(thing):
            assert ">>>" in inspect.getdoc(thing), f"{name} has no example"


def test_the_tests_have_no_network():
    """Neither by number nor by name; both addresses are reserved and lead nowhere."""
    with pytest.raises(OSError, match="Tests have no network"), socket.socket() as connection:
        connection.connect(("192.0.2.1", 80))
    with pytest.raises(OSError, match="Tests have no network"):
        socket.create_connection(("example.invalid", 80))
