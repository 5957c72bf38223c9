---@meta
-- For editors (LuaCATS): what hook files see. made by scripts/generate-hooks; do not edit.

---@alias fairlead.duration number|string seconds, or a text such as "5m"

---@class fairlead.verdict

---@class fairlead.notice
---@field event string
---@field subject string
---@field severity "info"|"low"|"high"|"critical"
---@field title string
---@field text string
---@field time string
---@field senders string[]

---@class fairlead.clock
---@field unix number seconds since 1970
---@field iso string the same, as 2026-03-01T12:00:00.000Z
---@field year integer local time of the machine, as all below
---@field month integer 1 to 12
---@field day integer of the month, 1 to 31
---@field hour integer 0 to 23
---@field minute integer 0 to 59
---@field weekday integer 1 is Monday, 7 is Sunday
---@field weekend boolean Saturday or Sunday

---@class fairlead.ctx.dispatch.issue
---@field repo string repository of the issue
---@field number integer its number there
---@field title string its title
---@field author string who opened it
---@field labels string[] its labels
---@field age number since it was opened

---@class fairlead.ctx.dispatch.runs
---@field active integer runs under way on this site

---@class fairlead.ctx.dispatch.budget
---@field attempts_left integer attempts that this issue may still have
---@field seconds_left number time that it may still use
---@field money_left number? money that it may still cost; nil: not counted

---@class fairlead.ctx.dispatch
---@field issue fairlead.ctx.dispatch.issue
---@field runs fairlead.ctx.dispatch.runs
---@field budget fairlead.ctx.dispatch.budget
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number
---@field go fun(): fairlead.verdict start it
---@field skip fun(why?: string): fairlead.verdict leave it until something about it changes
---@field defer fun(time: fairlead.duration, why?: string): fairlead.verdict ask again after this time

---@class fairlead.ctx.fix_forward.issue
---@field repo string repository of the issue
---@field number integer its number there

---@class fairlead.ctx.fix_forward.run
---@field id string the run
---@field phase string where it stands: worktree, tests_red, green, pushed, ci, deployed
---@field attempts integer attempts made so far
---@field seconds number time used so far

---@class fairlead.ctx.fix_forward.stage
---@field name string the stage that is red: build, deploy, rollout
---@field log_tail string? the end of its log

---@class fairlead.ctx.fix_forward.budget
---@field attempts_left integer attempts that the issue may still have

---@class fairlead.ctx.fix_forward
---@field issue fairlead.ctx.fix_forward.issue
---@field run fairlead.ctx.fix_forward.run
---@field stage fairlead.ctx.fix_forward.stage
---@field budget fairlead.ctx.fix_forward.budget
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number
---@field fix fun(): fairlead.verdict let the agent try again
---@field freeze fun(why: string): fairlead.verdict stop here and call a human
---@field wait fun(time?: fairlead.duration): fairlead.verdict look again after this time; without one, at the next change

---@class fairlead.ctx.tier.action
---@field kind string what would be done: the task's kind or the effect's name
---@field target string? the site or node it would be done to

---@class fairlead.ctx.tier.actor
---@field name string who asks for it
---@field class string human or automation

---@class fairlead.ctx.tier
---@field action fairlead.ctx.tier.action
---@field actor fairlead.ctx.tier.actor
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number
---@field low fun(why?: string): fairlead.verdict nothing that matters can break
---@field medium fun(why?: string): fairlead.verdict one node or service can break, and be mended at once
---@field high fun(why?: string): fairlead.verdict a person must agree first

---@class fairlead.ctx.admit.task
---@field kind string its kind
---@field capability string what its worker must be able to do
---@field target string? site or node it is for; nil: any
---@field priority integer lower goes first
---@field locks string[] its locks

---@class fairlead.ctx.admit.actor
---@field name string who submits it
---@field class string human or automation

---@class fairlead.ctx.admit.queue
---@field length integer tasks queued now

---@class fairlead.ctx.admit
---@field task fairlead.ctx.admit.task
---@field actor fairlead.ctx.admit.actor
---@field queue fairlead.ctx.admit.queue
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number
---@field accept fun(): fairlead.verdict take it
---@field reject fun(why: string): fairlead.verdict refuse it; the submitter is told why

---@class fairlead.ctx.route.task
---@field kind string its kind
---@field capability string what its worker must be able to do
---@field target string? site or node it is for; nil: any

---@class fairlead.ctx.route
---@field task fairlead.ctx.route.task
---@field workers string[] names of the workers that could take it
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number
---@field worker fun(name: string): fairlead.verdict only this one of `workers`
---@field capability fun(name: string): fairlead.verdict a worker with this capability as well

---@class fairlead.ctx.retry.task
---@field id string the task
---@field kind string its kind
---@field attempt integer attempts made so far
---@field max_attempts integer attempts it may have

---@class fairlead.ctx.retry.error
---@field code string timeout, validation, runtime, lost_worker, …
---@field message string what went wrong

