"""The table of architectures that can be named."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pandas as pd

OWN = {
    "MultiScaleCNN": "multiscale",
    "MultiViewCNN": "multiview",
}  # architectures of this package, and the modules that have them
N_FOLDS = 3  # of the samples, each of which one network of MultiViewCNN is trained without
TABLE = Path(__file__).with_name("catalog.csv")
COLUMNS = {
    "purpose": "str",
    "paper": "str",
    "n_parameters": "Int64",
    "min_times": "Int64",
    "min_channels": "Int64",
    "needs": "str",
    "parameters": "str",
    "usable": "boolean",
    "reason": "str",
    "braindecode": "str",
}


def list_models() -> pd.DataFrame:
    """List the architectures that :class:`~mne_cnnclass.CNNClassifier` knows by name.

    Returns
    -------
    models : pandas.DataFrame
        One row per model, indexed by its name, with the columns

        - ``purpose``: what it is for.
        - ``paper``: where it was published.
        - ``n_parameters``: number of weights. This and the next two columns refer to default parameters and
          the reference input: 22 named EEG channels with positions, 4 s at 250 Hz, 2 classes.
        - ``min_times``: the shortest window that it accepts, in samples.
        - ``min_channels``: the smallest number of channels that it accepts.
        - ``needs``: what it requires besides the samples (``sfreq``, ``channel names``,
          ``channel positions``). A model with such needs accepts Epochs, but not arrays.
        - ``parameters``: names of its specific parameters, for ``model_params``.
        - ``usable``: whether it can classify the reference input; missing for models newer than this package,
          which may work nevertheless.
        - ``reason``: why it is not usable.

    Notes
    -----
    Models are built with braindecode's default parameters and new weights, except for parameters without
    which they would not accept the input: ``BENDR`` does not receive the channel names (it would insist on
    those of its published weights), ``EEGDINO`` gets an embedding for each channel, ``STEEGFormer`` numbers
    the channels instead of downloading a table of them, and ``USleep`` may round up the length of its kernel.
    Each of these can be overridden in ``model_params``. ``ShallowFBCSPNet`` and ``Deep4Net`` also accept a
    single channel.

    Examples
    --------
    >>> from mne_cnnclass import list_models
    >>> models = list_models()
    >>> models.loc["EEGNet", ["min_times", "min_channels"]].astype(int).to_list()
    [27, 1]
    >>> models.query("usable and needs == '' and n_parameters < 10_000").index.to_list()[:3]
    ['AttentionBaseNet', 'EEGITNet', 'EEGNet']
    """
    models = pd.read_csv(TABLE, index_col="name", dtype=COLUMNS, keep_default_na=False, na_values=[""])
    text = [column for column, dtype in COLUMNS.items() if dtype == "str"]
    models[text] = models[text].fillna("")
    models["parameters"] = models["parameters"].str.split()
    if version("braindecode") not in set(models.pop("braindecode")):
        models = _with_installed(models)
    return models


def _with_installed(models):
    """The models that the installed braindecode has, with what is known of them."""
    from .braindecode_models import braindecode_classes
    from .signatures import own_parameters

    classes = braindecode_classes()
    models = models.reindex([name for name in models.index if name in classes or name in OWN])
    for name in sorted(classes.keys() - set(models.index)):
        models.loc[name] = {"purpose": "", "paper": "", "needs": "", "reason": ""}
        models.at[name, "parameters"] = own_parameters(classes[name])
    return models.sort_index()
