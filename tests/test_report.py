"""The report of a finished run: made by make, and opened in a browser without a network."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml
from playwright.sync_api import sync_playwright

from .project import ROOT, SMALL, Project

CHROMIUM = shutil.which("chromium")
CATEGORIES = ["Findings", "Data", "The leak", "Information", "Attacks on users", "Who is exposed"]


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory):
    """Return a copy of the finished project with its Makefile and an environment."""
    folder = tmp_path_factory.mktemp("report") / "project"
    shutil.copytree(finished.folder, folder)
    shutil.copy2(ROOT / "Makefile", folder)
    (folder / ".venv").symlink_to(sys.prefix)
    return Project(folder, "synthetic")


def _make_report(project, config):
    return subprocess.run(
        ["make", "--assume-old", ".venv/complete", "report", f"CONFIGFILE={config}"],
        cwd=project.folder,
        env=project.environment(),
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def report(project):
    run = _make_report(project, "small.yaml")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "see results/synthetic/report.html" in run.stdout.splitlines()
    return project.result("report.html")


class Visit:
    """A page in a browser, what it asked for, and what it complained about."""

    def __init__(self, page, path):
        self.page = page
        self.requests, self.errors = [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._listen)
        page.goto(path.as_uri())

    def _listen(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def click(self, name):
        self.page.get_by_role("link", name=name, exact=True).click()

    def rows(self):
        """Return the texts of the results in the list that is shown."""
        cells = self.page.locator("nav tbody tr").all()
        return [row.locator("td").all_inner_texts() for row in cells]


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("the report is not opened: chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, report):
    page = browser.new_page()
    yield Visit(page, report)
    page.close()


def test_all_that_a_person_looks_at_is_there_in_order_and_loads(project, visit):
    folder = project.result("")
    expected = {
        path.relative_to(folder).as_posix()
        for pattern in ("figures/*.png", "tables/*.csv", "sessions/*.csv", "findings.html")
        for path in folder.glob(pattern)
    }
    assert len(expected) > 30
    shown = []
    for i, category in enumerate(CATEGORIES, start=1):
        visit.click(f"{i} {category}")
        rows = visit.rows()
        assert [row[0].split()[0] for row in rows] == [f"{i}.{j + 1}" for j in range(len(rows))]
        for j, (_, file, data, _) in enumerate(rows):
            shown.append(file)
            assert data == "synthetic stand-in"
            if not file.endswith(".csv"):
                visit.page.locator("nav tbody tr").nth(j).locator("a").first.click()
                _check_content(visit.page, file)
        visit.click("Results")
    assert sorted(shown) == sorted(expected)
    assert not visit.errors
    assert all(re.match(r"file://.*/report\.html$|data:", url) for url in visit.requests)


def _check_content(page, file):
    if file == "findings.html":
        title = page.frame_locator("iframe").locator("h1")
        assert title.inner_text() == "Findings: synthetic"
    else:
        page.wait_for_function(
            "file => document.querySelector('#app div > img')?.src.includes(`filename=${file};`)",
            arg=file.removeprefix("figures/"),
        )
        image = page.locator("#app div.p-3 > img")
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 500


def test_captions_tell_how_to_read_each_result(visit):
    results = visit.page.evaluate("results")
    captions = {path: entry["caption"] for path, entry in results.items()}
    assert len(set(captions.values())) == len(results)
    for path, caption in captions.items():
        assert "system-message" not in caption, path
        assert "{" not in caption, path
        if not path.endswith("findings.html"):
            assert "the paper</strong>" in caption.lower(), path
        if path.endswith(".png"):
            assert "How to read it." in caption, path
    tasks = {path: entry["job_properties"]["rule"] for path, entry in results.items()}
    assert tasks["results/synthetic/sessions/funnel.csv"] == "select_songs"
    assert tasks["results/synthetic/figures/figure4.png"] == "draw_figure"


def test_the_first_page_tells_the_experiment_its_config_and_versions(visit):
    page = visit.page
    title = page.locator("h1.title")
    assert title.inner_text() == "Fidelity leakages"
    assert "no evidence about any service" in page.locator(".admonition").inner_text()
    assert not page.locator(".system-message").count()
    assert title.bounding_box()["y"] >= 0  # within reach
    config = yaml.safe_load(page.locator("pre.yaml").inner_text())
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    assert config.keys() == default.keys()
    for key in ("seed", "dataset", "features"):
        assert config[key] == default[key]
    assert config["grid"] == SMALL["grid"]
    assert config["recommender"] == default["recommender"] | SMALL["recommender"]
    versions = page.locator("#versions").inner_text()
    for name in ("python", "snakemake", "numpy", "fidelity-leakages"):
        assert re.search(rf"{name}\W+\d+\.\d+", versions)


def test_the_time_of_each_rule_is_drawn(visit):
    visit.click("Statistics")
    for chart in ("#runtimes", "#timeline"):
        drawing = visit.page.locator(f"{chart} canvas, {chart} svg").first
        assert drawing.bounding_box()["height"] > 100
    rules = {point["rule"] for point in visit.page.evaluate("runtimes_spec.data.values")}
    assert {"train_models", "draw_figure", "write_findings"} < rules


def test_no_report_of_results_that_are_not_of_the_config(project, report):
    before = report.read_bytes()
    (project.folder / "other.yaml").write_text("seed: 2", encoding="utf-8")
    run = _make_report(project, "small.yaml other.yaml")
    assert run.returncode != 0
    assert "results/synthetic is not complete, or not of this config; run first: " in run.stdout
    assert "--configfile 'small.yaml' 'other.yaml'\n" in run.stdout
    assert report.read_bytes() == before
