"""Pipelines of a store compared by their scores, without their predictions."""

import numpy as np

from ..comparison import compare_scores
from .queries import read_ratio, read_units


def check_comparable(grids):
    """Refuse grids unless all pipelines of a data set have all of the same folds."""
    kinds = grids["splits"].unique().tolist()
    if len(kinds) != 1:
        raise ValueError(f"Name one kind of splits by splits=; there are {kinds}.")
    if grids["has_sizes"].any():
        raise ValueError("A learning curve has several sizes; compare its evaluations at one of them.")
    n_lacking = int(grids["n_lacking"].sum())
    if n_lacking:
        raise ValueError(
            f"{n_lacking} of {grids['n'].sum()} folds are not done or failed, see status() and errors()."
        )
    pipelines = grids["pipeline"].unique().tolist()
    if len(pipelines) < 2:
        raise ValueError(f"A comparison needs at least 2 pipelines, got {pipelines}.")
    for dataset, rows in grids.groupby("dataset"):
        if rows["indices"].nunique() > 1:
            raise ValueError(
                f"Pipelines were not evaluated on the same splits of {dataset!r}. Call benchmark with all of "
                "them at once."
            )


def compare_stored_scores(store, grids, metric, units):
    """Compare pipelines by the mean score of each subject, or by the scores of folds."""
    alone = grids["alone"].all()
    if units is None:
        units = "groups" if alone else "folds"
    if units == "groups" and not alone:
        raise ValueError(
            'units="groups" needs folds that test one subject each, or keep_predictions=True. Or "folds".'
        )
    column = "subject" if units == "groups" else "number"
    scores, ratios = {}, {}
    for dataset, rows in grids.groupby("dataset", sort=False):
        scores[dataset] = read_units(store, metric, column, rows.set_index("pipeline")["grid_id"].to_dict())
        if units == "folds":
            ratios[dataset] = read_ratio(store, rows["grid_id"])
    return compare_scores(scores, ratios, dict.fromkeys(scores, np.nan), metric, units)
