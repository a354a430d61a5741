"""The package as a whole: light to import, quiet, and its pages say what works."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import mne
import pytest

import mne_cnnclass

ROOT = Path(__file__).parents[1]


def python(program, *options, **environment):
    environment = {**os.environ, "MPLBACKEND": "agg", **environment}
    return subprocess.run(
        [sys.executable, *options, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_importing_the_package_imports_nothing_heavy():
    out = python("import sys, mne_cnnclass; print(*sys.modules)")
    heavy = {"torch", "braindecode", "skorch", "mne", "sklearn", "scipy", "pandas", "matplotlib", "numpy"}
    assert not heavy & set(out.stdout.split())


def test_evaluating_and_listing_need_no_torch():
    out = python(
        "import sys; from mne_cnnclass import EpochsView, evaluate, list_models, datasets, viz\n"
        "list_models()\n"
        "print(*[m for m in ('torch', 'braindecode', 'skorch') if m in sys.modules])"
    )
    assert out.stdout.split() == [], out.stderr


def test_all_public_names_exist_and_have_docstrings():
    for name in mne_cnnclass.__all__:
        assert getattr(mne_cnnclass, name) is not None
        if name != "__version__":
            assert getattr(mne_cnnclass, name).__doc__.strip()


def test_a_user_who_did_nothing_wrong_sees_no_warning():
    out = python(
        "import numpy as np; from mne_cnnclass import CNNClassifier\n"
        "X = np.random.default_rng(0).standard_normal((12, 3, 200))\n"
        "for model in ('EEGNet', 'ShallowFBCSPNet', 'MultiScaleCNN'):\n"
        "    CNNClassifier(model, max_epochs=1).fit(X, np.arange(12) % 2).predict(X)\n",
        "-W",
        "default",
    )
    assert out.returncode == 0, out.stderr
    assert (out.stdout, out.stderr) == ("", "")


PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "ROADMAP.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_of_pages_exist(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} names {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_of_pages_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for code in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
        exec(compile(code, page.name, "exec"), {})


@pytest.mark.slow
@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_examples_run(example, tmp_path, monkeypatch):
    needs_data = any(
        word in example.read_text(encoding="utf-8") for word in ("load_eegbci", "load_data", "fetch_")
    )
    if needs_data and not os.environ.get("MNE_CNNCLASS_DATA"):
        pytest.skip("MNE_CNNCLASS_DATA is not set")
    monkeypatch.chdir(tmp_path)
    with mne.use_log_level(None):  # puts back the level that an example sets
        runpy.run_path(str(example), run_name="__main__")
