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