---@class fairlead.ctx.retry
---@field task fairlead.ctx.retry.task
---@field error fairlead.ctx.retry.error
---@field default_delay number? what the schedule says; nil: it would give up
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number
---@field again fun(delay: fairlead.duration): fairlead.verdict try again after this time, within max_attempts
---@field give_up fun(why: string): fairlead.verdict the task has failed

---@class fairlead.ctx.reconnect.tunnel
---@field name string the tunnel
---@field host string its SSH server
---@field port integer the server's port
---@field actor string who the tunnel acts for

---@class fairlead.ctx.reconnect
---@field tunnel fairlead.ctx.reconnect.tunnel
---@field reason string why it is down, as in `fairlead status --json`: connect_refused, auth_refused, …
---@field detail string specifics of the reason; may be empty
---@field patient boolean trying sooner cannot help: the backoff waits its longest
---@field attempts integer attempts in a row that failed; 0 right after a loss
---@field max_attempts integer then the tunnel fails; 0: never
---@field default_delay number what the backoff would wait
---@field least_delay number the tunnel's `backoff_initial`: no verdict goes below
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number
---@field after fun(delay: fairlead.duration): fairlead.verdict try again after this time; never below `least_delay`, at most a day
---@field stop fun(why: string): fairlead.verdict give up: the tunnel is `failed` until an operator brings it up

---@class fairlead.ctx.health.tunnel
---@field name string the tunnel
---@field host string its SSH server

---@class fairlead.ctx.health.check
---@field url string what was asked
---@field from string remote or local: the side it was asked from
---@field status integer? HTTP status; nil: there was no answer
---@field error string? why there was none
---@field failures integer failures in a row
---@field good_for number how long it was good before the first of them

---@class fairlead.ctx.health
---@field tunnel fairlead.ctx.health.tunnel
---@field check fairlead.ctx.health.check
---@field held_for number how long this failure has been held already; 0: it is new
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number
---@field degraded fun(why?: string): fairlead.verdict the tunnel is `degraded`
---@field hold fun(time: fairlead.duration, why: string): fairlead.verdict stay `connected` for this time, then ask again; an hour in all for one failure

---@class fairlead.ctx.notification
---@field sender_names string[] the senders of the configuration
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number

---@class fairlead.ctx.redact
---@field purpose string what the text is for: notification, journal
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number

---@class fairlead.ctx.tunnel_state
---@field tunnel string the tunnel
---@field from string state before: stopped, starting, connected, degraded, reconnecting, failed
---@field to string state now
---@field event string as in the audit: bridge_connected, bridge_lost, …
---@field reason string why it is not well; none when it is
---@field detail string specifics; may be empty
---@field proof string probe, traffic or none
---@field time string when, ISO 8601
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number

---@class fairlead.ctx.task_state.task
---@field id string the task
---@field kind string its kind

---@class fairlead.ctx.task_state
---@field task fairlead.ctx.task_state.task
---@field from string state before
---@field to string state now
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number

---@class fairlead.ctx.run_state.run
---@field id string the run

---@class fairlead.ctx.run_state
---@field run fairlead.ctx.run_state.run
---@field from string phase before
---@field to string phase now
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number

---@class fairlead.ctx.worker_state
---@field worker string its name
---@field from string state before
---@field to string state now
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number

---@class fairlead.ctx.approval_state.approval
---@field id string the request

---@class fairlead.ctx.approval_state
---@field approval fairlead.ctx.approval_state.approval
---@field action string what it is for
---@field from string state before
---@field to string state now
---@field clock fairlead.clock
---@field random fun(m?: integer, n?: integer): number

---@class fairlead.flow.exec_arguments
---@field argv string[] the program (absolute path) and its arguments
---@field input? string its stdin
---@field timeout? fairlead.duration then it is ended; default 30s, at most an hour

---@class fairlead.flow.http_arguments
---@field url string http:// or https://
---@field method? string GET unless stated
---@field headers? table<string, string> header to value
---@field body? string what is sent
---@field timeout? fairlead.duration for the whole answer; default 10s, at most 5 minutes

---@class fairlead.flow.notify_arguments
---@field title string one line
---@field text? string a few lines
---@field severity? string info, low, high or critical; low unless stated
---@field subject? string what it is about: the name of a tunnel, say
---@field senders? string[] only these; unless stated, those whose rules match

---@class fairlead.flow.store
---@field get fun(key: string): any, string? reads a value that a flow has kept; returns the value, or nil
---@field set fun(key: string, value?: any): any, string? keeps a value over restarts; nil forgets it; returns nothing

---@class fairlead.flow.tunnel
---@field status fun(name: string): any, string? how a tunnel stands; returns {state, reason, detail, proof, attempts}
---@field up fun(name: string): any, string? brings a tunnel up; returns nothing
---@field down fun(name: string): any, string? takes a tunnel down; returns nothing
---@field reconnect fun(name: string): any, string? drops a tunnel's session and tries anew; returns nothing

