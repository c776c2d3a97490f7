# Written by `python -m pullback.stubs` from the operations' declarations: change those.

from pullback.dtypes import DType
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
from pullback.ops.regression_losses import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from pullback.tensor import Tensor

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

def elu(input: Tensor, alpha: float = 1.0) -> Tensor: ...
def gelu(input: Tensor, *, approximate: str = "none") -> Tensor: ...
def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor: ...
def log_softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor: ...
def logsigmoid(input: Tensor) -> Tensor: ...
def sigmoid(input: Tensor) -> Tensor: ...
def silu(input: Tensor) -> Tensor: ...
def softmax(input: Tensor, dim: int, dtype: DType | None = None) -> Tensor: ...
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor: ...
def tanh(input: Tensor) -> Tensor: ...
