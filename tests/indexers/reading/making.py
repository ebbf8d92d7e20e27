"""Files of every format, written by the libraries that write them."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from email.message import EmailMessage

import docx
import pyarrow as pa
import pyarrow.parquet as pq
from fpdf import FPDF
from openpyxl import Workbook
from pptx import Presentation
from pptx.util import Inches

Rows = Sequence[Sequence[object]]


def pdf(*pages: str, title: str = "", user: str = "", owner: str = "") -> bytes:
    file = FPDF()
    file.set_creation_date(datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
    file.set_font("helvetica", size=12)
    if title:
        file.set_title(title)
    if owner:
        file.set_encryption(owner, user)
    for text in pages:
        file.add_page()
        for line in text.splitlines():
            file.cell(text=line, new_x="LMARGIN", new_y="NEXT")
    return bytes(file.output())


def word(title: str = "") -> bytes:
    """A document with headings, lists, a table, and what Markdown keeps for itself."""
    file = docx.Document()
    file.core_properties.title = title
    file.add_heading("The freezer", 0)
    file.add_heading("Care", 1)
    file.add_paragraph("Defrost it in May: 5 * 3 hours, a_b_c, 1 < 2 & 3.")
    file.add_paragraph("Shut the door.", style="List Bullet")
    file.add_paragraph("Check the seal.", style="List Bullet")
    file.add_paragraph("Call Ada.", style="List Number")
    file.add_paragraph("Call Bob.", style="List Number")
    table = file.add_table(2, 2)
    for cell, text in zip(
        [*table.rows[0].cells, *table.rows[1].cells], ["Part", "a|b", "lid\nold", "4"], strict=True
    ):
        cell.text = text
    file.add_heading("Power", 2)
    file.add_paragraph("It stays cold for ").add_run("two days").bold = True
    file.add_section().header.paragraphs[0].text = "Running head"
    return _saved(file.save)


def slides() -> bytes:
    file = Presentation()
    first = file.slides.add_slide(file.slide_layouts[1])
    first.shapes.title.text = "Plan"
    body = first.placeholders[1].text_frame
    body.text = "Read"
    for text, level in (("files", 1), ("Write", 0)):
        paragraph = body.add_paragraph()
        paragraph.text, paragraph.level = text, level
    first.notes_slide.notes_text_frame.text = "Say it slowly."
    second = file.slides.add_slide(file.slide_layouts[6])
    box = second.shapes.add_group_shape().shapes.add_textbox(0, 0, Inches(2), Inches(1))
    box.text_frame.text = "In a group"
    table = second.shapes.add_table(2, 2, 0, Inches(2), Inches(3), Inches(1)).table
    for place, text in enumerate("abcd"):
        table.cell(place // 2, place % 2).text = text
    return _saved(file.save)


def sheets(rows: Mapping[str, Rows] | None = None) -> bytes:
    file = Workbook()
    file.remove(file.active)
    whole: Mapping[str, Rows] = {
        "Prices": [["item", "price", "sold"], ["salt", 1.5, True], ["sum", "=B2*2", None]],
        "Empty": [],
        "Dates": [[], [None, "day"], [None, date(2026, 1, 2)], [None, 3.0], [None, "a|b\nc"]],
    }
    for name, lines in (rows or whole).items():
        sheet = file.create_sheet(name)
        for number, line in enumerate(lines, start=1):
            for column, value in enumerate(line, start=1):
                sheet.cell(number, column).value = value
    return _saved(file.save)


def parquet(columns: Mapping[str, Sequence[object]], group: int = 2) -> bytes:
    return _saved(
        lambda stream: pq.write_table(pa.table(dict(columns)), stream, row_group_size=group)
    )


def mail(
    text: str = "",
    page: str = "",
    attached: Mapping[str, bytes] | None = None,
    charset: str = "utf-8",
) -> bytes:
    message = EmailMessage()
    message["Subject"] = "Grüße vom Hafen"
    message["From"] = "Ada <ada@example.org>"
    message["To"] = "bob@example.org"
    message["Date"] = "Mon, 02 Mar 2026 10:00:00 +0100"
    message["Message-ID"] = "<1@example.org>"
    if text:
        message.set_content(text, charset=charset)
        if page:
            message.add_alternative(page, subtype="html")
    elif page:
        message.set_content(page, subtype="html")
    for name, data in (attached or {}).items():
        message.add_attachment(data, "application", "octet-stream", filename=name)
    return bytes(message)


def zipped(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    stream = io.BytesIO()
    save(stream)
    return stream.getvalue()
