"""Figures of the samples themselves: means of the classes, over time or frequency, and over the head."""

import numpy as np

from .style import CHANCE, class_names, class_style, new_figure

N_SHOWN = 3  # channels


def plot_class_means(values, x, y, *, classes, ch_names, xlabel, ylabel):
    """Plot the mean of each class ± its standard error, in the channels where the classes differ most.

    These are the three channels with the largest difference between means at any point, relative to the
    standard errors.

    ``values`` have the shape (n_samples, n_channels, n_points); ``x`` are the times or frequencies of their
    points, ``y`` the classes of the samples (each of ``classes`` has some), and the labels come with units.
    """
    parts = [values[y == name] for name in classes]
    means = np.array([part.mean(axis=0) for part in parts])
    errors = np.array([part.std(axis=0) / np.sqrt(len(part)) for part in parts])
    spread = np.nan_to_num(np.nanstd(means, axis=0) / np.maximum(errors.mean(axis=0), np.finfo(float).tiny))
    shown = np.argsort(-spread.max(axis=1), kind="stable")[:N_SHOWN]
    fig, axes = new_figure(len(shown), 1, (5.6, 1.1 + 1.9 * len(shown)), sharex=True)
    names = class_names(classes)
    for ax, channel in zip(axes[:, 0], shown, strict=True):
        for i, part in enumerate(parts):
            mean, error = means[i, channel], errors[i, channel]
            label, style = f"class {names[i]}, n = {len(part)}", class_style(i)
            ax.plot(x, mean, linewidth=1.5, label=label, **style)
            ax.fill_between(x, mean - error, mean + error, color=style["color"], alpha=0.2, linewidth=0)
        ax.set_title(str(ch_names[channel]).replace("$", r"\$"), loc="left", fontsize="medium")
        ax.set_ylabel(ylabel)
        if x[0] <= 0 <= x[-1] and "Time" in xlabel:
            ax.axvline(0, **CHANCE)
    axes[-1, 0].set_xlabel(xlabel)
    n_columns = 3 if len(classes) > 4 and max(map(len, names)) < 12 else 1
    fig.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=n_columns, fontsize="small"
    )
    return fig


def plot_heads(values, info, *, rows, columns, label):
    """Plot topographic maps on a common scale that is symmetric about zero.

    ``values`` have the shape (n_rows, n_columns, n_channels), with channels of one type that have positions
    in ``info``; ``label`` names the colour scale, with the unit.
    """
    import mne

    size = 1.1 + 1.45 * len(columns), 0.6 + 1.6 * len(rows)
    fig, axes = new_figure(len(rows), len(columns), size)
    limit = np.abs(values).max() or 1.0
    for (i, j), ax in np.ndenumerate(axes):
        image, _ = mne.viz.plot_topomap(
            values[i, j], info, axes=ax, vlim=(-limit, limit), cmap="RdBu_r", res=32, show=False
        )
    for ax, name in zip(axes[0], columns, strict=True):
        ax.set_title(name, fontsize="medium")
    for ax, name in zip(axes[:, 0], class_names(rows, width=14), strict=True):
        ax.set_ylabel(name)
    fig.colorbar(image, ax=axes, shrink=0.7).set_label(label)
    return fig
