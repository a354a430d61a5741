"""The page of a recording of an ECG: what was found, over time, on strips, and how far to trust it."""

import mne
import numpy as np
import pandas as pd

from ..ecg.files import find_wfdb
from ..ecg.findings import (
    MEANINGS,
    RESEARCH,
    RHYTHMS,
    SHORT_RUN,
    bin_beats,
    bin_width,
    clock,
    find_runs,
    heart_rates,
    is_judged,
)
from ..ecg.quality import NOT_JUDGED
from ..ecg.recordings import read_recording
from ..utils.numbers import runs
from ..viz.ecg_course import plot_course
from ..viz.ecg_strips import SECONDS, Strip, plot_strips
from ..viz.style import COLORS
from .html import bullets, fact_table, html_table, paragraph

N_EXAMPLES = 3  # of a finding
APART = 60.0  # s between examples of a finding, where there are enough
SHORT = 60.0  # s; a recording up to which is shown as a whole
HOUR = 3600.0
PAPER = "ECG paper at 25 mm/s: a small square is 0.04 s, a large one 0.2 s."
CARD = dict(
    trained_on="trained on",
    inputs="takes",
    missing="if some are missing",
    measured="measured",
    figures="figures",
    left_out="left out",
    protocol="protocol",
    calibration="calibration",
    not_for="not for",
    failures="known failures",
    licence="licence of the data",
    doi="DOI of the data",
)


def sections(findings):
    """The sections of the page with their pages, as `add_sections` takes them."""
    return {
        "What this recording shows": _overview(findings),
        "Examples": _examples(findings),
        "Hour by hour": _hours(findings),
        "How far to trust it": _models(findings),
    }


def _overview(findings):
    yield "Summary", f"<p><strong>{RESEARCH}</strong></p>" + bullets(findings.lines())
    if findings.problem is None:
        yield "Beats of each class", _table(findings)
    if findings.problem is None and findings.duration > SHORT:
        width = bin_width(findings.duration)
        classes = {name: COLORS[k] for k, name in enumerate(findings.classes) if k}
        shown = {name: color for name, color in classes.items() if name in "SV" or _n(findings, name)}
        bins = bin_beats(findings.beats, findings.duration, shown, width)
        fig = plot_course(bins, width, findings.rhythm, shown, findings.duration)
        yield (
            "Heart rate, rhythm and beats of each class over time",
            fig,
            "Shares are of judged beats. Rhythms are those of the most probable class of each window.",
        )
    yield "Recording", fact_table(_facts(findings))


def _n(findings, name):
    return (findings.beats["description"] == name).sum()


def _percent(shares):
    return [f"{100 * share:.1f}" if share == share else "–" for share in shares]


def _table(findings):
    """Counts of beats, and how well they were told apart in other people."""
    table = findings.summary()
    shown = pd.DataFrame(index=[f"{n} ({MEANINGS[n]})" if n in MEANINGS else n for n in table.index])
    shown["beats"] = table["n"].to_numpy()
    shown["% of judged"] = _percent(table["share"])
    shown["per hour"] = [f"{v:.0f}" if v == v else "–" for v in table["per_hour"]]
    in_row = dict(pairs="pairs", runs=f"runs of ≥ {SHORT_RUN}", longest="most in a row")
    for column, text in in_row.items():
        shown[text] = ["–", *map(str, table[column].iloc[1:])]
    has_rates = table["sensitivity"].notna().any()
    if has_rates:
        shown["sensitivity elsewhere (%)"] = _percent(table["sensitivity"])
        shown["PPV elsewhere (%)"] = _percent(table["positive_predictivity"])
    n, judged = len(findings.beats), is_judged(findings.beats).sum()
    normal = findings.classes[0]
    card = findings.model.card
    known = (
        f"How well the model does in other people: {card['measured']}."
        if "measured" in card
        else f"How well {findings.model.name} does in other people is not known: its file has no card."
    )
    return html_table(shown) + paragraph(
        f"Of {n} beats, {judged} are judged; the other {n - judged} count nowhere above. Pairs and runs are "
        f"beats of one class in a row; an hour is one of judged beats. {normal} is none of the others.",
        known,
        "Elsewhere: in people that the model was not trained on; sensitivity is the share of such beats that "
        "it finds, PPV the share of what it calls so that is right. Where a class is rare, PPV is lower."
        * bool(has_rates),
        _in_fibrillation(findings),
    )


