"""What a trained classifier looks at, as MNE objects and tables.

Two kinds of answer: what a network computes (patterns, filters, saliency), and what a score loses when a
channel or band no longer belongs to its sample (importance by permutation), which any estimator can be asked.
"""

from .components import component_contributions, filter_responses, spatial_patterns, temporal_filters
from .gradients import saliency, saliency_spectrum
from .importance import EEG_BANDS, band_importance, channel_importance

__all__ = [
    "EEG_BANDS",
    "band_importance",
    "channel_importance",
    "component_contributions",
    "filter_responses",
    "saliency",
    "saliency_spectrum",
    "spatial_patterns",
    "temporal_filters",
]
