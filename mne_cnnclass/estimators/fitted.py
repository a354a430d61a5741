"""What a training leaves behind: the network, and all that turns samples into its probabilities."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax
from torch import nn

from ..networks.build import build_module
from ..networks.fast import accelerated_layers
from ..networks.training import predict_logits, resolve_device, torch_session
from ..samples.blocks import iter_blocks
from ..samples.scaling import ChannelScaler
from .saving.write import describe_each, model_name
from .side_inputs import SideScaler

PREDICTION_VALUES = 2**21  # of a batch at prediction: enough to keep the processor busy, and small in memory


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

    def logits(self, X, side, *, device, n_threads, watch=None):
        """Outputs of the network before the temperature, float64 of shape (n_samples, n_classes).

        ``X`` are checked samples, ``side`` their metadata columns among the side inputs; a `ScaleWatch` may
        look at the standardised samples. Outputs may not be finite.
        """
        device = resolve_device(device)
        batch_size = min(max(PREDICTION_VALUES // (X.shape[1] * X.shape[2]), 16), 512)
        blocks = map(self.scaler.transform, iter_blocks(X, batch_size))
        inputs = [blocks if watch is None else watch.through(blocks)]
        with self.session(device=device, n_threads=n_threads):
            if len(self.side_scaler.mean_):
                side = self.side_scaler.transform(side, X)
                inputs.append(side[start : start + batch_size] for start in range(0, len(side), batch_size))
            return predict_logits(self.module, zip(*inputs, strict=True), device=device)

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


def _layers(module):
    """What is known of each layer, and of each weight but its numbers, by name."""
    layers = {name: f"{type(one).__name__}({one.extra_repr()})" for name, one in module.named_modules()}
    sizes = ((name, f"{tuple(v.shape)} of {v.dtype}") for name, v in module.state_dict().items())
    return layers | dict(sizes)
