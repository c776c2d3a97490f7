# Written by `python tools/stubs.py` from the operations' declarations: change those.

from pullback.meta.dtypes import DType
from pullback.ops.indexing.reading_and_writing import one_hot
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
from pullback.ops.nn.regression_losses import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from pullback.tensor import Tensor

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

def gelu(input: Tensor, *, approximate: str = "none") -> Tensor: ...
def log_softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor: ...
def logsigmoid(input: Tensor) -> Tensor: ...
def sigmoid(input: Tensor) -> Tensor: ...
def softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor: ...
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor: ...
def tanh(input: Tensor) -> Tensor: ...
