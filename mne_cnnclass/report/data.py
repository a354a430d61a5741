"""Pages about the samples: how many, and what they look like."""

from collections import Counter

import mne
import numpy as np
import pandas as pd
from scipy.signal import welch

from ..explain import EEG_BANDS
from ..preprocessing import epochs_log
from ..samples.blocks import known_places
from ..viz.signals import N_SHOWN, plot_class_means, plot_heads
from .html import fact_table, html_table, paragraph
from .methods import name_kind

MAX_SAMPLES = 600  # that are drawn
MAX_VALUES = 2**22  # of them, in memory
MIN_OF_CLASS = 5
MAX_ROWS = 6  # classes drawn over the head
OVER_THE_HEAD = ("eeg", "mag", "csd")  # channel types of which maps can be drawn


def data_pages(result):
    """How many samples there are, of which kind, and what they look like."""
    truth = result.predictions.drop_duplicates("sample").sort_values("sample")
    view = result.view
    facts = {"samples tested": len(truth)}
    if view is not None:
        info, types = view.info, Counter(view.info.get_channel_types())
        facts |= {
            "samples given": len(view),
            "channels": ", ".join(f"{n} {name_kind(kind)}" for kind, n in types.items()),
            "channel names": ", ".join(view.ch_names),
            "window": f"{view.times[0]:.4g} to {view.times[-1]:.4g} s, {len(view.times)} times",
            "sampling frequency": f"{view.sfreq:g} Hz",
            "pass band, by the header": f"{info['highpass']:g} to {info['lowpass']:g} Hz",
        }
    yield "Samples", fact_table(facts)
    if "group" in truth:
        table = pd.crosstab(truth["group"], truth["y_true"]).rename_axis(columns=None)
        table.loc["all groups"] = table.sum()
    else:
        table = truth["y_true"].value_counts().reindex(result.classes, fill_value=0)
        table = table.rename_axis("class").to_frame("samples")
    yield "Samples of each class", html_table(table)
    if view is None:
        yield "Signals", paragraph("The samples were an array, so their channels and times are not known.")
        return
    if view.metadata is not None and "file" in view.metadata:
        files = view.metadata["file"].iloc[truth["sample"]].to_numpy()
        files = pd.crosstab(files, truth["y_true"].to_numpy())
        yield "Files", html_table(files.rename_axis(index="file", columns=None))
    log = epochs_log(view)
    if len(log):
        yield "Preparation of each recording", html_table(log.drop(columns="n_dropped"), index=False)
    yield "Dropped epochs", _dropped(view)
    yield from _signals(view, truth)


def _dropped(view):
    _, recording = view.onsets()
    reasons = Counter()
    for first in np.unique(recording, return_index=True)[1]:
        log = view[[first]].epochs.drop_log
        reasons.update(", ".join(map(str, entry)) for entry in log if set(entry) - {"IGNORED"})
    n_dropped = reasons.total()
    if not n_dropped:
        return paragraph("No epoch was dropped, by the log of the Epochs.")
    text = paragraph(
        f"{n_dropped} epochs were dropped, by the log of the {len(np.unique(recording))} Epochs object(s), "
        "for the reasons below: channels that were rejected, or what MNE calls the reason.",
        "TOO_SHORT means that the window leaves the recording." * ("TOO_SHORT" in reasons),
    )
    table = pd.DataFrame(reasons.most_common(30), columns=["reason", "epochs"])
    rest = n_dropped - table["epochs"].sum()
    more = paragraph(f"{rest} more have rarer reasons.") if rest else ""
    return text + html_table(table, index=False) + more


