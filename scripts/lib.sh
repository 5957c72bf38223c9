# shellcheck shell=bash
# What the scripts share: saying things, timed steps, folders, ports, and ending whole process trees.
# Sourced, never run. Everything for people goes to stderr, so that stdout stays free for results.

FAIRLEAD_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly FAIRLEAD_SRC
step_pid=""  # the command that step() is running, for the caller's clean-up

say() { printf '%s\n' "$*" >&2; }

fail() {
  say "${0##*/}: $*"
  exit 1
}

usage_error() {
  say "${0##*/}: $* (see ${0##*/} --help)"
  exit 64
}

# The comment block at the top of a script is its help.
print_help() { sed -n '2,/^[^#]/{/^#/{s/^# \{0,1\}//;p}}' "$1"; }

# Downloads that later runs use again. Inside the checkout unless told otherwise, so that nothing is left outside it.
cache_dir() {
  local dir
  if [[ -n ${FAIRLEAD_CACHE:-} ]]; then
    dir=$FAIRLEAD_CACHE
  elif [[ -n ${XDG_CACHE_HOME:-} ]]; then
    dir=$XDG_CACHE_HOME/fairlead
  else
    dir=$FAIRLEAD_SRC/build-cache
  fi
  mkdir -p "$dir"
  printf '%s\n' "$dir"
}

# step TITLE COMMAND…: runs the command in the background (so that a signal is seen at once), keeps its output in a
# log, shows title and seconds, and the log when it fails.
step() {
  local title=$1 name log started=$SECONDS status=0 shown=15
  shift
  # Without a name from the start, so that nothing is left of it when we are interrupted.
  name=$(mktemp)
  exec {log}>"$name"
  rm -f "$name"
  "$@" >&"$log" 2>&1 </dev/null &
  step_pid=$!
  while kill -0 "$step_pid" 2>/dev/null; do
    sleep 0.2 &
    wait "$!" || true
    if ((SECONDS - started >= shown)); then
      say "  … $title: $((SECONDS - started)) s"
      shown=$((shown + 30))
    fi
  done
  wait "$step_pid" || status=$?
  step_pid=""
  if ((status == 0)); then
    say "  ok    $title ($((SECONDS - started)) s)"
  else
    say "  FAIL  $title ($((SECONDS - started)) s, exit code $status):"
    tail -n "${FAIRLEAD_STEP_LINES:-60}" "/proc/$$/fd/$log" | sed 's/^/        /' >&2
  fi
  exec {log}>&-
  return "$status"
}

# A folder to a compiler run (none has forty files): a whole build in a quarter of the time, as most of it is the headers.
# For builds that are made once; `make build` compiles file by file, where a change costs one file. Nobody debugs them: no
# symbols.
# shellcheck disable=SC2034  # for the scripts that source this
readonly -a kUnityBuild=(-Dunity=on -Dunity_size=40 -Ddebug=false)

# configure_build FOLDER [MESON OPTION…]: makes the build folder, or brings an existing one to these options.
configure_build() {
  local folder=$FAIRLEAD_SRC/$1
  shift
  if [[ -f $folder/build.ninja ]]; then
    if (($# > 0)); then
      meson configure "$folder" "$@"
      ninja -C "$folder" build.ninja  # else what meson says of the folder's tests is from before
    fi
  else
    rm -rf "$folder"
    meson setup "$folder" "$FAIRLEAD_SRC" "$@"
  fi
}

# The process and everything below it, one pid a line, deepest last. Read from /proc: `ps` may not be installed.
process_tree() {
  local parent=$1 stat pid rest fields
  printf '%s\n' "$parent"
  for stat in /proc/[0-9]*/stat; do
    { read -r rest <"$stat"; } 2>/dev/null || continue
    pid=${rest%% *}
    # The name in parentheses may hold anything; state and parent follow the last one.
    read -r -a fields <<<"${rest##*) }"
    if [[ ${fields[1]:-} == "$parent" ]]; then process_tree "$pid"; fi
  done
}

running() { [[ -d /proc/$1 ]] && ! grep -q '^State:.*zombie' "/proc/$1/status" 2>/dev/null; }

# end_tree PID [SECONDS=3]: stops the top (so that it starts nothing more), TERM to all, KILL to what is left.
end_tree() {
  local top=$1 deadline=$((SECONDS + ${2:-3})) pid alive
  local -a pids
  kill -STOP "$top" 2>/dev/null || return 0
  mapfile -t pids < <(process_tree "$top")
  kill -TERM "${pids[@]}" 2>/dev/null || true
  kill -CONT "$top" 2>/dev/null || true
  while ((SECONDS <= deadline)); do
    alive=0
    for pid in "${pids[@]}"; do
      if running "$pid"; then alive=1; fi
    done
    if ((alive == 0)); then return 0; fi
    sleep 0.05
  done
  kill -KILL "${pids[@]}" 2>/dev/null || true
}

# A TCP port nobody uses, below the ephemeral range (32768 and up), where outgoing connections would collide. Nor one
# that was given to a test, which holds a lock for it before anybody listens there (tests/e2e/fairlead_e2e/ports.py).
free_port() {
  local port hex used claim
  for _ in {1..200}; do
    port=$((20000 + RANDOM % 12000))
    hex=$(printf ':%04X ' "$port")
    used=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || true)  # no pipe: `grep -q` ends cat, and pipefail says no
    claim=${TMPDIR:-/tmp}/fairlead-test-ports-$UID/$port
    if [[ $used != *"$hex"* ]] && { [[ ! -e $claim ]] || flock -n "$claim" true; }; then
      printf '%s\n' "$port"
      return
    fi
  done
  fail "no free port between 20000 and 32000"
}

# Where the libraries of an unpacked package tree lie, for LD_LIBRARY_PATH.
library_path() {
  local triplet
  triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || printf '%s-linux-gnu' "$(uname -m)")
  printf '%s/usr/lib/%s:%s/lib/%s' "$1" "$triplet" "$1" "$triplet"
}