def _in_fibrillation(findings):
    """How many S lie where the rhythm is called fibrillation, in which S is hardly told from N."""
    beats, rhythm = findings.beats, findings.rhythm
    onset = beats["onset"][beats["description"] == "S"].to_numpy()
    own = rhythm[rhythm["description"] == "A"] if len(rhythm) else rhythm
    if not len(own) or not len(onset):
        return ""
    begin = own["onset"].to_numpy()
    last = np.searchsorted(begin, onset, side="right") - 1
    inside = (last >= 0) & (onset < begin[last] + own["duration"].to_numpy()[last])
    return (
        f"{inside.sum()} of the {len(onset)} S beats are in windows that are called atrial fibrillation, in "
        "which early beats are no sign of anything else."
    )


def _facts(findings):
    facts = {"name": findings.name, "length (h:mm:ss)": clock(round(findings.duration))}
    if findings.started is not None:
        facts["begins at"] = f"{findings.started:%Y-%m-%d %H:%M:%S}, the time of the device"
    facts["leads of the beats"] = ", ".join(findings.leads)
    facts["lead of the rhythm"] = findings.leads[0]
    facts["model of beats"] = findings.model.name
    if findings.notes:
        facts["doubtful"] = "; ".join(findings.notes)
    return facts


def _hours(findings):
    if findings.problem or findings.duration < 2 * HOUR:
        return
    names = findings.classes[1:]
    bins = bin_beats(findings.beats, findings.duration, names, HOUR)
    table = pd.DataFrame({"from (h:mm:ss)": [clock(onset) for onset in bins["onset"]]})
    table["beats"], table["judged"] = bins["beats"], bins["judged"]
    for column, text in (
        ("rate", "median"),
        ("rate_low", "5th percentile"),
        ("rate_high", "95th percentile"),
    ):
        table[f"heart rate, {text} (beats/min)"] = [f"{v:.0f}" if v == v else "–" for v in bins[column]]
    for name in names:
        share = 100 * bins[name] / bins["judged"].where(bins["judged"] > 0)
        table[f"{name} (% of judged)"] = [
            f"{n} ({v:.1f})" if v == v else "–" for n, v in zip(bins[name], share, strict=True)
        ]
    yield "Beats and heart rate of each hour", html_table(table, index=False)


def _models(findings):
    cards = {"Model of beats": findings.model.card, "Model of rhythms": findings.rhythm_model.card}
    for heading, card in cards.items():
        facts = {text: card[key] for key, text in CARD.items() if card.get(key)}
        facts |= {text: "; ".join(value) for text, value in facts.items() if isinstance(value, list)}
        if facts:
            yield heading, fact_table(facts)
        else:
            yield (
                heading,
                paragraph("Its file has no card: neither its training nor its accuracy is known here."),
            )


class _Paper:
    """Strips of a recording."""

    def __init__(self, findings):
        self.findings = findings
        source = findings.recording
        is_lazy = not isinstance(source, mne.io.BaseRaw) and find_wfdb(source) is not None
        self.source = source if is_lazy else read_recording(source)  # MNE opens files slowly

    def cut(self, middle, title, focus=(0.0, 0.0), seconds=SECONDS):
        """The strip around a time in s."""
        findings, beats = self.findings, self.findings.beats
        start = float(np.clip(middle - seconds / 2, 0.0, max(findings.duration - seconds, 0.0)))
        stop = min(start + seconds, findings.duration)
        raw = read_recording(self.source, start=start, stop=stop)
        data = 1e3 * raw.get_data(findings.leads)
        middles = [np.median(s[np.isfinite(s)]) if np.isfinite(s).any() else 0.0 for s in data]
        inside = beats["onset"].between(start, stop)
        return Strip(
            title,
            start,
            start + raw.times,
            findings.leads,
            data - np.array(middles)[:, None],
            beats["onset"][inside].to_numpy(),
            beats["description"][inside].to_numpy(),
            focus,
        )


def _examples(findings):
    """Pages with strips of each finding."""
    paper = _Paper(findings)
    groups = _whole(findings, paper) if findings.duration <= SHORT else _found(findings, paper)
    for heading, caption, strips in groups:
        yield heading, plot_strips(strips, findings.classes), f"{caption} {PAPER}"


