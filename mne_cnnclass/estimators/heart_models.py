"""Models of hearts with what their files say: how beats are cut for them, and how well they did."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

from ..ecg import AAMI_CLASSES, LEADS, make_beat_epochs
from ..ecg.beats import TYPICAL
from ..ecg.recordings import read_extent
from ..ecg.stretches import predict_beats
from .beats import BeatClassifier
from .loading import load_classifier
from .pretrained import load_pretrained, pretrained_file
from .saving import read_epochs_settings

LEAST_RATE = 125.0  # Hz of a recording; shapes of beats say less below


class HeartModel(NamedTuple):
    """A classifier, what it is called, arguments of `make_beat_epochs`, and its card, empty without one."""

    clf: Any
    name: str
    settings: dict
    card: dict

    @property
    def last(self):
        """The classifier itself, the last step of a Pipeline."""
        return self.clf[-1] if hasattr(self.clf, "steps") else self.clf

    @property
    def arguments(self):
        """All arguments of `make_beat_epochs`, its defaults among them."""
        return inspect.unwrap(make_beat_epochs).__kwdefaults__ | self.settings

    @property
    def leads(self):
        """Names of the leads that it was trained on."""
        return [lead.partition("|")[0] for lead in self.settings["leads"] or _leads_of(self.clf)]

    def line(self):
        """What it is, and how well it did, in a line."""
        known = ", ".join(f"{k}: {self.card[k]}" for k in ("trained_on", "measured") if k in self.card)
        return f"Model: {self.name}, {known.replace('trained_on', 'trained on') or 'without a card'}."

    def takes(self, leads):
        """The same model for other leads, one for each of those of the training, None for one that lacks."""
        own = [name or None for name in leads]
        if len(own) > len(self.leads) or not any(own):
            raise ValueError(
                f"leads must name one for each of {','.join(self.leads)}, or leave some out, got "
                f"{','.join(map(str, leads))}."
            )
        own += [None] * (len(self.leads) - len(own))
        return self._replace(settings=self.settings | dict(leads=dict(zip(self.leads, own, strict=True))))

    def predict(self, recording, annotator=None):
        """The table of `predict_beats`, and the number of beats that are left out."""
        if self.settings["causal"] and annotator is None:
            raise ValueError(
                f"{self.name} uses nothing that follows a beat, but the search for R peaks does. Name the "
                "file of annotations that has the beats by its ending."
            )
        _, sfreq = read_extent(recording)
        if sfreq < LEAST_RATE:
            raise ValueError(
                f"The recording is sampled at {sfreq:g} Hz; {LEAST_RATE:g} Hz or more are needed to tell "
                "beats by their shape."
            )
        return predict_beats(self.clf, recording, annotator=annotator, **self.settings)


def open_beat_model(path=None, *, causal=False):
    """The model of heartbeats in a file, or the ready one."""
    clf = load_pretrained("heartbeats", causal=causal) if path is None else load_classifier(path)
    file = pretrained_file("heartbeats", causal=causal) if path is None else path
    saved = (read_epochs_settings(file) or {}).get("beats", {})
    return beat_model(clf, 'the ready model "heartbeats"' if path is None else str(path), saved)


def beat_model(clf, name, saved):
    """A fitted classifier of heartbeats, with the arguments of `make_beat_epochs` that were saved."""
    last = clf[-1] if hasattr(clf, "steps") else clf
    if not isinstance(last, BeatClassifier):
        raise ValueError(
            f"{name} is no classifier of heartbeats: `mne-cnnclass ecg train` writes one, and so does "
            "save_classifier with a fitted recipe('heartbeats')."
        )
    network, names = last.estimators_[0], _leads_of(clf)
    known = dict(
        classes=AAMI_CLASSES,
        leads=[next((lead for lead in LEADS if lead.split("|")[0] == name), name) for name in names],
        causal=last.causal_,
        sfreq=network.sfreq_,
    )
    model = HeartModel(clf, name, known | saved, getattr(clf, "card_", {}))
    window = model.arguments
    start, stop = (round(window[edge] * window["sfreq"]) for edge in ("tmin", "tmax"))
    if stop - start + 1 != network.n_times_:
        raise ValueError(
            f"{name} was trained on windows of {network.n_times_ / network.sfreq_:.3g} s, and does not say "
            "how they were cut. Save it with its window: save_classifier(clf, path, epochs_settings="
            "dict(beats=dict(tmin=…, tmax=…)))."
        )
    return model


def open_rhythm_model(*, causal=False):
    """The ready model of rhythms."""
    clf = load_pretrained("rhythm", causal=causal)
    return HeartModel(clf, 'the ready model "rhythm"', {}, clf.card_)


def _leads_of(clf):
    """Names of the leads that the networks of a classifier of beats take."""
    last = clf[-1] if hasattr(clf, "steps") else clf
    return [name.removesuffix(TYPICAL) for name in last.estimators_[0].ch_names_]
