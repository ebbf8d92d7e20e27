"""The command line: output, exit codes, and one clear line for every error."""
