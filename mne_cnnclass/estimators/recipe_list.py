"""The table of recipes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .recipes import RECIPES

TABLE = Path(__file__).with_name("recipes.csv")


def list_recipes() -> pd.DataFrame:
    """List the tasks that :func:`~mne_cnnclass.recipe` has a pipeline for.

    Returns
    -------
    recipes : pandas.DataFrame
        One row per recipe, indexed by its task, with the columns

        - ``channels``, ``rate``, ``seconds``, ``labels``, ``groups``: what it needs of the samples.
        - ``linear_better``: when a linear model is the better choice, as measured.
        - ``reaches``: what was measured, on people that took no part in choosing it.
        - ``time``: how long it takes, as measured.

        Texts are empty where nothing was measured.

    See Also
    --------
    mne_cnnclass.suggest : Which of them fits samples.

    Examples
    --------
    >>> from mne_cnnclass import list_recipes
    >>> list_recipes().loc["rhythm", ["channels", "groups"]].to_list()
    ['ECG, one lead', 'the patient of each window']
    """
    table = pd.read_csv(TABLE, index_col="task", dtype=str, keep_default_na=False)
    return table.reindex(list(RECIPES), fill_value="")  # what exists, and nothing else
