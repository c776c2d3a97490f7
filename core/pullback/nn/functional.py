"""The functions of neural networks: activations, affine maps, losses, normalisation."""

from __future__ import annotations

from pullback.dispatch.declaration import public_function
from pullback.dispatch.overridable import make_module_overridable
from pullback.ops.indexing.reading_and_writing import one_hot
from pullback.ops.nn.activations import (
    gelu,
    logsigmoid,
    softplus,
)
from pullback.ops.nn.classification_losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    nll_loss,
)
from pullback.ops.nn.dropout import dropout
from pullback.ops.nn.inplace_activations import (
    celu,
    celu_,
    elu,
    elu_,
    hardtanh,
    hardtanh_,
    leaky_relu,
    leaky_relu_,
    relu,
    relu_,
    selu,
    selu_,
    silu,
    threshold,
    threshold_,
)
from pullback.ops.nn.linear import linear
from pullback.ops.nn.normalization import layer_norm
from pullback.ops.nn.regression_losses import (
    huber_loss,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from pullback.ops.nn.softmax import log_softmax, softmax
from pullback.ops.pointwise.trigonometric import tanh
from pullback.ops.pointwise.unary import sigmoid

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "celu_",
    "cross_entropy",
    "dropout",
    "elu",
    "elu_",
    "gelu",
    "hardtanh",
    "hardtanh_",
    "huber_loss",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "relu",
    "relu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
    "threshold",
    "threshold_",
]

for _name in __all__:
    globals()[_name] = public_function(globals()[_name])

make_module_overridable(__name__)
