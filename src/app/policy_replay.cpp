// `fairlead policy replay`: decisions of the journal, asked again of the hooks as they are in a folder now.
#include <utility>

#include "app/policy_commands.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/report.hpp"
#include "core/journal.hpp"
#include "store/sqlite/journal_reader.hpp"

namespace fairlead::app {

namespace {

using base::Json;
using cli::Context;
using cli::Exit;
using policy::Generation;

constexpr std::size_t kMostListed = 1'000;  // of the differences, in JSON

struct Count {
  std::uint64_t asked = 0;
  std::uint64_t differ = 0;
  std::uint64_t passed_over = 0;  // not decisions, or without a readable context
  std::uint64_t left_out = 0;     // that the journal does not hold
};

std::string verdict_now(const Generation::Outcome& outcome) {
  return outcome.answer.trouble.empty() ? outcome.answer.value.dump() : std::string(core::kSafeDefault);
}

std::string shown(const std::string& verdict, const std::string& hook, const std::string& why) {
  std::string text = verdict == "null" ? "no opinion" : verdict;
  if (!hook.empty()) text += " by " + hook;
  if (!why.empty()) text += " (" + why + ")";
  return base::printable(text, 4096);
}

Json side(const std::string& verdict, const std::string& hook, const std::string& why) {
  auto one = Json::object();
  auto parsed = Json::parse(verdict);
  one.set("verdict", parsed ? std::move(*parsed) : Json(verdict));
  one.set("hook", hook.empty() ? Json() : Json(hook)).set("why", why.empty() ? Json() : Json(why));
  return one;
}

class Replay {
 public:
  Replay(Context& context, HookTrial& trial, bool json) : context_(context), trial_(trial), json_(json) {}

  base::Result<> run(store::JournalReader& reader) {
    while (true) {
      const auto page = reader.next();
      if (!page) return page.error();
      if (page->empty()) return base::success();
      ask(*page);
    }
  }

  Exit finish(const ReplayRequest& request) {
    if (json_) {
      auto body = Json::object();
      body.set("schema", "fairlead.policy_replay/1").set("since", request.since).set("asked", count_.asked);
      body.set("differ", count_.differ).set("passed_over", count_.passed_over);
      body.set("left_out", count_.left_out).set("differences", std::move(differences_));
      cli::print_json(context_, body.view());
    } else {
      context_.out << count_.asked << (count_.asked == 1 ? " decision" : " decisions") << " of the last "
                   << request.since << " asked again, " << count_.differ << " differ\n";
      if (count_.passed_over > 0)
        context_.out << count_.passed_over << " entries passed over: only decisions can be asked again\n";
      if (count_.left_out > 0)
        context_.out << count_.left_out << " decisions are not in the journal, which held a sample\n";
      context_.out.flush();
    }
    return count_.differ == 0 ? Exit::ok : Exit::failure;
  }

 private:
  void ask(const core::DecisionPage& page) {
    std::vector<std::pair<core::HookEvent, Json>> calls;
    std::vector<const core::Decision*> asked;
    for (const core::Decision& decision : page) {
      count_.left_out += decision.left_out;
      const core::EventInfo* event = core::find_event(decision.event);
      auto context = Json::parse(decision.context);
      if (event == nullptr || event->kind != core::HookKind::decide || !context) {
        ++count_.passed_over;
        continue;
      }
      calls.emplace_back(event->event, std::move(*context));
      asked.push_back(&decision);
    }
    const auto outcomes = trial_.ask_all(calls);
    for (std::size_t i = 0; i < outcomes.size(); ++i) compare(*asked[i], outcomes[i]);
  }

  void compare(const core::Decision& before, const Generation::Outcome& outcome) {
    ++count_.asked;
    const std::string now = verdict_now(outcome);
    if (now == before.verdict) return;
    ++count_.differ;
    const auto& answer = outcome.answer;
    if (!json_) {
      context_.out << base::iso8601(before.time) << ' ' << base::printable(before.event) << '\n'
                   << "  was " << shown(before.verdict, before.hook, before.why) << '\n'
                   << "  now " << shown(now, answer.hook, answer.trouble) << '\n';
      return;
    }
    if (count_.differ > kMostListed) return;
    auto one = Json::object();
    one.set("seq", before.seq).set("time", base::iso8601(before.time)).set("event", before.event);
    one.set("context", std::move(*Json::parse(before.context)));
    one.set("was", side(before.verdict, before.hook, before.why));
    one.set("now", side(now, answer.hook, answer.trouble));
    differences_.push(std::move(one));
  }

  Context& context_;
  HookTrial& trial_;
  bool json_;
  Count count_;
  Json differences_ = Json::array();
};

}  // namespace

Exit replay(Context& context, const GlobalOptions& globals, const ReplayRequest& request) {
  const auto place_found = [&](const PolicyPlace& place) {
    const std::string path = base::join_path(place.state_folder, "decisions.sqlite");
    core::JournalQuery query;
    query.since = base::wall_now() - *base::parse_duration(request.since);
    auto reader = store::JournalReader::open(path, query);
    if (!reader) {
      base::Error error = reader.error();
      if (error.code == base::Code::not_found)
        error = {base::Code::not_found,
                 "no decisions in " + place.state_folder + ": no daemon has journalled one there yet",
                 {}};
      return cli::fail(context, error, request.json);
    }
    return with_trial(context, place, request.json, [&](HookTrial& trial, const Generation::Loaded&) {
      Replay again(context, trial, request.json);
      if (const auto read = again.run(*reader); !read) return cli::fail(context, read.error(), request.json);
      return again.finish(request);
    });
  };
  return with_policy_place(context, globals, request.folder, request.json, true, place_found);
}

}  // namespace fairlead::app
