"""Files of other programs, made small: EDF+ and BDF+, EEGLAB, BrainVision."""

from pathlib import Path

import numpy as np
from scipy.io import savemat


def _field(values, width):
    return b"".join(str(value).encode("latin-1").ljust(width)[:width] for value in values)


def write_edf(
    path,
    data,
    sfreq=100,
    labels=("C3", "Cz", "C4"),
    notes=(),
    *,
    starts=None,
    record=1.0,
    kind="EDF+C",
    units="uV",
    limits=3276.7,
    date="01.01.20",
    recording="Startdate 01-JAN-2020 X X X",
    n_records=None,
    written_record=None,
):
    """Write signals (n_channels, n_times) in their units, in records that start at given times (s).

    Notes (onset, duration, text) are in the record at their onset, or before it.
    """
    n_bytes, top = (3, 2**23 - 1) if kind.startswith("BDF") else (2, 2**15 - 1)
    n_channels, per_record, room = len(labels), round(record * sfreq), 60
    data = np.asarray(data, float)
    total = data.shape[1] // per_record
    starts = record * np.arange(total) if starts is None else np.asarray(starts, float)
    units = [units] * n_channels if isinstance(units, str) else list(units)
    limits = np.broadcast_to(limits, n_channels)
    plus = len(kind) == 5
    of_all = [
        ([*labels, f"{kind[:3]} Annotations"], 16),
        ([""] * n_channels + [""], 80),
        ([*units, ""], 8),
        ([*(-limits), -1], 8),
        ([*limits, 1], 8),
        ([-top - 1] * n_channels + [-top - 1], 8),
        ([top] * n_channels + [top], 8),
        ([""] * n_channels + [""], 80),
        ([per_record] * n_channels + [room], 8),
        ([""] * n_channels + [""], 32),
    ]
    n = n_channels + plus
    version = b"\xffBIOSEMI" if n_bytes == 3 else _field(["0"], 8)
    header = version + _field(["X X X X", recording], 80) + _field([date, "00.00.00", 256 * (n + 1)], 8)
    header += _field([kind if plus else ""], 44)
    header += _field([total if n_records is None else n_records], 8)
    header += _field([f"{record if written_record is None else written_record:g}"], 8) + _field([n], 4)
    header += b"".join(_field(values[:n], width) for values, width in of_all)
    scaled = np.rint(data / np.where(limits == 0, 1, limits)[:, None] * top).astype("<i4")
    for k in range(total):
        values = scaled[:, k * per_record : (k + 1) * per_record].ravel()
        header += values.view("u1").reshape(-1, 4)[:, :n_bytes].tobytes()
        if plus:
            last = np.inf if k == total - 1 else starts[k + 1]
            tal = f"{starts[k]:+.6f}\x14\x14\0"
            for onset, duration, text in notes:
                if starts[k] <= onset < last or (k == 0 and onset < starts[0]):
                    tal += f"{onset:+.6f}\x15{duration:g}\x14{text}\x14\0"
            header += tal.encode().ljust(n_bytes * room, b"\0")
    Path(path).write_bytes(header)
    return Path(path)


def write_set(
    path, data, sfreq=100.0, labels=("C3", "Cz", "C4"), events=(), epochs=None, tmin=0.0, fdt=False
):
    """Write signals in µV (n_channels, n_times[, n_epochs]) with dicts of events (type, latency from 1 …)."""
    data = np.asarray(data, np.float32)
    path = Path(path)
    if fdt:
        data.ravel("F").tofile(path.with_suffix(".fdt"))
    eeg = dict(
        setname="made up",
        nbchan=len(labels),
        pnts=data.shape[1],
        trials=1 if data.ndim == 2 else data.shape[2],
        srate=sfreq,
        xmin=tmin,
        xmax=tmin + (data.shape[1] - 1) / sfreq,
        data=path.with_suffix(".fdt").name if fdt else data,
        chanlocs=np.array([(name,) for name in labels], [("labels", object)]),
        event=_structs(events),
        epoch=_structs(epochs or ()),
        icawinv=[],
        icasphere=[],
        icaweights=[],
        ref="common",
    )
    savemat(path, dict(EEG=eeg), appendmat=False)
    return path


def _structs(dicts):
    names = list(dicts[0]) if dicts else []
    return np.array([tuple(d.values()) for d in dicts], [(name, object) for name in names]) if dicts else []


def write_brainvision(
    path, data, sfreq=100, labels=("C3", "Cz", "C4"), markers=(), *, units="µV", points=None, gain=1
):
    """Write signals in µV as float32, with markers (type, description, position from 1, size)."""
    path = Path(path)
    data = np.asarray(data, "<f4")
    units = [units] * len(labels) if isinstance(units, str) else units
    data.T.tofile(path.with_suffix(".eeg"))
    points = "" if points is None else f"DataPoints={points}\n"
    channels = "".join(
        f"Ch{k}={name},,{gain},{unit}\n" for k, (name, unit) in enumerate(zip(labels, units, strict=True), 1)
    )
    path.write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={path.stem}.eeg\nMarkerFile={path.stem}.vmrk\nDataFormat=BINARY\n"
        f"DataOrientation=MULTIPLEXED\nNumberOfChannels={len(labels)}\n{points}"
        f"SamplingInterval={1e6 / sfreq:g}\n[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n"
        f"[Channel Infos]\n{channels}",
        encoding="utf8",
    )
    marks = "".join(
        f"Mk{k}={kind},{text},{at},{size},0\n" for k, (kind, text, at, size) in enumerate(markers, 1)
    )
    path.with_suffix(".vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\nCodepage=UTF-8\n"
        f"DataFile={path.stem}.eeg\n[Marker Infos]\n{marks}",
        encoding="utf8",
    )
    return path
