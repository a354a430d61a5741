"""What ends a training early: Ctrl-C, and a lack of memory."""

import contextlib
import signal
import threading

import torch


class Interrupted(Exception):  # noqa: N818, not an error
    """Ctrl-C came during a training."""


class CtrlC:
    """Takes note of a first Ctrl-C, which would else end a training anywhere; a second one does."""

    def __init__(self):
        self.came = False

    @contextlib.contextmanager
    def noted(self):
        """Within the block, a first Ctrl-C is but noted."""
        usual = signal.default_int_handler
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main or signal.getsignal(signal.SIGINT) != usual:
            yield  # another thread never sees it, and another program's way is left alone
            return

        def note(*_):
            self.came = True
            signal.signal(signal.SIGINT, usual)

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)

    def check(self):
        """End the training if it came."""
        if self.came:
            raise Interrupted


def is_out_of_memory(error):
    """Whether an error is one of memory; on the CPU, torch has no class for it, only the words."""
    texts = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in texts)
    )


def fitting_batch_size(net):
    """The largest half, quarter … of the batch size with which a step of the only network fits, or None."""
    dataset = net.trainings[0].samples
    size = min(net.batch_size, len(dataset)) // 2
    while size:
        net.optimizer_.zero_grad(set_to_none=True)
        inputs, y = dataset[slice(0, size)]
        try:
            net.train_batch([0], {name: values[None] for name, values in inputs.items()}, y[None])
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            size //= 2
        else:
            return size
    return None
