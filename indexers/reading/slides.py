"""Presentations become Markdown: titles, lists, tables and notes, slide by slide."""

from collections.abc import Iterable, Iterator
from contextlib import closing

from pptx import Presentation
from pptx.shapes.autoshape import Shape
from pptx.shapes.base import BaseShape
from pptx.shapes.graphfrm import GraphicFrame
from pptx.shapes.group import GroupShape
from pptx.slide import Slide

from indexers.reading.converted import clean, converted, in_parts
from indexers.reading.inputs import Input, Read
from indexers.reading.office import opened, title_of
from indexers.reading.tables import markdown_table


def read_pptx(input_: Input) -> Iterator[Read]:
    """Yield the presentation; slides are its pages, titles headings, notes stand after a slide."""
    with closing(opened(input_)) as stream:
        title = title_of(stream)
        presentation = Presentation(stream)
        slides = [clean("\n\n".join(_of_slide(slide))) for slide in presentation.slides]
        titles = (slide.shapes.title for slide in presentation.slides)
        first = next((shape.text_frame.text for shape in titles if shape is not None), "")
    text, pages = in_parts(slides)
    yield converted(input_, "pptx", text, title or first, pages=pages)


def _of_slide(slide: Slide) -> Iterator[str]:
    title = slide.shapes.title
    if title is not None and title.text_frame.text.strip():
        yield "## " + " ".join(title.text_frame.text.split())
    rest = [shape for shape in slide.shapes if title is None or shape.shape_id != title.shape_id]
    yield from filter(None, _of_shapes(rest))
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        notes = slide.notes_slide.notes_text_frame.text.strip()
        if notes:
            yield notes.replace("\v", "\n")


def _of_shapes(shapes: Iterable[BaseShape]) -> Iterator[str]:
    for shape in shapes:
        if isinstance(shape, GroupShape):
            yield from _of_shapes(shape.shapes)
        elif isinstance(shape, GraphicFrame) and shape.has_table:
            rows = [[cell.text_frame.text for cell in row.cells] for row in shape.table.rows]
            yield markdown_table(rows)
        elif isinstance(shape, Shape):
            yield _of_frame(shape)


def _of_frame(shape: Shape) -> str:
    said = [(p.level, p.text.replace("\v", "\n").strip()) for p in shape.text_frame.paragraphs]
    if shape.is_placeholder and len(said) > 1:  # the body of a slide is a list
        return "\n".join("  " * level + "- " + text for level, text in said if text)
    return "\n\n".join(text for _, text in said if text)
