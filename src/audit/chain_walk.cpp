#include "audit/chain_walk.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"

namespace fairlead::audit {

namespace {

constexpr std::size_t kMostFindings = 1000;

std::string number(std::uint64_t value) {
  return std::to_string(value);
}

}  // namespace

ChainWalk::ChainWalk(std::vector<Position> watched) {
  for (auto& position : watched) watched_.push_back({std::move(position), false, false, {}});
}

void ChainWalk::enter_file(const std::string& name) {
  here_ = {name, 0};
}

void ChainWalk::add(Kind kind, std::uint64_t line, std::uint64_t seq, std::string message) {
  push({kind, here_.file, line, seq, std::move(message)});
}

void ChainWalk::push(Finding finding) {
  if (severity_of(finding.kind) == Severity::failure) report_.ok = false;
  if (report_.findings.size() >= kMostFindings) {
    ++report_.left_off;
    return;
  }
  report_.findings.push_back(std::move(finding));
  withdrawn_.push_back(false);
}

void ChainWalk::take(const RawLine& raw, const base::Result<Line>& line) {
  here_.line = raw.number;
  ++report_.lines;
  if (raw.too_long || !raw.terminated || !line)
    on_unreadable(raw, raw.too_long      ? "it is longer than 64 KiB"
                       : !raw.terminated ? "it is cut off"
                                         : line.error().message);
  else
    judge(*line, base::sha256_hex(raw.text));
}

void ChainWalk::on_unreadable(const RawLine& raw, const std::string& why) {
  ++unread_;
  add(raw.too_long ? Kind::too_long : Kind::malformed, raw.number, started_ ? last_seq_ + unread_ : 0,
      "this is not a line of the log: " + why);
}

bool ChainWalk::follows_last(const Line& line) const {
  return std::find(last_hashes_.begin(), last_hashes_.end(), line.prev) != last_hashes_.end();
}

void ChainWalk::judge(const Line& line, const std::string& hash) {
  if (!started_) {
    started_ = true;
    first_seq_ = line.seq;
    if (line.seq == 1 && line.prev != Position{}.hash)
      add(Kind::changed, here_.line, 1, "the first line's `prev` is not 64 zeros");
    return accept(line.seq, hash);
  }
  const auto next = last_seq_ + 1;
  if (follows_last(line)) {
    if (line.seq != next)
      add(Kind::changed, here_.line, next,
          "its number is " + number(line.seq) + " where line " + number(next) + " belongs");
    return accept(next, hash);
  }
  if (line.seq <= last_seq_) return on_backward(line, hash);
  const auto reachable = next + unread_;  // unreadable lines stand where these were
  if (line.seq > reachable) {
    open_gap(reachable, line.seq - 1);
  } else if (unread_ == 0) {
    push({Kind::changed, last_place_.file, last_place_.line, last_seq_,
          "its hash is not the one that line " + number(line.seq) +
              " holds: this line was changed, or `prev` in the next"});
  }
  accept(line.seq, hash);
}

void ChainWalk::accept(std::uint64_t seq, const std::string& hash) {
  last_seq_ = seq;
  last_hashes_.assign(1, hash);
  last_place_ = here_;
  unread_ = 0;
  watch(seq, hash);
}

void ChainWalk::watch(std::uint64_t seq, const std::string& hash) {
  for (auto& watched : watched_) {
    if (watched.position.seq != seq) continue;
    watched.seen = true;
    watched.same = watched.same || watched.position.hash == hash;
    watched.place = here_;
  }
}

void ChainWalk::open_gap(std::uint64_t from, std::uint64_t to) {
  if (gaps_.size() < kMostFindings) gaps_.push_back({from, to, to - from + 1, report_.findings.size()});
  const bool one = from == to;
  add(Kind::missing, here_.line, from,
      (one ? "line " + number(from) + " is" : "lines " + number(from) + " to " + number(to) + " are") +
          " missing before this one");
}

// A line with a number that is behind us: it was moved, or it is there twice.
void ChainWalk::on_backward(const Line& line, const std::string& hash) {
  watch(line.seq, hash);
  const auto gap = std::find_if(gaps_.begin(), gaps_.end(), [&](const Gap& g) {
    return g.left > 0 && g.from <= line.seq && line.seq <= g.to;
  });
  if (gap == gaps_.end() && line.seq >= first_seq_) {
    if (line.seq == last_seq_) last_hashes_.push_back(hash);
    add(Kind::inserted, here_.line, line.seq,
        "line " + number(line.seq) + " stands here a second time: one of the two was inserted");
    return;
  }
  first_seq_ = std::min(first_seq_, line.seq);
  add(Kind::reordered, here_.line, line.seq,
      "line " + number(line.seq) + " stands behind line " + number(last_seq_));
  if (gap != gaps_.end() && --gap->left == 0 && gap->finding < withdrawn_.size())
    withdrawn_[gap->finding] = true;  // nothing is missing after all
}

void ChainWalk::check_head(const Position& head, const std::string& who) {
  if (head.seq == 0) return;
  const auto watched =
      std::find_if(watched_.begin(), watched_.end(), [&](const Watched& w) { return w.position == head; });
  if (head.seq > last_seq_ && head.seq <= last_seq_ + unread_) return;  // unreadable: said already
  if (head.seq > last_seq_) {
    push({Kind::cut, last_place_.file, last_place_.line, last_seq_,
          who + " names line " + number(head.seq) + ", the last one here is " + number(last_seq_) + ": " +
              number(head.seq - last_seq_) + " cut off at the end"});
  } else if (head.seq < first_seq_) {
    push({Kind::head_mismatch, "", 0, head.seq,
          who + " names line " + number(head.seq) + ", the oldest one here is " + number(first_seq_) +
              ": it cannot be compared"});
  } else if (watched != watched_.end() && watched->seen && !watched->same) {
    push({Kind::head_mismatch, watched->place.file, watched->place.line, head.seq,
          "its hash is not the one that " + who + " names: the line or the head was changed"});
  }
}

Report ChainWalk::finish() {
  std::vector<Finding> kept;
  for (std::size_t i = 0; i < report_.findings.size(); ++i)
    if (!withdrawn_[i]) kept.push_back(std::move(report_.findings[i]));
  report_.findings = std::move(kept);
  report_.first_seq = first_seq_;
  report_.last_seq = last_seq_;
  if (!last_hashes_.empty()) report_.last_hash = last_hashes_.front();
  return std::move(report_);
}

}  // namespace fairlead::audit
