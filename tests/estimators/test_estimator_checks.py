"""Scikit-learn's own checks of an estimator."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from mne_cnnclass import CNNClassifier

STOCHASTIC = (
    "weights change the mini-batches, and with them the path of the optimizer: the reason that scikit-learn "
    "gives for its own stochastic estimators (SGDClassifier, MLPClassifier …)"
)


def expected_failures(estimator):
    return {"check_sample_weight_equivalence_on_dense_data": STOCHASTIC}


# a twentieth of the default training epochs, as scikit-learn lowers max_iter of its own estimators here
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks([CNNClassifier(max_epochs=2)], expected_failed_checks=expected_failures)
def test_check_estimator(estimator, check):
    reason = expected_failures(estimator).get(check.func.__name__)
    if reason:
        pytest.xfail(reason)  # without a minute of training
    check(estimator)
