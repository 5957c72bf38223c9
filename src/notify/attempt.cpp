#include "notify/attempt.hpp"

#include <utility>

#include "base/clock.hpp"
#include "core/url.hpp"
#include "notify/secret_file.hpp"

namespace fairlead::notify {

namespace {

using base::Code;
using core::SenderType;

constexpr std::size_t kMostAnswer = 64u << 10;
constexpr std::size_t kLeastConcealed = 4;  // a shorter text is found in ordinary words, and protects nothing

base::Result<std::string> read_if_named(const std::string& path) {
  return path.empty() ? base::Result<std::string>(std::string()) : read_secret(path);
}

void conceal(std::string& text, std::string_view secret) {
  if (secret.size() < kLeastConcealed) return;
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
    text.replace(at, secret.size(), "***");
}

}  // namespace

Attempt::Attempt(const Ways& ways, std::shared_ptr<const core::Sender> sender, Message message, Done done)
    : ways_(ways),
      sender_(std::move(sender)),
      message_(std::move(message)),
      done_(std::move(done)),
      deliver_(ways.loop, "notify attempt", [this] {
        const Done deliver = std::exchange(done_, nullptr);
        deliver(std::move(verdict_));  // may destroy this
      }) {
  if (sender_->type == SenderType::command) {
    run_command();
    return;
  }
  reading_ = loop::submit<Secrets>(
      ways.loop, "notify secrets", [sender = sender_] { return read_secrets(*sender); },
      [this](Secrets secrets) { on_secrets(std::move(secrets)); });
}

Attempt::Secrets Attempt::read_secrets(const core::Sender& sender) {
  return {read_if_named(sender.url_file), read_if_named(sender.token_file),
          read_if_named(sender.secret_file)};
}

// A file that cannot be used may be mended while the message waits.
void Attempt::on_secrets(Secrets secrets) {
  reading_.reset();
  for (const auto* secret : {&secrets.url, &secrets.token, &secrets.key}) {
    if (secret->ok()) continue;
    return end({Fate::again, {secret->error().code, secret->error().text(), {}}, std::nullopt});
  }
  url_ = std::move(*secrets.url);
  token_ = std::move(*secrets.token);
  key_ = std::move(*secrets.key);
  if (!url_.empty() && !core::parse_url(url_))
    return end(
        {Fate::again, {Code::bad_config, sender_->url_file + ": holds no http:// or https:// URL", {}}, {}});
  auto wanted = request();
  if (!wanted) return end({Fate::again, wanted.error(), std::nullopt});
  ask(std::move(*wanted));
}

base::Result<core::HttpRequest> Attempt::request() const {
  core::HttpRequest request;
  request.method = "POST";
  request.url = url_.empty() ? sender_->url : url_;
  request.timeout = sender_->timeout;
  request.max_body = kMostAnswer;
  request.headers.emplace_back("Content-Type", "application/json");
  if (!token_.empty()) request.headers.emplace_back("Authorization", "Bearer " + token_);
  if (sender_->type == SenderType::slack) {
    request.body = slack_body(message_.notice);
  } else if (sender_->type == SenderType::ntfy) {
    request.body = ntfy_body(message_.notice, sender_->topic);
  } else {
    request.body = cloud_event(message_, ways_.source);
    request.headers.front().second = "application/cloudevents+json; charset=utf-8";
    const auto seconds = std::chrono::system_clock::to_time_t(base::wall_now());
    request.headers.emplace_back("webhook-id", message_.id);
    request.headers.emplace_back("webhook-timestamp", std::to_string(seconds));
    if (!key_.empty()) {
      auto signed_with = signature(key_, message_.id, seconds, request.body);
      if (!signed_with) {
        base::Error error = signed_with.error();
        error.message = sender_->secret_file + ": " + error.message;
        return error;
      }
      request.headers.emplace_back("webhook-signature", std::move(*signed_with));
    }
    for (const auto& header : sender_->headers) request.headers.push_back(header);
  }
  return request;
}

void Attempt::ask(core::HttpRequest request) {
  auto client = ways_.http_client();
  if (!client) return end({Fate::never, client.error(), std::nullopt});
  http_call_ = (*client)->start(std::move(request), [this](base::Result<core::HttpResponse> response) {
    end(response ? judge(*response, base::wall_now()) : judge(response.error()));
  });
}

void Attempt::run_command() {
  if (ways_.spawner == nullptr)
    return end(
        {Fate::never, {Code::unavailable, "this daemon cannot run commands: it has no spawner", {}}, {}});
  core::ChildSpec spec;
  spec.argv = sender_->argv;
  spec.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"LANG", "C.UTF-8"}};
  spec.input = command_input(message_);
  spec.timeout = sender_->timeout;
  child_ = ways_.spawner->start(std::move(spec), [this](base::Result<core::ChildResult> result) {
    if (result) return end(judge(*result));
    const bool hopeless = result.error().code == Code::not_found || result.error().code == Code::bad_request;
    end({hopeless ? Fate::never : Fate::again, result.error(), std::nullopt});
  });
}

void Attempt::end(Verdict verdict) {
  verdict_ = std::move(verdict);
  verdict_.error.message = without_secrets(std::move(verdict_.error.message));
  verdict_.error.where.clear();  // the URL, which may be a secret
  deliver_.schedule();
}

// The receiver may quote what it was sent.
std::string Attempt::without_secrets(std::string text) const {
  for (const auto& secret : {url_, token_, key_}) conceal(text, secret);
  const auto host = url_.find("://");
  const auto path = host == std::string::npos ? host : url_.find('/', host + 3);
  if (path != std::string::npos) conceal(text, std::string_view(url_).substr(path));
  return text;
}

}  // namespace fairlead::notify
