"""What a trained classifier looks at, as MNE objects and tables.

Two kinds of answer: what a network computes (patterns, filters, saliency), and what a score loses when a
channel or band no longer belongs to its sample (importance by permutation), which any estimator can be asked.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
