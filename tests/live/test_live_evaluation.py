"""Scores of decisions over time, on decisions whose scores are known, and on a rhythm that is found."""

import numpy as np
import pytest
from streamed import HOW, rhythm_raw

from mne_cnnclass.live import Decision, LiveClassifier, evaluate_live

CUES = {2.0: "rhythm", 4.0: "noise", 6.0: "rhythm", 8.0: "noise"}  # each for a second


class Told(LiveClassifier):
    """Decisions every 0.25 s as they are given: of a label from one time to another, else unsure."""

    spans: tuple

    def replay(self, recording):
        for k in range(1, 80):
            time, proba = k / 4, {"noise": 0.5, "rhythm": 0.5}
            for start, end, name in self.spans:
                if start <= time < end:
                    proba = {n: 0.9 if n == name else 0.1 for n in proba}
            label = max(proba, key=proba.get)
            yield Decision(time - 0.5, time, label, proba)


def test_delays_alarms_and_chance_are_those_of_decisions_that_are_known(pipeline):
    raw = rhythm_raw(1, n_events=4, subject="S07")
    live = Told(pipeline, **HOW, step=0.25)
    live.spans = (
        (2.5, 3.5, "rhythm"),  # after 0.5 s
        (4.25, 4.5, "rhythm"),  # wrong after 0.25 s …
        (4.75, 5.0, "noise"),  # … and right after 0.75 s
        (11.0, 12.0, "noise"),  # an alarm
        (14.0, 14.25, "rhythm"),  # another one
    )
    result = evaluate_live(live, raw, threshold=0.8, n_shuffles=20)
    cues = result.cues.set_index("onset")
    assert cues["cue"].to_dict() == CUES
    assert cues["delay"].dropna().to_dict() == {2.0: 0.5, 4.0: 0.25}
    assert cues["time_to_correct"].dropna().to_dict() == {2.0: 0.5, 4.0: 0.75}
    scores = result.scores.loc["S07"]
    assert (result.scores.loc["all"] == scores).all()
    assert scores[["n_cues", "detected", "correct"]].tolist() == [4, 0.5, 0.25]
    n_away = 8 + 3 * 2 + 41  # decisions before the first cue, between cues, and from 9.75 to 19.75 s
    assert scores["false_alarms"] == pytest.approx(2 / (n_away * 0.25 / 60))
    assert result.decisions["cue"].notna().sum() == 16
    assert "Shuffled onsets" in repr(result)
    with pytest.raises(ValueError, match="no recording 'x'"):
        result.plot("x")


def test_a_rhythm_is_found_above_chance_and_the_figure_has_its_cues(pipeline, raw):
    live = LiveClassifier(pipeline, **HOW, step=0.25, trained_live=True)
    result = evaluate_live(live, raw, threshold=0.6, n_shuffles=100)
    assert result.scores.loc["all", "accuracy"] > result.chance.loc["accuracy", "mean"] + 0.1
    assert result.chance.loc["accuracy", "p"] == pytest.approx(1 / 101)
    fig = result.plot()
    (ax,) = fig.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Time of the decision (s)", "Probability")
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["noise (shaded: 10 cues)", "rhythm (shaded: 10 cues)", "threshold 0.6"]
    assert np.isnan(ax.lines[0].get_ydata()[0])  # filters settle
    with pytest.raises(ValueError, match="step=, events="):
        evaluate_live(LiveClassifier(pipeline, **HOW), raw)
