#include "contract/scene.hpp"

namespace fairlead::contract {

core::TaskEnvelope envelope(std::string kind) {
  core::TaskEnvelope made;
  made.kind = kind;
  made.capability = "job";
  made.actor = "ada";
  made.actor_class = core::ActorClass::human;
  made.trace_id = "0123456789abcdef0123456789abcdef";
  return made;
}

core::Submission submission(const Wish& wish) {
  core::Submission made;
  made.envelope = envelope(wish.kind);
  made.envelope.priority = wish.priority;
  made.envelope.locks = wish.locks;
  made.envelope.depends_on = wish.depends_on;
  made.envelope.idempotency_key = wish.key;
  made.envelope.target = wish.target;
  made.envelope.run_at = wish.run_at;
  made.envelope.max_attempts = wish.max_attempts;
  made.envelope.on_lease_loss = wish.on_lease_loss;
  made.envelope.timeout = wish.timeout;
  made.route = core::route_of(made.envelope.capability, made.envelope.target);
  return made;
}

Scene::Scene() {
  if (const auto why = fixture().missing(); !why.empty()) {
    print_message("skipped: %s\n", why.c_str());
    skip();
  }
  fixture().empty();
  auto store = fixture().connect(loop, log);
  auto* const raw = store.get();
  stores_.push_back(std::move(store));
  raw->begin([] {}, [this] { ++hints; });
  run_until(loop, [raw] { return raw->status().state == core::StoreStatus::State::open; }, "an open store");
}

Scene::~Scene() {
  for (auto& store : stores_) {
    bool gone = false;
    store->stop(10s, [&] { gone = true; });
    run_until(loop, [&] { return gone; }, "the end of a store");
  }
  stores_.clear();
  drain(loop);
}

std::unique_ptr<core::TaskStore> Scene::begin_another() {
  auto store = fixture().connect(loop, log);
  auto* const raw = store.get();
  raw->begin([] {}, [] {});
  run_until(loop, [raw] { return raw->status().state == core::StoreStatus::State::open; }, "an open store");
  return store;
}

core::TaskStore& Scene::second() {
  if (stores_.size() < 2) stores_.push_back(begin_another());
  return *stores_[1];
}

// --- submitters
std::vector<base::Result<core::Submitted>> Scene::submit_all(std::vector<core::Submission> tasks) {
  using Answers = std::vector<base::Result<core::Submitted>>;
  return value_of(ask<Answers>([&](auto done) { first().submit(std::move(tasks), std::move(done)); }));
}

base::Result<core::Submitted> Scene::try_submit(const Wish& wish, core::TaskStore* store) {
  using Answers = std::vector<base::Result<core::Submitted>>;
  auto& at = store == nullptr ? first() : *store;
  auto all = value_of(ask<Answers>([&](auto done) { at.submit({submission(wish)}, std::move(done)); }));
  assert_int_equal(all.size(), 1);
  return all[0];
}

core::Submitted Scene::submit(const Wish& wish, core::TaskStore* store) {
  return value_of(try_submit(wish, store));
}

// --- workers
base::Result<core::WorkerKey> Scene::try_register(core::TaskStore& store, const std::string& name,
                                                  std::vector<core::Started> keeps, base::Millis lease) {
  core::WorkerInfo info;
  info.name = name;
  info.site = "attic";
  info.node = name;
  info.capabilities = {"job"};
  info.version = "1";
  info.concurrency = 4;
  info.limits = {{"job", 3}};
  return ask<core::WorkerKey>(
      [&](auto done) { store.register_worker(info, lease, std::move(keeps), std::move(done)); });
}

TestWorker Scene::worker(const std::string& name, core::TaskStore* store) {
  auto& at = store == nullptr ? first() : *store;
  return {&at, value_of(try_register(at, name)), {"job@"}};
}

core::ExchangeOutcome Scene::exchange(const TestWorker& worker, core::Exchange exchange) {
  exchange.worker = worker.key;
  return value_of(ask<core::ExchangeOutcome>(
      [&](auto done) { worker.store->exchange(std::move(exchange), std::move(done)); }));
}

std::vector<core::Claimed> Scene::claim(const TestWorker& worker, int most) {
  core::Exchange wanted;
  wanted.slots = {{worker.routes, most}};
  wanted.most = most;
  return exchange(worker, std::move(wanted)).claimed;
}

core::Claimed Scene::claim_one(const TestWorker& worker) {
  auto claimed = claim(worker);
  if (claimed.size() != 1) fail_msg("claimed %zu tasks, not one", claimed.size());
  return claimed[0];
}

core::ExchangeOutcome Scene::report(const TestWorker& worker, core::Report report) {
  core::Exchange said;
  said.reports.push_back(std::move(report));
  auto outcome = exchange(worker, std::move(said));
  assert_int_equal(outcome.reports.size(), 1);
  return outcome;
}

void Scene::finish(const TestWorker& worker, const core::Claimed& task) {
  assert_true(report(worker, report_of(task)).reports[0].accepted);
}

core::BeatOutcome Scene::beat(const TestWorker& worker, base::Millis lease) {
  return value_of(
      ask<core::BeatOutcome>([&](auto done) { worker.store->beat({worker.key, lease}, std::move(done)); }));
}

core::Tending Scene::tend(core::TendSettings settings, core::TaskStore* store) {
  auto& at = store == nullptr ? first() : *store;
  return value_of(ask<core::Tending>([&](auto done) { at.tend(settings, std::move(done)); }));
}

core::Tending Scene::tend_all(core::TendSettings settings, core::TaskStore* store) {
  auto sum = tend(settings, store);
  while (sum.more) {
    auto next = tend(settings, store);
    sum.changes.insert(sum.changes.end(), next.changes.begin(), next.changes.end());
    sum.lost_workers.insert(sum.lost_workers.end(), next.lost_workers.begin(), next.lost_workers.end());
    sum.promoted += next.promoted;
    sum.forgotten += next.forgotten;
    sum.more = next.more;
    sum.next_due = next.next_due;
    sum.clock_stepped = next.clock_stepped;
  }
  return sum;
}

// --- operators
base::Result<core::OrderOutcome> Scene::try_order(TaskId id, core::TaskOrder order) {
  return ask<core::OrderOutcome>(
      [&](auto done) { first().order(id, order, {"grace", core::ActorClass::human, {}}, std::move(done)); });
}

core::OrderOutcome Scene::order(TaskId id, core::TaskOrder order) {
  return value_of(try_order(id, order));
}

void Scene::pause(core::Pause::Scope scope, const std::string& name, std::optional<base::WallTime> until) {
  core::Pause pause;
  pause.scope = scope;
  pause.name = name;
  pause.until = until;
  pause.actor = "grace";
  pause.why = "stocktaking";
  value_of(ask<base::Unit>([&](auto done) { first().pause(pause, std::move(done)); }));
}

base::Result<> Scene::try_resume(core::Pause::Scope scope, const std::string& name) {
  return ask<base::Unit>([&](auto done) { first().resume(scope, name, std::move(done)); });
}

std::vector<core::Pause> Scene::pauses() {
  return value_of(ask<std::vector<core::Pause>>([&](auto done) { first().pauses(std::move(done)); }));
}

core::TaskDetail Scene::detail(TaskId id) {
  return value_of(ask<core::TaskDetail>([&](auto done) { first().find(id, std::move(done)); }));
}

std::vector<core::TaskRecord> Scene::list(core::TaskFilter filter) {
  return value_of(
      ask<std::vector<core::TaskRecord>>([&](auto done) { first().list(filter, std::move(done)); }));
}

std::vector<TaskId> Scene::ids(core::TaskFilter filter) {
  std::vector<TaskId> found;
  for (const auto& task : list(std::move(filter))) found.push_back(task.id);
  return found;
}

core::QueueStats Scene::stats() {
  return value_of(ask<core::QueueStats>([&](auto done) { first().stats(std::move(done)); }));
}

std::vector<core::WorkerRecord> Scene::workers() {
  return value_of(ask<std::vector<core::WorkerRecord>>([&](auto done) { first().workers(std::move(done)); }));
}

// --- what tests say
core::Report report_of(const core::Claimed& claimed, core::Report::Outcome outcome) {
  core::Report made;
  made.id = claimed.task.id;
  made.epoch = claimed.task.epoch;
  made.outcome = outcome;
  made.result = R"({"exit_class":"success"})";
  made.detail = "exit 0 in 12 ms";
  if (outcome == core::Report::Outcome::failed || outcome == core::Report::Outcome::again)
    made.error_code = core::task_error::kRuntime;
  return made;
}

void assert_state(const core::TaskRecord& task, TaskState state) {
  if (task.state == state) return;
  fail_msg("task %lld is %s, not %s", static_cast<long long>(number(task.id)),
           std::string(to_string(task.state)).c_str(), std::string(to_string(state)).c_str());
}

void assert_waits(const core::TaskRecord& task, WaitsFor waits, const char* detail) {
  assert_state(task, TaskState::queued);
  assert_text_equal(to_string(task.waits_for), to_string(waits));
  assert_text_equal(task.waits_detail, detail);
}

void assert_ids(const std::vector<TaskId>& found, const std::vector<TaskId>& expected) {
  const auto list = [](const std::vector<TaskId>& ids) {
    std::string text;
    for (const auto id : ids) text += std::to_string(number(id)) + " ";
    return text;
  };
  assert_text_equal(list(found), list(expected));
}

std::vector<TaskId> ids_of(const std::vector<core::Claimed>& claimed) {
  std::vector<TaskId> ids;
  for (const auto& one : claimed) ids.push_back(one.task.id);
  return ids;
}

bool has_note(const core::TaskDetail& detail, core::NoteKind kind) {
  return std::any_of(detail.notes.begin(), detail.notes.end(),
                     [&](const core::TimelineNote& note) { return note.kind == kind; });
}

namespace {

template <typename Entries>
std::string joined_events(const Entries& entries) {
  std::string text;
  for (const auto& entry : entries) text.append(text.empty() ? "" : " ").append(to_string(entry.event));
  return text;
}

}  // namespace

std::string events_of(const core::TaskDetail& detail) {
  return joined_events(detail.timeline);
}
std::string events_of(const std::vector<core::TaskChange>& made) {
  return joined_events(made);
}

}  // namespace fairlead::contract
