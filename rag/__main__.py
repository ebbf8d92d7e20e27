"""The outermost edge of the command line: errors become one line and an exit code."""

import importlib
import logging
import os
import sys

import click

from rag.cli.root import cli
from rag.errors import BadInput, RagError

COMMANDS = ("index", "query", "evaluate", "serve", "doctor")


def main() -> None:
    """Run `firstcite`. A `RagError` is one line on stderr; anything else is a defect, with trace."""
    quiet()
    for name in COMMANDS:
        importlib.import_module(f"rag.cli.{name}")
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; what was finished is kept, run it again to go on", err=True)
        sys.exit(130)
    except RagError as error:
        click.echo(f"firstcite: {error}", err=True)
        sys.exit(2 if isinstance(error, BadInput) else 1)
    except BrokenPipeError:  # `firstcite search … | head`
        sys.stdout = None  # type: ignore[assignment]  # nothing is left to flush to
        sys.exit(1)


def quiet() -> None:
    """Switch off what libraries would print or send: telemetry, hub look-ups, progress bars."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for name in ("haystack", "sentence_transformers", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)


QUIET = {
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "true",
    "TQDM_DISABLE": "1",
}

if __name__ == "__main__":
    main()
