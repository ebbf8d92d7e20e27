"""Mail: the text of a message, and its attachments as members of it."""

import email
import email.policy
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from email.message import EmailMessage, MIMEPart
from email.utils import parsedate_to_datetime

from indexers.reading.converted import clean, converted
from indexers.reading.encodings import decode
from indexers.reading.inputs import Input, OfBytes, Read, Unreadable, read_all
from indexers.reading.markup import to_markdown
from indexers.reading.unpacking import MAX_NESTING
from rag.values import Json

_HEADERS = ("from", "to", "cc", "date", "message-id")


def read_mail(input_: Input) -> Iterator[Read | Input]:
    """Yield the message, its subject as title and its headers as metadata, and its attachments."""
    with closing(input_.opener()) as stream:
        data = read_all(stream, input_.limits)
    message = email.message_from_bytes(bytes(data), policy=email.policy.default)
    if not message.keys():
        raise Unreadable("no mail: it begins with no header")
    plain = message.get_body(("plain",))
    body = plain or message.get_body(("html",))
    text = _text(body) if body is not None else ""
    if body is not None and plain is None:
        text = to_markdown(text)
    members = list(_attachments(input_, message))
    if text.strip() or not members:
        subject = str(message.get("subject", ""))
        yield converted(
            input_,
            "eml",
            clean(text).strip(),
            subject,
            markup="plain" if plain is not None else "markdown",
            metadata=_metadata(message),
        )
    if members and input_.depth >= MAX_NESTING:
        raise Unreadable(f"attachments left out: archives in archives, over {MAX_NESTING} deep")
    yield from members


def _metadata(message: EmailMessage) -> dict[str, Json]:
    said = {name.replace("-", "_"): clean(str(message[name])) for name in _HEADERS if message[name]}
    with suppress(ValueError):  # as it is written, where that is no date
        said["date"] = parsedate_to_datetime(said.get("date", "")).isoformat()
    return dict(said)


def _text(part: MIMEPart) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes) or not data:
        return ""
    charset = part.get_content_charset("")
    return decode(data, charset).text.replace("\r\n", "\n")


def _attachments(input_: Input, message: EmailMessage) -> Iterator[Input]:
    for number, part in enumerate(message.iter_attachments(), start=1):
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload(0)
            name, data = f"attachment-{number}.eml", bytes(inner)  # type: ignore[arg-type]
        else:
            name, payload = f"attachment-{number}", part.get_payload(decode=True)
            data = payload if isinstance(payload, bytes) else b""
        name = clean(part.get_filename() or name).replace("/", "_")
        yield replace(
            input_,
            id=f"{input_.id}!/{name}",
            source=f"{input_.source}!/{name}",
            name=name,
            opener=OfBytes(data),
            depth=input_.depth + 1,
        )
