"""The teacher's part of `firstcite train distill`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from rag.cli.progress import showing
from rag.cli.root import run
from rag.settings import Settings


def taught_groups(data: Path, settings: Settings, options: Mapping[str, Any]) -> Path:
    """Return the folder of the groups with the teacher's scores; it is asked once."""
    from eval.provenance import provenance
    from rag.folders import digest
    from rag.training.data.files import Source, read
    from rag.training.values import Group
    from rag.wiring.training_data import Job, from_teacher

    out: Path = options["out"].with_name(f"{options['out'].name}.{data.resolve().name}.taught")
    decides = {"method": options["teacher"], "top": options["top"]}
    source = Source(data.resolve().name, digest(data))
    with showing(Console(stderr=True, soft_wrap=True)) as show:
        job = Job(
            "teacher", settings, (data,), out, show, decides, sources=(source,), where=provenance()
        )
        if job.finished() is None:
            run(from_teacher(job, read(data, Group), options["teacher"], options["top"]))
    return out
