"""scripts/faults policy: hostile hooks while a line carries bytes, and mutated sets of hooks on reload.

The first part starts a daemon for each hook that does harm when it is asked, and lets it be asked TIMES times. The second
reloads TIMES times with each file that must not load. The third changes one working set at random (bytes flipped, lines cut,
doubled and swapped) and reloads: after each, the generation that decides is either the one before, whole, or the new one,
whole.
"""
import argparse
import json
import os
import pathlib
import random
import re
import sqlite3
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from fairlead_e2e import TunnelCase, free_port, hostile, until  # noqa: E402, the path comes first
from fairlead_e2e.platform import PATIENCE  # noqa: E402
from fairlead_e2e.transfer import Transfer  # noqa: E402

TIMES, QUICK_TIMES = 20, 3
SETS, QUICK_SETS = 2000, 50
FILES = 3  # of a set: each registers one hook under a name that tells the set
HOOK = 'api(1)\non.{event}("{name}", function(ctx)\n  if ctx.{field} then return nil end\nend)\n'
EVENTS = (("reconnect", "patient"), ("health", "held_for"), ("tunnel_state", "tunnel"))


class Scene(TunnelCase):
    """The parts of an end-to-end test, without a test."""

    def runTest(self):  # noqa: N802, the name is unittest's
        pass

    def __enter__(self):
        self.setUp()
        self.hooks = self.path("hooks")
        self.hooks.mkdir()
        return self

    def __exit__(self, *_):
        self.doCleanups()

    def begin(self, **policy):
        echo, server = self.service(), self.sshd()
        self.forward = self.remote(echo)
        victim = self.tunnel(server, self.remote(echo)) | {"port": free_port()}
        self.running = self.daemon({"line": self.tunnel(server, self.forward), "victim": victim},
                                   {"policy": {"dir": str(self.hooks)} | policy})
        self.rounds, self.longest_gap = 0, 0.0
        self.send()

    def send(self):
        self.running.wait_for("connected")
        self.transfer = Transfer(self.forward["remote"])
        self.transfer.goes_on()
        self.transfer.longest_gap()  # from now on

    def goes_on(self):
        """Bytes flow; notes how long they paused."""
        self.longest_gap = max(self.longest_gap, self.transfer.longest_gap())
        self.transfer.goes_on()

    def finish(self):
        self.goes_on()
        self.transfer.end()
        self.rounds += self.transfer.rounds

    def start_anew(self):
        self.finish()
        self.running.stop()
        self.running.start()
        self.send()

    # --- what the daemon tells ---
    def policy(self):
        return self.running.get("/v1/status")["policy"]

    def quarantined(self):
        return any(hook["quarantined"] for hook in self.policy()["hooks"])

    def given(self):
        """How many verdicts of hooks on `reconnect` the daemon has taken."""
        return next((one["given"] for one in self.policy()["counts"] if one["event"] == "reconnect"), 0)

    def loaded(self, mark):
        return [int(line["generation"]) for line in self.running.lines(mark) if line["event"] == "policy_loaded"]

    def decisions(self):
        """(verdict, microseconds) of the journal where `reconnect` reached the hook."""
        with sqlite3.connect(f"file:{self.running.folder}/state/decisions.sqlite?mode=ro", uri=True) as journal:
            return journal.execute("SELECT verdict, duration_us FROM decisions WHERE event = 'reconnect' "
                                   "AND why NOT LIKE '%is in quarantine' AND why NOT LIKE '%to start anew'").fetchall()

    def failures(self):
        """How often the hook was ended, by whatever."""
        return sum(line.get("hook") == "attack" and line["event"] in ("flow_failed", "hook_failed", "hook_struck")
                   for line in self.running.lines())

    def pauses(self):
        """Milliseconds: the longest turn of the loop (0: none was long enough for the log), and the transfer's longest gap."""
        turns = [int(line["ms"]) for line in self.running.lines() if line["event"] == "loop_stalled"]
        return {"longest_turn_ms": max(turns, default=0), "longest_gap_ms": round(self.longest_gap * 1000)}


def ask(attack, times):
    """In quarantine nothing reaches a hook any more. A reload would ask it the journal's decisions, and refuse it: so the
    daemon starts anew."""
    with Scene() as scene:
        attack.write(scene.hooks)
        decides = attack.event == "reconnect"
        if not decides:  # then there is something to journal, and so to `redact`
            (scene.hooks / "90-calm.lua").write_text(hostile.HARMLESS)
        scene.begin()
        runs = (lambda: len(scene.decisions())) if decides else scene.failures

        def met():
            if runs() >= times:
                return True
            if scene.quarantined():
                scene.start_anew()
            return False

        until(met, f"{times} runs of {attack.name}", PATIENCE + 5 * times, pause=0.2)
        reached = runs()
        scene.finish()
        found = scene.decisions() if decides else []
        followed = [verdict for verdict, _ in found if verdict not in ("safe_default", "null")]
        late = [took for verdict, took in found if verdict == "safe_default"]
        return {"hook": attack.name, "runs": reached, "followed": len(followed),
                "safe_default_ms": max(late, default=0) / 1000 if decides else None, "rounds": scene.rounds} | scene.pauses()


