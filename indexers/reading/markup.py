"""HTML becomes Markdown: headings, lists, tables and code; no links, images or what is hidden."""

import re
from collections.abc import Iterator
from contextlib import closing

from bs4 import BeautifulSoup, Tag
from markdownify import ATX, MarkdownConverter

from indexers.reading.converted import clean, converted
from indexers.reading.encodings import decode
from indexers.reading.inputs import Input, Read, read_all

_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)\b[^>]*?(?:charset|encoding)\s*=\s*["']?\s*([\w:.-]+)""", re.IGNORECASE
)
_HEAD = 4096  # chosen: HTML wants the declaration within 1,024 bytes, some pages have it later
_LEFT_OUT = (
    *("script", "style", "template", "noscript", "head", "iframe", "object", "embed", "svg"),
    *("canvas", "audio", "video", "select", "datalist", "math"),
)
_HIDES = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_INLINE = ["a", "b", "strong", "em", "i", "u", "del", "s", "img", "q", "sub", "sup", "kbd", "samp"]
_NUMBER = "data-firstcite-number"


class _Converter(MarkdownConverter):
    """Markdown that says what the page says: no addresses, no emphasis, blocks apart."""

    convert_main = convert_header = convert_footer = convert_nav = MarkdownConverter.convert_div  # type: ignore[attr-defined]
    convert_aside = convert_form = convert_figure = MarkdownConverter.convert_div  # type: ignore[attr-defined]
    convert_address = convert_details = convert_summary = MarkdownConverter.convert_div  # type: ignore[attr-defined]
    convert_fieldset = convert_legend = convert_body = MarkdownConverter.convert_div  # type: ignore[attr-defined]

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        return super().convert_td(el, text.replace("|", "\\|"), parent_tags)  # type: ignore[misc, no-any-return]

    convert_th = convert_td

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:  # noqa: ARG002
        """Return the item; the library counts the ones before it anew for each."""
        mark = str(el.get(_NUMBER, "-")) + " "
        lines = text.strip().split("\n")
        rest = (" " * len(mark) + line if line else "" for line in lines[1:])
        return "\n".join([mark + lines[0], *rest]) + "\n"


def to_markdown(page: str) -> str:
    """Return what a page shows, as Markdown.

    >>> print(to_markdown("<h1>A</h1><p>b <i>c</i><ol><li>d<li>e</ol><p hidden>f"))
    # A
    <BLANKLINE>
    b c
    <BLANKLINE>
    1. d
    2. e
    """
    return _markdown(BeautifulSoup(page, "lxml"))


def _markdown(soup: BeautifulSoup) -> str:
    for tag in soup.find_all(_LEFT_OUT):
        tag.decompose()
    for tag in soup.find_all(_is_hidden):
        if not tag.decomposed:
            tag.decompose()
    for list_ in soup.find_all("ol"):
        start = str(list_.get("start", ""))
        first = int(start) if start.isdecimal() and len(start) < 9 else 1
        for number, item in enumerate(list_.find_all("li", recursive=False), start=first):
            item[_NUMBER] = f"{number}."
    converter = _Converter(
        heading_style=ATX,
        strip=_INLINE,
        escape_asterisks=False,
        escape_underscores=False,
        table_infer_header=True,
    )
    text = str(converter.convert_soup(soup))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+\n", "\n", text)).strip()


def _is_hidden(tag: Tag) -> bool:
    return (
        tag.has_attr("hidden")
        or tag.get("aria-hidden") == "true"
        or bool(_HIDES.search(str(tag.get("style", ""))))
    )


def read_html(input_: Input) -> Iterator[Read]:
    """Yield the page; <title> is its title, else its first heading."""
    with closing(input_.opener()) as stream:
        data = read_all(stream, input_.limits)
    found = _DECLARED.search(data[:_HEAD])
    decoded = decode(data, found[1].decode() if found else "")
    if decoded.remark:
        yield input_.notice(decoded.remark)
    soup = BeautifulSoup(decoded.text, "lxml")
    named = soup.title or soup.h1
    title = named.get_text(" ", strip=True) if named else ""
    yield converted(input_, "html", clean(_markdown(soup)), title)
