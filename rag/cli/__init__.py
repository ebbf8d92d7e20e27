"""The command line: `firstcite COMMAND`. One module per family of commands."""
