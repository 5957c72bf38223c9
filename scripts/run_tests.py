"""Runs test programs, a few at a time, and sums what they say. Called by scripts/test; see its help.

  run_tests.py [--list] [--match TEXT] FOLDER:PART…     runs them and prints the closing line
  run_tests.py --targets FOLDER PART…                   prints the ninja targets that these parts need

A program is a CMocka executable that the build folder knows in the suite PART, or (parts e2e and plain) a unittest
file of tests/e2e. Failing output is shown in full, passing output not at all.
"""
import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CMOCKA_LINE = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] ([A-Za-z_]\w*)$")
SANITIZERS = {
    "ASAN_OPTIONS": "print_legend=0:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}
CMOCKA_SECONDS = 600  # generous: a timing never decides a test, this only ends a hang
E2E_SECONDS = 1200

# Those that take a minute or more are started first, so that a run does not end with one of them alone; among them the
# longest, and next to those what waits most.
LONGEST = (
    "test_queue_faults_postgres", "test_queue_faults_sqlite", "test_black_holed_target", "test_spawner",
    "test_hostile_limits", "test_policy_lines", "store_journal_faults",
)

print_lock = threading.Lock()
running = set()  # processes to end when we are ended


@dataclasses.dataclass
class Program:
    part: str
    name: str
    folder: pathlib.Path  # the build folder
    command: list
    environment: dict
    is_python: bool


@dataclasses.dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    text: str = ""  # what there is to show of failures
    seconds: float = 0.0


def say(text):
    with print_lock:
        print(text, flush=True)


def introspect(folder, what):
    answer = subprocess.run(["meson", "introspect", f"--{what}", str(folder)], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)


def cmocka_tests(folder, part):
    """The tests of one meson suite; their suites read "project:suite" or "suite"."""
    return [test for test in introspect(folder, "tests") if part in (suite.split(":")[-1] for suite in test["suite"])]


def python_files(part):
    for path in sorted((ROOT / "tests" / "e2e").glob("test_*.py")):
        if path.name.startswith("test_plain_") == (part == "plain"):
            yield path


def programs_of(folder, part):
    environment = os.environ | SANITIZERS | {
        "FAIRLEAD": str(folder / "fairlead"), "FAIRLEAD_BUILD": str(folder), "FAIRLEAD_SRC": str(ROOT),
    }
    for test in cmocka_tests(folder, part):
        own = environment | test.get("env", {}) | {"CMOCKA_MESSAGE_OUTPUT": "stdout"}
        yield Program(part, test["name"], folder, test["cmd"], own, False)
    if part in ("e2e", "plain"):
        for path in python_files(part):
            command = [sys.executable, "-B", str(ROOT / "scripts" / "report_unittest.py"), str(path)]
            yield Program(part, path.stem, folder, command, environment, True)


def print_targets(folder, parts):
    """What must be built: the test executables, and the product, which some of them load or run."""
    targets = {"fairlead", "fairlead-host", "fairlead-http.so", "fairlead-postgres.so"}
    for part in parts:
        targets |= {os.path.relpath(test["cmd"][0], folder) for test in cmocka_tests(folder, part)}
    print("\n".join(sorted(targets)))


def end_group(process):
    """TERM, so that tests can tear down what they started; KILL when that takes too long."""
    for number, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def run_command(program, output, on_line=None, extra_fds=()):
    """Runs to the end or to the time limit; returns the exit code, or None after the limit."""
    process = subprocess.Popen(
        program.command, env=program.environment, cwd=program.folder, stdin=subprocess.DEVNULL, stdout=output,
        stderr=subprocess.STDOUT, start_new_session=True, pass_fds=extra_fds,
    )
    running.add(process)
    for fd in extra_fds:
        os.close(fd)
    timer = threading.Timer(E2E_SECONDS if program.is_python else CMOCKA_SECONDS, end_group, [process])
    timer.start()
    try:
        if on_line:
            on_line()
        process.wait()
        return process.returncode if timer.is_alive() else None
    finally:
        timer.cancel()
        running.discard(process)


def run_cmocka(program, output, outcome):
    code = run_command(program, output)
    output.seek(0)
    text = output.read().decode(errors="replace")
    results = {}
    for line in text.splitlines():
        match = CMOCKA_LINE.match(line.strip())
        if match:
            results[match[2]] = match[1]
    found = list(results.values())
    outcome.passed, outcome.failed, outcome.skipped = (found.count(word) for word in ("OK", "FAILED", "SKIPPED"))
    note_exit(program, code, outcome)
    if outcome.failed:
        outcome.text = text + outcome.text


def run_unittest(program, output, outcome):
    reader, writer = os.pipe()
    program.environment = program.environment | {"FAIRLEAD_REPORT_FD": str(writer)}

    def follow():
        with os.fdopen(reader, encoding="utf-8") as lines:
            for line in lines:
                note_unittest(program, json.loads(line), outcome)

    code = run_command(program, output, follow, (writer,))
    note_exit(program, code, outcome)
    if outcome.failed:
        output.seek(0)
        outcome.text += output.read().decode(errors="replace")


def note_unittest(program, report, outcome):
    setattr(outcome, report["outcome"], getattr(outcome, report["outcome"]) + 1)
    outcome.text += report["text"] if report["outcome"] == "failed" else ""
    word = {"passed": "ok", "failed": "FAIL", "skipped": "skip"}[report["outcome"]]
    why = f": {report['text']}" if report["outcome"] == "skipped" else ""
    say(f"    {word:<4}  {program.name}: {report['name']} ({report['seconds']:.1f} s){why}")


def note_exit(program, code, outcome):
    """A crash, a hang or a silent program is a failure even where no test said so."""
    if code is None:
        outcome.failed += 1
        outcome.text += f"{program.name}: ended by the time limit\n"
    elif code != 0 and outcome.failed == 0:
        outcome.failed += 1
        outcome.text += f"{program.name}: exit code {code}\n"
    elif outcome.passed + outcome.failed + outcome.skipped == 0:
        outcome.failed += 1
        outcome.text += f"{program.name}: no test ran\n"


def run_program(program):
    outcome = Outcome()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryFile() as output:
        if program.is_python:
            # Sanitizer reports of the daemons that a test starts land here, so that none is overlooked.
            for name, options in SANITIZERS.items():
                program.environment[name] = f"{options}:log_path={scratch}/sanitizer"
            run_unittest(program, output, outcome)
        else:
            run_cmocka(program, output, outcome)
        for report in sorted(pathlib.Path(scratch).iterdir()):
            outcome.failed += 1
            outcome.text += f"sanitizer report of a process that {program.name} started:\n{report.read_text()}"
    outcome.seconds = time.monotonic() - started
    show(program, outcome)
    return outcome


def show(program, outcome):
    counts = f"{outcome.passed} passed"
    counts += f", {outcome.failed} FAILED" if outcome.failed else ""
    counts += f", {outcome.skipped} skipped" if outcome.skipped else ""
    line = f"  {program.part:<8}  {program.name:<34}  {counts}  ({outcome.seconds:.1f} s)"
    say(line + (f"\n{outcome.text.rstrip()}\n" if outcome.text else ""))


def on_signal(number, _frame):
    for process in list(running):
        end_group(process)
    os._exit(128 + number)


def longest_first(program):
    return LONGEST.index(program.name) if program.name in LONGEST else len(LONGEST)


def run_all(programs):
    programs = sorted(programs, key=longest_first)
    jobs = int(os.environ.get("FAIRLEAD_TEST_JOBS", 2 * (os.cpu_count() or 1)))
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        outcomes = list(pool.map(run_program, programs))
    passed, failed, skipped = (sum(getattr(one, word) for one in outcomes) for word in ("passed", "failed", "skipped"))
    if failed:
        broken = [p.name for p, outcome in zip(programs, outcomes) if outcome.failed]
        say(f"\nfailed in: {', '.join(broken)}")
    if skipped:
        say(f"\n{skipped} skipped: each says why above")
    print(f"\n{passed} passed, {failed} failed", flush=True)
    return 1 if failed or passed == 0 else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", metavar="FOLDER")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--match", default="")
    parser.add_argument("plan", nargs="+")
    options = parser.parse_args()
    if options.targets:
        print_targets(ROOT / options.targets, options.plan)
        return 0
    programs = []
    for entry in options.plan:
        folder, part = entry.split(":")
        found = list(programs_of(ROOT / folder, part))
        if not found:
            say(f"  {part:<8}  (the tree has no such tests)")
        programs += [program for program in found if options.match in program.name]
    if options.list:
        for program in programs:
            print(f"{program.part:<8}  {program.name}")
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    return run_all(programs)


if __name__ == "__main__":
    sys.exit(main())
