"""The outermost edge of the command line: errors become one line and an exit code."""

import importlib
import io
import re
import sys

import click

from rag.cli.root import cli
from rag.errors import BadInput, RagError
from rag.settings import quiet

COMMANDS = (
    "index",
    "migrate",
    "reindex",
    "collections",
    "query",
    "rerank",
    "evaluate",
    "evaluating_answers",
    "experiments",
    "tuning",
    "train",
    "train_data",
    "judge_check",
    "evaluating_judge",
    "reports",
    "serve",
    "mcp",
    "keys",
    "doctor",
    "models",
    "calibrate",
    "route",
    "serve_model",
)


def main() -> None:
    """Run `firstcite`; what was foreseen is one line on stderr, anything else a trace."""
    try:
        quiet()
        if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal that knows no "–" gets "\u2013"
            sys.stdout.reconfigure(errors="backslashreplace")
        for name in COMMANDS:
            importlib.import_module(f"rag.cli.{name}")
        cli.main(prog_name="firstcite", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        click.echo(_placed(error), err=True, nl=False)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; what was finished is kept, run it again to go on", err=True)
        sys.exit(130)
    except RagError as error:
        click.echo(f"firstcite: {_one_line(error)}", err=True)
        sys.exit(2 if isinstance(error, BadInput) else 1)
    except BrokenPipeError:  # `firstcite search … | head`
        sys.stdout = None
        sys.exit(1)
    except OSError as error:  # no space left, no permission: the message names the file
        click.echo(f"firstcite: {_one_line(error)}", err=True)
        sys.exit(1)


def _placed(error: click.ClickException) -> str:
    """Return where an option stands that was not found where it was written; "" for others."""
    if not isinstance(error, click.NoSuchOption):
        return ""
    name = error.option_name
    known = any(name in parameter.opts for parameter in cli.params)
    return f"{name} stands before the command: firstcite {name} …\n" if known else ""


def _one_line(error: Exception) -> str:
    """Return the message without the line breaks that libraries put into theirs."""
    return re.sub(r"\s*\n\s*", " ", str(error))


if __name__ == "__main__":
    main()
