"""What a training leaves behind: the network, and all that turns samples into its probabilities."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import softmax
from torch import nn

from ..networks.build import build_module
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
            side = self.side_scaler.transform(side, X)
            if side.shape[1]:
                inputs.append(side[start : start + batch_size] for start in range(0, len(side), batch_size))
            return predict_logits(self.module, zip(*inputs, strict=True), device=device)

    def probabilities(self, logits):
        """Probabilities of the classes, shape (n_samples, n_classes)."""
        return softmax(logits / self.temperature, axis=1)

    def weights(self):
        """The weights of the network by name, on the CPU."""
        return {name: value.detach().cpu() for name, value in self.module.state_dict().items()}

    def describe(self, tensors):
        """What makes it, for a file; the weights, and arrays of side inputs, join the tensors."""
        tensors.update({name: value.contiguous().clone() for name, value in self.weights().items()})
        model, scaler, side = self.architecture["model"], self.scaler, self.side_scaler
        return {
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
        with torch_session(self.seed, n_threads=1):
            module = build_module(**self.architecture, accelerate=accelerate, explain=False)
        module.load_state_dict(weights)
        return module.eval()
