"""What a training leaves behind: the network, and all that turns samples into its probabilities."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax
from sklearn.utils.validation import check_is_fitted
from torch import nn

from ..networks.build import build_module
from ..networks.fast import accelerated_layers
from ..networks.training import predict_at_once, predict_logits, resolve_device, torch_session
from ..samples.amplitudes import ScaleWatch
from ..samples.blocks import iter_blocks
from ..samples.checks import check_samples, check_side_inputs
from ..samples.scaling import ChannelScaler
from .checks import check_logits
from .saving.write import describe_each, model_name
from .side_inputs import SideScaler

PREDICTION_VALUES = 2**21  # of a batch at prediction: enough to keep the processor busy, and small in memory
LEAST_BATCH = 16  # samples


@dataclass
class FittedNetwork:
    """A trained network with its standardisation and temperature, which predicts checked samples."""

    module: nn.Module  # the network, or the `Ensemble` of several
    scaler: ChannelScaler
    side_scaler: SideScaler
    architecture: dict  # arguments of `build_module` that built the network
    seed: int  # of the training
    temperature: float = 1.0  # what logits are divided by
    frozen: tuple = ()  # names of weights that are not trained, while `module` are weights alone

    def session(self, *, device, n_threads):
        """A torch session to predict in; only a user's own class may draw random numbers when it predicts."""
        seed = None if isinstance(self.architecture["model"], str) else self.seed
        return torch_session(seed, n_threads=n_threads, device=device)

    def logits(self, X, side, *, device, n_threads):
        """Outputs of the network, as `logits_of_each` has those of several."""
        return logits_of_each([self], X, side, device=device, n_threads=n_threads)[0]

    def batches(self, X, side, watch):
        """What the network is given of samples, batch by batch."""
        batch_size = min(max(PREDICTION_VALUES // (X.shape[1] * X.shape[2]), LEAST_BATCH), 512)
        blocks = map(self.scaler.transform, iter_blocks(X, batch_size))
        inputs = [blocks if watch is None else watch.through(blocks)]
        if len(self.side_scaler.mean_):
            side = self.side_scaler.transform(side, X)
            inputs.append(side[start : start + batch_size] for start in range(0, len(side), batch_size))
        return zip(*inputs, strict=True)

    def probabilities(self, logits):
        """Probabilities of the classes, shape (n_samples, n_classes)."""
        return softmax(logits / self.temperature, axis=1)

    def weights(self):
        """The weights of the network by name, on the CPU."""
        return {name: value.detach().cpu() for name, value in self.module.state_dict().items()}

    def packed(self):
        """The same with weights for a module, as `build` makes the network anew, which has to be the same."""
        change = self.change_by_hand()
        if change is not None:
            raise ValueError(
                f"module_ was changed since it was built: {change}. A pickle or a file has weights alone, so "
                "that this would be lost. copy.deepcopy keeps it; for a file, train a class of your own "
                "(model=YourClass) that has the change."
            )
        frozen = tuple(name for name, value in self.module.named_parameters() if not value.requires_grad)
        return replace(self, module=self.weights(), frozen=frozen)

    def change_by_hand(self):
        """What differs from a network that is built anew of the weights, in words; None if nothing does."""
        new, device = self._new(bool(accelerated_layers(self.module))), next(self.module.parameters()).device
        was, now = _layers(new), _layers(self.module)
        for name in {**was, **now}:
            if was.get(name) != now.get(name):
                return f"{name or 'the network'} is {now.get(name)}, and was {was.get(name)}"
        new.load_state_dict(self.weights())
        parts = self.architecture
        inputs = [np.random.default_rng(0).standard_normal((2, parts["n_chans"], parts["n_times"]), "f4")]
        if parts["n_side"]:
            inputs.append(np.ones((2, parts["n_side"]), "f4"))
        outputs = []
        for module in (self.module, new):
            with torch_session(self.seed, n_threads=1, device=device):
                outputs.append(predict_logits(module, [inputs], device=device))
        if np.allclose(*outputs, rtol=1e-3, atol=1e-5, equal_nan=True):
            return None
        return "its outputs are not those of its layers and weights, by a hook or an attribute, for instance"

    def describe(self, tensors):
        """What makes it, for a file; the weights, and arrays of side inputs, join the tensors."""
        packed = self.packed()
        tensors.update({name: value.contiguous().clone() for name, value in packed.module.items()})
        model, scaler, side = self.architecture["model"], self.scaler, self.side_scaler
        return {
            "frozen": packed.frozen,
            "custom_module": not isinstance(model, str),
            "architecture": self.architecture | {"model": model_name(model)},
            "seed": self.seed,
            "temperature": self.temperature,
            "scaler": {"standardize": scaler.standardize, "mean": scaler.mean_, "scale": scaler.scale_},
            "side_scaler": {
                "names": side.names,
                "transformers": describe_each(side.transformers_, tensors, "side_scaler/"),
                "mean": side.mean_,
                "scale": side.scale_,
            },
        }

    def build(self, weights, *, accelerate):
        """Build the network anew from these weights, in evaluation mode."""
        module = self._new(accelerate)
        module.load_state_dict(weights)
        for name in self.frozen:
            module.get_parameter(name).requires_grad_(False)
        return module

    def _new(self, accelerate):
        """A network as it was before any training, in evaluation mode."""
        with torch_session(self.seed, n_threads=1):
            return build_module(**self.architecture, accelerate=accelerate, explain=False).eval()


def logits_of_each(networks, X, side, *, device, n_threads, watches=None):
    """Outputs of networks of one architecture, float64 of shape (n_samples, n_classes).

    ``X`` are checked samples, ``side`` their metadata columns among the side inputs; of the `ScaleWatch` that
    each network may have, each looks at the samples as its network standardises them. Outputs
    are those before the temperature, and may not be finite. Few samples are given to all networks at once.
    """
    device, modules = resolve_device(device), [one.module for one in networks]
    with networks[0].session(device=device, n_threads=n_threads):
        watches = watches or [None] * len(networks)
        batches = [one.batches(X, side, watch) for one, watch in zip(networks, watches, strict=True)]
        if len(networks) > 1 and len(X) <= LEAST_BATCH:
            (each,) = zip(*batches, strict=True)
            logits = predict_at_once(modules, each, device=device)
            if logits is not None:
                return logits
            batches = [[batch] for batch in each]
        each = zip(modules, batches, strict=True)
        return [predict_logits(module, its, device=device) for module, its in each]


def logits_alike(classifiers, X):
    """Outputs of networks before the temperature, in float64 and finite.

    They are those of classifiers that were fitted on samples of one kind, which are checked once.
    """
    first = classifiers[0]
    if "network_" not in vars(first):  # to ask takes a tenth of the time of an epoch
        check_is_fitted(first)
    X = check_samples(first, X)
    how = dict(device=first.device, n_threads=first.n_threads, watches=[ScaleWatch() for _ in classifiers])
    side, networks = check_side_inputs(X, first.side_scaler_.names), [one.network_ for one in classifiers]
    each = logits_of_each(networks, X, side, **how)
    for network, logits, watch in zip(networks, each, how["watches"], strict=True):
        check_logits(logits, range(len(logits)))
        watch.warn(X, network.scaler.scale_[:, 0])
    return each


def _layers(module):
    """What is known of each layer, and of each weight but its numbers, by name."""
    layers = {name: f"{type(one).__name__}({one.extra_repr()})" for name, one in module.named_modules()}
    sizes = ((name, f"{tuple(v.shape)} of {v.dtype}") for name, v in module.state_dict().items())
    return layers | dict(sizes)
