"""A settings file of a point: what is in effect, with the point's values."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from eval.tuning.choosing import Verdict
from eval.tuning.definition import Study
from eval.tuning.space import ASKED, settings_at, written
from rag.sections import Secret
from rag.settings import PREFIX, Settings

NAME = "tuned.toml"


def write_settings(out: Path, study: Study, verdict: Verdict) -> Path | None:
    """Write the settings file of the point that was chosen, and return it; None where none was.

    One that lies there from before goes in any case: it is of other figures.
    """
    file = out / NAME
    file.unlink(missing_ok=True)
    if verdict.trial is None:
        return None
    point = verdict.trial.point
    lines = [
        f"# By `firstcite eval tune`, study '{study.table.name}', trial {verdict.trial.number}.",
        f"# {verdict.why}.".replace("\n", " "),
        *(
            f"# No setting says it, ask for it with the query: {name} {written(point[name])}"
            for name in ASKED
            if name in point
        ),
        *_toml(settings_at(study.settings, point)),
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _toml(settings: Settings) -> Iterator[str]:
    """Yield the lines of what is not as usual; secrets are left to the environment."""
    usual = msgspec.structs.asdict(Settings())
    for name, section in msgspec.structs.asdict(settings).items():
        rows = []
        before: Mapping[str, object] = msgspec.structs.asdict(usual[name])
        for key, value in msgspec.structs.asdict(section).items():
            if value == before[key]:
                continue
            if isinstance(value, Secret):
                rows.append(f"# {key} is a secret: set {PREFIX}{name.upper()}__{key.upper()}")
            else:  # strings, numbers, truths and lists of them are the same in JSON
                rows.append(f"{key} = {msgspec.json.encode(value).decode()}")
        if rows:
            yield from ("", f"[{name}]", *rows)
