"""Runs one unittest file and reports each test as it ends, as a JSON line on the descriptor FAIRLEAD_REPORT_FD.

Called by run_tests.py; alone, it prints the lines to stdout: python3 scripts/report_unittest.py tests/e2e/test_x.py
TERM fails the running test and stops after it, so that tearDown and addCleanup run and nothing stays behind.
(KeyboardInterrupt would not do: unittest runs no tearDown for it.)
"""
import json
import os
import pathlib
import signal
import sys
import time
import unittest


class Ended(Exception):
    """Raised in the running test when we are told to end."""


class Reporter(unittest.TestResult):
    """One line per test: name, outcome (passed, failed, skipped), seconds, text."""

    def __init__(self, stream):
        super().__init__()
        self.stream = stream
        self.started = time.monotonic()
        self.unreported = None  # the running test, until its outcome is known

    def report(self, test, outcome, text=""):
        # Failures of setUpClass and of imports come with a stand-in that has no method name.
        name = getattr(test, "_testMethodName", None) or str(test)
        line = {"name": name.removeprefix("test_"), "outcome": outcome, "seconds": time.monotonic() - self.started}
        self.stream.write(json.dumps(line | {"text": text}) + "\n")
        self.stream.flush()
        self.unreported = None

    def startTest(self, test):
        super().startTest(test)
        self.started = time.monotonic()
        self.unreported = test

    def stopTest(self, test):
        super().stopTest(test)
        if self.unreported is not None:  # only failed sub-tests end without an outcome of their own
            self.report(test, "failed", "a sub-test failed\n")

    def addSuccess(self, test):
        self.report(test, "passed")

    def addError(self, test, err):
        self.report(test, "failed", self._exc_info_to_string(err, test))

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err is not None:
            print(f"{subtest}:\n{self._exc_info_to_string(err, test)}", flush=True)

    def addSkip(self, test, reason):
        self.report(test, "skipped", reason)

    def addExpectedFailure(self, test, err):
        self.report(test, "passed")

    def addUnexpectedSuccess(self, test):
        self.report(test, "failed", "passed, though it was expected to fail\n")


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(path.parent))  # so that test files can share modules beside them
    fd = os.environ.pop("FAIRLEAD_REPORT_FD", None)
    stream = os.fdopen(int(fd), "w", encoding="utf-8") if fd else sys.stdout
    if fd:
        os.set_inheritable(int(fd), False)  # a daemon that outlives its test must not hold the pipe open
    result = Reporter(stream)

    def on_term(_number, _frame):
        result.stop()
        raise Ended("ended by a signal")

    signal.signal(signal.SIGTERM, on_term)
    unittest.defaultTestLoader.loadTestsFromName(path.stem).run(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
