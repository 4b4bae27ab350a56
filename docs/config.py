"""Write docs/config.md: each key of the config from its schema, with what the default run has."""

from pathlib import Path

import yaml

from fidelity.event_settings import DEFAULTS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/config.md"
HEAD = """\
# The config

`config/config.yaml` is the default run. What is to be different goes into a file of your own,
`snakemake --cores all --configfile my.yaml`, which is laid over it key by key: mappings are joined,
lists are replaced, and `null` takes a value away. Of several files, as
`--configfile config/small.yaml my.yaml`, the last wins; a second `--configfile` takes the place of
the first. Single values of the first level may stand on the command line, as
`--config seed=2 dataset=crowdai`; numbers within braces would be read as text there. A fault is
told in one line, before anything runs: the key, the value, and what was expected.
[What an edit reruns](reruns.md) is a page of its own, and so are
[the sources of logs](data.md).

This page is made by `make docs` from `workflow/schemas/config.schema.yaml` and
`config/config.yaml`: edit those. Keys below `datasets.NAME` are of each source of logs; their
defaults hold where a key is left out. Everywhere else the default is that of `config/config.yaml`.

| key | what it is | what it may be | default |
|---|---|---|---|
"""


def read(path):
    """Return what a YAML file of the project holds."""
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def render(schema, config):
    """Return the page, from the schema and the default config."""
    values = {**config, "datasets": {"NAME": DEFAULTS}}
    lines = [
        f"| `{key}` | {part['title']} | {part['description']} | {_show(part, value)} |\n"
        for key, part, value in _list_keys(schema, values)
    ]
    return HEAD + "".join(lines)


def _list_keys(schema, values, above=""):
    """Yield (key, its schema, its default) of all keys below; None for no default."""
    parts = dict(schema.get("properties", {}))
    if isinstance(schema.get("additionalProperties"), dict):
        parts["NAME"] = schema["additionalProperties"]
    for name, part in parts.items():
        value = (values or {}).get(name)
        yield above + name, part, value
        yield from _list_keys(part, value, f"{above}{name}.")
    for choice in schema.get("oneOf", []):
        yield from _list_keys(choice, values, above)


def _show(part, value):
    """Return a default as it stands in YAML; of a mapping only if it may hold any key."""
    if value is None or (isinstance(value, dict) and "additionalProperties" in part):
        return ""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return "`" + text.removesuffix("...\n").strip() + "`"


if __name__ == "__main__":
    page = render(read("workflow/schemas/config.schema.yaml"), read("config/config.yaml"))
    PAGE.write_text(page, encoding="utf-8")
