#include "store/sqlite/journal.hpp"

#include <algorithm>
#include <utility>

#include "store/sqlite/journal_reader.hpp"

namespace fairlead::store {

namespace {

constexpr std::size_t kBatchRows = 512;
constexpr std::size_t kBatchBytes = 1u << 20;

class Reading : public core::JournalRead {
 public:
  Reading(loop::Loop& loop, std::string path, core::JournalQuery query,
          std::function<void(base::Result<core::DecisionPage>)> done)
      : work_(loop::submit<base::Result<core::DecisionPage>>(
            loop, "journal_read",
            [path = std::move(path), query = std::move(query)] { return page(path, query); },
            std::move(done))) {}

 private:
  static base::Result<core::DecisionPage> page(const std::string& path, const core::JournalQuery& query) {
    auto reader = JournalReader::open(path, query);
    if (!reader) return reader.error();
    return reader->next();
  }

  std::unique_ptr<loop::Work> work_;
};

}  // namespace

Journal::Journal(loop::Loop& loop, base::Log& log, JournalSettings settings, Redact redact)
    : loop_(loop),
      log_(log),
      settings_(std::move(settings)),
      redact_(std::move(redact)),
      writer_(std::make_shared<JournalWriter>(settings_)),
      sample_(settings_.sample),
      pump_(loop, "journal_pump", [this] { pump(); }),
      linger_timer_(loop, "journal_linger", [this] { pump(); }),
      retry_timer_(loop, "journal_retry", [this] { pump(); }),
      redact_timer_(loop, "journal_redact", [this] { on_redacted({}); }),
      maintain_timer_(loop, "journal_maintain",
                      [this] {
                        maintenance_due_ = true;
                        pump();
                      }),
      flush_timer_(loop, "journal_flush", [this] {
        finish_flush(base::Error{base::Code::timed_out,
                                 std::to_string(queued()) + " decisions were not journalled in time",
                                 settings_.path});
      }) {
  maintain_timer_.start_aligned(settings_.maintain);
  pump_.schedule();
}

Journal::~Journal() = default;

// --- what the loop thread does for each decision
void Journal::record(core::Decision decision) {
  decision.time = base::wall_now();
  const auto left_out = sample_.admit(decision.event, loop_.now());
  if (!left_out) {
    ++status_.left_out;
    return;
  }
  decision.left_out = *left_out;
  bound(decision.context);
  bound(decision.verdict);
  bound(decision.why);
  if (queued() >= settings_.max_queued || queued_bytes_ >= settings_.max_queued_bytes) return drop(decision);
  const auto kept = std::make_shared<const core::Decision>(std::move(decision));
  queued_bytes_ += core::weight_of(*kept);
  queue_.push_back(kept);
  sample_.remember(kept);
  if (work_ || asked_ || retry_timer_.active()) return;  // the end of that comes back to pump()
  if (queue_.size() >= kBatchRows)
    pump_.schedule();
  else if (!linger_timer_.active())
    linger_timer_.start(settings_.linger);
}

void Journal::drop(const core::Decision& decision) {
  ++status_.dropped;
  sample_.leave_out(decision.event, decision.left_out + 1);
}

void Journal::bound(std::string& text) const {
  if (text.size() > settings_.max_text) text = "{\"too_large\":" + std::to_string(text.size()) + "}";
}

std::vector<core::DecisionPtr> Journal::recent(std::size_t per_event) const {
  return sample_.recent(per_event);
}

core::JournalStatus Journal::status() const {
  core::JournalStatus status = status_;
  status.queued = queued();
  return status;
}

std::unique_ptr<core::JournalRead> Journal::read(core::JournalQuery query,
                                                 std::function<void(base::Result<core::DecisionPage>)> done) {
  return std::make_unique<Reading>(loop_, settings_.path, std::move(query), std::move(done));
}

// --- towards the file: a batch, the operator's `redact`, a job on the pool
void Journal::pump() {
  if (work_ || asked_) return;  // on_written() or on_redacted() goes on
  linger_timer_.stop();
  retry_timer_.stop();
  if (batch_) return write_batch();
  if (!queue_.empty()) {
    take_batch();
    return redact_ ? ask_redact() : write_batch();
  }
  if (!flush_done_) return maintenance_due_ ? write_batch() : void();
  if (file_open_) return close_file();
  finish_flush(base::success());
}

void Journal::take_batch() {
  batch_ = std::make_shared<JournalBatch>();
  std::size_t bytes = 0;
  while (!queue_.empty() && batch_->size() < kBatchRows && bytes < kBatchBytes) {
    bytes += core::weight_of(*queue_.front());
    batch_->push_back({std::move(queue_.front()), std::nullopt, std::nullopt});
    queue_.pop_front();
  }
  queued_bytes_ -= bytes;
}

void Journal::ask_redact() {
  std::vector<std::string> texts;
  texts.reserve(2 * batch_->size());
  for (const auto& row : *batch_) {
    texts.push_back(row.decision->context);
    texts.push_back(row.decision->verdict == core::kSafeDefault ? row.decision->why : row.decision->verdict);
  }
  asked_ = std::make_shared<bool>(true);
  redact_timer_.start(settings_.redact_deadline);
  redact_(std::move(texts), [this, asked = std::weak_ptr(asked_)](std::vector<std::string> answer) {
    if (!asked.expired()) on_redacted(std::move(answer));
  });
}

void Journal::on_redacted(std::vector<std::string> texts) {
  asked_.reset();
  redact_timer_.stop();
  if (texts.size() == 2 * batch_->size()) {
    for (std::size_t i = 0; i < batch_->size(); ++i) {
      (*batch_)[i].context = std::move(texts[2 * i]);
      (*batch_)[i].verdict = std::move(texts[2 * i + 1]);
    }
  } else {
    log_.warn("journal_redact_unanswered",
              {{"decisions", batch_->size()}, {"hint", "only the built-in patterns were applied"}});
  }
  write_batch();
}

void Journal::write_batch() {
  maintenance_due_ = false;
  attempt_counts_ = flush_done_ != nullptr;
  file_open_ = true;
  work_ = loop::submit<JournalOutcome>(
      loop_, "journal_write",
      [writer = writer_, batch = batch_] {
        return writer->write(batch ? *batch : JournalBatch{}, base::wall_now());
      },
      [this](const JournalOutcome& outcome) { on_written(outcome); });
}

void Journal::on_written(const JournalOutcome& outcome) {
  work_.reset();
  if (outcome.stored && batch_) {
    status_.stored += batch_->size();
    batch_.reset();
  }
  maintenance_due_ = outcome.unfinished || !outcome.error.empty();
  report(outcome);
  if (outcome.error.empty()) return pump();  // may end in finish_flush(), which may destroy us
  retry_timer_.start(settings_.retry);
  if (attempt_counts_)
    finish_flush(base::Error{base::Code::io, outcome.error, {}});
  else if (flush_done_)
    pump();
}

void Journal::report(const JournalOutcome& outcome) {
  if (outcome.bytes > 0) status_.bytes = outcome.bytes;
  if (!outcome.set_aside.empty()) {
    status_.set_aside = outcome.set_aside;
    log_.warn("journal_set_aside", {{"file", outcome.set_aside}, {"error", outcome.why}});
  }
  if (!outcome.error.empty() && outcome.error != status_.error)
    log_.error("journal_write_failed", {{"error", outcome.error}, {"queued", queued()}});
  if (outcome.error.empty() && !status_.error.empty()) log_.info("journal_write_recovered", {});
  if (outcome.error.empty() && status_.dropped > dropped_told_)
    log_.warn("journal_dropped",
              {{"count", status_.dropped - std::exchange(dropped_told_, status_.dropped)}});
  status_.error = outcome.error;
}

// --- at stop
void Journal::flush(base::Millis deadline, Done done) {
  flush_done_ = std::move(done);
  attempt_counts_ = false;
  flush_timer_.start(deadline);
  retry_timer_.stop();
  pump_.schedule();
}

void Journal::close_file() {
  file_open_ = false;
  work_ = std::make_unique<loop::Work>(
      loop_, "journal_close", [writer = writer_] { writer->close(); },
      [this] {
        work_.reset();
        pump();
      });
}

void Journal::finish_flush(base::Result<> result) {
  flush_timer_.stop();
  if (const auto done = std::exchange(flush_done_, nullptr)) done(std::move(result));
}

}  // namespace fairlead::store
