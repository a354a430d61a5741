"""Which recipe and baselines fit samples, why, how long it takes, and what limits it."""

from .suggest import Suggestion, suggest

__all__ = ["Suggestion", "suggest"]
