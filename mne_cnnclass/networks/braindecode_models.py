"""The models of braindecode by name: which are no classifiers, and what arguments the others need."""

import contextlib
import functools
import warnings

import mne

# Names that are models of braindecode but no classifiers of epochs, and why.
REFUSED = {
    "DANCE": "it marks events in a long recording and returns logits of 256 event queries, not of a window",
    "EMG2QwertyNet": "it turns EMG of two wristbands into a sequence of typed characters",
    "InterpolatedSignalJEPA": "it returns features for pre-training; take SignalJEPA_Contextual, "
    "SignalJEPA_PreLocal or SignalJEPA_PostLocal",
    "MetaNeuromotorHand": "it turns EMG of a wristband into a sequence of written characters",
    "NeuroPose": "it regresses the angles of finger joints at every sample of EMG",
    "REVE": "it downloads the positions of its electrodes when it is built",
    "SensingDynamics": "it regresses the angles of finger joints at every sample of 16-channel EMG",
    "SignalJEPA": "it returns features for pre-training; take SignalJEPA_Contextual, SignalJEPA_PreLocal or "
    "SignalJEPA_PostLocal",
    "VEMG2Pose": "it regresses the angles of finger joints at every sample of EMG",
}


@contextlib.contextmanager
def quiet_braindecode():
    """Silence what braindecode and torch say about their own code and defaults while they are used as meant.

    Only warnings issued from inside these packages are ignored, and those that they send through MNE's log.
    """
    with warnings.catch_warnings(), mne.use_log_level("ERROR"):
        warnings.filterwarnings("ignore", module=r"(braindecode|torch|torchaudio)(\.|$)")
        yield


@functools.cache
def braindecode_classes():
    """The classes of all models that the installed braindecode has, by name."""
    with quiet_braindecode():
        warnings.simplefilter("ignore")  # whatever an import warns of, no user is to blame
        try:
            import braindecode.models  # noqa: F401 - fills the tables
        except OSError as error:  # of a library that torchaudio loads
            raise ImportError(
                f"braindecode can't be imported ({error}): torch and torchaudio are of different builds, as "
                "without and with CUDA. Install both from one index: pip install --force-reinstall torch "
                "torchaudio, with --index-url https://download.pytorch.org/whl/cpu for those without."
            ) from error
        from braindecode.models.util import interpolated_models_dict, models_dict

    return {**models_dict, **interpolated_models_dict}


def is_braindecodes(cls):
    """Whether a class is braindecode's own; braindecode is not imported, which takes seconds, to find out."""
    return cls.__module__.startswith("braindecode.") and braindecode_classes().get(cls.__name__) is cls


def default_params(cls, n_chans):
    """Constructor arguments without which a model does not take every input that it could.

    ``BENDR`` wants the channels that its published weights know if it is told names; with new weights, any
    channels do. ``EEGDINO`` has channel embeddings for 19 channels only unless told to have more.
    ``STEEGFormer`` looks its channels up in a table that it downloads unless told their places. ``USleep``
    refuses sampling frequencies at which its kernel would have an even length unless it may round it up.
    """
    defaults = {
        "BENDR": {"chs_info": None},
        "EEGDINO": {"n_channel_embeddings": max(19, n_chans)},
        "STEEGFormer": {"n_chans_pos": max(145, n_chans), "chan_pos_idx": list(range(n_chans))},
        "USleep": {"ensure_odd_conv_size": True},
    }
    return defaults.get(cls.__name__, {}) if is_braindecodes(cls) else {}


def would_download(model, params):
    """Whether an architecture, by its name, asks the Internet for what it is built of."""
    return model == "STEEGFormer" and (params or {}).get("chan_pos_idx", ()) is None
