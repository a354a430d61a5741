"""What is kept of a training that Ctrl-C or an error ends early."""

import contextlib
import signal
import threading

import torch
from skorch.callbacks import Callback


class Interrupted(Exception):  # noqa: N818, not an error
    """Ctrl-C came during a training."""


class Stopping(Callback):
    """Stops after a batch if Ctrl-C came, and keeps the weights of the last epoch that came to its end.

    If early stopping ``keeps_best`` weights, those of the last epoch are not needed.
    """

    def __init__(self, keeps_best):
        self.keeps_best = keeps_best

    def on_train_begin(self, net, **kwargs):
        self.ctrl_c, self.n_complete, self.weights = False, len(net.history), None

    @contextlib.contextmanager
    def noting_ctrl_c(self):
        """Take note of a first Ctrl-C, which would else end this block anywhere; a second one does."""
        usual = signal.default_int_handler
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main or signal.getsignal(signal.SIGINT) != usual:
            yield  # another thread never sees it, and another program's way is left alone
            return

        def note(*_):
            self.ctrl_c = True
            signal.signal(signal.SIGINT, usual)

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, usual)

    def on_batch_end(self, net, **kwargs):
        if self.ctrl_c:
            raise Interrupted

    def on_epoch_end(self, net, **kwargs):
        self.n_complete = len(net.history)
        if not self.keeps_best:
            self.weights = {name: value.clone() for name, value in net.module_.state_dict().items()}

    def put_back(self, net):
        """Weights and history as they were after the last whole epoch."""
        if self.weights is not None:
            net.module_.load_state_dict(self.weights)
        del net.history[self.n_complete :]


def is_out_of_memory(error):
    """Whether an error is one of memory; on the CPU, torch has no class for it, only the words."""
    texts = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in texts)
    )


def fitting_batch_size(net, dataset):
    """The largest half, quarter … of a net's batch size with which a step fits into memory, or None."""
    size = min(net.batch_size, len(dataset)) // 2
    while size:
        net.optimizer_.zero_grad(set_to_none=True)
        try:
            net.train_step_single(dataset[slice(0, size)])
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            size //= 2
        else:
            return size
    return None
