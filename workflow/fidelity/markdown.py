"""Numbers and tables as Markdown, and Markdown as a page."""

import re
from html import escape

import pandas as pd
from markdown_it import MarkdownIt

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; }}
table {{ border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .2em .8em; border-bottom: 1px solid #ccc; text-align: left; }}
blockquote {{ margin: 1em 0; padding: .1em 1em; border-left: 4px solid #c80; background: #fe9; }}
</style>
{body}</html>
"""


def table(names, rows):
    """Return a table: the names of its columns, and rows of numbers and text."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def interval(row):
    """Return a mean with its interval, of a row of `summary.mean_with_interval`."""
    if pd.isna(row["ci_low"]):
        return f"{row['mean']:.4f}"
    return f"{row['mean']:.4f} [{row['ci_low']:.4f}, {row['ci_high']:.4f}]"


def to_html(title, text):
    """Return Markdown as a page of HTML that needs no other file; HTML within is shown as text."""
    text = re.sub(r"\[(\S+), (\S+)\]", "[\\1,\N{NO-BREAK SPACE}\\2]", text)  # intervals
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return _PAGE.format(title=escape(title), body=body)
