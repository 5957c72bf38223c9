// Tasks: submitting, finding, listing, and what an operator orders about one. Answers come when the store
// has answered.
#include <algorithm>
#include <string>
#include <utility>

#include "api/call.hpp"
#include "api/json_parts.hpp"
#include "api/task_render.hpp"
#include "base/text.hpp"

namespace fairlead::api {

namespace {

using base::Code;
using base::Error;
using base::Json;

constexpr std::size_t kMostTasks = 1000;  // of one request, and of one list
constexpr std::size_t kListed = 100;

// --- submitting

std::string place_of(core::TaskId id) {
  return "/v1/tasks/" + std::to_string(core::number(id));
}

core::ServerResponse submitted_one(const base::Result<core::Submitted>& outcome, std::uint64_t cursor) {
  if (!outcome) return problem_with_faults(outcome.error());
  auto body = render(*outcome);
  body.set("last_event_id", cursor);
  auto response = json_response(outcome->existed ? 200 : 201, body);
  response.headers.emplace_back("Location", place_of(outcome->id));
  return response;
}

Json submitted_entry(const base::Result<core::Submitted>& outcome) {
  if (outcome) return std::move(render(*outcome).set("status", outcome->existed ? 200 : 201));
  const auto& error = outcome.error();
  Json problem = Json::object(), entry = Json::object();
  problem.set("code", base::to_string(error.code)).set("message", base::printable(error.text(), 4096));
  problem.set("errors", faults_of(error));
  entry.set("status", core::status_of(error.code)).set("error", std::move(problem));
  return entry;
}

core::ServerResponse submitted_many(const std::vector<base::Result<core::Submitted>>& outcomes,
                                    std::uint64_t cursor) {
  Json list = Json::array();
  int created = 0, existed = 0, refused = 0;
  for (const auto& outcome : outcomes) {
    ++(!outcome ? refused : outcome->existed ? existed : created);
    list.push(submitted_entry(outcome));
  }
  Json body = Json::object();
  body.set("last_event_id", cursor)
      .set("created", created)
      .set("existed", existed)
      .set("refused", refused)
      .set("tasks", std::move(list));
  return json_response(200, body);
}

std::optional<Error> wrong_body(base::JsonView body, bool has_key) {
  if (body.is_object()) return std::nullopt;
  if (!body.is_array() || body.size() == 0)
    return Error{
        Code::bad_request, "the body is one envelope, or an array of 1 to 1000: see docs/tasks.md", {}};
  if (body.size() > kMostTasks)
    return Error{Code::too_large, "an array of envelopes has at most 1000: send the rest in another", {}};
  if (has_key)
    return Error{Code::bad_request,
                 "Idempotency-Key belongs to a single envelope: in an array each has its own idempotency_key",
                 {}};
  return std::nullopt;
}

}  // namespace

base::Result<core::TaskId> task_named(std::string_view name) {
  constexpr std::uint64_t kMost = 1ULL << 53;  // what JSON numbers hold
  const auto id = base::parse_unsigned(name);
  if (id && *id > 0 && *id <= kMost) return core::TaskId{static_cast<std::int64_t>(*id)};
  return Error{Code::not_found, "there is no task " + base::printable(name, 64) + ": an id is a number", {}};
}

void post_tasks(const Call& call) {
  const auto body = json_body(call.request.body);
  if (!body) return call.refuse(body.error());
  const auto key = call.request.header("Idempotency-Key");
  if (key && key->empty())
    return call.refuse({Code::bad_request, "the header Idempotency-Key is empty: leave it out", {}});
  if (auto wrong = wrong_body(body->view(), key.has_value())) return call.refuse(*wrong);
  // From before: whoever follows the task must not miss its first steps.
  const std::uint64_t cursor = call.task_events.last_id();
  const bool many = body->view().is_array();
  call.tasks.submit(
      body->view(), key.value_or(std::string_view()), call.request.caller,
      [responder = call.responder, many,
       cursor](const base::Result<std::vector<base::Result<core::Submitted>>>& outcomes) {
        if (!outcomes) return responder->answer(problem_with_faults(outcomes.error()));
        if (many) return responder->answer(submitted_many(*outcomes, cursor));
        if (outcomes->empty())
          return responder->answer(core::problem({Code::internal, "the task got no answer", {}}));
        responder->answer(submitted_one(outcomes->front(), cursor));
      });
}

// --- finding

namespace {

Error no_such_word(std::string_view parameter, std::string_view word, std::string_view all) {
  std::string message = "`" + std::string(parameter) + "` cannot be \"" + base::printable(word, 64) + "\"";
  return {Code::bad_request, message.append("; there are: ").append(all), {}};
}

// "queued,running"; "all" for every state.
std::optional<Error> read_states(std::string_view text, std::vector<core::TaskState>& states) {
  for (const auto word : base::split(text, ',')) {
    if (const auto state = core::parse_task_state(word)) {
      states.push_back(*state);
      continue;
    }
    if (word != "all")
      return no_such_word("state", word,
                          "queued, claimed, running, done, failed, cancelled, awaiting_approval, all");
    for (int i = 0; i <= static_cast<int>(core::TaskState::cancelled); ++i)
      states.push_back(static_cast<core::TaskState>(i));
  }
  return std::nullopt;
}

std::optional<Error> read_filter(const core::ServerRequest& request, core::TaskFilter& filter) {
  filter.kind = request.parameter("kind").value_or("");
  filter.worker = request.parameter("worker").value_or("");
  filter.most = kListed;
  if (const auto text = request.parameter("state"))
    if (auto wrong = read_states(*text, filter.states)) return wrong;
  if (const auto text = request.parameter("waits_for")) {
    filter.waits_for = core::parse_waits_for(*text);
    if (!filter.waits_for) return no_such_word("waits_for", *text, "nothing, dependency, time, pause, lock");
  }
  if (const auto text = request.parameter("before")) {
    const auto id = task_named(*text);
    if (!id) return Error{Code::bad_request, "`before` is the id of a task", {}};
    filter.before = *id;
  }
  if (const auto text = request.parameter("limit")) {
    const auto most = base::parse_unsigned(*text);
    if (!most || *most < 1 || *most > kMostTasks)
      return Error{Code::bad_request, "`limit` is a number from 1 to 1000", {}};
    filter.most = static_cast<std::size_t>(*most);
  }
  return std::nullopt;
}

Json task_list(const std::vector<core::TaskRecord>& tasks, std::size_t most) {
  Json list = Json::array();
  for (const auto& task : tasks) list.push(render(task));
  const bool more = !tasks.empty() && tasks.size() >= most;
  Json body = Json::object();
  body.set("tasks", std::move(list));
  body.set("next_before", more ? Json(core::number(tasks.back().id)) : Json());
  return body;
}

}  // namespace

void get_tasks(const Call& call) {
  core::TaskFilter filter;
  if (const auto wrong = read_filter(call.request, filter)) return call.refuse(*wrong);
  const std::size_t most = filter.most;
  call.tasks.list(std::move(filter), [responder = call.responder,
                                      most](const base::Result<std::vector<core::TaskRecord>>& tasks) {
    responder->answer(tasks ? json_response(200, task_list(*tasks, most)) : core::problem(tasks.error()));
  });
}

void get_task(const Call& call) {
  const auto id = task_named(call.name);
  if (!id) return call.refuse(id.error());
  call.tasks.find(*id, [responder = call.responder](const base::Result<core::TaskDetail>& detail) {
    responder->answer(detail ? json_response(200, render(*detail)) : core::problem(detail.error()));
  });
}

// --- ordering

namespace {

void give_order(const Call& call, core::TaskOrder order) {
  const auto id = task_named(call.name);
  if (!id) return call.refuse(id.error());
  const auto answer = [responder = call.responder,
                       id = *id](const base::Result<core::OrderOutcome>& outcome) {
    if (!outcome) return responder->answer(core::problem(outcome.error()));
    Json body = Json::object();
    body.set("id", core::number(outcome->id)).set("state", core::to_string(outcome->state));
    const bool is_new = outcome->id != id;
    body.set("requested", outcome->requested);
    body.set("retry_of", is_new ? Json(core::number(id)) : Json());
    auto response = json_response(is_new ? 201 : 200, body);
    if (is_new) response.headers.emplace_back("Location", place_of(outcome->id));
    responder->answer(std::move(response));
  };
  call.tasks.order(*id, order, call.request.caller, answer);
}

}  // namespace

void post_cancel(const Call& call) {
  give_order(call, core::TaskOrder::cancel);
}
void post_retry(const Call& call) {
  give_order(call, core::TaskOrder::retry);
}
void post_requeue(const Call& call) {
  give_order(call, core::TaskOrder::requeue);
}

}  // namespace fairlead::api
