"""A run that is killed in its midst goes on where it was: a real process, a real SIGKILL."""

import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.eval.tiny import CORPUS, write_beir

ROOT = Path(__file__).parents[3]
QUERIES = {f"q{i}": f"cat or dog number {i}" for i in range(12)}
TEXT = """
name = "slow"
settings.index.splitter = "none"
[[collections]]
path = "tiny"
[[systems]]
name = "likely"
rerank = {method = "query-likelihood", depth = 2}
"""


def begin(folder: Path) -> subprocess.Popen[bytes]:
    module = "tests.eval.experiments.slow_run"
    return subprocess.Popen([sys.executable, "-m", module, str(folder)], cwd=ROOT)


def asked(folder: Path) -> list[str]:
    log = folder / "asked"
    return log.read_text(encoding="utf-8").splitlines() if log.is_file() else []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_was_done_before_the_end_came_is_not_done_again(
    tmp_path: Path, how: signal.Signals
) -> None:
    write_beir(tmp_path / "tiny", CORPUS, QUERIES, {q: {"cat": 1} for q in QUERIES})
    (tmp_path / "experiment.toml").write_text(TEXT, encoding="utf-8")
    process = begin(tmp_path)
    deadline = time.monotonic() + 120
    while len(asked(tmp_path)) < 4:
        assert process.poll() is None, "it has ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(how)
    assert process.wait(60) != 0
    before = asked(tmp_path)
    assert 4 <= len(before) < len(QUERIES)
    assert begin(tmp_path).wait(120) == 0
    counts = Counter(asked(tmp_path))
    assert set(counts) == set(QUERIES.values())
    again = [question for question, times in counts.items() if times > 1]
    assert len(again) <= 1, "only the one that was under way"
    assert set(again) <= {before[-1]}
    stages = (tmp_path / "work" / "stages").iterdir()
    assert {len(file.read_bytes().splitlines()) for file in stages} == {1 + len(QUERIES)}
