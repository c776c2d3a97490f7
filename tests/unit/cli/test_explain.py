"""``pullback explain``: what follows from a declaration, found by any of its names."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pullback.cli import main


def explained(name: str) -> str:
    result = CliRunner().invoke(main, ["explain", name], terminal_width=100)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("name", ["mul", "multiply", "mul_", "__mul__", "Tensor.mul", "pullback.mul", "MulBackward0"])
def test_an_operation_is_found_by_each_of_its_names(name):
    assert "ops/pointwise/arithmetic.py" in explained(name)


def test_an_operation_is_shown_whole():
    shown = explained("exp")
    for part in (
        "exp(input: Tensor) -> Tensor",
        "in place: exp_",
        "ExpBackward0",
        "saves: out",
        "elementwise",
        "numpy: numpy.exp",
        "jax: ",
        "cupy: not available here",
        "def exp(input",
        "partials=",
        "passed",
        "empty",
    ):
        assert part in shown, part


def test_a_composite_and_a_step_of_other_operations_are_shown_too():
    assert "built of other operations" in explained("norm")
    assert "backend's kernels" in explained("restride") or "calls kernels of the backend" in explained("restride")


def test_an_unknown_name_gets_the_nearest_one():
    result = CliRunner().invoke(main, ["explain", "mull"])
    assert result.exit_code == 1
    assert "no operation is called 'mull'; did you mean" in result.output


NOTE = """
    from pullback.extend import hookimpl

    @hookimpl
    def pullback_tools():
        return {
            "explain.note": "note_plugin:note",
            "explain.samples": "note_plugin:mine",
            "explain.lost": "note_plugin:gone",
        }

    def note(record):
        return f"of {record.name}, said by a plugin"
"""


def test_tools_of_plugins_add_to_it_and_one_that_is_broken_takes_nothing_away(plugins):
    plugins.add("note", NOTE)
    result = plugins.run("explain", "exp")
    assert result.returncode == 0, result.stderr
    assert "of exp, said by a plugin" in result.stdout
    assert "cannot be had: PluginError: the tool 'explain.lost' of plugin 'note'" in result.stdout
    assert "0-d" in result.stdout  # the suite's own samples stay
    assert result.stderr.count("has a tool of that name, which stays") == 1


def test_a_tool_is_loaded_by_its_name(python):
    result = python("""
        from pullback.extend import PluginError, load_tool, registry, tools
        import pullback
        print(sorted(tools()))
        print(load_tool("explain.samples")(registry["exp"]).splitlines()[0])
        try:
            load_tool("explain.sample")
        except PluginError as error:
            print(error)
    """)
    assert result.stdout.splitlines() == [
        "['crosscheck.program', 'explain.conformance', 'explain.samples']",
        "(3, 8)",
        "no plugin brings a tool 'explain.sample'; did you mean 'explain.samples'?",
    ], result.stderr
