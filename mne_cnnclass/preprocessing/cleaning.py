"""Steps on one recording, by MNE's functions; those on its continuous signal say in words what they did."""

import warnings

import mne
import numpy as np
from scipy.stats import pearsonr
from sklearn.exceptions import ConvergenceWarning

from ..samples.blocks import known_places
from ..samples.channel_names import MONTAGE_1005, standard_mapping
from ..samples.gaps import bridge, bridged, filter_around, has_gaps, still_spans
from ..samples.mne_internals import data_of
from ..samples.sources import BRAIN, sample_channels
from ..utils.extras import from_extra
from ..utils.text import shortened

FLAT = 1e-7  # V peak to peak from sample to sample: below what any amplifier's noise leaves
LOF_THRESHOLD = 2.0
EOG_CORRELATION = 0.5  # of a component with an EOG channel, 1 to 10 Hz
MIN_CHANNELS = 8  # fewer show no outliers
MIN_GOOD = 4  # that others can be interpolated from
MIN_EPOCHS = 5  # folds of autoreject


def name_channels(recording, rename, ch_types):
    """Names and types of the channels; read from the header alone."""
    source = recording.source
    try:
        if rename is not None:
            recording.rename(standard_mapping(source.ch_names) if rename == "standard" else rename)
        if ch_types is not None:
            if not isinstance(ch_types, dict):
                raise TypeError(f'ch_types must be a dict such as dict(EOG1="eog"), got {ch_types!r}.')
            source.set_channel_types(ch_types, verbose="ERROR")
    except ValueError as error:
        raise ValueError(f"{recording}: {error} It has the channels {', '.join(source.ch_names)}.") from error


def place_channels(recording, montage, picks):
    """Positions of the channels, which EEG channels must have that are not left out by picks."""
    source = recording.source
    if isinstance(montage, str):
        montage = MONTAGE_1005 if montage in ("standard_1005", "colin27_1005") else montage
        montage = mne.channels.make_standard_montage(montage)
    if not isinstance(montage, mne.channels.DigMontage):
        raise TypeError(f"montage must be a name or an mne.channels.DigMontage, got {montage!r}.")
    eeg = [source.ch_names[i] for i in mne.pick_types(source.info, eeg=True, exclude=())]
    lacking = [name for name in eeg if name not in montage.ch_names]
    if picks is not None and not np.isin(["eeg", "data", "all"], picks).any():
        lacking = [name for name in lacking if name in np.atleast_1d(picks)]
    if lacking:
        raise ValueError(
            f"The montage has no position for {', '.join(lacking)} of {recording}. Rename the channels "
            '(rename="standard", or a dict), give those that are no EEG their type '
            '(ch_types=dict(EOG1="eog")), or leave them out by picks.'
        )
    source.set_montage(montage, on_missing="raise" if picks is None else "ignore", verbose="ERROR")


def _check_names(names, raw, recording, what):
    if not np.iterable(names):
        raise TypeError(f"{what} must be names of channels, got {names!r}.")
    unknown = [name for name in names if name not in raw.ch_names]
    if unknown:
        raise ValueError(
            f"{what} {unknown} are no channels of {recording}, which has {', '.join(raw.ch_names)}."
        )


def note_empty(raw, recording):
    """Mark channels bad that hold no number at all."""
    data = data_of(raw)
    picks = _signals(raw.info) if has_gaps(data) else ()
    found = [raw.ch_names[k] for k in picks if not np.isfinite(data[k]).any()]
    found = [name for name in found if name not in raw.info["bads"]]
    raw.info["bads"] += found
    if found:
        recording.tell([f"channel(s) {shortened(found)} hold no number, and are marked bad"])


