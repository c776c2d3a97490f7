"""Every Python block of the documentation runs; those that show a session print what they say."""

from __future__ import annotations

import doctest
import re
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?P<indent> *)(?P<ticks>```+)(?P<language>[\w-]*)[^\n]*\n(?P<code>.*?)^(?P=indent)(?P=ticks) *$", re.M | re.S
)
LANGUAGES = {"python", "pycon", "shell", "console", "text", "toml", "mermaid", ""}
FLAGS = doctest.ELLIPSIS


class Block(NamedTuple):
    language: str
    line: int
    code: str


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, those that only steer Sphinx left out."""
    text = page.read_text()
    return [
        Block(found["language"], text.count("\n", 0, found.start("code")), textwrap.dedent(found["code"]))
        for found in FENCE.finditer(text)
        if "{" not in found[0].partition("\n")[0]
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
@pytest.mark.usefixtures("undone")
def test_python_blocks_run_in_order(page):
    namespace = {"__name__": "__main__"}
    for block in blocks_of(page):
        if block.language not in ("python", "pycon"):
            continue
        if block.code.lstrip().startswith(">>>"):
            check_session(page, block, namespace)
        else:  # the empty lines make a traceback point to the line of the page
            exec(compile("\n" * block.line + block.code, str(page), "exec", dont_inherit=True), namespace)


def check_session(page, block, namespace):
    """Run a session and compare what it prints."""
    example = doctest.DocTestParser().get_doctest(block.code, namespace, page.name, str(page), block.line)
    example.globs = namespace  # the page's, not a copy: later blocks go on from it
    report: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(example, out=report.append, clear_globs=False)
    assert not report, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_says_what_it_is(page):
    unknown = {block.language for block in blocks_of(page)} - LANGUAGES
    assert not unknown


def test_the_commands_of_the_readme():
    commands = [block.code for block in blocks_of(ROOT / "README.md") if block.language == "shell"]
    assert commands[0] == (
        'pip install -e ".[demo]" && pullback demo          # the main job, on real data\n'
        'pip install -e ".[test]" && pytest                 # passes the tests\n'
    )


def test_continuous_integration_runs_the_commands_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text()
    for line in next(b.code for b in blocks_of(ROOT / "README.md") if b.language == "shell").splitlines():
        for command in line.partition("#")[0].split("&&"):
            words = re.sub(r"[\"']", "", command).split()
            assert mentioned(words, script), f".ci/run does not run {' '.join(words)}"


def mentioned(words: list[str], script: str) -> bool:
    """Whether a line of the script has these words in this order, whatever options stand between them."""
    pattern = re.compile(r"\b.*?(?<![\w-])".join(map(re.escape, words)))
    return any(pattern.search(re.sub(r"[\"']", "", line.partition("#")[0])) for line in script.splitlines())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", FENCE.sub("", page.read_text())):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
