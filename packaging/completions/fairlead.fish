# fish completion for fairlead(1): commands, options, and the names of the configured tunnels.

set -g __fairlead_commands up down restart reconnect status logs reload log-level version notify task worker queue config audit policy daemon

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
complete -c fairlead -n __fairlead_no_command -a task -d 'Add tasks to the queue, look at them, steer them'
complete -c fairlead -n __fairlead_no_command -a worker -d 'Look at workers, and drain them'
complete -c fairlead -n __fairlead_no_command -a queue -d 'Look at the queue, pause it, let it go on'
complete -c fairlead -n __fairlead_no_command -a config -d 'Check and show the configuration'
complete -c fairlead -n __fairlead_no_command -a audit -d 'Check and show the audit log'
complete -c fairlead -n __fairlead_no_command -a policy -d 'Check, test and ask hooks'
complete -c fairlead -n __fairlead_no_command -a daemon -d 'Run the daemon in the foreground'

complete -c fairlead -n '__fish_seen_subcommand_from up down restart reconnect status logs; and not __fish_seen_subcommand_from task' -a '(__fairlead_tunnels)' -d tunnel
complete -c fairlead -n '__fairlead_both audit show' -a '(__fairlead_tunnels)' -d tunnel
complete -c fairlead -n 'not __fairlead_no_command; and not __fish_seen_subcommand_from daemon' -l json -d 'Print JSON'
complete -c fairlead -n '__fish_seen_subcommand_from up' -l wait -d 'Wait until data is proven to cross'
complete -c fairlead -n '__fish_seen_subcommand_from up' -l require-proof -d 'With --wait: fail where the server forbids the proof'
complete -c fairlead -n '__fish_seen_subcommand_from status' -l wide -d 'Also the counters of every forward'
complete -c fairlead -n '__fish_seen_subcommand_from status' -l watch -d 'Draw again and again'
complete -c fairlead -n '__fish_seen_subcommand_from status' -l names -d 'Only the names'
complete -c fairlead -n '__fish_seen_subcommand_from logs; and not __fish_seen_subcommand_from task; or __fairlead_both audit show' -s n -l lines -x -d 'How many of the last lines'
complete -c fairlead -n '__fish_seen_subcommand_from logs; and not __fish_seen_subcommand_from task' -s f -l follow -d 'Go on with new lines'
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
set -g __fairlead_task add list show logs cancel retry requeue wait
complete -c fairlead -n "__fairlead_needs task $__fairlead_task" -a add -d 'Add a task to the queue, or many'
complete -c fairlead -n "__fairlead_needs task $__fairlead_task" -a list -d 'Show tasks'
complete -c fairlead -n "__fairlead_needs task $__fairlead_task" -a show -d 'Show one task and its timeline'
complete -c fairlead -n "__fairlead_needs task $__fairlead_task" -a logs -d 'Show what a task writes'
complete -c fairlead -n "__fairlead_needs task $__fairlead_task" -a cancel -d 'Cancel tasks'
complete -c fairlead -n "__fairlead_needs task $__fairlead_task" -a retry -d 'Run tasks again'
complete -c fairlead -n "__fairlead_needs task $__fairlead_task" -a requeue -d 'Have tasks handed back'
complete -c fairlead -n "__fairlead_needs task $__fairlead_task" -a wait -d 'Wait until tasks are over'
complete -c fairlead -n '__fairlead_needs worker list show drain' -a list -d 'Show all workers'
complete -c fairlead -n '__fairlead_needs worker list show drain' -a show -d 'Show one worker and its tasks'
complete -c fairlead -n '__fairlead_needs worker list show drain' -a drain -d 'Let a worker take no new tasks'
complete -c fairlead -n '__fairlead_needs queue stats pause resume' -a stats -d 'Show what waits and runs'
complete -c fairlead -n '__fairlead_needs queue stats pause resume' -a pause -d 'Let no more tasks be started'
complete -c fairlead -n '__fairlead_needs queue stats pause resume' -a resume -d 'Let tasks be started again'
complete -c fairlead -n '__fairlead_both task add' -a 'script run_bash run_python noop sleep' -d kind
complete -c fairlead -n '__fairlead_both task add' -l payload -x -d 'JSON, @FILE or -'
complete -c fairlead -n '__fairlead_both task add' -l capability -x -d 'What its worker offers'
complete -c fairlead -n '__fairlead_both task add' -l site -x -d 'Only there'
complete -c fairlead -n '__fairlead_both task add' -l node -x -d 'Only there'
complete -c fairlead -n '__fairlead_both task add' -l lock -x -d 'One at a time'
complete -c fairlead -n '__fairlead_both task add' -l priority -x -d 'Lower goes first'
complete -c fairlead -n '__fairlead_both task add' -l at -x -d 'Not before'
complete -c fairlead -n '__fairlead_both task add' -l in -x -d 'Not before as long'
complete -c fairlead -n '__fairlead_both task add' -l timeout -x -d 'Of one attempt'
complete -c fairlead -n '__fairlead_both task add' -l max-attempts -x -d 'How often'
complete -c fairlead -n '__fairlead_both task add' -l key -x -d 'Added once'
complete -c fairlead -n '__fairlead_both task add' -l after -x -d 'Only then'
complete -c fairlead -n '__fairlead_both task add' -l on-lease-loss -x -a 'stop continue' -d 'When its worker loses touch'
complete -c fairlead -n '__fairlead_both task add' -l file -r -F -d 'Envelopes instead'
complete -c fairlead -n '__fairlead_both task add' -l wait -d 'Until it is over'
complete -c fairlead -n '__fairlead_both task add' -l follow -d 'Show its output'
complete -c fairlead -n '__fairlead_both task list' -l state -x -a 'queued claimed running done failed cancelled awaiting_approval' -d 'In these states'
complete -c fairlead -n '__fairlead_both task list' -l kind -x -d 'Of that kind'
complete -c fairlead -n '__fairlead_both task list' -l worker -x -d 'That worker has'
complete -c fairlead -n '__fairlead_both task list' -l waits-for -x -a 'nothing dependency time pause lock' -d 'What they wait for'
complete -c fairlead -n '__fairlead_both task list' -l all -d 'Finished ones too'
complete -c fairlead -n '__fairlead_both task list' -s n -l limit -x -d 'As many at most'
complete -c fairlead -n '__fairlead_both task list' -l before -x -d 'Older than'
complete -c fairlead -n '__fairlead_both task logs' -s f -l follow -d 'Go on until it is over'
complete -c fairlead -n '__fairlead_both task wait' -l timeout -x -d 'No longer'
complete -c fairlead -n '__fairlead_both worker drain' -l undo -d 'Let it take tasks again'
complete -c fairlead -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from pause resume' -l kind -x -d 'Tasks of that kind'
complete -c fairlead -n '__fish_seen_subcommand_from queue; and __fish_seen_subcommand_from pause resume' -l site -x -d 'Tasks for that site'
complete -c fairlead -n '__fairlead_both queue pause' -l for -x -d 'As long'
complete -c fairlead -n '__fairlead_both queue pause' -l until -x -d 'Until then'
complete -c fairlead -n '__fairlead_both queue pause' -l why -x -d 'Shown to others'
