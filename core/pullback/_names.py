"""The public names of ``pullback``, each beside the module that has it: they are listed here and nowhere else.

``__init__.py`` reads these tables, and ``python tools/stubs.py`` writes the stub for type checkers and editors.
``name:public`` gives a name of a module another one.
"""

from __future__ import annotations

from typing import Final

#: Imported with pullback: what nearly every program uses, and all that declares a method of Tensor.
NAMES: Final = {
    "autograd.grad_mode": (
        "enable_grad inference_mode is_grad_enabled is_inference_mode_enabled no_grad set_grad_enabled"
    ),
    "backend.selection": "available_backends current_backend get_backend set_default_backend use_backend",
    "errors": "BackendError BackendUnavailableError MissingKernelError PluginError PluginWarning UnknownBackendError",
    "meta.devices": "Device:device",
    "meta.dtypes": (
        "bfloat16 bool_:bool can_cast complex128:cdouble complex64:cfloat complex128 complex64 float64:double "
        "DType:dtype float32:float float16 float32 float64 get_default_dtype float16:half int32:int int16 int32 "
        "int64 int8 int64:long promote_types set_default_dtype int16:short uint16 uint32 uint64 uint8"
    ),
    "meta.formats": (
        "channels_last channels_last_3d contiguous_format StorageLayout:layout MemoryFormat:memory_format "
        "preserve_format strided"
    ),
    "meta.shapes": "Size",
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
    "ops.indexing.scattering": "index_add index_copy index_fill scatter scatter_add",
    "ops.linalg.added_products": "addbmm addmv addr",
    "ops.linalg.einsum": "einsum",
    "ops.linalg.products": "addmm baddbmm bmm dot outer:ger inner matmul mm mv outer tensordot vdot",
    "ops.nn.activations": "relu",
    "ops.nn.classification_losses": "binary_cross_entropy_with_logits",
    "ops.nn.inplace_activations": "celu_ selu_ threshold_",
    "ops.nn.piecewise_activations": "celu selu threshold",
    "ops.nn.softmax": "log_softmax logsumexp softmax",
    "ops.pointwise.arithmetic": (
        "add div div:divide floor_divide fmod mul mul:multiply neg neg:negative pow remainder rsub sub "
        "sub:subtract true_divide"
    ),
    "ops.pointwise.binary": (
        "addcdiv addcmul allclose atan2:arctan2 atan2 clamp clamp_max clamp_min clamp:clip copysign equal "
        "float_power hypot isclose lerp logaddexp maximum minimum xlogy"
    ),
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
    "ops.shape.joining": "cat column_stack cat:concat cat:concatenate dstack hstack vstack:row_stack stack vstack",
    "ops.shape.rearranging": (
        "block_diag diag diag_embed diagflat diagonal diagonal_copy flip fliplr flipud repeat_interleave roll "
        "rot90 tile trace tril triu"
    ),
    "ops.shape.reshaping": (
        "adjoint atleast_1d atleast_2d atleast_3d broadcast_shapes broadcast_tensors broadcast_to flatten "
        "movedim:moveaxis movedim permute ravel reshape squeeze transpose:swapaxes transpose:swapdims t transpose "
        "unflatten unsqueeze"
    ),
    "ops.shape.slicing": "chunk dsplit hsplit narrow select split split_with_sizes tensor_split unbind vsplit",
    "ops.shape.striding": "as_strided view_as_complex view_as_real",
    "random": "Generator default_generator get_rng_state initial_seed manual_seed seed set_rng_state",
    "tensor": "Tensor",
}

#: Imported when first used: what few programs need.
LATE: Final = {
    "autograd.anomaly_mode": "is_anomaly_check_nan_enabled is_anomaly_enabled set_anomaly_enabled",
    "func.mapping": "vmap",
    "interop.dlpack": "from_dlpack",
    "interop.serialization": "load save",
    "meta.limits": "finfo iinfo",
    "ops.creation.grids": "cartesian_prod combinations meshgrid tril_indices triu_indices vander",
    "ops.creation.legacy_types": (
        "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor "
        "ShortTensor"
    ),
    "ops.creation.windows": "bartlett_window blackman_window hamming_window hann_window kaiser_window",
    "ops.pointwise.divisors": "gcd gcd_ lcm lcm_",
    "ops.pointwise.next_number": "nextafter",
    "ops.pointwise.special_functions": "digamma erfinv lgamma mvlgamma polygamma",
    "ops.reduction.membership": "isin",
    "ops.shape.queries": "is_complex is_floating_point is_signed is_tensor numel result_type",
    "printing": "get_printoptions printoptions set_printoptions",
}

#: In-place methods of Tensor that PyTorch has as functions too.
INPLACE: Final = (
    "abs_ acos_ acosh_ addmv_ arccos_ arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ asin_ asinh_ atan_ atanh_ ceil_ "
    "clamp_ clamp_max_ clamp_min_ clip_ conj_physical_ cos_ cosh_ deg2rad_ detach_ erf_ erfc_ exp2_ exp_ expm1_ "
    "fill_ fix_ floor_ frac_ ldexp_ log10_ log1p_ log2_ log_ logit_ nan_to_num_ neg_ negative_ rad2deg_ "
    "reciprocal_ relu_ round_ rsqrt_ sigmoid_ sin_ sinc_ sinh_ sqrt_ square_ tan_ tanh_ trunc_ xlogy_ zero_"
)

#: Modules and packages that are public under their own name.
MODULES: Final = "autograd cuda func nn optim overrides testing utils"

#: Modules that declare methods alone, and no function of ``pullback``.
METHODS: Final = (
    "autograd.tensor_methods tensor.memory_methods ops.pointwise.python_functions ops.random.skewed_distributions"
)


def renamed(words: str) -> list[tuple[str, str]]:
    """The public names of a line of the tables, each with the name that its module has."""
    pairs = [word.partition(":") for word in words.split()]
    return [(public or name, name) for name, _, public in pairs]
