"""Streams of another process, by the Lab Streaming Layer; they stay on this computer."""

import mne
import numpy as np
import pytest
from streamed import HOW, rhythm_raw

from mne_cnnclass.live import DecisionOutlet, LiveClassifier, list_streams

pytestmark = pytest.mark.slow
ON = HOW | dict(trained_live=True)
SEARCH = dict(timeout=10.0, patience=1.0)


def test_a_stream_gives_the_same_bits_as_its_recording(pipeline, play, seen):
    raw = rhythm_raw(9, n_events=3)
    play(raw, "mne-cnnclass-bits")
    live = LiveClassifier(pipeline, **ON, step=0.25)
    decisions = list(live.connect("mne-cnnclass-bits", **SEARCH))
    data, sent = np.concatenate(seen, axis=1), raw.get_data()
    first = int((sent == data[:, :1]).all(axis=0).argmax())  # those before were sent before we listened
    assert (data == sent[:, first : first + data.shape[1]]).all()
    assert data.shape[1] >= sent.shape[1] - first - 7
    replayed = list(live.replay(mne.io.RawArray(data, raw.info, verbose="ERROR")))
    assert sum(d.judged for d in decisions) > 8
    assert [(d.label, d.proba, d.status) for d in decisions] == [
        (d.label, d.proba, d.status) for d in replayed
    ]


@pytest.mark.parametrize("encoding", ["string", "one-hot"])
def test_epochs_at_markers_of_a_stream_in_microvolts_are_those_of_the_recording(encoding, pipeline, play):
    raw, name = rhythm_raw(9, n_events=4), f"mne-cnnclass-{encoding}"
    expected = [d.label for d in LiveClassifier(pipeline, **ON).replay(raw)]
    play(raw, name, unit="microvolts", encoding=encoding)
    live = LiveClassifier(pipeline, **ON)
    decisions = list(live.connect(name, markers=f"{name}-annotations", **SEARCH))
    judged = [d for d in decisions if d.judged]
    assert len(judged) >= 2
    assert [d.event for d in judged] == ["rhythm", "noise", "rhythm", "noise"][-len(judged) :]
    assert [d.label for d in judged] == expected[-len(judged) :]


def test_decisions_are_sent_as_a_stream(pipeline, raw, play):
    from mne_lsl.lsl import StreamInlet, resolve_streams

    live = LiveClassifier(pipeline, **ON)
    with DecisionOutlet("mne-cnnclass-decisions", live.classes_) as outlet:
        (found,) = resolve_streams(10.0, name="mne-cnnclass-decisions")
        inlet = StreamInlet(found)
        inlet.open_stream(timeout=5)
        decisions = list(live.replay(raw, callbacks=[outlet]))
        samples, _ = inlet.pull_chunk(timeout=5, max_samples=len(decisions))
        names = inlet.get_sinfo().get_channel_names()
    assert names == live.classes_.tolist()
    assert samples.tolist() == [[d.proba[name] for name in names] for d in decisions]


def test_what_is_no_stream_is_an_error_that_lists_the_others(pipeline, play):
    play(rhythm_raw(9, n_events=3), "mne-cnnclass-there")
    assert any(line.startswith("mne-cnnclass-there (type eeg, 4 channels, 100 Hz") for line in list_streams())
    live = LiveClassifier(pipeline, **ON, step=0.25)
    with pytest.raises(RuntimeError, match="0 LSL streams 'mne-cnnclass-not'.*mne-cnnclass-there"):
        live.connect("mne-cnnclass-not", timeout=0.5)
    with pytest.raises(ValueError, match="markers= is the stream of the events"):
        live.connect("mne-cnnclass-there", markers="mne-cnnclass-there-annotations")
