"""The set of hostile hooks, tests/policy/hostile/*.lua: each says in its header what it does and what must be seen.

  -- when: load   it must not load: `says` (a regular expression) stands in the message, behind file and line
  -- when: call   it loads, and does its harm when it is asked: `says` stands in a line of the log whose event is `seen`
  -- endless: yes it computes until it is ended: with a message by the gentle limit, or, where the machine has too little
                  time for it, with its process at the deadline
  -- line: N      of the file, in the message; 0: the file as a whole
  -- make: …      pad BYTES, chunk, nul: what cannot stand in the tree is made from the file
  -- as: PATH     where it is put in the folder of hooks; else NAME.lua
"""
import dataclasses
import pathlib
import re

from .platform import SOURCE

FOLDER = SOURCE / "tests" / "policy" / "hostile"
DEADLINE_PASSED = "it was not answered within"  # of the process that was ended for it
# Another file's hook, asked beside them: it must go on answering.
WITNESS = 'api(1)\non.tunnel_state("witness", function(ctx) log("witness", ctx.tunnel, ctx.to) end)\n'
HARMLESS = 'api(1)\non.reconnect("calm", function(ctx) return ctx.after(ctx.default_delay + 0.001) end)\n'


@dataclasses.dataclass(frozen=True)
class Attack:
    name: str
    when: str
    says: str
    seen: str = ""
    line: int = 0
    make: str = ""
    place: str = ""
    endless: bool = False

    @property
    def event(self):
        """That it is asked; None: it is a flow, or never asked."""
        found = re.search(r"^on\.(\w+)", (FOLDER / f"{self.name}.lua").read_text(errors="replace"), re.MULTILINE)
        return found and found[1]

    def write(self, folder):
        """Puts it among the hooks of `folder`; returns its path."""
        path = pathlib.Path(folder) / (self.place or f"{self.name}.lua")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (FOLDER / f"{self.name}.lua").read_bytes()
        kind, _, size = self.make.partition(" ")
        path.write_bytes({"chunk": b"\x1bLua\x54\x00" + text, "nul": text + b"\0\0\0\n"}.get(kind, text))
        if kind == "pad":
            with open(path, "ab") as file:
                file.truncate(int(size))
        return path

    def message(self, folder):
        """The regular expression of a load-time attack's message."""
        path = re.escape(str(pathlib.Path(folder) / (self.place or f"{self.name}.lua")))
        message = path + (f":{self.line}" if self.line else "") + ": .*(?:" + self.says + ")"
        return message + (f"|did not load its files in time: {path} did not end" if self.endless else "")


def read(path):
    header = dict(re.findall(r"^-- (\w+): (.+)$", path.read_text(), re.MULTILINE))
    unknown = set(header) - {"when", "line", "says", "seen", "make", "as", "endless"}
    if unknown or header.get("when") not in ("load", "call") or "says" not in header:
        raise AssertionError(f"{path}: the header cannot be understood {unknown or ''}")
    return Attack(path.stem, header["when"], header["says"], header.get("seen", ""), int(header.get("line", 0)),
                  header.get("make", ""), header.get("as", ""), "endless" in header)


def attacks(when):
    return [attack for attack in map(read, sorted(FOLDER.glob("*.lua"))) if attack.when == when]
