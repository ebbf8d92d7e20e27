"""What a run tells of itself takes no more memory, however much there is to tell."""

from hypothesis import given
from hypothesis import strategies as st

from indexers.bulk.reporting import KEPT, FileReport, Tally
from indexers.stores.payload import from_record, to_record
from rag.values import Document, DocumentRecord, Fault, Notice


def test_of_many_faults_and_notices_the_first_are_kept_and_all_are_counted() -> None:
    files = list[FileReport]()
    tally = Tally(files.append)
    for line in range(1, 2 * KEPT + 1):
        tally.fault(Fault("/g/bad.jsonl", line, "not JSON"))
        tally.notice(Notice("/g/bad.jsonl", f"odd {line}"))
    tally.document(Document("d", "text", source="/g/good.md"), "new", 1)
    tally.fault(Fault("/g/last.md", 0, "empty"))
    tally.close()
    report = tally.report(1.0)
    bad, good, last = files
    assert len(bad.faults) == len(report.faults) == len(bad.notices) == len(report.notices) == KEPT
    assert (bad.further_faults, bad.further_notices) == (KEPT, KEPT)
    assert bad.faults[-1].line == KEPT
    assert (report.fault_count, report.notice_count) == (2 * KEPT + 1, 2 * KEPT)
    assert (good.status, good.further_faults, good.further_notices) == ("indexed", 0, 0)
    assert (last.status, last.faults) == ("failed", (Fault("/g/last.md", 0, "empty"),))
    assert tally.faulty == {"/g/bad.jsonl", "/g/last.md"}


TEXT = st.text(max_size=8)
RECORDS = st.builds(
    DocumentRecord,
    document_id=TEXT,
    digest=TEXT,
    title=TEXT,
    source=TEXT,
    metadata=st.dictionaries(TEXT, st.integers() | st.none() | st.just([]), max_size=2),
    tenant=TEXT,
    markup=st.sampled_from(["plain", "markdown", "code"]),
    pages=st.lists(st.integers(0, 9), max_size=2).map(tuple),
    chunks=st.integers(0, 3),
    state=st.sampled_from(["whole", "written", "cleaned"]),
    adding=st.lists(TEXT, max_size=2).map(tuple),
    superseders=st.dictionaries(TEXT, TEXT, max_size=2),
)


@given(RECORDS)
def test_a_record_comes_back_from_its_payload_as_it_was(record: DocumentRecord) -> None:
    assert from_record(to_record(record)) == record
