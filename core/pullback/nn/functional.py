"""The functions of neural networks: activations, affine maps, losses, normalisation."""

from __future__ import annotations

from pullback.ops.activation import (
    elu,
    gelu,
    leaky_relu,
    logsigmoid,
    silu,
    softplus,
)
from pullback.ops.classification_losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    nll_loss,
)
from pullback.ops.dropout import dropout
from pullback.ops.indexing import one_hot
from pullback.ops.inplace_activations import relu
from pullback.ops.linear import linear
from pullback.ops.normalization import layer_norm
from pullback.ops.regression_losses import (
    huber_loss,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from pullback.ops.softmax import log_softmax, softmax
from pullback.ops.trigonometric import tanh
from pullback.ops.unary import sigmoid

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "elu",
    "gelu",
    "huber_loss",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "logsigmoid",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "relu",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "tanh",
]
