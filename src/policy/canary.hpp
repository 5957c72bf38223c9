// Brings a new generation up before anything depends on it: reads the files, loads them, runs the operator's
// tests, asks recent decisions again and starts the process afresh. Either all of that is well, or nothing
// has changed. Owned by Policy; destroying it gives the candidate up.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/journal.hpp"
#include "loop/work.hpp"
#include "policy/generation.hpp"

namespace fairlead::policy {

class Canary {
 public:
  struct Candidate {
    std::shared_ptr<Generation> generation;
    Generation::Loaded loaded;
    std::size_t tests = 0;     // that passed
    std::size_t replayed = 0;  // decisions that were asked again
  };
  using Done = std::function<void(base::Result<Candidate>)>;

  // `sample`: decisions to ask again. `done` is called once, later; it may destroy the Canary.
  Canary(Generation::Parts parts, std::uint64_t number, std::string folder, std::string shipped,
         std::vector<core::DecisionPtr> sample, Done done);
  Canary(const Canary&) = delete;
  Canary& operator=(const Canary&) = delete;

 private:
  void on_read(Source source);
  void on_loaded(base::Result<Generation::Loaded> loaded);
  void on_tested(base::Result<base::Json> results);
  void replay();
  void on_replayed(const core::Decision& decision, const Generation::Outcome& outcome);
  void fresh();
  void finish(base::Result<Candidate> result);

  Generation::Parts parts_;
  std::uint64_t number_;
  std::vector<core::DecisionPtr> sample_;
  Done done_;
  std::unique_ptr<loop::Work> reading_;
  Candidate candidate_;
  std::vector<Problem> problems_;
  std::size_t replaying_ = 0;
  loop::Deferred finish_;
  base::Result<Candidate> result_{Candidate{}};
};

}  // namespace fairlead::policy
