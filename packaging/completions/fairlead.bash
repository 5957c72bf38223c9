# bash completion for fairlead(1): commands, options, and the names of the configured tunnels.
# shellcheck shell=bash

# Asks the same daemon as the command line being typed would.
_fairlead_tunnels() {
  local i reach=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --config | --socket)
        if [[ ${COMP_WORDS[i + 1]} == "=" ]]; then
          reach+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 2]}")
        else
          reach+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}")
        fi
        ;;
    esac
  done
  fairlead "${reach[@]}" status --names 2>/dev/null
}

# The words of the command: "up", "config check"; options and their values left out.
_fairlead_command() {
  local i path=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --config | --socket | --color | --lines | -n | --head | --dir | --since | --log-level | --log-format | \
        --payload | --capability | --site | --node | --lock | --priority | --at | --in | --timeout | --max-attempts | \
        --key | --after | --on-lease-loss | --file | --state | --kind | --worker | --waits-for | --limit | --before | \
        --for | --until | --why)
        [[ ${COMP_WORDS[i + 1]} == "=" ]] && ((i++))
        ((i++))
        ;;
      --wait | --watch) [[ ${COMP_WORDS[i + 1]} == "=" ]] && ((i += 2)) ;;
      -*) ;;
      *) path+=("${COMP_WORDS[i]}") ;;
    esac
  done
  case ${path[0]} in
    config | audit | notify | policy | task | worker | queue) echo "${path[@]:0:2}" ;;
    *) echo "${path[0]}" ;;
  esac
}

# Not `compgen -W`: that would expand what a tunnel's name holds.
_fairlead_offer() {
  local current=$1 word
  shift
  for word in "$@"; do
    [[ $word == "$current"* ]] && COMPREPLY+=("$word")
  done
  return 0
}

_fairlead() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  [[ $previous == "=" ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
  [[ $current == "=" ]] && current=
  COMPREPLY=()
  case $previous in
    --config | --socket | --dir | --file)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --color) _fairlead_offer "$current" auto always never && return ;;
    --log-level) _fairlead_offer "$current" error warn info debug && return ;;
    --log-format) _fairlead_offer "$current" text json && return ;;
    --on-lease-loss) _fairlead_offer "$current" stop continue && return ;;
    --state) _fairlead_offer "$current" queued claimed running done failed cancelled awaiting_approval && return ;;
    --waits-for) _fairlead_offer "$current" nothing dependency time pause lock && return ;;
    --lines | -n | --head | --since | --payload | --capability | --site | --node | --lock | --priority | --at | --in | \
      --timeout | --max-attempts | --key | --after | --kind | --worker | --limit | --before | --for | --until | --why)
      return
      ;;
  esac

  local command words=() options=()
  command=$(_fairlead_command)
  case $command in
    up | down | restart | reconnect | status | logs | "audit show") mapfile -t words < <(_fairlead_tunnels) ;;
    "") words=(up down restart reconnect status logs reload log-level version notify task worker queue config audit policy daemon) ;;
    log-level) words=(error warn info debug) ;;
    config) words=(check show path) ;;
    audit) words=(verify show) ;;
    notify) words=(test) ;;
    task) words=(add list show logs cancel retry requeue wait) ;;
    worker) words=(list show drain) ;;
    queue) words=(stats pause resume) ;;
    "task add") words=(script run_bash run_python noop sleep) ;;
    policy) words=(check test eval explain new replay) ;;
    "policy eval" | "policy explain" | "policy new")
      words=(dispatch fix_forward tier admit route retry reconnect health notification redact
        tunnel_state task_state run_state worker_state approval_state)
      [[ $command == *new ]] && words+=(every)
      ;;
    "policy check" | "policy test" | "policy replay")
      compopt -o filenames 2>/dev/null
      mapfile -t words < <(compgen -d -- "$current")
      ;;
  esac
  case $command in
    "") options=(--version) ;;
    up) options=(--wait --require-proof --json) ;;
    status) options=(--wide --watch --json --names) ;;
    logs) options=(-n --lines -f --follow --json) ;;
    "audit show") options=(-n --lines --json) ;;
    "audit verify") options=(--head --json) ;;
    daemon) options=(--log-level --log-format) ;;
    "policy eval" | "policy explain") options=(--dir --json) ;;
    "policy replay") options=(--since --json) ;;
    "task add")
      options=(--payload --capability --site --node --lock --priority --at --in --timeout --max-attempts --key --after
        --on-lease-loss --file --wait --follow --json)
      ;;
    "task list") options=(--state --kind --worker --waits-for --all -n --limit --before --json) ;;
    "task logs") options=(-f --follow --json) ;;
    "task wait") options=(--timeout --json) ;;
    "worker drain") options=(--undo --json) ;;
    "queue pause") options=(--kind --site --for --until --why --json) ;;
    "queue resume") options=(--kind --site --json) ;;
    config | audit | notify | policy | task | worker | queue) ;;
    *) options=(--json) ;;
  esac
  if [[ $current == -* ]]; then
    _fairlead_offer "$current" "${options[@]}" --config --socket --color -h --help
  else
    _fairlead_offer "$current" "${words[@]}"
  fi
}

complete -F _fairlead fairlead
