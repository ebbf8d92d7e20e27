"""TREC's own files: topics, as lines or between tags, and qrels of four columns."""

import re
from pathlib import Path

from eval.data.collection import Qrels, numbered_lines
from rag.errors import BadCollection

GRADES = (-127, 127)  # what trec_eval keeps

_NUMBER = re.compile(r"<num>\s*(?:number:)?\s*([^<\s]+)", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*(?:topic:)?\s*([^<]*)", re.IGNORECASE)
_WANTED = "wanted is a line per topic, `id<TAB>text`, or <top> … </top> with <num> and <title>"


def read_topics(file: Path) -> dict[str, str]:
    """Return the text of every topic, in the file's order.

    Lines are an id, a tab and the text. Of topics between tags the title is the text, its white
    space made single. Lines that begin with # are comments.

    Raises:
        BadCollection: no file, no topic, a malformed one, or an id that stands twice.
    """
    if not file.is_file():
        raise BadCollection(f"{file} is missing: name a file of topics; {_WANTED}")
    lines = [(n, line) for n, line in numbered_lines(file) if not line.startswith("#")]
    tagged = any("<top>" in line.lower() for _, line in lines)
    topics: dict[str, str] = {}
    for where, topic, text in _tagged(file, lines) if tagged else _plain(file, lines):
        if topic in topics:
            raise BadCollection(f"{where}: topic '{topic}' stands here twice: keep one of the two")
        topics[topic] = text
    if not topics:
        raise BadCollection(f"{file} holds no topic: {_WANTED}")
    return topics


def _plain(file: Path, lines: list[tuple[int, str]]) -> list[tuple[str, str, str]]:
    found = []
    for number, line in lines:
        topic, tab, text = line.partition("\t")
        if not (tab and topic.strip() and text.strip()):
            raise BadCollection(f"{file}:{number}: no topic: {_WANTED}")
        found.append((f"{file}:{number}", topic.strip(), text.strip()))
    return found


def _tagged(file: Path, lines: list[tuple[int, str]]) -> list[tuple[str, str, str]]:
    """Return where each topic begins, its number and its title."""
    found, begun, held = [], 0, ""
    for number, line in lines:
        lowered = line.lower()
        if "<top>" in lowered:
            if begun:
                raise BadCollection(f"{file}:{begun}: a topic without </top>")
            begun, held = number, ""
        if begun:
            held += line + "\n"
        if begun and "</top>" in lowered:
            found.append(_topic(f"{file}:{begun}", held))
            begun = 0
    if begun:
        raise BadCollection(f"{file}:{begun}: a topic without </top>")
    return found


def _topic(where: str, text: str) -> tuple[str, str, str]:
    number, title = _NUMBER.search(text), _TITLE.search(text)
    said = " ".join(title[1].split()) if title else ""
    if number is None or not said:
        raise BadCollection(f"{where}: a topic needs <num> and <title>")
    return where, number[1], said


def read_trec_qrels(file: Path) -> Qrels:
    """Return the grades of a qrels file of TREC: topic, iteration, document, grade.

    A grade below 0 is "pooled, not judged". Lines that begin with # are comments; %20 in ids is
    white space.

    Raises:
        BadCollection: no file, no judgment, a malformed line, a grade outside −127 to 127, or one
            pair judged twice.
    """
    if not file.is_file():
        raise BadCollection(f"{file} is missing: name a file of qrels")
    qrels: dict[str, dict[str, int]] = {}
    for number, line in numbered_lines(file):
        if line.startswith("#"):
            continue
        topic, document, grade = _judgment(f"{file}:{number}", line)
        if document in qrels.setdefault(topic, {}):
            raise BadCollection(
                f"{file}:{number}: {topic} {document} is judged twice: keep one of the two"
            )
        qrels[topic][document] = grade
    if not qrels:
        raise BadCollection(f"{file} holds no judgment")
    return qrels


def _judgment(where: str, line: str) -> tuple[str, str, int]:
    try:
        topic, _, document, said = line.split()
        grade = int(said)
    except ValueError:
        raise BadCollection(
            f"{where}: expected topic, iteration, document and an integer grade, by spaces"
        ) from None
    low, high = GRADES
    if not low <= grade <= high:
        raise BadCollection(f"{where}: {grade} is no grade: it is from {low} to {high}")
    return topic.replace("%20", " "), document.replace("%20", " "), grade
