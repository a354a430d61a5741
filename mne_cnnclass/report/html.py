"""Tables and text as HTML, in which whatever comes from data stays text."""

import numbers
from html import escape

import pandas as pd

from ..metrics.statistics import format_p

P_VALUES = ("p", "p value", "p holm")  # columns
PHONE = '<meta name="viewport" content="width=device-width, initial-scale=1">'
# MNE's table of contents stays beside the text however narrow the window is.
CSS = """
#content .accordion-body p, #content .accordion-body li { max-width: 60em; }
.mne-cnnclass-table { overflow: auto; max-height: 60em; margin-bottom: 1em; }
.mne-cnnclass-table table { width: auto; }
.mne-cnnclass-table th, .mne-cnnclass-table tr { text-align: left !important; }
.mne-cnnclass-table th, .mne-cnnclass-table td { padding-right: 1em; min-width: 4.5em; max-width: 32em; }
.mne-cnnclass-table thead th { max-width: 12em; }
.mne-cnnclass-table tbody th { min-width: 9em; }
.mne-cnnclass-table th, .mne-cnnclass-table td { overflow-wrap: break-word; }
.mne-cnnclass-text { white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 800px) {
  #toc { position: static !important; width: 100%; height: auto !important; padding-bottom: 1em; }
  #content { width: 100%; margin-left: 0; margin-top: 1em; }
  #content .accordion-body { padding: 0.75em 0.5em; }
  #top-bar .navbar-brand { white-space: normal; overflow-wrap: anywhere; max-width: 100%; margin-right: 0; }
  #top-bar .navbar-brand span { font-size: 1rem !important; }
  #top-bar .navbar-brand img { width: 48px; }
  #filter-by-tags-dropdown-menu { display: none; }
  #content .accordion-button .badge { display: none; }
}
"""


def words(name):
    """The name of a metric or column in words."""
    return name.replace("_", " ")


def paragraph(*sentences):
    """A paragraph; whatever it holds stays text."""
    return f"<p>{escape(' '.join(filter(None, sentences)))}</p>"


def bullets(sentences):
    """A list with a bullet a sentence."""
    return f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in sentences)}</ul>"


def verbatim(text):
    """Text as it is, such as code."""
    return f'<pre class="mne-cnnclass-text">{escape(text)}</pre>'


def html_table(table, index=True):
    """A table that is scrolled where it is wider than the page."""
    formats = {name: _number for name in table.columns if table[name].dtype.kind in "fi"}
    formats |= {name: p_text for name in formats if name in P_VALUES}
    options = dict(border=0, classes="table table-sm", formatters=formats, na_rep="–")
    with pd.option_context("display.max_colwidth", None):
        html = table.to_html(escape=True, index=index, **options)
    return f'<div class="mne-cnnclass-table">{html}</div>'


def _number(value):
    if pd.isna(value):
        return "–"
    return f"{value:d}" if isinstance(value, numbers.Integral) else f"{value:z.3f}"


def p_text(value):
    """A p-value for a table."""
    if pd.isna(value):
        return "–"
    return format_p(value).removeprefix("p ").removeprefix("= ").replace(" ", "\u00a0")


def interval_text(low, high):
    """The limits of an interval, or a dash where there is none."""
    return f"{low:z.3f}\u00a0to\u00a0{high:z.3f}" if low == low else "–"


def fact_table(facts):
    """A table of two columns."""
    table = pd.DataFrame({"": list(facts), " ": [str(value) for value in facts.values()]})
    return html_table(table, index=False)


def check_report_path(path):
    """MNE writes HTML into a file of any name."""
    if path.suffix not in (".html", ".htm", ".h5", ".hdf5"):
        raise ValueError(f"A report is an HTML page (.html) or an HDF5 file (.h5), got {path.name!r}.")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.absolute().parent} to write {path.name} to.")
