"""Declarations: what follows from one, and which are refused."""

from __future__ import annotations

import inspect

import pytest

import pullback as pb
from pullback.dispatch.codegen import source_of
from pullback.dispatch.complete_path import general
from pullback.dispatch.declaration import Keywords, Operation
from pullback.extend import Accepts, Accuracy, Array, DeclarationError, elementwise, op, registry


@pytest.fixture
def declared():
    """Declare operations for one test and take them away again."""
    before = set(registry)
    yield
    for name in set(registry) - before:
        del registry[name]


def test_a_declaration_gives_function_gradient_and_node(declared) -> None:
    @elementwise(partials=lambda input: 3 * input * input, method=False, inplace=False)
    def cube(backend, input: Array):
        """The third power."""
        return backend.multiply(input, backend.multiply(input, input))

    x = pb.tensor(2.0, requires_grad=True)
    y = cube(x)
    assert y.item() == 8.0
    assert y.grad_fn.name() == "CubeBackward0"
    (gradient,) = pb.autograd.grad(y, x, create_graph=True)
    assert gradient.item() == 12.0
    gradient.backward()
    assert x.grad.item() == 12.0
    assert cube.__doc__ == "The third power."


def test_a_declaration_without_derivative_is_refused(declared) -> None:
    with pytest.raises(DeclarationError, match="say exactly one of"):

        @elementwise(method=False)
        def nothing(input: Array):
            """No derivative."""


def test_a_formula_for_an_unknown_operand_is_refused(declared) -> None:
    with pytest.raises(DeclarationError, match="formulas for"):

        @op(linear=True, vjp={"other": lambda grad: grad}, method=False)
        def stray(input: Array):
            """A formula that belongs to nothing."""


def test_a_name_is_declared_once(declared) -> None:
    with pytest.raises(DeclarationError, match="declared twice"):

        @elementwise(partials=1, method=False)
        def add(input: Array):
            """Not again."""


def test_functions_have_their_declared_signature_before_the_first_call() -> None:
    assert str(inspect.signature(registry["sum"].call)).startswith("(input")
    assert "keepdim" in inspect.signature(registry["sum"].call).parameters


def test_wrong_arguments_are_pythons_own_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'foo'"):
        pb.exp(pb.ones(1), foo=1)


@pytest.mark.parametrize("name", ["add", "mul", "exp", "where", "sum", "mm", "permute"])
def test_the_source_of_a_callable_can_be_read(name: str) -> None:
    assert source_of(registry[name]).startswith(f"def {name}(")


@pytest.mark.parametrize("backend", ["numpy", "jax"])
@pytest.mark.parametrize("name", ["add", "mul", "sub", "true_divide", "pow", "maximum"])
def test_the_fast_path_and_the_general_path_agree(name: str, backend: str) -> None:
    operation = registry[name]
    with pb.use_backend(backend):
        x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = pb.tensor([2.0, 0.5, 4.0], requires_grad=True)
        attributes = dict(operation.defaults)
        for other in (y, pb.tensor(3.0), *((2.5,) if operation.numbers else ())):
            fast = operation.call(x, other)
            complete = general(operation, (x, other), attributes)
            assert fast.tolist() == complete.tolist()
            assert type(fast.grad_fn) is type(complete.grad_fn)
            ones = pb.ones(3)
            inputs = [x, y] if other is y else [x]
            for a, b in zip(
                pb.autograd.grad(fast, inputs, ones), pb.autograd.grad(complete, inputs, ones), strict=True
            ):
                assert a.tolist() == b.tolist()


def test_operands_of_two_backends_are_refused_with_the_remedy() -> None:
    with pytest.raises(RuntimeError, match=r"got 'numpy' and 'jax'. Move one of them: .to\('numpy'\)"):
        pb.ones(2) + pb.ones(2, backend="jax")


