# fish completion for fairlead(1): commands, options, and the names of the configured tunnels.

set -g __fairlead_commands up down restart reconnect status logs reload log-level version notify config audit policy daemon

# Asks the same daemon as the command line being typed would.
function __fairlead_tunnels
    set -l words (commandline -opc)
    set -l reach
    for i in (seq (count $words))
        switch $words[$i]
            case --config --socket
                set -l next (math $i + 1)
                test $next -le (count $words); and set -a reach $words[$i] $words[$next]
            case '--config=*' '--socket=*'
                set -a reach $words[$i]
        end
    end
    fairlead $reach status --names 2>/dev/null
end

function __fairlead_no_command
    not __fish_seen_subcommand_from $__fairlead_commands
end

# `config` without one of its own commands yet.
function __fairlead_needs
    __fish_seen_subcommand_from $argv[1]; and not __fish_seen_subcommand_from $argv[2..]
end

function __fairlead_both
    __fish_seen_subcommand_from $argv[1]; and __fish_seen_subcommand_from $argv[2]
end

complete -c fairlead -f
complete -c fairlead -l config -r -F -d 'The configuration file'
complete -c fairlead -l socket -r -F -d "The daemon's control socket"
complete -c fairlead -l color -x -a 'auto always never' -d 'When to colour'
complete -c fairlead -s h -l help -d 'Show help'
complete -c fairlead -n __fairlead_no_command -l version -d 'Show the version'

complete -c fairlead -n __fairlead_no_command -a up -d 'Bring tunnels up'
complete -c fairlead -n __fairlead_no_command -a down -d 'Take tunnels down'
complete -c fairlead -n __fairlead_no_command -a restart -d 'Take tunnels down and up again'
complete -c fairlead -n __fairlead_no_command -a reconnect -d 'Drop the SSH sessions and connect at once'
complete -c fairlead -n __fairlead_no_command -a status -d 'Show tunnels'
complete -c fairlead -n __fairlead_no_command -a logs -d "Show the daemon's log"
complete -c fairlead -n __fairlead_no_command -a reload -d 'Read the configuration again'
complete -c fairlead -n __fairlead_no_command -a log-level -d "Show or change the daemon's log level"
complete -c fairlead -n __fairlead_no_command -a version -d 'Show the versions of program and daemon'
complete -c fairlead -n __fairlead_no_command -a notify -d 'Try the senders of notifications'
complete -c fairlead -n __fairlead_no_command -a config -d 'Check and show the configuration'
complete -c fairlead -n __fairlead_no_command -a audit -d 'Check and show the audit log'
complete -c fairlead -n __fairlead_no_command -a policy -d 'Check, test and ask hooks'
complete -c fairlead -n __fairlead_no_command -a daemon -d 'Run the daemon in the foreground'

complete -c fairlead -n '__fish_seen_subcommand_from up down restart reconnect status logs' -a '(__fairlead_tunnels)' -d tunnel
complete -c fairlead -n '__fairlead_both audit show' -a '(__fairlead_tunnels)' -d tunnel
complete -c fairlead -n 'not __fairlead_no_command; and not __fish_seen_subcommand_from daemon' -l json -d 'Print JSON'
complete -c fairlead -n '__fish_seen_subcommand_from up' -l wait -d 'Wait until data is proven to cross'
complete -c fairlead -n '__fish_seen_subcommand_from up' -l require-proof -d 'With --wait: fail where the server forbids the proof'
complete -c fairlead -n '__fish_seen_subcommand_from status' -l wide -d 'Also the counters of every forward'
complete -c fairlead -n '__fish_seen_subcommand_from status' -l watch -d 'Draw again and again'
complete -c fairlead -n '__fish_seen_subcommand_from status' -l names -d 'Only the names'
complete -c fairlead -n '__fish_seen_subcommand_from logs; or __fairlead_both audit show' -s n -l lines -x -d 'How many of the last lines'
complete -c fairlead -n '__fish_seen_subcommand_from logs' -s f -l follow -d 'Go on with new lines'
complete -c fairlead -n '__fish_seen_subcommand_from log-level' -a 'error warn info debug'
complete -c fairlead -n '__fairlead_needs config check show path' -a check -d 'Print ok, or every error with its fix'
complete -c fairlead -n '__fairlead_needs config check show path' -a show -d 'Print the effective configuration'
complete -c fairlead -n '__fairlead_needs config check show path' -a path -d 'Print which file is used'
complete -c fairlead -n '__fairlead_needs audit verify show' -a verify -d 'Look for changed, missing or cut lines'
complete -c fairlead -n '__fairlead_needs audit verify show' -a show -d 'Show the last lines'
complete -c fairlead -n '__fairlead_needs notify test' -a test -d 'Send a test message through one sender'
set -g __fairlead_policy check test eval explain new replay
complete -c fairlead -n "__fairlead_needs policy $__fairlead_policy" -a check -d 'Load the hooks and list them'
complete -c fairlead -n "__fairlead_needs policy $__fairlead_policy" -a test -d 'Run the tests of the hooks'
complete -c fairlead -n "__fairlead_needs policy $__fairlead_policy" -a eval -d 'Print the verdict on a ctx'
complete -c fairlead -n "__fairlead_needs policy $__fairlead_policy" -a explain -d 'Print who said what, and what becomes of it'
complete -c fairlead -n "__fairlead_needs policy $__fairlead_policy" -a new -d 'Print a hook file to begin with'
complete -c fairlead -n "__fairlead_needs policy $__fairlead_policy" -a replay -d 'Ask journalled decisions again'
complete -c fairlead -n '__fish_seen_subcommand_from policy; and __fish_seen_subcommand_from check test replay' -a '(__fish_complete_directories)'
complete -c fairlead -n '__fish_seen_subcommand_from policy; and __fish_seen_subcommand_from eval explain new' -a 'dispatch fix_forward tier admit route retry reconnect health notification redact tunnel_state task_state run_state worker_state approval_state' -d event
complete -c fairlead -n '__fairlead_both policy new' -a every -d event
complete -c fairlead -n '__fish_seen_subcommand_from policy; and __fish_seen_subcommand_from eval explain' -l dir -x -a '(__fish_complete_directories)' -d 'The folder of hooks'
complete -c fairlead -n '__fairlead_both policy replay' -l since -x -d 'How far back'
complete -c fairlead -n '__fairlead_both audit verify' -l head -x -d 'SEQ:HASH of a head kept elsewhere'
complete -c fairlead -n '__fish_seen_subcommand_from daemon' -l log-level -x -a 'error warn info debug' -d 'Over the configuration'
complete -c fairlead -n '__fish_seen_subcommand_from daemon' -l log-format -x -a 'text json' -d 'Over the configuration'
