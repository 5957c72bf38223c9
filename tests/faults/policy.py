"""scripts/faults policy: hostile hooks while a line carries bytes, and mutated sets of hooks on reload.

The first part starts a daemon for each hook and lets it be asked TIMES times. The second part changes one working set at
random (bytes flipped, lines cut, doubled and swapped) and reloads: after each, the generation that decides is either the
one before, whole, or the new one, whole.
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
        forward = self.remote(echo)
        victim = self.tunnel(server, self.remote(echo)) | {"port": free_port()}
        self.running = self.daemon({"line": self.tunnel(server, forward), "victim": victim},
                                   {"policy": {"dir": str(self.hooks)} | policy})
        self.running.wait_for("connected")
        return Transfer(forward["remote"])

    def longest_turn(self):
        """Milliseconds; 0: none was long enough for the log."""
        return max((int(line["ms"]) for line in self.running.lines() if line["event"] == "loop_stalled"), default=0)


def decisions(scene, event):
    """(verdict, microseconds) of the journal."""
    with sqlite3.connect(f"file:{scene.running.folder}/state/decisions.sqlite?mode=ro", uri=True) as journal:
        return journal.execute("SELECT verdict, duration_us FROM decisions WHERE event = ?", (event,)).fetchall()


def attack_once(attack, times):
    with Scene() as scene:
        text = attack.write(scene.hooks).read_text()
        transfer = scene.begin()
        event = re.search(r"^on\.(\w+)", text, re.MULTILINE)
        asked = event[1] if event and event[1] == "reconnect" else None
        if asked:
            until(lambda: len(decisions(scene, asked)) >= times, f"{times} decisions")
        else:
            until(lambda: any(re.fullmatch(attack.seen, line.get("event") or "") for line in scene.running.lines()), attack.seen)
        transfer.goes_on()
        found = decisions(scene, asked) if asked else []
        transfer.end()
        followed = [verdict for verdict, _ in found if verdict not in ("safe_default", "null")]
        late = [took for verdict, took in found if verdict == "safe_default"]
        return {"hook": attack.name, "asked": len(found), "followed": len(followed), "longest_turn_ms": scene.longest_turn(),
                "safe_default_ms": max(late, default=0) / 1000, "rounds": transfer.rounds}


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
        transfer = scene.begin(journal={"age": "0s"})
        generation = loaded(scene, 0)[-1]
        for number in range(1, count + 1):
            write_set(scene.hooks, number)
            mutate(scene.hooks, dice)
            mark = scene.running.mark()
            status, answer = scene.running.request("POST", "/v1/reload")
            switches = loaded(scene, mark)
            if status == 200 and len(switches) == 1 and switches[0] > generation:
                accepted, generation = accepted + 1, switches[0]
            elif status == 422 and not switches:
                rejected += 1
                if not re.search(r"\.lua(:\d+)?: ", str(answer.get("detail"))):
                    nameless.append((number, answer.get("detail")))
            else:
                partial.append((number, status, switches))
        transfer.goes_on()
        transfer.end()
        return {"sets": count, "seed": seed, "accepted": accepted, "rejected": rejected, "partial": partial,
                "without_a_file": nameless, "longest_turn_ms": scene.longest_turn()}


def loaded(scene, mark):
    return [int(line["generation"]) for line in scene.running.lines(mark) if line["event"] == "policy_loaded"]


def main():
    parser = argparse.ArgumentParser(prog="scripts/faults policy", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few of each, to see that it works")
    parser.add_argument("--json", action="store_true", help="print the JSON document instead of the table")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (default 1)")
    options = parser.parse_args()
    times, sets = (QUICK_TIMES, QUICK_SETS) if options.quick else (TIMES, SETS)
    attacks = []
    for attack in hostile.attacks("call"):
        attacks.append(attack_once(attack, times))
        print(f"  {attack.name}: {attacks[-1]}", file=sys.stderr, flush=True)
    reloads = reload_sets(sets, options.seed)
    document = {"schema": "fairlead.faults/1", "name": "policy", "attacks": attacks, "reloads": reloads}
    path = pathlib.Path(os.environ["FAIRLEAD"]).parent / "faults-policy.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    bad = [one for one in attacks if one["followed"]] or reloads["partial"] or reloads["without_a_file"]
    if options.json:
        print(json.dumps(document, indent=1))
        return 1 if bad else 0
    for one in attacks:
        print(f"{one['hook']:24} asked {one['asked']:4}  safe default within {one['safe_default_ms']:7.1f} ms  "
              f"longest turn {one['longest_turn_ms']:3} ms  rounds of the transfer {one['rounds']}")
    print(f"mutated sets: {sets}, accepted {reloads['accepted']}, rejected {reloads['rejected']}, "
          f"partial {len(reloads['partial'])}, rejected without a file {len(reloads['without_a_file'])}; "
          f"longest turn {reloads['longest_turn_ms']} ms")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
