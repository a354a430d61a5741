"""Figures of scores and of training, drawn with matplotlib, which is loaded at the first figure."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
