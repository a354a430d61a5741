"""Values that come back from JSON with their type: what parameters and fitted attributes hold."""

import mne
import numpy as np

MOST_ARRAY_BYTES = 2**26  # of an array in JSON; a type of wide text needs few letters to ask for more
# What MNE knows of a recording that no transformer needs, and that may say who was recorded, and when
PERSONAL = (
    *("subject_info", "experimenter", "description", "proj_id", "proj_name", "device_info", "helium_info"),
    *("meas_date", "meas_id", "file_id", "meas_file", "working_dir", "command_line"),
)


def encode(value, tensors, name):
    """A value for JSON, from which :func:`decode` makes the same value again.

    It may be numbers, text, None, numpy's numbers and arrays, a `slice`, an `mne.Info` (without what it knows
    of a person), and lists, tuples and dicts of these. Arrays of float64, which may be large, join the
    tensors by the name of the value. What JSON does not know is a dict of one key that says what it is.
    """

    def each(values):
        return [encode(one, tensors, f"{name}/{k}") for k, one in enumerate(values)]

    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return each(value)
    if kind is tuple:
        return {"tuple": each(value)}
    if kind is dict:  # whose keys may be other than text
        return {"dict": each(value.items())}
    if kind is slice:
        return {"slice": each((value.start, value.stop, value.step))}
    if kind is np.ndarray and value.dtype == np.float64 and value.ndim:
        import torch

        tensors[name] = torch.from_numpy(value.copy(order="C"))
        return {"tensor": name}
    if isinstance(value, (np.ndarray, np.generic)):
        return {"numpy": [value.dtype.str, encode(value.tolist(), tensors, name)]}
    if kind is mne.Info:
        return {"info": {k: None if k in PERSONAL else v for k, v in value.to_json_dict().items()}}
    raise TypeError(
        f"{name} is of type {kind.__name__} ({value!r}), which can't be saved without pickle; use numbers, "
        "text, and lists, tuples, dicts and arrays of these."
    )


def decode(described, tensors):
    """The value that was described by :func:`encode`, whose arrays are taken out of the tensors."""

    def each(values):
        return [decode(one, tensors) for one in values]

    match described:
        case None | bool() | int() | float() | str():
            return described
        case list():
            return each(described)
        case {"tuple": list(values)}:
            return tuple(each(values))
        case {"dict": list(pairs)}:
            return dict(each(pairs))
        case {"slice": list(limits)}:
            return slice(*each(limits))
        case {"tensor": str(name)} if name in tensors:
            return _as_array(tensors.pop(name), name)
        case {"numpy": [str(dtype), values]}:
            return make_array(decode(values, tensors), dtype)[()]  # which makes a number of zero dimensions
        case {"info": dict(info)}:
            return mne.Info.from_json_dict(info)
    raise ValueError(f"{described!r} describes no value, or one whose tensor is missing.")


def make_array(values, dtype):
    """An array of numbers, text, booleans or objects that are such, of its ``tolist()`` and ``dtype.str``."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "biufUO":
        raise ValueError(f"arrays of type {dtype.str} are not saved")
    n_bytes = np.array(values, dtype=object).size * dtype.itemsize
    if n_bytes > MOST_ARRAY_BYTES:
        raise ValueError(f"an array of type {dtype.str} takes {n_bytes} bytes")
    return np.array(values, dtype)


def _as_array(tensor, name):
    """A tensor of a file as an array of its own, which no longer needs the file."""
    array = tensor.numpy().copy()
    if array.dtype != np.float64 or not array.ndim:
        raise ValueError(f"{name} is no array of float64")
    return array
