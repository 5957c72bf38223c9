#include "audit/audit_log.hpp"

#include <iterator>
#include <utility>

namespace fairlead::audit {

AuditLog::AuditLog(loop::Loop& loop, base::Log& log, Settings settings)
    : loop_(loop),
      log_(log),
      settings_(std::move(settings)),
      writer_(std::make_shared<Writer>(settings_)),
      pump_(loop, "audit_pump", [this] { pump(); }),
      retry_timer_(loop, "audit_retry", [this] { pump(); }),
      head_timer_(loop, "audit_head", [this] { log_head(); }),
      flush_timer_(loop, "audit_flush", [this] {
        finish_flush(base::Error{base::Code::timed_out,
                                 std::to_string(queued()) + " audit lines did not reach the disk in time",
                                 settings_.folder});
      }) {}

AuditLog::~AuditLog() = default;

base::Result<> AuditLog::open() {
  take(writer_->write({}));
  head_timer_.start_repeating(settings_.head_interval);
  if (error_.empty()) {
    log_head();
    return base::success();
  }
  retry_timer_.start(settings_.retry);
  return base::Error{base::Code::io, error_, {}};
}

void AuditLog::append(core::AuditEntry entry) {
  if (queued() >= settings_.max_queued) {
    if (dropped_++ == 0) dropped_since_ = base::wall_now();
    return;
  }
  queue_.push_back({base::wall_now(), bounded(entry)});
  if (!retry_timer_.active()) pump_.schedule();
}

void AuditLog::pump() {
  if (work_) return;  // on_written() comes back here
  retry_timer_.stop();
  if (queue_.empty() && error_.empty()) return finish_flush(base::success());
  in_flight_ = std::make_shared<const Batch>(std::make_move_iterator(queue_.begin()),
                                             std::make_move_iterator(queue_.end()));
  queue_.clear();
  attempt_counts_ = flush_done_ != nullptr;
  work_ = loop::submit<Outcome>(
      loop_, "audit_write", [writer = writer_, batch = in_flight_] { return writer->write(*batch); },
      [this](const Outcome& outcome) { on_written(outcome); });
}

void AuditLog::on_written(const Outcome& outcome) {
  work_.reset();
  const auto batch = std::exchange(in_flight_, nullptr);
  const auto unwritten = batch->begin() + static_cast<std::ptrdiff_t>(outcome.written);
  queue_.insert(queue_.begin(), unwritten, batch->end());
  take(outcome);
  if (error_.empty()) {
    queue_dropped();
    return pump();  // may end in finish_flush(), which may destroy us
  }
  retry_timer_.start(settings_.retry);
  if (attempt_counts_)
    finish_flush(base::Error{base::Code::io, error_, {}});
  else if (flush_done_)
    pump();
}

// What an attempt left behind, into the daemon's log and our state.
void AuditLog::take(const Outcome& outcome) {
  at_ = outcome.at;
  for (const auto& warning : outcome.warnings)
    log_.warn("audit_damaged", {{"what", warning}, {"hint", "run: fairlead audit verify"}});
  for (const auto& head : outcome.rotated)
    log_.info("audit_head", {{"seq", head.at.seq}, {"hash", head.at.hash}, {"rotated_to", head.file}});
  if (!outcome.error.empty() && outcome.error != error_)
    log_.error("audit_write_failed", {{"error", outcome.error}, {"queued", queued()}});
  if (outcome.error.empty() && !error_.empty()) log_.info("audit_write_recovered", {{"seq", at_.seq}});
  error_ = outcome.error;
}

void AuditLog::log_head() const {
  if (at_.seq == 0) return;  // nothing is written yet
  log_.info("audit_head", {{"seq", at_.seq}, {"hash", at_.hash}});
}

void AuditLog::queue_dropped() {
  if (dropped_ == 0) return;
  queue_.push_back(own_entry("audit_dropped", "count=" + std::to_string(std::exchange(dropped_, 0)) +
                                                  " since=" + base::iso8601(dropped_since_)));
}

void AuditLog::flush(base::Millis deadline, Done done) {
  flush_done_ = std::move(done);
  attempt_counts_ = false;
  flush_timer_.start(deadline);
  retry_timer_.stop();
  pump_.schedule();
}

void AuditLog::finish_flush(base::Result<> result) {
  flush_timer_.stop();
  if (const auto done = std::exchange(flush_done_, nullptr)) done(std::move(result));
}

}  // namespace fairlead::audit
