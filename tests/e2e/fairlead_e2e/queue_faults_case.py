"""One round of every fault of scripts/faults queue, with a seed: nothing is lost, and nothing done twice."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "faults"))

import queue_faults  # noqa: E402, the path comes first


class QueueFaults(unittest.TestCase):
    def survives(self, kind, store_clock):
        result = queue_faults.run(kind, 1, seed=1, store_clock=store_clock)
        self.assertFalse(queue_faults.bad(result), "\n" + queue_faults.told(result))
        decided = result["findings"]["decided"]
        for rule in ("lost", "transitions", "effects", "fencing", "attempts", "locks", "idempotency", "content"):
            self.assertGreater(decided[rule], 20, f"{rule}: too little happened")
