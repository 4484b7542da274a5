/** What `novastream agent --help` says. */
export const AGENT_HELP = `Usage: novastream agent --name NAME [options] -- PROGRAM [ARGUMENT...]

Runs a program and publishes it as a Wukong: its lines as logs, its state as status.
Otherwise it is as if you had run the program itself: same stdin, same output, same exit code.

Options:
  --name NAME     the Wukong: lower-case letters, digits, dots, dashes, underscores; at most 63 (required)
  --server URL    the NovaStream server (default: $NOVASTREAM_SERVER, else http://127.0.0.1:8080)
  --buffer SIZE   lines kept in memory while the server is away, 256KiB to 1GiB (default: 16MiB)
  --quiet         do not show the program's output here
  -h, --help      show this

Logs:
  A line on stdout has the level info, a line on stderr the level error; "source" says which it was.
  A line longer than 64 KiB comes in pieces, all but the last with "fields": {"partial": true}.
  While the server is away, lines are kept and sent again: none is lost, none is doubled. When the buffer
  is full the oldest go, and a line with the level warn says in their place how many.

Status:
  phase (Starting, Running, Succeeded, Failed), command, pid, host, startedAt, endedAt, exitCode, signal, restarts.
  The command is shown with its arguments: keep secrets out of them.

Signals:
  SIGINT, SIGTERM and SIGHUP go to the program. The second SIGINT or SIGTERM kills it.
  After its end the agent tries for up to 10 s without progress to deliver the rest; a signal cuts that short.

Environment:
  NOVASTREAM_SERVER   the server, where --server is not given

Exit codes:
  the program's own, or 128 + the number of the signal that ended it
  2     the command line is wrong
  126   the program cannot be run
  127   there is no such program

Example:
  novastream agent --name web-1 --server http://stream.example.com -- node app.js --port 3000
`;
