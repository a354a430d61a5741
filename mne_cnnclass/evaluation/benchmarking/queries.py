"""Queries to a store of a million folds: SQLite sums up, grid by grid, and returns little."""

import numpy as np
import pandas as pd

from .store import NUMBERS

NAMED_GRIDS = "FROM names JOIN grids ON grids.id = grid_id"
KEYS = ("subject", "session", "fold", "size", "seed", "changed", "n_train", "n_test", "n_pretrain")


def read_grids(store, *, current=True, **names):
    """Grids by the names that they were given, a row a name.

    ``current`` leaves out what was changed since; ``pipeline``, ``dataset`` and ``splits`` may be None for
    all.
    """
    asked = {name: value for name, value in names.items() if value is not None}
    conditions = ["current"] * current + [f"names.{name} = ?" for name in asked]
    return store.table(
        "SELECT dataset, names.splits, pipeline, current, grid_id, pipeline_id, dataset_id, indices, "
        f"random_state {NAMED_GRIDS} WHERE {' AND '.join(conditions) or '1'} "
        "ORDER BY dataset, names.splits, pipeline, grid_id",
        list(asked.values()),
    )


def read_folds(store, grids):
    """Finished folds of grids, in the order of the grids: the columns of the view folds but the state."""
    own = [*KEYS, *NUMBERS, "id AS cell_id", "number", "worker_id"]
    query = f"SELECT {', '.join(own)} FROM cells WHERE grid_id = ? AND state = 'done' ORDER BY id"
    floats = dict.fromkeys(NUMBERS, float)  # None is NaN
    records = grids.to_dict("records") or [dict.fromkeys(grids)]  # without grids, the columns alone
    parts = [store.table(query, [grid["grid_id"]]).astype(floats).assign(**grid) for grid in records]
    shown = ["pipeline", "dataset", "splits", *KEYS, *NUMBERS, "current", "cell_id", "grid_id", "number"]
    shown += ["worker_id", "pipeline_id", "dataset_id", "indices", "random_state"]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)[shown]


def summarize(store, metric, grids):
    """Mean, deviation (with n - 1) and number of a metric over the means of subjects, by grid and size.

    A fold that tests several subjects counts by itself.
    """
    # SQLite itself takes the index of the states, and sorts
    here = (
        f"FROM cells INDEXED BY by_accuracy WHERE grid_id = :grid AND state = 'done' AND {metric} IS NOT NULL"
    )
    # the deviation from one of the values: what is summed up and squared then stays small
    query = (
        "SELECT size, count(*) AS n, avg(value) AS shifted, sum(value * value) AS squares FROM ("
        f"SELECT size, avg({metric}) - :shift AS value {here} AND subject IS NOT NULL GROUP BY size, subject "
        f"UNION ALL SELECT size, {metric} - :shift {here} AND subject IS NULL) GROUP BY size"
    )
    rows = []
    for grid in map(int, grids):
        first = store.read(f"SELECT {metric} {here} LIMIT 1", {"grid": grid})
        if first:
            shift = first[0][0]
            rows += [(grid, shift, *row) for row in store.read(query, {"grid": grid, "shift": shift})]
    table = pd.DataFrame(rows, columns=["grid_id", "shift", "size", "n", "shifted", "squares"])
    variance = (table["squares"] - table["n"] * table["shifted"] ** 2) / (table["n"] - 1).replace(0, np.nan)
    table["mean"], table["sd"] = table["shift"] + table["shifted"], np.sqrt(variance.clip(lower=0))
    return table[["grid_id", "size", "mean", "sd", "n"]]


def describe_grids(store, grids):
    """What decides whether the folds of grids can be compared, as further columns.

    ``n`` folds, ``n_lacking`` not done, ``has_sizes`` (of a learning curve), ``alone`` (each fold that is
    done tests one subject), ``kept`` (all predictions are stored).
    """
    # what the two indices hold need not be looked up in the table
    all_folds = "SELECT count(*) FROM cells INDEXED BY by_state WHERE grid_id = :grid"
    done = (
        "SELECT count(*), count(size) > 0, count(subject) = count(*), NOT EXISTS (SELECT 1 FROM cells AS a "
        "WHERE grid_id = :grid AND NOT EXISTS (SELECT 1 FROM predictions WHERE cell_id = a.id)) "
        "FROM cells INDEXED BY by_accuracy WHERE grid_id = :grid AND state = 'done'"
    )
    rows = []
    for grid in grids["grid_id"].tolist():
        ((n,),) = store.read(all_folds, {"grid": grid})
        ((n_done, *of_done),) = store.read(done, {"grid": grid})
        rows.append((n, n - n_done, *of_done))
    columns = {"n": int, "n_lacking": int, "has_sizes": bool, "alone": bool, "kept": bool}
    return grids.join(pd.DataFrame(rows, index=grids.index, columns=list(columns)).astype(columns))


def read_ratio(store, grids):
    """Mean of test by training samples, over the folds of grids that are done."""
    query = "SELECT avg(1.0 * n_test / n_train) FROM cells WHERE grid_id = ? AND state = 'done'"
    return float(np.mean([store.read(query, [int(grid)])[0][0] for grid in grids]))


def read_units(store, metric, unit, grids):
    """A metric of the subjects (mean of their folds) or of the folds, in their order, by pipeline.

    ``unit`` is "subject" or "number", ``grids`` the number of the grid of each pipeline. NaN where undefined.
    """
    # SQLite itself would sort the folds anew for each grid
    query = (
        f"SELECT {unit}, avg({metric}) FROM cells INDEXED BY by_accuracy WHERE grid_id = ? "
        f"AND state = 'done' GROUP BY {unit}"
    )
    if unit == "subject":
        query = query.replace("GROUP BY", "GROUP BY size,")  # as the index is sorted; there is one size alone
    order = f"SELECT {unit} FROM cells WHERE grid_id = ? GROUP BY {unit} ORDER BY min(number)"
    units = [name for (name,) in store.read(order, [next(iter(grids.values()))])]
    columns = {pipeline: dict(map(tuple, store.read(query, [grid]))) for pipeline, grid in grids.items()}
    return pd.DataFrame(
        {pipeline: [column.get(name) for name in units] for pipeline, column in columns.items()},
        index=pd.Index(units, name=unit),
        dtype=float,
    ).rename_axis(columns="pipeline")