def refuse(times):
    """Each file that must not load, by reload: the generation before goes on deciding, and bytes flow."""
    results = []
    with Scene() as scene:
        (scene.hooks / "20-calm.lua").write_text(hostile.HARMLESS)
        scene.begin(journal={"age": "0s"})
        until(scene.given, "a verdict")
        for attack in hostile.attacks("load"):
            accepted, nameless, mark = 0, 0, scene.running.mark()
            for _ in range(times):
                path, given = attack.write(scene.hooks), scene.given()
                status, _ = scene.running.request("POST", "/v1/reload")
                error = str(scene.running.get("/v1/status")["daemon"]["last_reload_error"])
                path.unlink()
                accepted += status != 422
                nameless += re.search(attack.message(scene.hooks), error) is None
                until(lambda before=given: scene.given() > before, "a verdict of the generation before")
            scene.goes_on()
            results.append({"hook": attack.name, "reloads": times, "accepted": accepted + len(scene.loaded(mark)),
                            "nameless": nameless})
            print(f"  {attack.name}: {results[-1]}", file=sys.stderr, flush=True)
        scene.finish()
        return results, scene.pauses()


def write_set(folder, number):
    for place, (event, field) in enumerate(EVENTS):
        (folder / f"{place}0.lua").write_text(HOOK.format(event=event, field=field, name=f"set-{number}"))


def mutate(folder, dice):
    """Changes one file of the set, in one to three places."""
    path = folder / f"{dice.randrange(FILES)}0.lua"
    text = bytearray(path.read_bytes())
    for _ in range(dice.randint(1, 3)):
        at, kind = dice.randrange(len(text)), dice.randrange(4)
        if kind == 0:
            text[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            del text[at:at + dice.randint(1, 20)]
        elif kind == 2:
            text[at:at] = text[max(0, at - 20):at]
        else:
            other = dice.randrange(len(text))
            text[at], text[other] = text[other], text[at]
        if not text:
            break
    path.write_bytes(text)


def reload_sets(count, seed):
    """Every outcome must be whole: accepted, with one new generation, or rejected, with the old one."""
    dice, accepted, rejected, partial, nameless = random.Random(seed), 0, 0, [], []
    with Scene() as scene:
        write_set(scene.hooks, 0)
        scene.begin(journal={"age": "0s"})
        generation = scene.loaded(0)[-1]
        for number in range(1, count + 1):
            write_set(scene.hooks, number)
            mutate(scene.hooks, dice)
            mark = scene.running.mark()
            status, answer = scene.running.request("POST", "/v1/reload")
            switches = scene.loaded(mark)
            if status == 200 and len(switches) == 1 and switches[0] > generation:
                accepted, generation = accepted + 1, switches[0]
            elif status == 422 and not switches:
                rejected += 1
                if not re.search(r"\.lua(:\d+)?: ", str(answer.get("detail"))):
                    nameless.append((number, answer.get("detail")))
            else:
                partial.append((number, status, switches))
        scene.finish()
        return {"sets": count, "seed": seed, "accepted": accepted, "rejected": rejected, "partial": partial,
                "without_a_file": nameless} | scene.pauses()


def main():
    parser = argparse.ArgumentParser(prog="scripts/faults policy", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few of each, to see that it works")
    parser.add_argument("--json", action="store_true", help="print the JSON document instead of the table")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (default 1)")
    options = parser.parse_args()
    times, sets = (QUICK_TIMES, QUICK_SETS) if options.quick else (TIMES, SETS)
    attacks = []
    for attack in hostile.attacks("call"):
        attacks.append(ask(attack, times))
        print(f"  {attack.name}: {attacks[-1]}", file=sys.stderr, flush=True)
    refusals, pauses = refuse(times)
    reloads = reload_sets(sets, options.seed)
    document = {"schema": "fairlead.faults/1", "name": "policy", "attacks": attacks, "refusals": refusals, "reloads": reloads}
    path = pathlib.Path(os.environ["FAIRLEAD"]).parent / "faults-policy.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    bad = any(one["followed"] for one in attacks) or any(one["accepted"] or one["nameless"] for one in refusals)
    bad = bad or reloads["partial"] or reloads["without_a_file"]
    if options.json:
        print(json.dumps(document, indent=1))
    else:
        print_table(attacks, refusals, pauses, reloads)
    return 1 if bad else 0


def print_table(attacks, refusals, pauses, reloads):
    def told(one):
        return f"longest turn {one['longest_turn_ms']:3} ms, gap {one['longest_gap_ms']:4} ms"

    for one in attacks:
        within = "      -" if one["safe_default_ms"] is None else f"{one['safe_default_ms']:7.1f}"
        print(f"{one['hook']:24} runs {one['runs']:4}  followed {one['followed']}  "
              f"safe default within {within} ms  {told(one)}  rounds {one['rounds']}")
    for one in refusals:
        print(f"{one['hook']:24} reloads {one['reloads']:4}  accepted {one['accepted']}  without file and line {one['nameless']}")
    print(f"{'while they were refused':24} {told(pauses)}")
    print(f"mutated sets: {reloads['sets']}, accepted {reloads['accepted']}, rejected {reloads['rejected']}, "
          f"partial {len(reloads['partial'])}, rejected without a file {len(reloads['without_a_file'])}; {told(reloads)}")


if __name__ == "__main__":
    sys.exit(main())
