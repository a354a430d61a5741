"""Write the inventories that links to other projects are resolved with where their sites can't be reached.

Run by hand when a build without a network misses a name: ``python docs/inventories/make.py`` (needs
sphobjinv). Addresses follow the rules of each site; that a name exists is looked up in the package itself.
"""

import importlib
from pathlib import Path

from sphobjinv import DataObjStr, Inventory, compress

FUNCTION, METHOD, CLASS = "function", "method", "class"
NAMES = {
    "mne": {
        "mne.Epochs": CLASS,
        "mne.Epochs.drop_bad": METHOD,
        "mne.Epochs.filter": METHOD,
        "mne.Epochs.resample": METHOD,
        "mne.Evoked": CLASS,
        "mne.Report": CLASS,
        "mne.Report.save": METHOD,
        "mne.datasets.default_path": FUNCTION,
        "mne.decoding.SlidingEstimator": CLASS,
        "mne.datasets.eegbci.load_data": FUNCTION,
        "mne.io.Raw": CLASS,
        "mne.io.Raw.filter": METHOD,
        "mne.io.Raw.notch_filter": METHOD,
        "mne.io.Raw.rename_channels": METHOD,
        "mne.io.Raw.set_eeg_reference": METHOD,
        "mne.io.read_raw": FUNCTION,
        "mne.preprocessing.EOGRegression": CLASS,
        "mne.preprocessing.ICA": CLASS,
        "mne.preprocessing.annotate_amplitude": FUNCTION,
        "mne.preprocessing.find_bad_channels_lof": FUNCTION,
        "mne.read_annotations": FUNCTION,
        "mne.sys_info": FUNCTION,
        "mne.viz.plot_topomap": FUNCTION,
    },
    "sklearn": {
        "sklearn.metrics.average_precision_score": FUNCTION,
        "sklearn.metrics.get_scorer_names": FUNCTION,
        "sklearn.model_selection.GridSearchCV": CLASS,
        "sklearn.model_selection.cross_val_score": FUNCTION,
        "sklearn.model_selection.cross_validate": FUNCTION,
        "sklearn.pipeline.Pipeline": CLASS,
    },
    "braindecode": {"braindecode.models.EEGNet": CLASS},
    "numpy": {"numpy.ndarray": CLASS},
    "pandas": {"pandas.DataFrame": CLASS},
    "matplotlib": {"matplotlib.figure.Figure": CLASS},
    "torch": {"torch.nn.Module": CLASS},
    "python": {"KeyboardInterrupt": "exception"},
}
PAGES = {
    "mne": "generated/{owner}.html#$",
    "sklearn": "modules/generated/{owner}.html#$",
    "braindecode": "generated/{owner}.html#$",
    "numpy": "reference/generated/{owner}.html#$",
    "pandas": "reference/api/{owner}.html#$",
    "matplotlib": "api/figure_api.html#$",
    "torch": "generated/{owner}.html#$",
    "python": "library/exceptions.html#$",
}


def exists(name):
    """Whether a package has the name."""
    *module, attribute = name.split(".")
    for n_parts in range(len(module), 0, -1):
        try:
            found = importlib.import_module(".".join(module[:n_parts]))
        except ModuleNotFoundError:
            continue
        for part in [*module[n_parts:], attribute]:
            found = getattr(found, part)
        return True
    return hasattr(__builtins__, attribute)


def main():
    """Write an inventory a project."""
    for project, names in NAMES.items():
        inventory = Inventory()
        inventory.project, inventory.version = project, ""
        for name, role in names.items():
            if not exists(name):
                raise ValueError(f"{project} has no {name}.")
            owner = name.rpartition(".")[0] if role == METHOD else name
            page = PAGES[project].format(owner=owner)
            inventory.objects.append(
                DataObjStr(name=name, domain="py", role=role, priority="1", uri=page, dispname="-")
            )
        text = inventory.data_file(contract=True)
        (Path(__file__).parent / f"{project}.inv").write_bytes(compress(text))


if __name__ == "__main__":
    main()
