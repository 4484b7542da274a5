/** What `novastream agent --help` says. */
export const AGENT_HELP = `Usage: novastream agent --name NAME [options] -- PROGRAM [ARGUMENT...]

Runs a program and publishes it as a Wukong: its lines as logs, its state as status.
Otherwise it is as if you had run the program itself: same stdin, same output, same exit code.

Options:
  --name NAME            the Wukong: lower-case letters, digits, dots, dashes, underscores; at most 63 (required)
  --server URL           the NovaStream server (default: $NOVASTREAM_SERVER, else http://127.0.0.1:8080)
  --quiet                do not show the program's output here
  -h, --help             show this

Lines that wait for the server:
  --spool DIR            keep them in DIR, which is this agent's alone (default: one of its own in
                         $XDG_STATE_HOME or ~/.local/state, below novastream/agent/)
  --spool-size SIZE      at most so much there, 1MiB to 4GiB (default: 64MiB)
  --no-spool             keep them in memory alone: what waits is lost with the agent
  --buffer SIZE          at most so much in memory, with --no-spool and while the disk is full, 256KiB to 1GiB
                         (default: 16MiB)

When the program ends:
  --restart MODE         no, on-failure or always: start it again (default: no)
  --restart-delay TIME   before the first restart, doubled with each up to 1m, with jitter; a run of 1m
                         begins anew (default: 1s)
  --max-restarts N       then it stays as it is (default: no limit)

What it writes:
  --parse MODE           auto or none: take level, time, message and fields from loggers' JSON, and levels from
                         the start of text lines: [ERROR], WARN:, E0102 …, <3>, level=warn (default: auto)
  --multiline MODE       off, indent or a regular expression: join lines with those that continue them (default: off)
                         indent: lines that begin with white space, and stack traces of java, python and node
                         an expression: lines that match it, as in '^(?!\\d{4}-)' where each entry begins with a date
  --status-interval TIME between samples of processor and memory, 1s to 1h, or 0 for none (default: 15s)

Logs:
  Where a line does not tell its level it is info on stdout and error on stderr; "source" says which it was.
  A line longer than 64 KiB comes in pieces, all but the last with "fields": {"partial": true}.
  Lines that were joined are at most 500, 64 KiB and 2 s of them; they wait for 200 ms of quiet.

Delivery:
  A line is in the spool before it is shown here. Batches go out in order, and again under the same
  Idempotency-Key until the server has them, by the next agent of this name if need be, even after kill -9: none is
  lost, none is doubled, as long as no more than a day lies between. When the spool is full the oldest batches go,
  and a line with the level warn says in their place what is missing: "fields": {"dropped", "bytes", "from", "to"}.
  A full disk is said here; lines are then kept in memory until it takes them again. Nothing is synced to the disk
  line by line: after a power cut the last half minute may be missing, or be sent twice.

Status:
  phase (Starting, Running, Restarting, Succeeded, Failed), command, pid, host, startedAt, endedAt, restartAt,
  exitCode, signal, restarts, message; cpuCores (1 = one busy core) and memoryBytes of the program and its children,
  on Linux; spooledBytes, droppedLines, spoolTrouble. A phase is told at once, figures when they have changed.
  The command is shown with its arguments: keep secrets out of them.

Signals:
  SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1 and SIGUSR2 go to the program, not to its children. The second that
  asks for an end kills it, and after the first it is not started again. After its end the agent tries for up to
  10 s without progress to deliver the rest; a signal cuts that short.

Environment:
  NOVASTREAM_SERVER      the server, where --server is not given
  XDG_STATE_HOME, HOME   where the spool is, where --spool is not given

Exit codes:
  the program's own, of its last run, or 128 + the number of the signal that ended it
  2     the command line is wrong
  126   the program cannot be run
  127   there is no such program

Examples:
  novastream agent --name web-1 -- node app.js --port 3000
  novastream agent --name web-1 --server http://stream.example.com --restart on-failure --max-restarts 5 -- ./serve
  novastream agent --name jobs --multiline indent -- python3 worker.py
  novastream agent --name web-1 -- true      (delivers what an earlier agent has left)
`;