---@class fairlead.flow
---@field clock fairlead.clock
---@field sleep fun(time: fairlead.duration): any, string? waits; returns nothing
---@field exec fun(arguments: fairlead.flow.exec_arguments): any, string? runs a program, without a shell; returns {status, how, out, err, truncated}; `how`: exited, signalled, timed_out, killed
---@field http fun(arguments: fairlead.flow.http_arguments): any, string? makes an HTTP request; returns {status, body}
---@field emit fun(type: string, body?: any): any, string? publishes an event on the daemon's stream, as `hook_<type>`; returns nothing
---@field notify fun(arguments: fairlead.flow.notify_arguments): any, string? sends a message to people; returns nothing
---@field store fairlead.flow.store
---@field tunnel fairlead.flow.tunnel

---@class fairlead.on
---@field dispatch fun(name: string, hook: fun(ctx: fairlead.ctx.dispatch): fairlead.verdict?) Shall this ready issue be started now?
---@field fix_forward fun(name: string, hook: fun(ctx: fairlead.ctx.fix_forward): fairlead.verdict?) A pushed commit is red: what now?
---@field tier fun(name: string, hook: fun(ctx: fairlead.ctx.tier): fairlead.verdict?) How far can this action reach?
---@field admit fun(name: string, hook: fun(ctx: fairlead.ctx.admit): fairlead.verdict?) Shall this submitted task be accepted?
---@field route fun(name: string, hook: fun(ctx: fairlead.ctx.route): fairlead.verdict?) Which worker or capability gets this task?
---@field retry fun(name: string, hook: fun(ctx: fairlead.ctx.retry): fairlead.verdict?) A task failed: shall it be tried again?
---@field reconnect fun(name: string, hook: fun(ctx: fairlead.ctx.reconnect): fairlead.verdict?) A tunnel dropped, or an attempt failed: when shall it try again?
---@field health fun(name: string, hook: fun(ctx: fairlead.ctx.health): fairlead.verdict?) A tunnel's health check fell: what does that mean?
---@field notification fun(name: string, hook: fun(notice: fairlead.notice, ctx: fairlead.ctx.notification): fairlead.notice?) What shall be sent to people? The notice is a table to change; nil keeps quiet.
---@field redact fun(name: string, hook: fun(text: string, ctx: fairlead.ctx.redact): string?) Which text may be stored or sent? The built-in secret patterns have run already.
---@field tunnel_state fun(name: string, hook: fun(ctx: fairlead.ctx.tunnel_state)) A tunnel changed its state.
---@field task_state fun(name: string, hook: fun(ctx: fairlead.ctx.task_state)) A task changed its state.
---@field run_state fun(name: string, hook: fun(ctx: fairlead.ctx.run_state)) An unattended run changed its phase.
---@field worker_state fun(name: string, hook: fun(ctx: fairlead.ctx.worker_state)) A worker came, went or was lost.
---@field approval_state fun(name: string, hook: fun(ctx: fairlead.ctx.approval_state)) A request for approval was made, answered or expired.
on = {}

---Which hook API the file is written for; the first thing in it.
---@param version 1
function api(version) end

---A flow that runs again and again.
---@param interval fairlead.duration
---@param name string
---@param flow fun(flow: fairlead.flow)
function every(interval, name, flow) end

---Switches off the hooks of this name.
---@param name string
function off(name) end

---Writes a line to the daemon's log.
function log(...) end

---@class fairlead.kit
kit = {}

---kit.test("name", function() … end): one test; it fails with the first error in it.
function kit.test(name, run) end

---kit.same(got, want): deep comparison; the message names every difference.
function kit.same(got, want) end

function kit.is_true(value, what) end

---kit.fails(function, "part of the message"): the function must fail so.
function kit.fails(run, part) end

---kit.clock("2026-03-01 03:30"): what hooks see as the time from now on.
function kit.clock(text) end

---kit.fire("reconnect", {tunnel = {name = "a"}}): the verdict as a table {verdict = "after", delay = 5} and the name of
---the hook that gave it; nil when no hook had an opinion. Fields that no hook reads may be left out.
function kit.fire(event, ctx) end

---kit.transform("notification", {title = "…"}, ctx): what the hooks make of the value; nil: nothing is left of it.
function kit.transform(event, value, ctx) end

---kit.run("disk-report", answers): runs a flow to its end. `answers` maps an effect to its answer, or to a function of
---its arguments that returns the answer, or nil and a message; sleep moves the clock. Returns the effects in order, each
---{effect = "http", arguments = {…}}.
function kit.run(name, answers) end

---kit.advance("10m", answers): moves the clock and runs every flow that falls due, in order of time. Returns a list of
---{name = "disk-report", effects = {…}}.
function kit.advance(duration, answers) end
