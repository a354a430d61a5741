"""What a report of a problem needs to say about the machine."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import version

from .._version import __version__

_PACKAGES = ("mne", "braindecode", "skorch", "torch", "scikit-learn", "numpy", "scipy", "pandas")


def sys_info() -> None:
    """Print the software versions and the hardware that results depend on, to be pasted into a bug report.

    See Also
    --------
    mne.sys_info : The same for MNE-Python and its dependencies.

    Examples
    --------
    >>> from mne_cnnclass import sys_info
    >>> sys_info()
    mne-cnnclass  ...
    Python        ...
    """
    import torch

    rows = {
        "mne-cnnclass": __version__,
        "Python": platform.python_version(),
        "platform": platform.platform(),
        **{name: version(name) for name in _PACKAGES},
        "CPU threads": torch.get_num_threads(),
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none that CUDA reaches",
    }
    for name, value in rows.items():
        print(f"{name:<13} {value}")


def library_versions() -> dict[str, str]:
    """Versions of what a trained network depends on, by name."""
    return {"mne-cnnclass": __version__} | _of_libraries()


@cache
def _of_libraries():
    """Read once: a search through all that is installed takes a fifth of a small fit."""
    return {name: version(name) for name in ("torch", "braindecode", "mne")}
