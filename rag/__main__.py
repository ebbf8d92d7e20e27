"""The outermost edge of the command line: errors become one line and an exit code."""

import importlib
import sys

import click

from rag.cli.root import cli
from rag.errors import BadInput, RagError
from rag.settings import quiet

COMMANDS = ("index", "query", "evaluate", "serve", "doctor")


def main() -> None:
    """Run `firstcite`; a `RagError` is one line on stderr, anything else a defect with a trace."""
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
        sys.stdout = None
        sys.exit(1)


if __name__ == "__main__":
    main()
