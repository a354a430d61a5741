"""How signals were prepared, as far as MNE has noted it: filters, reference, projectors, baseline."""

import math

from ..utils.text import shortened
from ..utils.warn import warn
from .sources import first_baseline
from .view import EpochsView

_REFERENCES = {0: "as recorded", 3: "current source density"}  # FIFFV_MNE_CUSTOM_REF_OFF, _CSD; else _ON
_PROPERTIES = {  # what each is called, and what to do
    "pass_band": ("the pass band", "Filter the recordings as for the training."),
    "reference": ("the EEG reference", "Set the same one with set_eeg_reference."),
    "projectors": ("as number of applied projectors", "Apply the same ones with apply_proj."),
    "baseline": ("the baseline", "Correct the epochs in the same way with apply_baseline."),
    "tmin": ("as start of the windows", "Cut them at the same times, unless you mean to try others."),
}


def provenance(X):
    """What MNE knows of how the signals of epochs were prepared; None for an array.

    All values found among the Epochs: ``pass_band`` as ``[highpass, lowpass]`` in Hz, ``reference`` ("as
    recorded" | "custom" | "current source density"), ``projectors`` (number of those that are applied),
    ``baseline`` (None or ``[start, end]`` in s) and ``tmin`` (s).
    """
    if not isinstance(X, EpochsView):
        return None
    known = {name: [] for name in _PROPERTIES}
    for source in X.sources():
        info = source.info
        values = {
            "pass_band": [float(info["highpass"]), float(info["lowpass"])],
            "reference": _REFERENCES.get(int(info["custom_ref_applied"]), "custom"),
            "projectors": sum(bool(projector["active"]) for projector in info["projs"]),
            "baseline": first_baseline(source),
            "tmin": round(float(source.times[0]), 4),
        }
        for name, value in values.items():
            if value not in known[name]:
                known[name].append(value)
    return known


def warn_of_other_provenance(before, X):
    """Warn of samples to predict that were prepared in a way that `provenance` did not find at the fit."""
    now = None if before is None else provenance(X)
    if now is None or now == before:
        return
    for name, (what, fix) in _PROPERTIES.items():
        new = [value for value in now[name] if not any(_alike(value, old) for old in before[name])]
        if new:
            warn(
                f"X has {what} {_show(name, new)}, but the training samples had {_show(name, before[name])}, "
                f"according to their info: what is predicted may mean little. {fix}",
            )


def _alike(one, other):
    """Whether two values of a property are the same, up to what rounding to samples and headers does."""
    if isinstance(one, list) and isinstance(other, list):
        return all(math.isclose(a, b, rel_tol=0.05, abs_tol=0.02) for a, b in zip(one, other, strict=True))
    return one == other


def _show(name, values):
    unit = {"pass_band": " Hz", "baseline": " s", "tmin": " s"}.get(name, "")
    shown = [
        f"{value[0]:g} to {value[1]:g}{unit}"
        if isinstance(value, list)
        else f"{value:g}{unit}"
        if isinstance(value, float)
        else str(value).lower()
        for value in values
    ]
    return shortened(shown, 3, "others", separator=" or ")