def _whole(findings, paper):
    edges = np.arange(0.0, findings.duration - 1.0, SECONDS)
    strips = [paper.cut(edge + SECONDS / 2, f"from {clock(edge)}") for edge in edges]
    yield "The whole recording", "Each beat with its class; ? is not judged.", strips


def _found(findings, paper):
    beats = findings.beats
    if findings.problem:
        strip = paper.cut(findings.duration / 2, "the middle of the recording")
        yield "What the recording holds instead of an ECG that can be judged", findings.problem, [strip]
        return
    found = find_runs(beats)
    for name in findings.classes[1:]:
        own = beats[beats["description"] == name]
        meaning = f" ({MEANINGS[name]})" if name in MEANINGS else ""
        if len(own):
            picked = _surest(own, f"proba_{name}")
            strips = [
                paper.cut(
                    b.onset,
                    f"{clock(b.onset, 1)}: {name}, probability {p:.2f}",
                    (b.onset - 0.25, b.onset + 0.4),
                )
                for b, p in zip(picked.itertuples(), picked[f"proba_{name}"], strict=True)
            ]
            caption = f"{len(strips)} of {len(own)} {name} beats, those with the highest probability."
            yield f"{name}{meaning} beats", caption, strips
        in_row = found[(found["description"] == name) & (found["n_beats"] > 1)]
        if len(in_row):
            longest = in_row.sort_values(["n_beats", "rate"], ascending=False, kind="stable")[:2]
            strips = [
                paper.cut(
                    r.onset + min(r.duration / 2, SECONDS / 2 - 1.5),
                    f"{clock(r.onset, 1)}: {r.n_beats} {name} beats in a row, {r.rate:.0f}/min",
                    (r.onset - 0.25, r.onset + r.duration + 0.4),
                )
                for r in longest.itertuples()
            ]
            caption = f"The longest {len(strips)} of {len(in_row)} pairs and runs of {name} beats."
            yield f"{name}{meaning} beats in a row", caption, strips
    yield from _rhythms(findings, paper)
    yield from _extremes(findings, paper)


def _surest(beats, column):
    """The beats with the highest probability, with some time between them if there are enough."""
    picked = []
    ordered = beats.sort_values(column, ascending=False, kind="stable")
    for apart in (APART, SECONDS / 2):
        for number, onset in zip(ordered.index, ordered["onset"], strict=True):
            if len(picked) < N_EXAMPLES and all(abs(onset - beats["onset"][k]) >= apart for k in picked):
                picked.append(number)
    return beats.loc[picked]


def _rhythms(findings, paper):
    windows = findings.rhythm
    for name in [name for name in RHYTHMS if name != "N"]:
        own = windows[windows["description"] == name]
        if len(own):
            best = own.sort_values(f"proba_{name}", ascending=False, kind="stable")[:1]
            strips = [
                paper.cut(
                    w.onset + w.duration / 2,
                    f"within {clock(w.onset)} to {clock(w.onset + w.duration)}: {name}, probability {p:.2f}",
                )
                for w, p in zip(best.itertuples(), best[f"proba_{name}"], strict=True)
            ]
            caption = f"The middle of 1 of {len(own)} windows, the one with the highest probability."
            yield f"Rhythm: {RHYTHMS[name]}", caption, strips


def _extremes(findings, paper):
    """The slowest and the fastest minute, and what is not judged for longest."""
    rates = heart_rates(findings.beats)
    if rates:
        strips = []
        for which in ("lowest", "highest"):
            at = rates[f"{which}_at"]
            text = f"{which} heart rate of a minute, median {rates[which]:.0f}/min, from {clock(at)}"
            strips.append(paper.cut(at + 30.0, text))
        yield "Slowest and fastest minute", "The middle of each.", strips
    lost = ~is_judged(findings.beats)
    spans = [span for span in runs(lost) if lost[span.start]]
    if spans:
        longest = max(spans, key=lambda span: span.stop - span.start)
        onset = findings.beats["onset"].to_numpy()[longest]
        why = findings.beats["quality"].to_numpy()[longest.start]
        strip = paper.cut(
            min(onset[0] + 2.5, onset.mean()),
            f"from {clock(onset[0], 1)}: {len(onset)} beats in a row are not judged, the signal is {why}",
            (onset[0] - 0.25, onset[-1] + 0.4),
        )
        yield (
            NOT_JUDGED.capitalize(),
            f"The longest of {len(spans)} such stretches, {lost.sum()} beats in all.",
            [strip],
        )