def test_shapes_that_do_not_broadcast() -> None:
    with pytest.raises(
        RuntimeError,
        match=r"The size of tensor a \(3\) must match the size of tensor b \(4\) at non-singleton dimension 0",
    ):
        pb.ones(3) * pb.ones(4)


def test_an_operand_that_is_no_tensor() -> None:
    with pytest.raises(TypeError, match=r"exp\(\): argument 'input' \(position 1\) must be Tensor, not str"):
        pb.exp("a")


def test_a_dtype_the_operation_does_not_take() -> None:
    with pytest.raises(NotImplementedError, match=r"bitwise_and.*not implemented for 'Float'"):
        pb.ones(2) & pb.ones(2)


def test_interceptors_see_operations_and_may_replace_results() -> None:
    from pullback.extend import intercept

    seen = []

    def double(operation, operands, attributes, proceed):
        seen.append(operation.name)
        return proceed() * 2

    with intercept(double):
        y = pb.ones(1) + 1
    assert seen == ["add"]
    assert y.item() == 4.0
    assert (pb.ones(1) + 1).item() == 2.0


def test_what_a_check_refuses_is_refused_on_the_fast_path_too() -> None:
    x = pb.ones(2)
    pb.where(x > 0, x, x)  # from now on the kernel is known
    with pytest.raises(RuntimeError, match="where expected condition to be a boolean tensor"):
        pb.where(x, x, x)
    pb.tensor([2]) ** pb.tensor([2])
    with pytest.raises(RuntimeError, match="Integers to negative integer powers are not allowed"):
        pb.tensor([2]) ** -1


def test_an_error_carries_the_operation_and_its_operands_as_a_note() -> None:
    with pytest.raises(RuntimeError) as caught:
        pb.ones(2, 3) + pb.ones(4, dtype=pb.float64)
    assert caught.value.__notes__ == ["in add(input=float32[2, 3] on numpy, other=float64[4] on numpy)"]


def test_a_misspelt_keyword_names_the_one_that_was_meant():
    with pytest.raises(DeclarationError, match=r"op\(\) takes no keyword 'sampels'; did you mean 'samples'\?"):
        op(sampels=lambda make: ())


def test_the_typed_keywords_are_those_that_are_taken():
    taken = {*inspect.signature(Operation.__init__).parameters, *inspect.signature(op).parameters}
    assert set(Keywords.__annotations__) | {"outputs"} == taken - {"self", "function", "declaration"}


def test_what_is_misspelt_is_told_with_what_it_may_have_meant() -> None:
    with pytest.raises(DeclarationError, match=r"op\(\) takes no keyword 'partial'; did you mean 'partials'\?"):
        op(partial=1)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"Accepts\(\) takes no keyword 'unsuported'; did you mean 'unsupported'\?"):
        Accepts(unsuported="log_cpu")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match=r"no accuracy is called 'exac'; did you mean 'exact'\?"):
        Accuracy("exac")
    with pytest.raises(
        ValueError, match="no accuracy is called 'xyz'; there are exact, rounded, rounded twice, elementwise"
    ):
        Accuracy("xyz")


def test_a_jvp_may_be_the_same_product_as_the_vjp(declared) -> None:
    @op(vjp=lambda grad, input: next(grad * s for s in [input.sign()]), jvp="vjp", method=False)
    def magnitude(backend, input: Array):
        """The absolute value; the generator makes a cell of the gradient."""
        return backend.abs(input)

    x = pb.tensor([-2.0, 3.0])
    primal, tangent = pb.func.jvp(magnitude, (x,), (pb.tensor([1.0, 10.0]),))
    assert (primal.tolist(), tangent.tolist()) == ([2.0, 3.0], [-1.0, 10.0])
    with pytest.raises(DeclarationError, match="a formula in `jvp` is a function or 'vjp', got 'vpj'"):

        @op(vjp=lambda grad: grad, jvp="vpj", method=False)
        def odd(input: Array):
            """Not declared."""
