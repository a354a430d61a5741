"""Which channels and classes change places when left and right do."""

import re

import numpy as np

from ..samples.blocks import known_places
from ..samples.channel_names import standard_name, standard_names

_OTHER = {"left": "right", "right": "left"}
_SIDES = re.compile("left|right")
# what has no side, or both
_BOTH_SIDES = re.compile("rest|feet|foot|tongue|hands|fists|both|word|calc|navigation")
_ADVICE = "Say which, {'classes': ['left', 'right']}, or that there are none, {'classes': []}."
FARTHEST = 0.02  # m between a channel's mirror image and its partner; caps are not quite symmetric


def mirrored_channels(channels):
    """The number of the channel that takes the place of each in the mirror; its own on the midline.

    Partners are found by names of the 10-05 system (C3 and C4, also as files write them, ``C3..`` and ``EEG
    C4-REF``), else by places (``loc``, in m).
    """
    names = [standard_name(ch["ch_name"]) for ch in channels]
    if all(name.lower() in standard_names() for name in names):
        numbers = {name.lower(): number for number, name in enumerate(names)}
        partners = [numbers.get(_other_side(name.lower())) for name in names]
        lonely = [name for name, partner in zip(names, partners, strict=True) if partner is None]
    else:
        places = np.array([ch["loc"][:3] for ch in channels])
        unknown = ~known_places(channels)
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
    """The number of the class that each becomes in the mirror.

    ``pair`` are the two labels that are exchanged, or none ([]). ``None`` goes by the names: ``left_hand``
    and ``right_hand`` change places, and a class without a side (``feet``) stays where another has one. Of
    two classes whose names say nothing (``T1`` and ``T2``) both are exchanged.
    """
    labels = np.asarray(labels).tolist()
    names = [str(label).lower() for label in labels]
    if pair is None and any(map(_SIDES.search, names)):
        images = [_SIDES.sub(lambda found: _OTHER[found[0]], name) for name in names]
        lonely = [label for label, image in zip(labels, images, strict=True) if image not in names]
        if lonely:
            raise ValueError(
                f"it exchanges classes of the left and of the right, and {lonely} of {labels} have no "
                f"partner. {_ADVICE}"
            )
        return [names.index(image) for image in images]
    both_sides = [label for label, name in zip(labels, names, strict=True) if _BOTH_SIDES.search(name)]
    if pair is None and (len(labels) != 2 or both_sides):
        raise ValueError(
            f"it exchanges classes of the left and of the right, and the names of {labels} tell no sides. "
            + _ADVICE
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
