"""Scikit-learn estimators that classify epochs of MNE-Python with convolutional networks.

The public names are loaded at first use: importing the package imports neither torch nor braindecode.
"""

import lazy_loader as lazy

from ._version import __version__

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
__all__ += ["__version__"]
