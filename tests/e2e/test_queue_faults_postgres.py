"""Every fault of scripts/faults queue once, on PostgreSQL. In a file of its own, as each of the two takes minutes."""
import unittest

from fairlead_e2e.queue_faults_case import QueueFaults


class OnPostgreSQL(QueueFaults):
    def test_nothing_is_lost(self):
        self.survives("postgres", store_clock=False)


if __name__ == "__main__":
    unittest.main()
