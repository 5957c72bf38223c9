#include "config/schema.hpp"

namespace fairlead::config {

namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

using Words = std::string_view;
constexpr Key plain(Type type, Words name, Words fallback, Words meaning) {
  return {name, type, fallback, 0, 0, "", meaning};
}
constexpr Key choice(Words name, Words fallback, Words choices, Words meaning) {
  return {name, Type::choice, fallback, 0, 0, choices, meaning};
}
constexpr Key integer(Words name, Words fallback, std::int64_t low, std::int64_t high, Words meaning) {
  return {name, Type::integer, fallback, low, high, "", meaning};
}
constexpr Key duration(Words name, Words fallback, std::int64_t low, std::int64_t high, Words meaning) {
  return {name, Type::duration, fallback, low, high, "", meaning};
}

constexpr Key size(Words name, Words fallback, std::int64_t low, std::int64_t high, Words meaning) {
  return {name, Type::size, fallback, low, high, "", meaning};
}

constexpr Key kFileKeys[] = {
    integer("version", "1", 1, 1, "format of this file"),
    plain(Type::map, "tunnels", "required", "tunnel name to tunnel; `{}` for none"),
    plain(Type::map, "actors", "none", "actor name to actor"),
    plain(Type::map, "api", "none", "who may use the control socket"),
    plain(Type::map, "notify", "none", "who is told when something needs a person"),
    plain(Type::map, "policy", "none", "hooks: where they are, how long they may take, what they may do"),
    plain(Type::text, "store", "sqlite",
          "where tasks are kept: `sqlite`, in the state directory, or `postgresql://…`"),
    plain(Type::path, "store_password_file", "none", "its first line is the password for PostgreSQL"),
    plain(Type::text, "store_via", "none",
          "one of `tunnels`, whose line carries the connection to PostgreSQL"),
    plain(Type::map, "queue", "none", "how long finished tasks are kept"),
    plain(Type::map, "worker", "none", "makes this daemon do tasks"),
    plain(Type::map, "executors", "none", "what its tasks may be"),
    plain(Type::map, "log", "none", "what the daemon writes to stderr"),
    plain(Type::path, "state_dir", "by mode", "what outlives the daemon: state, audit"),
    plain(Type::path, "runtime_dir", "by mode", "the folder of `control.sock`, for it alone"),
};

constexpr Key kLogKeys[] = {
    choice("level", "info", "error|warn|info|debug", "how much"),
    choice("format", "text", "text|json", "`key=value` or JSON lines"),
};

constexpr Key kApiKeys[] = {
    plain(Type::list, "roles", "none", "rules; root and the daemon's own user are always operators"),
};

constexpr Key kRoleKeys[] = {
    plain(Type::identity, "uid", "", "a user"),
    plain(Type::identity, "user", "", "the same"),
    plain(Type::identity, "gid", "", "a group; exactly one of these four is given"),
    plain(Type::identity, "group", "", "the same"),
    choice("role", "required", "viewer|operator", "a viewer can change nothing"),
    choice("class", "human", "human|automation",
           "what the audit says of their commands, and of tasks that they submit"),
};

constexpr Key kActorKeys[] = {
    choice("class", "automation", "human|automation", "stands in every audit line"),
    plain(Type::text, "description", "none", "for people"),
};

constexpr Key kTunnelKeys[] = {
    plain(Type::text, "host", "required", "SSH server: name or address"),
    integer("port", "22", 1, 65535, "its port"),
    plain(Type::text, "ssh_user", "the invoking user", "user name there"),
    plain(Type::path, "ssh_key", "by mode", "private key"),
    plain(Type::path, "ssh_key_passphrase_file", "none", "its first line opens the key"),
    plain(Type::path, "known_hosts", "by mode", "host keys to trust"),
    choice("host_key", "strict", "strict|accept-new",
           "`accept-new` records the first key of an unknown host; a changed key is always refused"),
    plain(Type::text, "actor", "fairlead",
          "one of `actors`; without it the tunnel acts as `fairlead`, class automation"),
    integer("remote_port", "none", 1, 65535,
            "older form of one forward: the server listens on `localhost:remote_port` …"),
    integer("local_port", "none", 1, 65535, "… and connections lead to `127.0.0.1:local_port` here"),
    plain(Type::list, "forwards", "required", "one forward or more (or the older form)"),
    plain(Type::map, "health_check", "none", "an HTTP request that shows whether the service behind is well"),
    plain(Type::map, "reconnect", "none", "how to come back after a loss"),
    plain(Type::map, "keepalive", "none", "how a dead link is noticed"),
    duration("connect_timeout", "10s", kSecond, 10 * kMinute, "for name, connection and handshake together"),
    plain(Type::boolean, "autostart", "true", "up when the daemon starts, unless it was taken down"),
};

constexpr Key kForwardKeys[] = {
    plain(Type::endpoint, "remote", "",
          "the server listens there (`ssh -R`); host `localhost` unless stated"),
    plain(Type::endpoint, "local", "",
          "this machine listens there (`ssh -L`); host `localhost` unless stated"),
    plain(Type::endpoint, "to", "required",
          "where connections lead, seen from the other side; host `127.0.0.1` unless stated"),
};

constexpr Key kHealthCheckKeys[] = {
    plain(Type::text, "url", "required", "`http://` or `https://`"),
    choice("from", "remote", "remote|local",
           "asked over the SSH connection, names resolve there; or from this machine"),
    duration("interval", "30s", kSecond, kDay, "from one request to the next"),
    duration("timeout", "5s", 100, kDay,
             "for the whole answer; not above `interval` (without the key: 5s, or `interval` when that is "
             "shorter)"),
    integer("fall", "2", 1, 100, "failures in a row that make the tunnel `degraded`"),
    integer("rise", "1", 1, 100, "successes in a row that make it `connected` again"),
};

constexpr Key kReconnectKeys[] = {
    integer("max_attempts", "0", 0, 1'000'000, "then the tunnel is `failed`; 0: for ever"),
    duration("backoff_initial", "1s", 100, kDay, "least wait; not above `backoff_max`"),
    duration("backoff_max", "60s", 100, kDay,
             "longest wait (of the two, one that is not given follows the other where they would cross)"),
};

constexpr Key kKeepaliveKeys[] = {
    duration("interval", "4s", 2 * kSecond, kHour, "from one SSH keepalive to the next"),
    duration("user_timeout", "12s", kSecond, kHour,
             "unacknowledged for so long, the connection is given up (`TCP_USER_TIMEOUT`)"),
};

constexpr Key kNotifyKeys[] = {
    duration("tunnel_degraded_after", "5m", kSecond, kDay,
             "a tunnel that is not `connected` for so long is reported as `tunnel_degraded`"),
    duration("tunnel_failed_after", "2m", kSecond, kDay,
             "one that has had no connection for so long as `tunnel_failed`"),
    plain(Type::map, "senders", "none", "sender name to sender"),
};

constexpr Key kSenderKeys[] = {
    choice("type", "required", "slack|ntfy|webhook|command", "how messages leave"),
    choice("severity", "low", "info|low|high|critical", "the least that it sends"),
    plain(Type::list, "events", "all", "names of the events that it sends"),
    integer("rate", "30", 1, 3600,
            "messages an hour in the long run; what is above is summed up in one message"),
    integer("burst", "10", 1, 100, "messages at once, before `rate` holds them back"),
    plain(Type::map, "retry", "none", "how a failed delivery is tried again"),
    duration("timeout", "10s", kSecond, 45 * kSecond, "of one attempt"),
    plain(Type::text, "url", "by type",
          "`ntfy`: the server; `webhook`: where events go, unless `url_file` tells it"),
    plain(Type::path, "url_file", "by type",
          "`slack`, `webhook`: a file that holds the URL, which is a secret"),
    plain(Type::text, "topic", "by type", "`ntfy`: the topic"),
    plain(Type::path, "token_file", "none",
          "`ntfy`, `webhook`: a file that holds a token, sent as `Authorization: Bearer`"),
    plain(Type::path, "secret_file", "none",
          "`webhook`: a file that holds the key that signs, 24 bytes or more"),
    plain(Type::map, "headers", "none", "`webhook`: header name to value, sent with every event"),
    plain(Type::list, "argv", "by type", "`command`: the program, by its absolute path, and its arguments"),
};

constexpr Key kSenderRetryKeys[] = {
    integer("attempts", "8", 1, 100, "in all; then the message is a dead letter"),
    duration("backoff_initial", "2s", 100, kHour, "least wait; not above `backoff_max`"),
    duration("backoff_max", "5m", 100, kHour,
             "longest wait (of the two, one that is not given follows the other where they would cross)"),
};

constexpr Key kPolicyKeys[] = {
    plain(Type::path, "dir", "`hooks` beside the file",
          "the folder of the hooks; where there is none, there are no hooks"),
    duration("deadline", "20ms", 1, 10 * kSecond, "of a decision; then its safe default holds"),
    plain(Type::map, "deadlines", "none", "event to deadline, where it differs"),
    plain(Type::map, "allow", "none", "what flows may do"),
    plain(Type::map, "journal", "none", "how long decisions are kept"),
};

// One for each event of core/events.def.
constexpr Key kDeadlineKeys[] = {
#define EVENT(id, kind, wired, asks, safe_default) \
  duration(#id, "`policy.deadline`", 1, 10 * kSecond, "of one `" #id "`"),
#define FIELD(event, path, type, nilable, meaning)
#define VERDICT(event, method, arguments, meaning)
#include "core/events.def"
#undef EVENT
#undef FIELD
#undef VERDICT
};

constexpr Key kAllowKeys[] = {
    plain(Type::list, "commands", "none", "programs that `flow.exec` may run, by absolute path"),
    plain(Type::list, "hosts", "none", "hosts that `flow.http` may ask: `name`, `name:port` or `*.domain`"),
    plain(Type::list, "tunnels", "none", "tunnels that `flow.tunnel` may move, or `\"*\"`"),
};

constexpr Key kJournalKeys[] = {
    duration("age", "30d", 0, 3650 * kDay, "then a decision is forgotten; 0: none is kept"),
    integer("megabytes", "64", 1, 100'000, "the oldest are forgotten sooner when the file would be larger"),
};

constexpr Key kQueueKeys[] = {
    duration("history_age", "30d", kMinute, 3650 * kDay, "finished tasks are kept so long,"),
    integer("history_count", "1000000", 1, 100'000'000, "and so many; the oldest go first"),
    duration("key_memory", "7d", kMinute, 3650 * kDay,
             "an idempotency key is remembered so long after its task has ended"),
    duration("stuck_after", "1d", kMinute, 365 * kDay, "a task that is so long in one state raises an alarm"),
};

constexpr Key kWorkerKeys[] = {
    plain(Type::text, "name", "the host name", "unique among the workers of the store"),
    plain(Type::text, "site", "none", "takes the tasks for this site, too"),
    plain(Type::text, "node", "`worker.name`", "… and those for this node"),
    plain(Type::list, "capabilities", "the kinds of `executors`", "which tasks it takes"),
    integer("concurrency", "4", 1, 256, "tasks at a time"),
    plain(Type::map, "per_capability", "none", "capability to tasks at a time, where there are to be fewer"),
    duration("lease", "30s", 5 * kSecond, 10 * kMinute,
             "a worker that is not heard of for so long loses its tasks to others"),
    duration("stop_deadline", "20s", 0, 10 * kMinute,
             "tasks under way get so long to finish when the daemon stops; then they are handed back"),
};

constexpr Key kExecutorsKeys[] = {
    plain(Type::map, "script", "none", "programs that are allowed by name"),
    plain(Type::map, "run_bash", "none", "runs any text that a task brings with bash: `{}` allows it"),
    plain(Type::map, "run_python", "none", "the same with python3"),
    plain(Type::map, "noop", "none", "does nothing, for tests: `{}` allows it"),
    plain(Type::map, "sleep", "none", "waits, for tests: `{}` allows it"),
};

constexpr Key kScriptKeys[] = {
    plain(Type::map, "programs", "required", "program name, as tasks say it, to program"),
};

// What a program and inline text have alike.
constexpr Key kEnvKey =
    plain(Type::map, "env", "none", "variable to value; not for secrets: name a file that holds one");
constexpr Key kInheritKey =
    plain(Type::list, "inherit", "none", "variables that it gets from the daemon's environment");
constexpr Key kFolderKey = plain(Type::path, "folder", "/", "its working folder");
constexpr Key kInputKey = choice("input", "stdin", "stdin|file",
                                 "how it gets the task's `input`: on stdin, or as the file (0600) that "
                                 "`FAIRLEAD_INPUT_FILE` names");
constexpr Key kOutputKey = size("output", "64KiB", 1024, 1 << 20,
                                "kept of stdout and of stderr, each: half from the beginning, half "
                                "from the end");
constexpr Key kGraceKey = duration("grace", "5s", 0, 10 * kMinute, "from TERM to KILL");
constexpr Key kLimitsKey = plain(Type::map, "limits", "none", "of each of its processes");
constexpr Key kSandboxKey = plain(Type::boolean, "sandbox", "true",
                                  "no dangerous system calls (seccomp), and no writing but to `writable` "
                                  "(Landlock, where the kernel has it)");
constexpr Key kNetworkKey =
    plain(Type::boolean, "network", "true", "`false`: no sockets but UNIX ones; needs the sandbox");
constexpr Key kWritableKey =
    plain(Type::list, "writable", "none", "files and folders that it may write to inside the sandbox");

constexpr Key kProgramKeys[] = {
    plain(Type::path, "path", "required", "where it is"),
    plain(Type::text, "sha256", "required", "of the file; `sha256sum PATH` prints it"),
    plain(Type::list, "args", "none", "its arguments"),
    plain(Type::boolean, "accepts_args", "false", "a task may add more"),
    kEnvKey,
    kInheritKey,
    kFolderKey,
    kInputKey,
    kOutputKey,
    kGraceKey,
    kLimitsKey,
    kSandboxKey,
    kNetworkKey,
    kWritableKey,
};

constexpr Key kInlineKeys[] = {
    kEnvKey,   kInheritKey, kFolderKey,  kInputKey,   kOutputKey,
    kGraceKey, kLimitsKey,  kSandboxKey, kNetworkKey, kWritableKey,
};

constexpr Key kLimitsKeys[] = {
    duration("cpu", "none", kSecond, 7 * kDay, "of processor time, in whole seconds"),
    size("memory", "none", 1LL << 20, 1LL << 40, "of address space"),
    size("file", "none", 1024, 1LL << 40, "of one file that it writes"),
    integer("open_files", "none", 16, 1 << 20, "at a time"),
    integer("processes", "none", 1, 1 << 20,
            "of its user, all in all: not of the task; root is not held by it"),
};

}  // namespace

const Section kFileSection = {"the file", kFileKeys};
const Section kLogSection = {"log", kLogKeys};
const Section kApiSection = {"api", kApiKeys};
const Section kRoleSection = {"a rule of api.roles", kRoleKeys};
const Section kActorSection = {"an actor", kActorKeys};
const Section kTunnelSection = {"a tunnel", kTunnelKeys};
const Section kForwardSection = {"a forward", kForwardKeys};
const Section kHealthCheckSection = {"health_check", kHealthCheckKeys};
const Section kReconnectSection = {"reconnect", kReconnectKeys};
const Section kKeepaliveSection = {"keepalive", kKeepaliveKeys};
const Section kNotifySection = {"notify", kNotifyKeys};
const Section kSenderSection = {"a sender", kSenderKeys};
const Section kSenderRetrySection = {"a sender's retry", kSenderRetryKeys};
const Section kPolicySection = {"policy", kPolicyKeys};
const Section kDeadlinesSection = {"policy.deadlines", kDeadlineKeys};
const Section kAllowSection = {"policy.allow", kAllowKeys};
const Section kJournalSection = {"policy.journal", kJournalKeys};
const Section kQueueSection = {"queue", kQueueKeys};
const Section kWorkerSection = {"worker", kWorkerKeys};
const Section kExecutorsSection = {"executors", kExecutorsKeys};
const Section kScriptSection = {"executors.script", kScriptKeys};
const Section kProgramSection = {"a program", kProgramKeys};
const Section kInlineSection = {"inline text", kInlineKeys};
const Section kLimitsSection = {"limits", kLimitsKeys};

std::span<const Section* const> all_sections() {
  static constexpr const Section* kAll[] = {
      &kFileSection,      &kTunnelSection,    &kForwardSection, &kHealthCheckSection, &kReconnectSection,
      &kKeepaliveSection, &kActorSection,     &kNotifySection,  &kSenderSection,      &kSenderRetrySection,
      &kPolicySection,    &kDeadlinesSection, &kAllowSection,   &kJournalSection,     &kQueueSection,
      &kWorkerSection,    &kExecutorsSection, &kScriptSection,  &kProgramSection,     &kInlineSection,
      &kLimitsSection,    &kApiSection,       &kRoleSection,    &kLogSection};
  return kAll;
}

const Key* Section::find(std::string_view key) const {
  for (const Key& candidate : keys)
    if (candidate.name == key) return &candidate;
  return nullptr;
}

}  // namespace fairlead::config
