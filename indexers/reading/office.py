"""Office files, which are archives: looked at before they are unpacked, and their titles."""

import zipfile
from typing import BinaryIO

from lxml import etree

from indexers.reading.inputs import Input
from indexers.reading.unpacking import refuse_package

_UNNAMED = {"PowerPoint Presentation", "Word Document"}  # what programs fill in


def opened(input_: Input) -> BinaryIO:
    """Return the stream of an Office file that may be unpacked.

    Raises:
        Unreadable: it is too large, encrypted, damaged, or a bomb.
    """
    stream = input_.opener()
    try:
        refuse_package(stream, input_.limits)
    except BaseException:
        stream.close()
        raise
    return stream


def title_of(stream: BinaryIO) -> str:
    """Return the title among an Office file's properties, or an empty string."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    with zipfile.ZipFile(stream) as package:
        if "docProps/core.xml" not in package.namelist():
            return ""
        try:
            root = etree.fromstring(package.read("docProps/core.xml"), parser)
        except etree.XMLSyntaxError:
            return ""
        finally:
            stream.seek(0)
    title = (root.findtext("{http://purl.org/dc/elements/1.1/}title") or "").strip()
    return "" if title in _UNNAMED else title
