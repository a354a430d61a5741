"""Errors of folds, which reach the user from whatever process."""

import pickle
import traceback
from functools import partial

from joblib.externals.loky.backend.reduction import dumps
from sklearn.exceptions import FitFailedWarning


class FoldError(Exception):
    """What a fold failed with, on its way to the user through processes that it may not survive as it is."""

    def __init__(self, error):
        super().__init__(error)
        self.error = error

    def __reduce__(self):
        text = "".join(traceback.format_exception(self.error))
        return _arrive, (_pickle_error(self.error), text)


class RemoteTraceback(Exception):
    """The traceback that an error had in another process, as text."""


class FoldsFailedWarning(FitFailedWarning, UserWarning):
    """Some folds failed, and the others are what the scores are of."""


def _pickle_error(error):
    """A pickled function that makes an error again, with its class and message as far as that is possible."""
    cls, text = type(error), str(error)
    for described in (
        # not the error itself: the hook of copyreg that dask puts in place (tblib's) drops what __init__ took
        lambda: partial(_described, *error.__reduce__()),
        lambda: partial(
            _without_init, cls, error.args, vars(error)
        ),  # whose __init__ takes something else than args
        lambda: partial(_without_init, cls, (text,), {}),
    ):
        try:
            pickled = bytes(dumps(described()))  # also of classes of __main__
            made = _made_again(pickled)
            if type(made) is cls and (str(made) == text or not text):
                return pickled
        except Exception:  # of whatever kind: classes of users raise what they like
            continue
    return bytes(dumps(partial(RuntimeError, f"{cls.__name__}: {text}")))


def _made_again(pickled):
    return pickle.loads(pickled)()  # noqa: S301 - of the same evaluation


def _described(cls, args, state=None):
    error = cls(*args)
    if state is not None:
        error.__setstate__(state)
    return error


def _without_init(cls, args, state):
    error = cls.__new__(cls, *args)
    error.args = args
    vars(error).update(state)
    return error


def _arrive(pickled, text):
    error = _made_again(pickled)
    error.__cause__ = RemoteTraceback(f"\n{text}")
    return FoldError(error)
