"""Word documents become Markdown; no macro is run and nothing they link to is opened."""

from collections.abc import Iterator
from contextlib import closing

import mammoth

from indexers.reading.converted import clean, converted
from indexers.reading.inputs import Input, Read
from indexers.reading.markup import to_markdown
from indexers.reading.office import opened, title_of

_TITLE_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
"""


def read_docx(input_: Input) -> Iterator[Read]:
    """Yield the document, its headings, lists, tables and notes in the order of the text."""
    with closing(opened(input_)) as stream:
        title = title_of(stream)
        page = mammoth.convert_to_html(
            stream, style_map=_TITLE_STYLES, convert_image=lambda _: [], external_file_access=False
        ).value
    text = clean(to_markdown(page))
    first = text.partition("\n")[0]
    heading = first.lstrip("# ") if first.startswith("#") else ""
    yield converted(input_, "docx", text, title or heading)
