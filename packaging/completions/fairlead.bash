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
      --config | --socket | --color | --lines | -n | --head | --dir | --since | --log-level | --log-format)
        [[ ${COMP_WORDS[i + 1]} == "=" ]] && ((i++))
        ((i++))
        ;;
      --wait | --watch) [[ ${COMP_WORDS[i + 1]} == "=" ]] && ((i += 2)) ;;
      -*) ;;
      *) path+=("${COMP_WORDS[i]}") ;;
    esac
  done
  case ${path[0]} in
    config | audit | notify | policy) echo "${path[@]:0:2}" ;;
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
    --config | --socket | --dir)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --color) _fairlead_offer "$current" auto always never && return ;;
    --log-level) _fairlead_offer "$current" error warn info debug && return ;;
    --log-format) _fairlead_offer "$current" text json && return ;;
    --lines | -n | --head | --since) return ;;
  esac

  local command words=() options=()
  command=$(_fairlead_command)
  case $command in
    up | down | restart | reconnect | status | logs | "audit show") mapfile -t words < <(_fairlead_tunnels) ;;
    "") words=(up down restart reconnect status logs reload log-level version notify config audit policy daemon) ;;
    log-level) words=(error warn info debug) ;;
    config) words=(check show path) ;;
    audit) words=(verify show) ;;
    notify) words=(test) ;;
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
    config | audit | notify | policy) ;;
    *) options=(--json) ;;
  esac
  if [[ $current == -* ]]; then
    _fairlead_offer "$current" "${options[@]}" --config --socket --color -h --help
  else
    _fairlead_offer "$current" "${words[@]}"
  fi
}

complete -F _fairlead fairlead
