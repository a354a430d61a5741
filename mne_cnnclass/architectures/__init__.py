"""What can be trained: the models of braindecode, MultiScaleCNN, and any class that is built as they are."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
