"""The site: ``sphinx-build -W -n docs docs/_build/html``.

It runs every example, every page of the guide and the notebook. Examples on recordings need
``MNE_CNNCLASS_DATA`` (see README), and say so on their page where it is missing.
"""

import os
import shutil
import warnings
from pathlib import Path

os.environ.setdefault("MNE_DONTWRITE_HOME", "true")
os.environ.setdefault("MNE_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # examples run side by side
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # in the kernels of pages
# The numbers of a page are not to depend on the machine that it was made on.
os.environ.setdefault("COLUMNS", "100")

import matplotlib
from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx_gallery.sorting import ExplicitOrder

import mne_cnnclass

warnings.filterwarnings("ignore", category=FutureWarning, module="braindecode")
warnings.filterwarnings("ignore", category=FutureWarning, message=".*braindecode.*")
matplotlib.use("agg")

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
HAS_DATA = bool(os.environ.get("MNE_CNNCLASS_DATA"))
READS_DATA = ("load_eegbci", "load_data", "fetch_", "read_ptbxl", "read_raw_cinc2017")

project = "mne-cnnclass"
author = "The mne-cnnclass developers"
copyright = "the mne-cnnclass developers"  # noqa: A001, as Sphinx names it
release = version = mne_cnnclass.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "inventories", "auto_examples/*.ipynb"]
templates_path = ["_templates"]
nitpicky = True
# numpydoc lists attributes that are properties as links to pages that they do not have.
nitpick_ignore_regex = [("py:obj", r"[a-z]\w*_|shape")]
default_role = None

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's sections say more
numpydoc_show_class_members = False  # the template of a class lists them
numpydoc_class_members_toctree = False

# Pages with code are run, and what they print and draw is shown.
nb_execution_mode = "force"
nb_execution_show_tb = True
nb_execution_in_temp = True
nb_execution_timeout = 300  # s a cell
nb_merge_streams = True

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


def _inventory(name, url):
    """The site of another project: its list of names, or ours of those that are used if it can't be read."""
    return (url, (None, f"inventories/{name}.inv"))


intersphinx_timeout = 5  # s
intersphinx_mapping = {
    name: _inventory(name, url)
    for name, url in {
        "python": "https://docs.python.org/3/",
        "numpy": "https://numpy.org/doc/stable/",
        "pandas": "https://pandas.pydata.org/docs/",
        "matplotlib": "https://matplotlib.org/stable/",
        "mne": "https://mne.tools/stable/",
        "sklearn": "https://scikit-learn.org/stable/",
        "torch": "https://docs.pytorch.org/docs/stable/",
        "braindecode": "https://braindecode.org/stable/",
    }.items()
}

html_math_renderer = "mathml"  # which browsers draw by themselves, and screen readers read
html_theme = "pydata_sphinx_theme"
html_title = "mne-cnnclass"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
# pages without others below them
html_sidebars = {name: [] for name in ("index", "get_started", "install", "command_line", "whats_new")}
html_theme_options = {
    "logo": {"text": "mne-cnnclass"},
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "show_toc_level": 2,
    "show_prev_next": False,
    "navigation_with_keys": False,  # arrow keys are for reading
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version", "theme-version"],
}


def _runs(example):
    """Whether an example can be run: all data are there that it reads."""
    text = example.read_text(encoding="utf-8")
    return HAS_DATA or not any(word in text for word in READS_DATA)


_can_run = [path.stem for path in sorted(EXAMPLES.glob("plot_*.py")) if _runs(path)]
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": rf"/({'|'.join(_can_run)})\.py",
    "within_subsection_order": ExplicitOrder(
        [
            "plot_first_steps.py",
            "plot_report.py",
            "plot_grid_search.py",
            "plot_features.py",
            "plot_baselines.py",
            "plot_cleaning.py",
            "plot_motor_imagery_across_subjects.py",
            "plot_alignment.py",
            "plot_transfer.py",
            "plot_live.py",
            "plot_compare_pipelines.py",
            "plot_what_the_network_looks_at.py",
            "plot_what_a_recording_shows.py",
            "plot_heartbeats.py",
            "plot_atrial_fibrillation.py",
            "plot_ecg_12_leads.py",
            "*",
        ]
    ),
    "backreferences_dir": "generated/examples",
    "doc_module": ("mne_cnnclass",),
    "reference_url": {"mne_cnnclass": None},
    "min_reported_time": 1e6,  # of a busy machine, and so of no use
    "write_computation_times": False,
    "show_signature": False,
    "remove_config_comments": True,
    "capture_repr": ("_repr_html_",),
    "parallel": 2,
    "plot_gallery": "True",
}


nb_execution_excludepatterns = [
    f"generated/notebooks/{path.name}" for path in EXAMPLES.glob("*.ipynb") if not _runs(path)
]


def _tell_of_missing_data(app, docname, source):
    """On the page of an example that was not run, say why it has no figures."""
    folder, _, name = docname.rpartition("/")
    if folder == "auto_examples" and name.startswith("plot_") and name not in _can_run:
        note = (
            ".. note:: This page was made without the recordings that the example reads: it shows the code "
            "alone.\n   Set ``MNE_CNNCLASS_DATA`` to a folder that has them to run it.\n\n"
        )
        source[0] = note + source[0]


def _write_command_line(app):
    """The help of every command, as Typer makes it."""
    import typer
    from typer.cli import get_docs_for_click

    from mne_cnnclass.cli.common import app as commands

    command = typer.main.get_command(commands)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="mne-cnnclass")
    (HERE / "generated").mkdir(exist_ok=True)
    (HERE / "generated" / "command_line.md").write_text(text, encoding="utf-8")


def _copy_notebooks(app):
    """The notebooks of the examples, which are run as the pages are."""
    folder = HERE / "generated" / "notebooks"
    folder.mkdir(parents=True, exist_ok=True)
    for notebook in EXAMPLES.glob("*.ipynb"):
        shutil.copy(notebook, folder)


def _repair_lists(app, pagename, templatename, context, doctree):
    """Docutils calls references a list, and what is in it no items, which screen readers stumble over."""
    if "body" in context:
        context["body"] = context["body"].replace('<div role="list" class="citation-list">', "<div>")


def _draw_formula(translator, node):
    block = isinstance(node, nodes.math_block)
    formula = tex2mathml(node.astext(), as_block=block)
    # one that is wider than the screen scrolls, by the keyboard as well
    translator.body.append(f'<div class="formula" tabindex="0">{formula}</div>' if block else formula)
    raise nodes.SkipNode


def setup(app):
    """Write the pages that are made from code, and tell what could not be run."""
    app.add_html_math_renderer("mathml", (_draw_formula, None), (_draw_formula, None))
    app.connect("builder-inited", _write_command_line)
    app.connect("builder-inited", _copy_notebooks)
    app.connect("html-page-context", _repair_lists)
    app.connect("source-read", _tell_of_missing_data)
