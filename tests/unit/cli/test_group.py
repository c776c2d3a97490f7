"""The command group: quick, and whole where a plugin is not."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from pullback.cli import main

GREETING = """
    import click
    from pullback.extend import hookimpl

    @click.command()
    def hello():
        "Say hello."
        click.echo("hello from a plugin")

    @hookimpl
    def pullback_commands():
        return [hello]
"""


def test_help_lists_the_commands():
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert "demo " in result.output
    assert "doctor " in result.output


def test_version():
    import pullback

    result = CliRunner().invoke(main, ["--version"])
    assert result.exit_code == 0
    assert result.output == f"pullback {pullback.__version__}\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("demmo", "No such command 'demmo'; did you mean 'demo'?"),
        ("doctr", "No such command 'doctr'; did you mean 'doctor'?"),
        ("DOCTOR", "No such command 'DOCTOR'; did you mean 'doctor'?"),
        ("conform", "No such command 'conform'; did you mean 'conformance'?"),
        ("xyz", "No such command 'xyz'."),
    ],
)
def test_unknown_command(name, said):
    result = CliRunner().invoke(main, [name])
    assert result.exit_code == 2
    assert said in result.output


@pytest.mark.parametrize("module", ["pullback", "pullback.cli"])
def test_the_command_as_a_module(module):
    done = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=True)
    assert "doctor " in done.stdout
    done = subprocess.run([sys.executable, "-m", module, "doctr"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "did you mean 'doctor'?" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_commands(plugins, shell):
    """What a shell's script asks, and that a broken plugin writes nothing between."""
    plugins.add("unimportable", "raise RuntimeError('broken on purpose')")
    words = {"COMP_WORDS": "pullback do", "COMP_CWORD": "1" if shell != "fish" else "do"}
    done = plugins.run(_PULLBACK_COMPLETE=f"{shell}_complete", **words)
    assert "doctor" in done.stdout
    assert "demo" not in done.stdout
    assert done.stderr == ""
    if shell != "bash":  # whose version the script looks at
        assert "_PULLBACK_COMPLETE=" in plugins.run(_PULLBACK_COMPLETE=f"{shell}_source").stdout


def test_help_of_a_command_loads_no_plugin_and_no_library(python):
    process = python("""
        import sys
        from pullback.cli import main
        main(["demo", "--help"], standalone_mode=False)
        heavy = {"numpy", "jax", "cupy", "rich", "sklearn", "matplotlib", "pluggy"} & set(sys.modules)
        sys.exit(f"imported: {heavy}" if heavy else 0)
    """)
    assert process.returncode == 0, process.stderr


def test_a_plugins_command(plugins):
    plugins.add("greeting", GREETING)
    listing = plugins.run("--help")
    assert "Say hello." in listing.stdout
    assert listing.stderr == ""
    assert plugins.run("hello").stdout == "hello from a plugin\n"


def test_a_broken_plugin_leaves_the_rest_working(plugins):
    plugins.add("greeting", GREETING)
    plugins.add("unimportable", "raise RuntimeError('broken on purpose')")
    plugins.add(
        "raising",
        """
        from pullback.extend import hookimpl

        @hookimpl
        def pullback_commands():
            raise OSError("no commands today")
        """,
    )
    result = plugins.run("hello")
    assert result.returncode == 0
    assert result.stdout == "hello from a plugin\n"
    assert "broken on purpose" in result.stderr
    assert "no commands today" in result.stderr

    listing = plugins.run("--help")
    assert listing.returncode == 0
    assert "demo" in listing.stdout
    assert "Say hello." in listing.stdout


def test_strict_plugins_stop_only_the_plugins_commands(plugins):
    plugins.add("unimportable", "raise RuntimeError('broken on purpose')")
    listing = plugins.run("--help", PULLBACK_STRICT_PLUGINS="1")
    assert listing.returncode == 0
    assert "doctor" in listing.stdout
    assert "broken on purpose" in listing.stderr


def test_a_plugin_cannot_take_the_place_of_a_command(plugins):
    plugins.add("greeting", GREETING.replace("def hello", "def demo").replace("[hello]", "[demo]"))
    listing = plugins.run("--help")
    assert "Say hello." not in listing.stdout
    assert "'demo' is left out" in listing.stderr


def test_what_is_no_command_is_left_out(plugins):
    plugins.add("wrong", GREETING.replace("[hello]", "['hello', hello]"))
    result = plugins.run("hello")
    assert result.stdout == "hello from a plugin\n"
    assert "'hello' as a command" in result.stderr


def test_a_command_that_cannot_describe_itself(plugins):
    plugins.add(
        "lazy",
        """
        import click
        from pullback.extend import hookimpl

        class Lazy(click.Command):
            def get_short_help_str(self, limit=45):
                raise ImportError("its library is missing")

        @hookimpl
        def pullback_commands():
            return [Lazy("lazy")]
        """,
    )
    listing = plugins.run("--help")
    assert listing.returncode == 0
    assert "ImportError: its library is missing" in listing.stdout
    assert "demo" in listing.stdout
