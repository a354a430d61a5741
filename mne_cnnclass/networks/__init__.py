"""What is trained and how: architectures, their faster equivalents, and the training of one network by torch.

Nothing here knows of Epochs: samples are tensors, labels are integers. torch is imported at the first use.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
