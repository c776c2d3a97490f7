"""``pullback demo``: its options, and its table when something is missing or fails."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

import pullback as pb
from pullback.backend.records import BackendSpec
from pullback.backend.registry import register_backend, unregister_backend
from pullback.cli import main


def demo(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["demo", *arguments], env={"COLUMNS": "200"})


def test_numpy_alone():
    result = demo("--backend", "numpy", "--epochs", "1")
    assert result.exit_code == 0, result.output
    assert "numpy (cpu)" in result.stdout
    assert "reference" in result.stdout
    assert "24/24" in result.stderr


def test_unknown_backend():
    result = demo("--backend", "numpi")
    assert result.exit_code == 2
    assert "did you mean 'numpy'?" in result.output
    assert "'jax'" in result.output


@pytest.mark.parametrize("epochs", ["0", "-1", "many"])
def test_epochs_are_positive(epochs):
    assert demo("--epochs", epochs).exit_code == 2


def test_plot_that_could_not_be_written_is_refused_before_training(tmp_path):
    result = demo("--plot", str(tmp_path / "picture.txt"))
    assert result.exit_code == 2
    assert "png" in result.output
    result = demo("--plot", str(tmp_path / "nowhere" / "picture.png"))
    assert result.exit_code == 2
    assert "there is no folder" in result.output


@pytest.mark.parametrize(("module", "title"), [("sklearn", "scikit-learn"), ("matplotlib", "Matplotlib")])
def test_a_missing_package_is_named_with_the_command(python, module, title):
    process = python(f"""
        import sys
        sys.modules["{module}"] = None
        from pullback.cli import main
        main(["demo", "--plot", "picture.png"])
    """)
    assert process.returncode == 1
    assert f"the demo needs {title}, which is not installed: pip install" in process.stderr
    assert "[demo]" in process.stderr
    assert "Traceback" not in process.stderr


def test_a_backend_that_is_not_installed_has_a_row_with_the_command():
    spec = BackendSpec(
        "absent",
        "no_such_array_library.backend:Backend",
        array_modules=("no_such_array_library",),
        install="pip install 'no-such-array-library[all]'",
    )
    register_backend(spec)
    try:
        result = demo("--backend", "numpy", "--backend", "absent", "--epochs", "1")
    finally:
        unregister_backend("absent")
    assert "pip install 'no-such-array-library[all]'" in result.stdout
    assert result.exit_code == 1, "it was asked for by name"


def test_a_backend_that_fails_has_a_row_and_a_traceback():
    numpy_class = type(pb.get_backend("numpy"))

    class Failing(numpy_class):
        def mm(self, x, y):
            raise ArithmeticError("no products today")

    backend = Failing()
    backend.name = "failing"
    register_backend(backend)
    try:
        result = demo("--backend", "numpy", "--backend", "failing", "--epochs", "1")
    finally:
        unregister_backend("failing")
    assert result.exit_code == 1
    assert "ArithmeticError: no products today" in result.stdout
    assert "numpy (cpu)" in result.stdout
    assert "Traceback" in result.stderr
    assert "failing failed" in result.stderr
