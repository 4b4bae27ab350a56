"""The pages of the project: their code runs, their configs hold, their links lead somewhere."""

import copy
import re
import runpy
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from fidelity.config import check_config

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def _blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def _pages_with(language):
    pages = [page for page in PAGES if _blocks(page, language)]
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.stem)


def _read(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


@_pages_with("python")
def test_code_runs(page, tmp_path, monkeypatch):
    """Blocks that begin with the name of a file are put there, for the others to import."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    modules, names = set(sys.modules), {}
    for block in _blocks(page, "python"):
        file = re.match(r"# (\w+\.py)\n", block)
        if file:
            Path(file[1]).write_text(block, encoding="utf-8")
        else:
            exec(block, names)
    for name in set(sys.modules) - modules:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == tmp_path:
            del sys.modules[name]
    if page.stem == "forest":
        assert (tmp_path / "models.npz").exists()
    if page.stem == "extending":
        assert (tmp_path / "success.png").stat().st_size > 10_000


@_pages_with("yaml")
def test_configs_have_no_fault(page):
    for block in _blocks(page, "yaml"):
        config = copy.deepcopy(_read("config/config.yaml"))
        update_config(config, yaml.safe_load(block))
        assert check_config(config, _read("workflow/schemas/config.schema.yaml")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_files_and_headings(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        file, _, heading = link.partition("#")
        target = page.parent / file if file else page
        assert target.exists(), link
        assert not heading or heading in _headings(target), link


def _headings(page):
    """Return the headings of a page as addresses name them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_make_are_there(page):
    targets = re.findall(
        r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:`|^)make ([a-z][\w-]+)", text, re.MULTILINE)
    assert set(named) <= set(targets)


def test_the_page_of_the_config_is_that_of_the_schema():
    render = runpy.run_path(str(ROOT / "docs/config.py"))["render"]
    page = render(_read("workflow/schemas/config.schema.yaml"), _read("config/config.yaml"))
    assert (ROOT / "docs/config.md").read_text(encoding="utf-8") == page, "run: make docs"
