"""A benchmark as a file: pipelines and data sets in TOML, checked before anything is computed."""

from __future__ import annotations

import tomllib
from pathlib import Path

from ...samples.types import PathLike
from .entries import make_dataset, make_pipelines
from .plan import KINDS
from .tables import Table


def read_config(path: PathLike) -> dict[str, object]:
    """Read a config file of a benchmark, as described in ``docs/guide/scaling.md``.

    Parameters
    ----------
    path : path-like
        The TOML file. Paths in it are relative to its folder.

    Returns
    -------
    arguments : dict
        Arguments of :func:`~mne_cnnclass.benchmark`: ``pipelines`` and ``datasets`` by name, and any others
        given in the file. Data sets are functions without arguments, so that no data are read yet.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If a library that the config needs is not installed.
    ValueError
        If the file is not valid TOML, if a key is unknown, missing or of the wrong type, or if something
        named in it, such as a file, model or recipe, does not exist. The message gives the file and the path
        of the key, such as ``datasets.imagery.tmin``.

    Notes
    -----
    Types and allowed values are those in the hints of the functions that the config calls. Code is imported
    and run only where the file says ``import``, from Python's path or the folder of the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from mne_cnnclass import read_config
    >>> text = '''
    ... splits = "within-session"
    ... [pipelines.simple]
    ... baselines = "eeg"
    ... names = ["dummy", "CSP + LDA"]
    ... [datasets.cursor]
    ... load = "sample"
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "config.toml")
    ...     _ = path.write_text(text)
    ...     arguments = read_config(path)
    >>> list(arguments), list(arguments["pipelines"])
    (['pipelines', 'datasets', 'splits'], ['dummy', 'CSP + LDA'])
    """
    from .run import benchmark

    path = Path(path)
    try:
        config = Table(tomllib.loads(path.read_text("utf-8")), "", path.resolve().parent)
        pipelines = make_pipelines(config.tables("pipelines"))
        datasets = {name: make_dataset(table) for name, table in config.tables("datasets").items()}
        splits = {"splits": _splits(config)} if "splits" in config.content else {}
        others = config.arguments(benchmark, but=("store", "retry", "client", "verbose"))
    except (ValueError, ImportError) as error:
        kind = ImportError if isinstance(error, ImportError) else ValueError
        raise kind(f"{path}: {error}") from error
    return {"pipelines": pipelines, "datasets": datasets} | splits | others


def _splits(config):
    given = config.take("splits", "str | Sequence[str]")
    for kind in [given] if isinstance(given, str) else given:
        config.known("splits", kind, KINDS, "kind of splits")
    if not given:
        raise config.error("splits", f"is empty; name some of {', '.join(KINDS)}.")
    return given
