"""Resource limits of children: in a plain build, because sanitizers cannot live under them."""
import hashlib
import os
import resource
import signal
import sys
import tempfile

from fairlead_e2e.spawner import SpawnerCase

NONE = {"cpu_seconds": 0, "address_space": 0, "file_size": 0, "open_files": 0, "processes": 0}


class ChildLimits(SpawnerCase):
    def run_python(self, script, **limits):
        return self.spawner().run(sys.executable, "-c", script, limits=NONE | limits, private_folder="TMPDIR")

    def test_processor_time(self):
        report = self.run_python("while True: pass", cpu_seconds=1)
        self.assertEqual((report.end, report.status), ("signalled", signal.SIGXCPU))

    def test_processor_time_of_one_that_does_not_listen(self):
        report = self.run_python("import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass", cpu_seconds=1)
        self.assertEqual((report.end, report.status), ("signalled", signal.SIGKILL))

    def test_address_space(self):
        script = "try: bytearray(1 << 30); print('had it')\nexcept MemoryError: print('refused')"
        self.assertEqual(self.run_python(script, address_space=256 << 20).out.text, "refused\n")
        self.assertEqual(self.run_python(script).out.text, "had it\n")

    def test_file_size(self):
        report = self.run_python("import os\nopen(os.environ['TMPDIR'] + '/file', 'wb').write(bytes(2 << 20))", file_size=1 << 20)
        self.assertIn("File too large", report.err.text)  # Python ignores SIGXFSZ

    def test_open_files(self):
        script = "import resource, os\nprint(resource.getrlimit(resource.RLIMIT_NOFILE))\ntry:\n while True: os.dup(0)\nexcept OSError as e: print(e.strerror)"
        self.assertEqual(self.run_python(script, open_files=20).out.text, "(20, 20)\nToo many open files\n")

    def test_processes(self):
        script = "import resource, os\nprint(resource.getrlimit(resource.RLIMIT_NPROC))"
        self.assertEqual(self.run_python(script, processes=7).out.text, "(7, 7)\n")
        if os.geteuid() == 0:
            self.skipTest("root is not held by it")
        self.assertIn("Resource temporarily unavailable", self.run_python("import os; os.fork()", processes=1).err.text)

    def test_never_above_what_the_daemon_has(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        script = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[1])"
        self.assertEqual(int(self.run_python(script, open_files=1 << 40).out.text), hard)

    def test_one_limit_sets_no_other(self):
        script = "import resource; print([resource.getrlimit(kind) for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS)])"
        self.assertEqual(self.run_python(script).out.text, self.run_python(script, file_size=1 << 20).out.text)

    def test_a_verified_script_runs_under_them(self):
        with tempfile.TemporaryDirectory() as folder:
            path = folder + "/tool"
            text = "#!/bin/sh\nulimit -n\n"
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            os.chmod(path, 0o755)
            report = self.spawner().run(path, sha256=hashlib.sha256(text.encode()).hexdigest(),
                                        limits=NONE | {"open_files": 16})
            self.assertEqual(report.out.text, "16\n", report)