def find_still(raw, recording):
    """Find where channels are constant, flat or at the rail of the amplifier, for a second and longer.

    All of them at the end are what fills up a file, which only the log says.
    """
    data, names = data_of(raw), sample_channels(raw.info)
    found = {name: still_spans(data[raw.ch_names.index(name)], raw.info["sfreq"]) for name in names}
    kept, end = dict(found), raw.n_times / raw.info["sfreq"]
    begin = end
    while kept and all(len(its) and its[-1, 1] >= begin - 1 for its in kept.values()):
        begin = max(its[-1, 0] for its in kept.values())
        kept = {name: its[:-1] for name, its in kept.items()}
    if begin < end:
        recording.tell((), [f"the last {end - begin:.3g} s hold no signal"])
        found = kept
    recording.still = {name: its for name, its in found.items() if len(its)}


def find_bads(raw, recording):
    """Flat and noisy EEG channels, and the reason of each."""
    eeg = mne.pick_types(raw.info, eeg=True)
    if len(eeg) < MIN_CHANNELS:
        raise ValueError(
            f'bads="auto" compares EEG channels with each other and needs at least {MIN_CHANNELS}; '
            f"{recording} has {len(eeg)}. Name the bad channels."
        )
    raw = bridged(raw)
    flat = mne.preprocessing.annotate_amplitude(raw, flat=FLAT, bad_percent=50, picks=eeg, verbose="ERROR")[1]
    left = [raw.ch_names[i] for i in eeg if raw.ch_names[i] not in flat]
    # drifts are as large as what a loose electrode picks up, and would hide it
    high_passed = raw.copy().pick(left).filter(1.0, None, verbose="ERROR")
    noisy = mne.preprocessing.find_bad_channels_lof(
        high_passed, n_neighbors=min(20, len(left) // 2), threshold=LOF_THRESHOLD, verbose="ERROR"
    )
    return dict.fromkeys(flat, "flat") | dict.fromkeys(noisy, "noisy")


def interpolate(raw, recording, bads):
    """Interpolate the channels given, those found (``"auto"``), and those that the file marks as bad."""
    kinds = dict(eeg=True, meg=True, fnirs=True)
    brain = {raw.ch_names[i] for i in mne.pick_types(raw.info, **kinds, exclude=())}
    left = [name for name in raw.info["bads"] if name not in brain]
    reasons = {name: "marked in the file" for name in raw.info["bads"] if name in brain}
    if isinstance(bads, str):
        reasons |= find_bads(raw, recording)
    else:
        _check_names(bads, raw, recording, "bads")
        others = [name for name in bads if name not in brain]
        if others:
            raise ValueError(
                f"bads {others} of {recording} can't be interpolated: they are no EEG, MEG or fNIRS "
                "channels. Leave them out by picks."
            )
        reasons |= dict.fromkeys(bads, "given")
    if not reasons:
        return "none"
    if len(brain) - len(reasons) < MIN_GOOD:
        raise ValueError(
            f"{len(reasons)} of {len(brain)} channels of {recording} are bad ({', '.join(reasons)}), and at "
            f"least {MIN_GOOD} good ones are needed to interpolate them from. Leave this recording out."
        )
    eeg = mne.pick_types(raw.info, eeg=True, exclude=())
    lacking = [raw.ch_names[k] for k in eeg[~known_places(raw.info["chs"])[eeg]]]
    if lacking:
        raise ValueError(
            f"The bad channels {', '.join(reasons)} of {recording} can't be interpolated without the "
            f"positions of the electrodes, which are unknown for {shortened(lacking)}; give montage, such as "
            'montage="standard_1005", or the type of what is no EEG (ch_types=dict(EOG1="eog")).'
        )
    raw.info["bads"] = list(reasons)
    raw.interpolate_bads(verbose="ERROR")
    raw.info["bads"] = left
    return "interpolated " + ", ".join(f"{name} ({why})" for name, why in reasons.items())


def _signals(info):
    """Numbers of the channels to filter: those of the brain, and of eyes, heart and muscles."""
    return mne.pick_types(info, **BRAIN, eog=True, ecg=True, emg=True, exclude=())


def _check_length(design, raw, recording, what):
    """MNE only warns of a filter that is longer than the signal, of which edges alone are left."""
    if len(design) > raw.n_times:
        seconds = len(design) / raw.info["sfreq"], raw.n_times / raw.info["sfreq"]
        raise ValueError(
            f"The filter {what} is {seconds[0]:.3g} s long, and {recording} only {seconds[1]:.3g} s. "
            "Take a higher l_freq, leave the notch out, or take a longer recording."
        )
    recording.reach = max(recording.reach, len(design))


def notch_continuous(raw, recording, freqs):
    """Notch out frequencies with MNE's FIR filter."""
    lines = np.atleast_1d(freqs)
    half = lines / 400 + 0.5  # of MNE's notch, and its transition bands
    design = mne.filter.create_filter(
        None,
        raw.info["sfreq"],
        lines + half,
        lines - half,
        l_trans_bandwidth=0.5,
        h_trans_bandwidth=0.5,
        verbose="ERROR",
    )
    text = f"{', '.join(f'{line:g}' for line in lines)} Hz"
    _check_length(design, raw, recording, f"that notches {text}")
    filter_around(raw, _signals(raw.info), lambda raw, picks: raw.notch_filter(freqs, picks, verbose="ERROR"))
    return text


def filter_continuous(raw, recording, l_freq, h_freq):
    """Band-pass with MNE's FIR filter; channels of the eyes, too, as a regression on their drifts is none."""
    design = mne.filter.create_filter(None, raw.info["sfreq"], l_freq, h_freq, verbose="ERROR")
    _check_length(design, raw, recording, f"from {l_freq} to {h_freq} Hz")
    filter_around(
        raw, _signals(raw.info), lambda raw, picks: raw.filter(l_freq, h_freq, picks, verbose="ERROR")
    )
    edges = []  # MNE's rule for l_trans_bandwidth and h_trans_bandwidth "auto"
    if l_freq is not None:
        edges.append(f"from {l_freq:g} Hz (transition {min(max(0.25 * l_freq, 2.0), l_freq):g} Hz)")
    if h_freq is not None:
        width = min(max(0.25 * h_freq, 2.0), raw.info["sfreq"] / 2 - h_freq)
        edges.append(f"to {h_freq:g} Hz (transition {width:g} Hz)")
    return "pass " + " ".join(edges)


def set_reference(raw, recording, reference):
    """A new reference of the EEG channels."""
    if reference not in ("average", "REST"):
        names = [reference] if isinstance(reference, str) else reference
        _check_names(names, raw, recording, "reference")
    # the one before, as of mne.add_reference_channels, is no channel that does not move
    zero = [name for name in recording.still if not data_of(raw)[raw.ch_names.index(name)].any()]
    before = ""
    if len(zero) == 1 and reference:
        recording.still.pop(zero[0])
        before = f"; {zero[0]}, which was 0, is taken for the reference before"
    raw.set_eeg_reference(reference, verbose="ERROR")
    return f"{reference or 'as recorded'}{before}"


def remove_artifacts(raw, recording, method, eog, ecg, random_state):
    """Eye and heart artefacts, by regression or ICA."""
    if eog is None:
        eog = [raw.ch_names[i] for i in mne.pick_types(raw.info, eog=True)]
    eog = [eog] if isinstance(eog, str) else list(eog)
    _check_names(eog, raw, recording, "eog")
    _check_names([ecg] if ecg else (), raw, recording, "ecg")
    if method == "regression":
        if not eog:
            raise ValueError(
                f'{recording} has no EOG channel, which artifacts="regression" needs. Give the type of the '
                'channel, ch_types=dict(NAME="eog").'
            )
        return _regress(raw, recording, eog)
    if not (eog or ecg or "ecg" in raw):
        raise ValueError(
            f"{recording} has neither an EOG nor an ECG channel to identify components with. Name "
            'channels that see the eyes, such as eog=["Fp1", "Fp2"], or the type of a channel by ch_types.'
        )
    # ICA is led astray by drifts; its weights hold for the signal with them
    fitted_on = bridged(raw)
    if raw.info["highpass"] < 1:
        fitted_on = fitted_on.copy().filter(1.0, None, verbose="ERROR")
    ica = mne.preprocessing.ICA(n_components=0.99, random_state=random_state, verbose="ERROR")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is in the log
        try:
            ica.fit(fitted_on, verbose="ERROR")
        except RuntimeError as error:
            n_good = len(mne.pick_types(raw.info, eeg=True))
            raise ValueError(
                f"ICA found no components in {recording}, which has {n_good} "
                'good EEG channels. Take more channels, or artifacts="regression".'
            ) from error
    found = {}
    if eog:
        # what find_bads_eog does by name, which fails for some versions of scipy and numpy
        band = dict(l_freq=1.0, h_freq=10.0, verbose="ERROR")
        scores = [ica.score_sources(fitted_on, target=name, score_func=_correlate, **band) for name in eog]
        found["eye"] = np.flatnonzero(np.abs(scores).max(axis=0) > EOG_CORRELATION)
    if ecg or "ecg" in raw:
        found["heart"] = ica.find_bads_ecg(fitted_on, ch_name=ecg, verbose="ERROR")[0]
    ica.exclude = sorted({int(i) for numbers in found.values() for i in numbers})
    ica.apply(raw, verbose="ERROR")
    counts = ", ".join(f"{len(numbers)} of the {name}" for name, numbers in found.items())
    unsure = "" if ica.n_iter_ < ica.max_iter else f" (not converged in {ica.max_iter} iterations)"
    return f"ICA, {ica.n_components_} components{unsure}, removed {counts}"


def _correlate(sources, target):
    return np.array([pearsonr(source, target.ravel()).statistic for source in sources])


def _regress(raw, recording, eog):
    eeg = "eeg" in raw
    if eeg and not raw.info["custom_ref_applied"]:
        raise ValueError(
            f'{recording}: artifacts="regression" needs a reference, such as reference="average"; '
            "reference=[] keeps that of the recording."
        )
    data = data_of(raw)
    lost = bridge(data) if has_gaps(data) else None
    with mne.use_log_level("ERROR"):
        mne.preprocessing.EOGRegression(picks_artifact=eog).fit(raw).apply(raw, copy=False)
    if lost is not None:
        of_eyes = lost[[raw.ch_names.index(name) for name in eog]].any(axis=0)
        lost[mne.pick_types(raw.info, **BRAIN)] |= of_eyes
        data[lost] = np.nan
    return f"regression on {', '.join(eog)}"


def find_thresholds(epochs, recording, random_state):
    """The threshold of each channel type that autoreject finds for this recording."""
    with from_extra("autoreject", 'reject="auto"'):
        from autoreject import get_rejection_threshold
    if len(epochs) < MIN_EPOCHS:
        raise ValueError(
            f'reject="auto" cross-validates and needs at least {MIN_EPOCHS} epochs; {recording} has '
            f"{len(epochs)}. Give thresholds, reject=dict(eeg=150e-6)."
        )
    found = get_rejection_threshold(epochs, random_state=random_state, cv=MIN_EPOCHS, verbose=False)
    if not found:
        types = ", ".join(epochs.get_channel_types(unique=True))
        raise ValueError(
            f'reject="auto" is for EEG, MEG and EOG channels; {recording} has {types}. Give thresholds, such '
            "as reject=dict(ecg=5e-3)."
        )
    return found


def limit_text(name, limit):
    """A threshold in words."""
    word = "above" if name == "reject" else "below"
    units, scalings = mne.defaults.DEFAULTS["units"], mne.defaults.DEFAULTS["scalings"]
    return ", ".join(
        f"{kind} peak to peak {word} {value * scalings.get(kind, 1):.3g} {units.get(kind, '(SI)')}"
        for kind, value in limit.items()
    )
