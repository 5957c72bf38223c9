#!/usr/bin/env python3
"""Makes of many sources a few: what clang-tidy reads, one path a line on stdout.

  tidy_units.py BUILD_FOLDER SIZE <FILES

Takes those files of stdin that the build's compile_commands.json knows, up to SIZE of one folder to a unit, and writes
BUILD_FOLDER/tidy/ with the units and a compile_commands.json of its own. Most of clang-tidy's time goes into the
headers, which a unit reads once. The units' names begin with "UnifiedSource": only in files so called does clang's
analyzer look into what they include.
"""
import json
import os
import shutil
import sys


def known_entries(build, wanted):
    entries = json.load(open(os.path.join(build, "compile_commands.json"), encoding="utf-8"))
    found = {os.path.relpath(os.path.join(entry["directory"], entry["file"])): entry for entry in entries}
    return {path: found[path] for path in sorted(wanted & found.keys())}


def main():
    build, size = sys.argv[1], int(sys.argv[2])
    folder = os.path.abspath(os.path.join(build, "tidy"))
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    entries = known_entries(build, set(sys.stdin.read().split()))
    by_folder, commands = {}, []
    for path in entries:
        by_folder.setdefault(os.path.dirname(path), []).append(path)
    for name, paths in by_folder.items():
        for first in range(0, len(paths), size):
            part = paths[first:first + size]
            unit = os.path.join(folder, f"UnifiedSource-{name.replace('/', '-')}-{first // size}.cpp")
            with open(unit, "w", encoding="utf-8") as out:
                out.writelines(f'#include "{os.path.abspath(path)}"\n' for path in part)
            entry = entries[part[0]]
            commands.append({"directory": entry["directory"], "file": unit,
                             "command": entry["command"].replace(entry["file"], unit)})
    with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as out:
        json.dump(commands, out, indent=1)
    print("\n".join(command["file"] for command in commands))


if __name__ == "__main__":
    main()
