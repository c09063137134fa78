"""The page of modules: one HTML file without scripts and external resources, and the examples that it names."""

import html
import json
import re
import shlex
from pathlib import Path

from common.errors import KitError
from common.files import find_file

PHOTOGRAPH = re.compile(r"package:(skimage/data/[a-z0-9_]{1,40}\.(png|jpg))\Z")  # those of a package that is installed
SUFFIXES = {".png": "image/png", ".jpg": "image/jpeg", ".wav": "audio/wav", ".flac": "audio/flac"}
STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8881; --strong: #1668c7; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin: 0; }
h2 small { font-weight: normal; opacity: .7; }
a { color: var(--strong); }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); gap: 1rem; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; min-width: 0; }
p { margin: .4rem 0; }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0 .8rem; margin: .4rem 0; font-size: .85rem; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
pre { overflow: auto; padding: .5rem; margin: .4rem 0; background: var(--soft); font-size: .75rem; }
.try { display: inline-block; padding: .2rem .9rem; border-radius: .3rem; background: var(--strong); color: #fff; }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Modules</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<h1>Modules</h1>
<p>{about}</p>
<main>
{articles}
</main>
</body>
</html>
"""
SENT_AS = {"features": "feature_file", "points": "cloud"}  # input -> the name of its files in a form, where they differ


def module_page(cards, served=None):
    """The HTML of the page (str).

    Args:
        cards (list[Card]): of the modules.
        served (dict[str, tuple[Card, str]] | None): name in the server's addresses -> the module, and what it reads
            (text, image, ...); None for a page that no server has.
    """
    served = served or {}
    here = {card.name: (name, kind) for name, (card, kind) in served.items()}
    known = {card.name: card for card in cards} | {card.name: card for card, _ in served.values()}
    ordered = sorted(known.values(), key=lambda card: (card.name not in here, card.type, card.name))
    articles = [article(card, *here.get(card.name, (None, None))) for card in ordered]
    about = f"{len(ordered)} modules, {len(here)} of them served here." if served else f"{len(ordered)} modules."
    return PAGE.format(style=STYLE, about=about, articles="\n".join(articles))


def article(card, name, kind):
    """The part of a module: what it is and how it is called; a link to try it if it is served as `name`."""
    facts = {"takes": card.inputs, "answers": card.outputs, "license": card.license or "none stated"}
    facts |= {one["name"]: metric_text(one) for one in card.metrics}
    rows = "".join(
        f"<dt>{html.escape(key)}</dt><dd>{html.escape(str(value))}</dd>" for key, value in facts.items() if value
    )
    source = f"<dt>source</dt><dd>{link(card.source)}</dd>" if card.source else ""
    tried = ""
    if name:
        word = "Try the example" if card.example else "Try it"
        tried = f'<p><a class="try" href="./#{html.escape(name, quote=True)}">{word}</a></p>\n'
    return (
        f'<article id="{html.escape(card.name, quote=True)}">\n'
        f"<h2>{html.escape(card.name)} <small>{html.escape(card.version)} · {html.escape(card.type)}</small></h2>\n"
        f"<p>{html.escape(card.summary)}</p>\n{tried}<dl>{rows}{source}</dl>\n"
        f"<pre>{html.escape(calls(card, name, kind))}</pre>\n</article>"
    )


def metric_text(metric):
    """The value of a metric with its data: `71.88, ImageNet validation`."""
    return f"{metric['value']}, {metric['data']}" if metric.get("data") else str(metric["value"])


def link(address):
    """An address as a link if it is one of https, else as text."""
    text = html.escape(address, quote=True)
    return f'<a href="{text}" rel="noreferrer">{text}</a>' if address.startswith("https://") else text


def calls(card, name, kind):
    """The commands that install and run a module, and the request to a server that has it."""
    text = card.example if card.example and not is_file_name(card.example) else None
    given = f"--input_text {shlex.quote(text)}" if text else "--input_path FILE"
    lines = [f"hub install {card.name}", f"hub run {card.name} {given}"]
    if kind == "text":
        body = json.dumps({"text": text or "..."}, ensure_ascii=False)
        sent = f"-H 'Content-Type: application/json' -d {shlex.quote(body)}"
    elif kind in ("image", "audio", "video", "features", "points"):
        sent = f"-F {SENT_AS.get(kind, kind)}=@FILE"
    else:
        sent = "-H 'Content-Type: application/json' -d @rows.json"
    return "\n".join([*lines, *([f"curl {sent} SERVER/v1/models/{name}:predict"] if name else [])])


def is_file_name(example):
    """True for an example that names a file of the module or of a package, in contrast to a text."""
    return Path(example).suffix in SUFFIXES and "\n" not in example


def example_file(card, folder):
    """The file of a module's example (Path), None where the example is a text or the file is not there.

    A module may come from anywhere: it names a file of its own, or a photograph of scikit-image, which is installed.

    Args:
        card (Card): of the module.
        folder (Path | None): of the module, None of one that is not installed.
    """
    if PHOTOGRAPH.match(card.example):
        try:
            return find_file(card.example)
        except KitError:
            return None
    if folder is None or card.example not in card.files or not is_file_name(card.example):
        return None
    return Path(folder) / card.example
