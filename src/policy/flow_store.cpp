#include "policy/flow_store.hpp"

#include <cstdio>
#include <utility>

#include "base/file.hpp"

namespace fairlead::policy {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr auto kSoon = 200ms;  // several changes, one write
constexpr auto kRetry = 10s;
constexpr std::size_t kMostKey = 128, kMostValue = 16u << 10, kMostKeys = 1000, kMostStored = 1u << 20;

}  // namespace

FlowStore::FlowStore(loop::Loop& loop, base::Log& log, std::string path)
    : loop_(loop), log_(log), path_(std::move(path)), soon_(loop, "flow-store", [this] { write(); }) {
  if (!base::exists(path_)) return;
  const auto text = base::read_file(path_, 2 * kMostStored);
  auto parsed = text ? base::Json::parse(*text) : base::Result<base::Json>(text.error());
  if (parsed && parsed->view().is_object()) {
    bytes_ = text->size();
    values_ = std::move(*parsed);
    return;
  }
  const std::string aside = path_ + ".damaged";
  const bool moved = std::rename(path_.c_str(), aside.c_str()) == 0;
  log_.error("flow_store_damaged", {{"file", path_},
                                    {"error", parsed ? "is no JSON object" : parsed.error().message},
                                    {"kept_as", moved ? aside : "it could not be moved"}});
}

base::Result<> FlowStore::set(std::string_view key, const base::Json& value) {
  const auto refuse = [](const char* what) { return base::Error{base::Code::too_large, what, {}}; };
  if (key.empty() || key.size() > kMostKey) return refuse("a key has 1 to 128 bytes");
  const std::string text = value.dump();
  const bool known = values_[key].exists();
  if (text.size() > kMostValue) return refuse("the value is larger than 16 KiB");
  if (!known && values_.view().size() >= kMostKeys) return refuse("1000 keys are kept already");
  const std::size_t before = known ? values_[key].dump().size() + key.size() : 0;
  const std::size_t after = bytes_ - std::min(bytes_, before) + text.size() + key.size();
  if (after > kMostStored) return refuse("the store would hold more than 1 MiB");
  bytes_ = after;
  if (value.view().is_null()) {
    base::Json rest = base::Json::object();
    for (const base::JsonView member : values_.view().items())
      if (member.key() != key) rest.set(member.key(), base::Json::copy(member));
    values_ = std::move(rest);
  } else {
    values_.set(key, base::Json::copy(value.view()));
  }
  dirty_ = true;
  if (!writing_) soon_.start(kSoon);
  return base::success();
}

void FlowStore::flush(std::function<void(base::Result<>)> done) {
  flushed_ = std::move(done);
  if (!writing_) write();
}

void FlowStore::write() {
  soon_.stop();
  const bool wanted = std::exchange(dirty_, false);
  writing_ = loop::submit<base::Result<>>(
      loop_, "flow-store-write",
      [wanted, path = path_, text = values_.dump()]() -> base::Result<> {
        return wanted ? base::replace_file(path, text) : base::success();
      },
      [this](base::Result<> written) {
        writing_.reset();
        if (!written) {
          log_.error("flow_store_not_saved", {{"file", path_}, {"error", written.error().text()}});
          dirty_ = true;
        }
        if (flushed_) {
          if (written && dirty_) return write();
          return std::exchange(flushed_, nullptr)(std::move(written));
        }
        if (dirty_) soon_.start(written ? base::Millis(kSoon) : base::Millis(kRetry));
      });
}

}  // namespace fairlead::policy
