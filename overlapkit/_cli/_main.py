"""main: read the arguments, run a command, turn its errors into an exit code."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from overlapkit._cli._console import Console, DataError, UsageError, one_line
from overlapkit._cli._parser import make_parser

__all__ = ["main"]

DONE, BAD_DATA, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments after the name of the program; None: those of the process.

    Returns
    -------
    code : int
        0: done; 1: the data or a file is at fault; 2: the arguments are.
    """
    parser = make_parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as end:  # of argparse, which has printed its message
        return int(end.code or 0)
    console = Console(f"overlapkit {args.command}", progress=args.progress)
    command = import_module(f"overlapkit._cli._{args.command}")
    try:
        with console.plain_warnings():
            command.run(args, console)
        sys.stdout.flush()
        return DONE
    except UsageError as error:
        console.say("error", f"{error} (overlapkit {args.command} --help)")
        return BAD_USAGE
    except KeyboardInterrupt:
        console.say("error", "interrupted; run the same command again to continue")
        return INTERRUPTED
    except BrokenPipeError:
        # who reads the results has stopped: nothing is left to say, and the
        # interpreter must not try to flush what nobody takes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (DataError, ValueError, TypeError, OSError, ImportError) as error:
        # what readers and estimators raise about their input
        if args.debug:
            raise
        console.say("error", one_line(error))
        return BAD_DATA
