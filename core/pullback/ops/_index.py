"""Where operations are declared and where they are public. Written by `python tools/stubs.py`."""

from __future__ import annotations

from typing import Final

#: The functions of ``pullback``, and those of families that are imported when first used.
FUNCTIONS: Final = {
    "ops.creation.conversion": "clone cpu fill",
    "ops.creation.filled": (
        "empty empty_like empty_permuted empty_strided eye full full_like ones ones_like scalar_tensor zeros zeros_like"
    ),
    "ops.creation.from_data": "as_tensor asarray from_numpy frombuffer tensor",
    "ops.creation.sequences": "arange linspace logspace range",
    "ops.indexing.gathering": "gather index_select take take_along_dim",
    "ops.indexing.masking": "masked_fill masked_scatter masked_select",
    "ops.indexing.putting": "diagonal_scatter put select_scatter slice_scatter",
    "ops.indexing.reading_and_writing": "argwhere index_put nonzero",
    "ops.indexing.scatter_reduction": "index_reduce scatter_reduce",
    "ops.indexing.scattering": "scatter scatter_add",
    "ops.indexing.slices": "index_add index_copy index_fill",
    "ops.linalg.added_products": "addbmm addmm addmv addr baddbmm",
    "ops.linalg.einsum": "einsum",
    "ops.linalg.matmul": "inner matmul tensordot",
    "ops.linalg.products": "bmm dot outer:ger mm mv outer vdot",
    "ops.nn.activations": "relu",
    "ops.nn.classification_losses": "binary_cross_entropy_with_logits",
    "ops.nn.inplace_activations": "celu_ selu_ threshold_",
    "ops.nn.piecewise_activations": "celu selu threshold",
    "ops.nn.softmax": "log_softmax logsumexp softmax",
    "ops.pointwise.arithmetic": (
        "add div div:divide floor_divide fmod mul mul:multiply neg neg:negative pow remainder rsub sub sub:subtract "
        "true_divide"
    ),
    "ops.pointwise.binary": (
        "addcdiv addcmul atan2:arctan2 atan2 copysign float_power hypot lerp logaddexp maximum minimum xlogy"
    ),
    "ops.pointwise.clamping": "clamp clamp_max clamp_min clamp:clip",
    "ops.pointwise.closeness": "allclose equal isclose",
    "ops.pointwise.comparison": (
        "bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor eq ge gt:greater "
        "ge:greater_equal gt le lt:less le:less_equal logical_and logical_not logical_or logical_xor lt ne "
        "ne:not_equal where"
    ),
    "ops.pointwise.complex_from_parts": "complex polar",
    "ops.pointwise.complex_numbers": "angle conj conj_physical imag real",
    "ops.pointwise.exponential": "exp exp2 expm1 log log10 log1p log2 reciprocal rsqrt sqrt square",
    "ops.pointwise.heaviside": "heaviside",
    "ops.pointwise.rounding": "ceil trunc:fix floor frac round trunc",
    "ops.pointwise.shorthands": "deg2rad ldexp logit rad2deg sinc",
    "ops.pointwise.trigonometric": (
        "acos acosh acos:arccos acosh:arccosh asin:arcsin asinh:arcsinh atan:arctan atanh:arctanh asin asinh atan "
        "atanh cos cosh sin sinh tan tanh"
    ),
    "ops.pointwise.unary": (
        "abs abs:absolute erf erfc isfinite isinf isnan nan_to_num positive sgn sigmoid sign signbit"
    ),
    "ops.random.drawing": (
        "bernoulli multinomial normal poisson rand rand_like randint randint_like randn randn_like randperm"
    ),
    "ops.reduction.cumulative": "cumprod cumsum prod",
    "ops.reduction.extremes": "amax amin aminmax argmax argmin max median min",
    "ops.reduction.norms": "norm",
    "ops.reduction.sorting": "argsort msort sort topk",
    "ops.reduction.sums": "all any count_nonzero mean nansum std std_mean sum var var_mean",
    "ops.shape.attributes": (
        "get_device is_conj is_inference is_neg is_nonzero is_same_size is_storage resolve_conj resolve_neg typename"
    ),
    "ops.shape.diagonals": "block_diag diag diag_embed diagflat diagonal diagonal_copy trace tril triu",
    "ops.shape.expanding": "broadcast_shapes broadcast_tensors broadcast_to",
    "ops.shape.joining": "cat column_stack cat:concat cat:concatenate dstack hstack vstack:row_stack stack vstack",
    "ops.shape.rearranging": "flip fliplr flipud repeat_interleave roll rot90 tile",
    "ops.shape.reshaping": "atleast_1d atleast_2d atleast_3d flatten ravel reshape squeeze unflatten unsqueeze",
    "ops.shape.slicing": "chunk dsplit hsplit narrow select split split_with_sizes tensor_split unbind vsplit",
    "ops.shape.striding": "as_strided view_as_complex view_as_real",
    "ops.shape.transposing": (
        "adjoint movedim:moveaxis movedim permute transpose:swapaxes transpose:swapdims t transpose"
    ),
}
#: Those of families that are imported when first used.
LATE: Final = {
    "ops.creation.grids": "cartesian_prod combinations meshgrid tril_indices triu_indices vander",
    "ops.creation.windows": "bartlett_window blackman_window hamming_window hann_window kaiser_window",
    "ops.pointwise.divisors": "gcd lcm gcd_ lcm_",
    "ops.pointwise.next_number": "nextafter",
    "ops.pointwise.special_functions": "digamma erfinv lgamma mvlgamma polygamma",
    "ops.reduction.membership": "isin",
    "ops.shape.queries": "is_complex is_floating_point is_signed is_tensor numel result_type",
}
#: The methods of Tensor that those families declare.
LATE_METHODS: Final = {
    "pointwise.divisors": "gcd gcd_ lcm lcm_",
    "pointwise.next_number": "nextafter nextafter_",
    "pointwise.special_functions": (
        "digamma digamma_ erfinv erfinv_ lgamma lgamma_ mvlgamma mvlgamma_ polygamma polygamma_"
    ),
}
#: The functions of ``pullback.nn.functional``.
FUNCTIONAL: Final = {
    "ops.indexing.reading_and_writing": "one_hot",
    "ops.nn.activations": "gelu logsigmoid softplus",
    "ops.nn.classification_losses": "binary_cross_entropy binary_cross_entropy_with_logits cross_entropy nll_loss",
    "ops.nn.dropout": "dropout",
    "ops.nn.inplace_activations": (
        "celu celu_ elu elu_ hardtanh hardtanh_ leaky_relu leaky_relu_ relu relu_ selu selu_ silu threshold threshold_"
    ),
    "ops.nn.linear": "linear",
    "ops.nn.normalization": "layer_norm",
    "ops.nn.regression_losses": "huber_loss l1_loss mse_loss smooth_l1_loss",
    "ops.nn.softmax": "log_softmax softmax",
    "ops.pointwise.trigonometric": "tanh",
    "ops.pointwise.unary": "sigmoid",
}
#: The methods of Tensor of families that have no function of ``pullback``.
METHODS: Final = {
    "ops.pointwise.python_functions": "apply_ map2_ map_",
    "ops.random.drawing_in_place": "bernoulli_ exponential_ normal_ random_ uniform_",
    "ops.random.skewed_distributions": "cauchy_ geometric_ log_normal_",
}
#: In-place methods that are functions of ``pullback`` too.
INPLACE: Final = (
    "addmv_ relu_ neg_ negative_ xlogy_ conj_physical_ exp2_ exp_ expm1_ log10_ log1p_ log2_ log_ reciprocal_ "
    "rsqrt_ sqrt_ square_ ceil_ fix_ floor_ frac_ round_ trunc_ deg2rad_ ldexp_ logit_ rad2deg_ sinc_ acos_ acosh_ "
    "arccos_ arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ asin_ asinh_ atan_ atanh_ cos_ cosh_ sin_ sinh_ tan_ tanh_ "
    "abs_ erf_ erfc_ nan_to_num_ sigmoid_"
)
