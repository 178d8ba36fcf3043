"""Call a command as a person or a script would."""


def call_with(capsys, function, *arguments):
    """Call a function with arguments of a command line; return its exit status, standard output and standard error."""
    try:
        status = function([str(argument) for argument in arguments])
    except SystemExit as stop:  # argparse
        status = stop.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err
