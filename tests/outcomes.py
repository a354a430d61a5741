"""What may come of bad input: an error or a warning that says what to do, or the right result."""

from dataclasses import dataclass

import numpy as np
import pytest


@dataclass
class Raises:
    """An error of this type, whose message names the culprit and the mend."""

    kind: type
    message: str

    def check(self, call, problem):
        with pytest.raises(self.kind, match=self.message) as raised:
            call(problem)
        home = raised.type.__module__.partition(".")[0]
        assert home in ("builtins", "mne_cnnclass") or raised.type.__name__ == "NotFittedError"


@dataclass
class Warns:
    """A result, and a warning."""

    message: str

    def check(self, call, problem):
        with pytest.warns(RuntimeWarning, match=self.message):
            call(problem)


@dataclass
class Gives:
    """What a function of the problem says is right."""

    right: object

    def check(self, call, problem):
        np.testing.assert_array_equal(call(problem), self.right(problem))


@dataclass
class Same:
    """The probabilities of good input, up to the precision of what came."""

    tolerance: float = 1e-6

    def check(self, call, problem):
        np.testing.assert_allclose(call(problem), problem.proba, rtol=0, atol=self.tolerance)


def table(*rows):
    """Rows of (name, call, outcome) for `pytest.mark.parametrize`."""
    return pytest.mark.parametrize(
        ("call", "outcome"), [pytest.param(call, outcome, id=name) for name, call, outcome in rows]
    )