def _signals(view, truth):
    """Figures of the samples: means of the classes over time and frequency, and over the head."""
    types = view.info.get_channel_types()
    kind = Counter(types).most_common(1)[0][0]
    names = [name for name, of_type in zip(view.ch_names, types, strict=True) if of_type == kind]
    n_values = len(names) * len(view.times)
    rows = truth.iloc[draw_rows(truth["y_true"], min(MAX_SAMPLES, MAX_VALUES // n_values))]
    part = view[rows["sample"].to_numpy()].pick(names)
    scale, unit = display_unit(kind)
    data, y = scale * np.asarray(part), rows["y_true"].to_numpy()
    taken = f"n = {len(rows)} samples" + f" of {len(truth)}" * (len(rows) < len(truth))
    classes = np.unique(y).tolist()
    yield from _draw_signals(data, y, part, classes, unit, f"{name_kind(kind)} channels, {taken}")


def _draw_signals(data, y, part, classes, unit, described):
    info = part.info
    chosen = f"The {min(N_SHOWN, len(part.ch_names))} channels in which the classes differ most"
    options = dict(classes=classes, ch_names=part.ch_names)
    fig = plot_class_means(data, part.times, y, xlabel="Time (s)", ylabel=f"Mean ({unit})", **options)
    yield "Mean signal of each class", fig, f"Mean ± standard error. {chosen}; {described}."

    frequencies, power = welch(data, part.sfreq, nperseg=min(len(part.times), int(2 * part.sfreq)))
    shown = (frequencies > 0) & (frequencies <= 1.25 * info["lowpass"])  # frequency 0 is the mean
    frequencies, power = frequencies[shown], power[..., shown]
    squared = f"({unit})" if "/" in unit else unit
    power = 10 * np.log10(np.maximum(power, np.finfo(float).tiny))
    options |= dict(xlabel="Frequency (Hz)", ylabel=f"dB of 1 {squared}²/Hz")
    fig = plot_class_means(power, frequencies, y, **options)
    yield "Spectrum of each class", fig, f"Welch spectra, mean ± standard error. {chosen}; {described}."

    if not has_positions(info):
        if info.get_channel_types()[0] in OVER_THE_HEAD:
            yield None, "Maps of the head: the positions of the channels are not known (epochs.set_montage)."
        return
    shown = classes[:MAX_ROWS]
    more = f" The first {MAX_ROWS} of {len(classes)} classes." if len(classes) > MAX_ROWS else ""
    windows = np.array_split(np.arange(len(part.times)), 4)
    means = [[data[y == name][..., w].mean(axis=(0, 2)) for w in windows] for name in shown]
    columns = [f"{part.times[w[0]]:.2f} to\n{part.times[w[-1]]:.2f} s" for w in windows]
    fig = plot_heads(np.array(means), info, rows=shown, columns=columns, label=f"Mean ({unit})")
    yield "Mean signal over the head", fig, f"Mean of each class in four windows; {described}.{more}"

    bands = find_bands(frequencies, info)
    inside = [(low <= frequencies) & (frequencies < high) for low, high in bands.values()]
    if bands:
        levels = np.array([[power[y == name][..., b].mean(axis=(0, 2)) for b in inside] for name in classes])
        levels = (levels - levels.mean(axis=0))[: len(shown)]
        label = "dB against the mean of the classes"
        fig = plot_heads(levels, info, rows=shown, columns=list(bands), label=label)
        caption = f"Power of each class against that of all classes; {described}.{more}"
        yield "Power over the head", fig, caption


def display_unit(kind):
    """What MNE multiplies signals of this type of channels by to draw them, and the unit after that."""
    return mne.defaults.DEFAULTS["scalings"].get(kind, 1.0), mne.defaults.DEFAULTS["units"].get(kind, "AU")


def find_bands(frequencies, info):
    """The bands that hold a frequency and pass the filters of the recording, by a name with their edges.

    Greek letters are names of rhythms of the brain; other signals have none.
    """
    of_brain = not {"ecg", "emg", "eog"}.intersection(info.get_channel_types())
    return {
        f"{name}\n" * of_brain + f"{low}–{high} Hz": (low, high)
        for name, (low, high) in EEG_BANDS.items()
        if low < info["lowpass"]
        and high > info["highpass"]
        and ((low <= frequencies) & (frequencies < high)).any()
    }


def draw_rows(labels, n):
    """Positions of about n samples, evenly spaced within each class.

    The classes are as frequent as among all samples, but no class has fewer than five, if it has as many.
    """
    labels = np.asarray(labels)
    rows = []
    for name, size in zip(*np.unique(labels, return_counts=True), strict=True):
        n_drawn = min(size, max(MIN_OF_CLASS, round(n * size / len(labels))))
        rows.append(np.flatnonzero(labels == name)[np.linspace(0, size - 1, n_drawn).round().astype(int)])
    return np.sort(np.concatenate(rows))


def has_positions(info):
    """Whether a map can be drawn: one value a place, at places that are known and differ."""
    if info.get_channel_types()[0] not in OVER_THE_HEAD:
        return False
    places = np.array([channel["loc"][:3] for channel in info["chs"]])
    known = known_places(info["chs"]).all()
    return bool(known and len(places) > 3 and len(np.unique(places.round(6), axis=0)) == len(places))
