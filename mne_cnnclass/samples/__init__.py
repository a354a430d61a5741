"""What X, y and groups may be: Epochs as samples of scikit-learn, arrays, labels, and their checks."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
