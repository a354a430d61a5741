"""What is declared about the package agrees with what it is."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import mne_cnnclass
from mne_cnnclass.utils.versions import library_versions

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
NAMES = {"sklearn": "scikit-learn"}  # of modules, where the package has another one
COMES_WITH = {"requests": "pooch", "threadpoolctl": "scikit-learn"}  # required by all of its versions


def lower_bounds(requirements):
    found = map(Requirement, requirements)
    return {
        canonicalize_name(r.name): Version(next(s.version for s in r.specifier if s.operator == ">="))
        for r in found
        if r.name != PROJECT["name"]
    }


def pinned(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {canonicalize_name(package): Version(version) for package, version in pairs}


CORE = lower_bounds(PROJECT["dependencies"])
TESTED = CORE | lower_bounds(sum((EXTRAS[extra] for extra in EXTRAS if extra not in ("dev", "docs")), []))


def test_everything_that_is_imported_is_declared():
    imported = set()
    for path in Path(mne_cnnclass.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.split(".")[0])
    needed = {NAMES.get(name, name) for name in imported - sys.stdlib_module_names}
    needed = {canonicalize_name(COMES_WITH.get(name, name)) for name in needed}
    assert needed <= TESTED.keys()
    assert CORE.keys() <= needed, "a dependency that nothing imports"


def test_the_oldest_versions_that_are_allowed_are_those_that_are_tried():
    """What .ci/oldest runs the suite with."""
    oldest = pinned("requirements-oldest.txt")
    assert {name: oldest[name] for name in TESTED} == TESTED


def test_the_versions_known_to_work_are_allowed():
    known = pinned("requirements.txt")
    assert {name for name, bound in TESTED.items() if name in known and known[name] < bound} == set()
    assert CORE.keys() <= known.keys()


def test_the_tools_that_decide_are_those_of_developers():
    """What .ci/run and pre-commit run; uv makes the environments of the former."""
    tools = pinned("requirements-tools.txt")
    developers = lower_bounds(EXTRAS["dev"])
    assert tools.keys() == developers.keys() | {"uv"}
    assert {name for name, bound in developers.items() if tools[name] < bound} == set()


def test_the_version_is_the_same_everywhere():
    version = mne_cnnclass.__version__
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == version
    assert f"\n## {version} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert library_versions()["mne-cnnclass"] == version  # what saved classifiers are told


INSTALL = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")


def test_the_recipe_for_conda_asks_for_the_same_versions():
    recipe = yaml.safe_load((ROOT / ".ci" / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    conda = {"mne": "mne-base", "torch": "pytorch", "matplotlib": "matplotlib-base"}
    expected = {f"{conda.get(name, name)} >={bound}" for name, bound in CORE.items()}
    python = f"python {PROJECT['requires-python']}"
    assert set(recipe["requirements"]["run"]) == expected | {python}
    assert python in recipe["requirements"]["host"]
    assert recipe["context"]["version"] == mne_cnnclass.__version__


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_page_of_installation_says_what_is_in_an_extra(extra):
    row = re.search(rf"^\| `{extra}` \|.*$", INSTALL, flags=re.MULTILINE)
    assert row, f"docs/install.md has no row {extra}"
    packages = set(row[0].split("|")[3].replace(" ", "").split(",")) - {""}
    assert packages == {r.name for r in map(Requirement, EXTRAS[extra]) if r.name != PROJECT["name"]}


def test_every_extra_that_users_need_is_in_all():
    (everything,) = map(Requirement, EXTRAS["all"])
    assert everything.extras == EXTRAS.keys() - {"all", "test", "dev", "docs"}
