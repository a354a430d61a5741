"""Strips of an ECG on the paper that cardiologists read, and what a recording shows over time."""

from typing import NamedTuple

import numpy as np
from matplotlib.ticker import FuncFormatter, MultipleLocator

from ..ecg.findings import clock
from ..ecg.quality import NOT_JUDGED
from .style import COLORS, class_names

SPEED, GAIN = 25.0, 10.0  # mm/s and mm/mV
HIGHEST = 45.0  # mm of a lead; of higher signals, the gain is halved until they are lower
LEAST = 15.0  # mm
SECONDS = 8.0  # of a strip
LEFT, RIGHT, ABOVE, BELOW = 20.0, 6.0, 11.0, 9.0  # mm around a strip
BETWEEN = 3.5  # mm, leads of a strip
INCH = 25.4  # mm
PAPER = dict(fine="#f6dada", coarse="#e3a5a5")


class Strip(NamedTuple):
    """A part of a recording with its beats: times in s from its start, signals in mV."""

    title: str
    start: float
    times: np.ndarray
    leads: list
    signals: np.ndarray  # shape (n_leads, n_times)
    onset: np.ndarray
    description: np.ndarray
    focus: tuple = (0.0, 0.0)  # what it is about, from and to (s)


def plot_strips(strips, classes):
    """Draw strips one below the other at 25 mm/s, and 10 mm/mV if they are not too high for that.

    Beats are named above the first lead in the colour of their class, "?" if they are not judged; what a
    strip is about is shaded.
    """
    import matplotlib.pyplot as plt

    gains = [_gain(strip.signals) for strip in strips]
    heights = [[_height(s, gain) for s in strip.signals] for strip, gain in zip(strips, gains, strict=True)]
    width = LEFT + SPEED * max(strip.times[-1] - strip.times[0] for strip in strips) + RIGHT
    total = sum(sum(own) + BETWEEN * (len(own) - 1) + ABOVE + BELOW for own in heights)
    fig = plt.figure(figsize=(width / INCH, total / INCH))
    top = total
    for strip, gain, own in zip(strips, gains, heights, strict=True):
        top -= ABOVE
        for number, (signal, height) in enumerate(zip(strip.signals, own, strict=True)):
            top -= height + BETWEEN * (number > 0)
            span = SPEED * (strip.times[-1] - strip.times[0])
            ax = fig.add_axes((LEFT / width, top / total, span / width, height / total))
            _draw_lead(ax, strip, signal, gain, height)
            ax.set_ylabel(f"{class_names([strip.leads[number]])[0]} (mV)", fontsize="small")
            if number == 0:
                ax.set_title(strip.title, loc="left", fontsize="small", pad=13)
                ax.set_title(f"{SPEED:g} mm/s, {gain:g} mm/mV", loc="right", fontsize="x-small", pad=13)
                _name_beats(ax, strip, classes)
            ax.tick_params(labelbottom=number == len(own) - 1)
        top -= BELOW
    fig.supxlabel("Time from the start of the recording (h:mm:ss)", fontsize="small", y=0.2 / total)
    return fig


def _gain(signals):
    """Mm per mV at which the highest of the leads fits."""
    high, gain = max(np.nanmax(np.ptp(_known(s))) for s in signals), GAIN
    while high * gain > HIGHEST:
        gain /= 2
    return gain


def _known(signal):
    known = signal[np.isfinite(signal)]
    return known if len(known) else np.zeros(1)


def _height(signal, gain):
    """Mm of the paper of a lead: whole large squares."""
    low, high = _limits(signal, gain)
    return (high - low) * gain


def _limits(signal, gain):
    """From and to in mV: whole squares of 5 mm around the signal, three of them at least."""
    square, known = 5.0 / gain, _known(signal)
    low, high = np.floor(known.min() / square), np.ceil(known.max() / square)
    lacking = max(int(np.ceil(LEAST / 5.0 - (high - low))), 0)
    return (low - lacking // 2) * square, (high + lacking - lacking // 2) * square


def _draw_lead(ax, strip, signal, gain, height):
    square = 5.0 / gain
    ax.plot(strip.times, signal, color="black", linewidth=0.9, zorder=3)
    ax.set(xlim=(strip.times[0], strip.times[-1]), ylim=_limits(signal, gain))
    ax.xaxis.set_major_locator(MultipleLocator(1.0))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: clock(round(value))))
    ax.yaxis.set_major_locator(MultipleLocator(square * max(round(height / 20.0), 1)))
    ax.tick_params(labelsize="x-small")
    left, right = ax.get_xlim()
    low, high = ax.get_ylim()
    for step, height_step, color in ((0.04, square / 5, PAPER["fine"]), (0.2, square, PAPER["coarse"])):
        look = dict(color=color, linewidth=0.5, zorder=1)
        ax.vlines(np.arange(np.ceil(left / step), right / step + 1e-6) * step, low, high, **look)
        ax.hlines(
            np.arange(np.round(low / height_step), high / height_step + 1e-6) * height_step,
            left,
            right,
            **look,
        )
    begin, end = max(strip.focus[0], left), min(strip.focus[1], right)
    if end > begin:
        ax.axvspan(begin, end, color="0.4", alpha=0.16, linewidth=0, zorder=2)


def _name_beats(ax, strip, classes):
    colors = {name: COLORS[k % len(COLORS)] for k, name in enumerate(classes)} | {NOT_JUDGED: "0.35"}
    place = dict(transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize="small")
    for onset, name in zip(strip.onset, strip.description, strict=True):
        text = "?" if name == NOT_JUDGED else class_names([name])[0]
        is_it = strip.focus[0] <= onset <= strip.focus[1]
        ax.text(onset, 1.01, text, color=colors[name], fontweight="bold" if is_it else "normal", **place)
