"""A trained classifier as an ONNX model: samples in, probabilities out, and nothing else needed."""

import contextlib
import io
import json
import logging
import warnings
from functools import partial

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.overrides import TorchFunctionMode

from ...networks.training import torch_session
from ...utils.atomic import write_atomically
from ...utils.extras import from_extra
from ...utils.versions import library_versions
from .write import model_name

TOLERANCE = 1e-5  # of probabilities
# Architectures that torch or onnxruntime can't convert, and why. tests/benchmarks/export_onnx.py tries all.
NOT_EXPORTED = {
    "CodeBrain": "what it computes depends on a number in its state, which torch's exporter does not follow",
    "MultiViewCNN": "it takes logarithms of matrices, which ONNX does not know. Train another one, such as "
    "model='EEGNet'",
    "LUNA": "it looks at phases of Fourier coefficients, which are chance where these are nearly zero, and "
    "are others in onnxruntime",
    "SignalJEPA_Contextual": "it writes into parts of a tensor whose size depends on the number of samples, "
    "which onnxruntime then refuses",
}


def export_onnx(clf, path):
    """Export a fitted classifier as an ONNX model, see :meth:`mne_cnnclass.CNNClassifier.export_onnx`."""
    check_is_fitted(clf)
    with from_extra("onnx", "Exporting"):
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401, by which torch exports
    if clf.model in NOT_EXPORTED:
        raise ValueError(f"{clf.model} can't be exported to ONNX: {NOT_EXPORTED[clf.model]}.")
    if clf.side_scaler_.transformers_:
        raise ValueError(
            "Side inputs that transformers compute of the signals can't be exported to ONNX. Train without "
            "them, or put what they compute into the metadata and name these columns in side_inputs."
        )
    # onnxruntime takes some models only as torch exports them, and some only when onnxscript simplifies them
    with torch_session(None):
        try:
            content = _convert(clf, onnx, onnxruntime, optimize=False)
        except RuntimeError:
            content = _convert(clf, onnx, onnxruntime, optimize=True)
    write_atomically(path, content)


def _convert(clf, onnx, onnxruntime, *, optimize):
    """The bytes of a model that was tested to predict the same as the classifier."""
    module = _Classifier(clf).eval().requires_grad_(False)
    try:
        model = _translate(onnx, module, _random_inputs(clf, 3), optimize)
    except Exception as error:  # of torch, onnxscript and onnx, whose own types are many
        raise _not_exportable(clf, f"torch can't translate it ({type(error).__name__}: {error})") from error
    onnx.helper.set_model_props(model, _metadata(clf))
    content = model.SerializeToString()
    _check_same(clf, onnxruntime, content)
    return content


class _Classifier(nn.Module):
    """What ``predict_proba`` computes from checked samples, with float64 in the same places."""

    def __init__(self, clf):
        super().__init__()
        # the original layers, as ONNX knows none of the faster ones
        self.network = clf.network_.build(clf.network_.weights(), accelerate=False)
        for name, scaler in (("channel", clf.scaler_), ("side", clf.side_scaler_)):
            self.register_buffer(f"{name}_means", torch.tensor(scaler.mean_, dtype=torch.float64))
            self.register_buffer(f"{name}_scales", torch.tensor(scaler.scale_, dtype=torch.float64))
        self.largest, self.temperature = clf.side_scaler_.LARGEST, clf.temperature_

    def forward(self, x, side=None):
        """Probabilities of samples of shape (n, n_channels, n_times) and side inputs of shape (n, n_side)."""
        inputs = [((x.double() - self.channel_means) / self.channel_scales).float()]
        if side is not None:
            side = (side.double() - self.side_means) / self.side_scales
            inputs.append(side.clamp(-self.largest, self.largest).float())
        return torch.softmax(self.network(*inputs).double() / self.temperature, dim=1).float()


def _random_inputs(clf, n_samples):
    """Samples with the means and deviations of the training samples, float32: white noise, and random walks.

    Walks have spectra that fall as those of EEG do, which networks that look at small amplitudes depend on.
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_samples, clf.n_channels_, clf.n_times_))
    walks = x[n_samples // 2 :].cumsum(axis=2)
    walks -= walks.mean(axis=2, keepdims=True)
    x[n_samples // 2 :] = walks / np.maximum(walks.std(axis=2, keepdims=True), 1e-12)
    inputs = [clf.scaler_.mean_ + clf.scaler_.scale_ * x]
    if clf.side_scaler_.names:
        scale = np.where(np.isfinite(clf.side_scaler_.scale_), clf.side_scaler_.scale_, 1.0)
        inputs.append(clf.side_scaler_.mean_ + scale * rng.standard_normal((n_samples, len(scale))))
    return [values.astype(np.float32) for values in inputs]


class _WeightChanges(TorchFunctionMode):
    """Note whether a network accesses the memory of its weights (``weight.data``) while it runs."""

    seen = False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.seen |= func == torch.Tensor.data.__get__
        return func(*args, **(kwargs or {}))


def _translate(onnx, module, inputs, optimize):
    """The ONNX model of a module, for any number of samples."""
    inputs = tuple(map(torch.from_numpy, inputs))
    names = ["x", "side"][: len(inputs)]
    export = partial(
        torch.onnx.export, module, inputs, input_names=names, output_names=["probabilities"], verbose=False
    )
    with contextlib.ExitStack() as stack:  # torch and its helpers warn of their own code
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.WARNING)
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        stack.enter_context(torch.no_grad())
        with _WeightChanges() as changes:
            module(*inputs)
        if changes.seen:  # on these torch's newer exporter ends the process
            buffer, axes = io.BytesIO(), {name: {0: "n"} for name in [*names, "probabilities"]}
            export(buffer, dynamo=False, dynamic_axes=axes)
            return onnx.load_from_string(buffer.getvalue())
        shapes = tuple({0: torch.export.Dim.DYNAMIC} for _ in inputs)
        return export(dynamo=True, dynamic_shapes=shapes, optimize=optimize).model_proto


def _metadata(clf):
    """What a program that runs the model has to know, as text or JSON."""
    known = {
        "classes": clf.classes_.tolist(),
        "ch_names": clf.ch_names_,
        "sfreq": clf.sfreq_,
        "n_times": clf.n_times_,
        "unit": "as in training" if clf.ch_names_ is None else "V",
        "side_inputs": clf.side_scaler_.names,
        "model": model_name(clf.model),
        "versions": clf.versions_,
        "exported_by": library_versions(),
    }
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in known.items()}


def _check_same(clf, onnxruntime, content):
    """Refuse a model that predicts something else than the classifier, for one sample or for several."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    for n_samples in (1, 6):
        inputs = _random_inputs(clf, n_samples)
        x, side = inputs if len(inputs) == 2 else (*inputs, np.empty((n_samples, 0)))
        logits = clf.network_.logits(x, side, device=clf.device, n_threads=clf.n_threads)
        expected = clf.network_.probabilities(logits)
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            (got,) = session.run(None, dict(zip(["x", "side"], inputs, strict=False)))
        except Exception as error:  # whatever onnxruntime refuses
            raise _not_exportable(clf, f"onnxruntime refuses it ({error})") from error
        difference = np.abs(got - expected).max()
        if not difference <= TOLERANCE:
            raise _not_exportable(clf, f"there, probabilities differ by {difference:.2g}")


def _not_exportable(clf, why):
    return RuntimeError(f"{model_name(clf.model)} can't be exported to ONNX: {why}.")
