import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def test_the_citation_is_that_of_the_readme_and_the_version_that_of_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    paper = citation["preferred-citation"]
    *names, last = (author["family-names"] for author in paper["authors"])
    cited = f'cite the paper: {", ".join(names)} and {last}, "{paper["title"]}".'
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert cited in readme
