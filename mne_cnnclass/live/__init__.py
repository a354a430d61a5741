"""Decisions while a signal comes in: streams, recordings played as streams, and how well it goes."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
