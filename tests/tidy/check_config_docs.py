#!/usr/bin/env python3
"""Hold docs/configuration.md against pool/config/pool.schema.json.

The table between the two markers is generated: every key with its default, its environment variable
and its meaning. `--write` puts it there; without, the check fails when the page says something else.
"""
import json
import pathlib
import sys

BEGIN, END = "<!-- keys: generated -->", "<!-- end of keys -->"


def leaves(entry, path=""):
    if "properties" in entry:
        for name, child in entry["properties"].items():
            if name != "$schema":
                yield from leaves(child, f"{path}.{name}" if path else name)
    elif "properties" in entry.get("items", {}):
        yield path, entry, True
        yield from leaves(entry["items"], path + "[0]")
    else:
        yield path, entry, False


def default(entry, is_list):
    if is_list:
        return "one entry" if entry.get("minItems") else "`[]`"
    return "`" + json.dumps(entry["default"]) + "`" if "default" in entry else "none: required"


def allowed(entry):
    if "enum" in entry:
        return " One of " + ", ".join(f"`{value}`" for value in entry["enum"]) + "."
    if entry["type"] == "integer":
        return f" {entry['minimum']} to {entry['maximum']}."
    return ""


def table(schema):
    lines = ["| key | default | environment | meaning |", "|---|---|---|---|"]
    for path, entry, is_list in leaves(schema):
        variable = "PHASEPOOL_" + path.upper().replace("[0]", "_0").replace(".", "_")
        shown = "" if is_list else f"`{variable}`"
        lines.append(f"| `{path.replace('[0]', '[]')}` | {default(entry, is_list)} | {shown} | {entry['description']}{allowed(entry)} |")
    return "\n".join(lines)


def main(root, write):
    page = pathlib.Path(root, "docs/configuration.md")
    schema = json.loads(pathlib.Path(root, "pool/config/pool.schema.json").read_text())
    text = page.read_text()
    head, rest = text.split(BEGIN)
    wanted = f"{head}{BEGIN}\n\n{table(schema)}\n\n{END}{rest.split(END)[1]}"
    if write:
        page.write_text(wanted)
    elif text != wanted:
        print("docs/configuration.md does not match the schema: run tests/tidy/check_config_docs.py --write")
        return 1
    print("configuration.md: matches the schema")
    return 0


if __name__ == "__main__":
    arguments = [a for a in sys.argv[1:] if a != "--write"]
    sys.exit(main(arguments[0] if arguments else ".", "--write" in sys.argv))
