#include "app/hooks.hpp"

#include <utility>

#include "base/file.hpp"
#include "core/guardrails.hpp"
#include "core/secrets.hpp"
#include "exec/spawner.hpp"

namespace fairlead::app {

namespace {

store::JournalSettings journal_settings(const std::string& folder, const core::PolicySettings& settings) {
  store::JournalSettings journal;
  journal.path = base::join_path(folder, "decisions.sqlite");
  journal.max_age = std::chrono::duration_cast<std::chrono::hours>(settings.journal_age);
  journal.max_bytes = settings.journal_bytes;
  return journal;
}

std::vector<std::string> sender_names(const core::Config& config) {
  std::vector<std::string> names;
  for (const auto& [name, sender] : config.notify.senders) names.push_back(name);
  return names;
}

}  // namespace

class Hooks::NamesTicket final : public core::Ticket {
 public:
  NamesTicket(Hooks& owner, std::vector<std::string> names) : owner_(owner), names_(std::move(names)) {}
  void commit() noexcept override { owner_.sender_names_ = std::move(names_); }

 private:
  Hooks& owner_;
  std::vector<std::string> names_;
};

base::Result<std::unique_ptr<core::Ticket>> Hooks::prepare(const core::ConfigPtr& next) {
  return std::unique_ptr<core::Ticket>(std::make_unique<NamesTicket>(*this, sender_names(*next)));
}

Hooks::Hooks(Parts parts, const core::Config& config)
    : log_(parts.log),
      events_(parts.events),
      store_(parts.loop, parts.log, base::join_path(parts.state_folder, "flow-store.json")),
      effects_({parts.loop, parts.log, parts.audit, parts.events, store_, &parts.spawner, nullptr,
                std::move(parts.http_client), nullptr}),
      journal_(config.policy.journal_age.count() == 0
                   ? nullptr
                   : std::make_unique<store::Journal>(parts.loop, parts.log,
                                                      journal_settings(parts.state_folder, config.policy),
                                                      [this](Texts texts, store::Journal::Redacted done) {
                                                        redact(std::move(texts), "journal", std::move(done));
                                                      })),
      policy_({parts.loop, parts.log, parts.audit, parts.events, effects_, journal_.get(), nullptr},
              exec::host_path(), policy::shipped_lua()),
      sender_names_(sender_names(config)) {}

Hooks::~Hooks() = default;

void Hooks::set_notify(core::NotifyPort& notify) {
  effects_.set_notify(notify);
  policy_.set_notify(notify);
}

void Hooks::begin(const core::ConfigPtr& config, std::function<void(base::Result<>)> done) {
  policy_.begin(config, std::move(done));
}

// The journal asks `redact` while the policy is still there.
void Hooks::stop(base::Millis deadline, std::function<void()> done) {
  const auto finish = [this, done = std::move(done)] {
    calls_.clear();
    policy_.stop();
    store_.flush([this, done](const base::Result<>& flushed) {
      if (!flushed) log_.error("flow_store_not_saved", {{"error", flushed.error().text()}});
      done();
    });
  };
  if (!journal_) return finish();
  journal_->flush(deadline, [this, finish](const base::Result<>& flushed) {
    if (!flushed) log_.error("journal_not_flushed", {{"error", flushed.error().text()}});
    finish();
  });
}

void Hooks::publish(std::string_view type, const base::Json& body) {
  events_.publish(type, body);
  if (type != core::to_string(core::HookEvent::tunnel_state) || !policy_.asks(core::HookEvent::tunnel_state))
    return;
  policy_.observe(core::HookEvent::tunnel_state, base::Json::copy(body.view()));
}

void Hooks::redact(Texts texts, const char* purpose, std::function<void(Texts)> done) {
  if (!policy_.asks(core::HookEvent::redact) || texts.empty()) return done(std::move(texts));
  struct Gathering {
    Texts texts;
    std::size_t left;
    std::function<void(Texts)> done;
  };
  auto gathering = std::make_shared<Gathering>(Gathering{std::move(texts), 0, std::move(done)});
  gathering->left = gathering->texts.size();
  for (std::size_t i = 0; i < gathering->texts.size(); ++i) {
    base::Json context = base::Json::object();
    context.set("purpose", purpose);
    const std::uint64_t id = next_call_++;
    calls_[id] =
        policy_.transform(core::HookEvent::redact, base::Json(core::redact(gathering->texts[i])),
                          std::move(context), [this, gathering, i, id](const core::PolicyAnswer& answer) {
                            if (answer.given && answer.value.view().is_string())
                              gathering->texts[i] = answer.value.view().text();
                            const auto call = std::move(calls_[id]);
                            calls_.erase(id);
                            if (--gathering->left == 0) gathering->done(std::move(gathering->texts));
                          });
  }
}

void Hooks::transform_notice(core::Notice notice, Transformed done) {
  if (!policy_.asks(core::HookEvent::notification)) return redact_notice(std::move(notice), std::move(done));
  base::Json context = base::Json::object(), names = base::Json::array();
  for (const std::string& name : sender_names_) names.push(name);
  context.set("sender_names", std::move(names));
  const std::uint64_t id = next_call_++;
  base::Json value = core::notice_json(notice);
  calls_[id] = policy_.transform(
      core::HookEvent::notification, std::move(value), std::move(context),
      [this, id, notice = std::move(notice), done = std::move(done)](const core::PolicyAnswer& answer) {
        const auto call = std::move(calls_[id]);
        calls_.erase(id);
        core::NoticePlan plan = core::plan_notice(answer, notice);
        if (!plan.refused.empty()) policy_.refused(core::HookEvent::notification, answer, plan.refused);
        if (!plan.notice) return done(std::nullopt);
        redact_notice(std::move(*plan.notice), done);
      });
}

void Hooks::redact_notice(core::Notice notice, Transformed done) {
  redact({notice.title, notice.text}, "notification",
         [notice, done = std::move(done)](const Texts& texts) mutable {
           notice.title = core::redact(texts[0]);
           notice.text = core::redact(texts[1]);
           done(std::move(notice));
         });
}

}  // namespace fairlead::app
