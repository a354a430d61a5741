"""Which channels and classes change places when left and right do."""

from __future__ import annotations

import re

import mne
import numpy as np

from ..datasets import MONTAGE_1005

FARTHEST = 0.02  # m between a channel's mirror image and its partner; caps are not quite symmetric


def mirrored_channels(channels):
    """Find the partner of each channel in the other hemisphere.

    Parameters
    ----------
    channels : list of dict
        Name (``ch_name``) and place (``loc``, in m) of each channel.

    Returns
    -------
    permutation : list of int
        Number of the channel that takes the place of each; its own on the midline.

    Raises
    ------
    ValueError
        If a channel has no partner among them, by names of the 10-05 system (C3 and C4) or by places.
    """
    names = [ch["ch_name"] for ch in channels]
    known = {name.lower() for name in mne.channels.make_standard_montage(MONTAGE_1005).ch_names}
    if all(name.lower() in known for name in names):
        numbers = {name.lower(): number for number, name in enumerate(names)}
        partners = [numbers.get(_other_side(name.lower())) for name in names]
        lonely = [name for name, partner in zip(names, partners, strict=True) if partner is None]
    else:
        places = np.array([ch["loc"][:3] for ch in channels])
        # none, or the origin, is what MNE has where a place is unknown
        unknown = ~np.isfinite(places).all(1) | ~places.any(1)
        distance = np.linalg.norm(places[:, None] * [-1, 1, 1] - places[None], axis=2)
        distance[unknown], distance[:, unknown] = np.inf, np.inf
        partners = distance.argmin(1).tolist()
        lonely = [
            name
            for number, name in enumerate(names)
            if distance[number, partners[number]] > FARTHEST or partners[partners[number]] != number
        ]
    if lonely:
        raise ValueError(
            f"it needs a partner for each channel in the other hemisphere, but {lonely} have "
            "none. Pick channels in pairs, and name them by the 10-05 system (C3, C4) or set a montage."
        )
    return partners


def _other_side(name):
    """The name of the 10-05 system on the other side; odd numbers are left, even ones right."""
    return re.sub(r"\d+", lambda found: str(int(found[0]) + (1 if int(found[0]) % 2 else -1)), name)


def swapped_classes(labels, pair=None):
    """Find the class that each becomes in the mirror.

    Parameters
    ----------
    labels : array, shape (n_classes,)
        The labels.
    pair : None | list
        The two labels that are exchanged, or none of them (an empty list). ``None`` exchanges both of two
        classes.

    Returns
    -------
    swapped : list of int
        Number of a class for each.

    Raises
    ------
    ValueError
        If it is not said which of several classes are exchanged, or one of them does not exist.
    """
    labels = list(labels)
    if pair is None and len(labels) != 2:
        raise ValueError(
            f"it exchanges two classes, and there are {len(labels)}: {labels}. Say which: "
            "('left_right_mirror', {'classes': ['left', 'right']})."
        )
    pair = labels if pair is None else list(pair)
    if len(pair) not in (0, 2) or any(label not in labels for label in pair) or len({*pair}) < len(pair):
        raise ValueError(
            f"classes must be two of {labels}, or none ([]) where no label is of one side alone, got {pair}."
        )
    swapped = list(range(len(labels)))
    if pair:
        a, b = map(labels.index, pair)
        swapped[a], swapped[b] = b, a
    return swapped
