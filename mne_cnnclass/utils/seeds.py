"""Seeds from what scikit-learn calls a random state."""

import numpy as np
from sklearn.utils import check_random_state


def draw_seed(random_state):
    """A seed for torch; without a random state it is fresh, and the global one is not asked."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    return int(check_random_state(random_state).randint(2**31 - 1))
