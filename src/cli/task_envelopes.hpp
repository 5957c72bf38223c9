// From what was typed, or a file, to envelopes as the daemon takes them (docs/tasks.md). Only what can be
// known here is checked here: the daemon checks the envelopes.
#pragma once
#include <istream>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace fairlead::cli {

// What `task add` was given; empty: left to the daemon.
struct EnvelopeOptions {
  std::string kind;
  std::vector<std::string> words;  // after the kind: what `script` or `run_bash` runs, and arguments
  std::string payload;             // JSON, "@FILE" or "-"
  std::string capability, site, node;
  std::vector<std::string> locks;
  std::string priority, max_attempts;  // numbers
  std::string at, in;                  // RFC 3339; a duration from now
  std::string timeout;
  std::string key;
  std::vector<std::string> after;  // ids
  std::string on_lease_loss;
};

// One envelope. `input` is read when the payload is "-".
base::Result<base::Json> make_envelope(const EnvelopeOptions& options, std::istream& input,
                                       base::WallTime now);

// The envelopes in `text`: an object, an array of objects, or an object on each line. `where` is named in
// errors, with the line.
base::Result<std::vector<base::Json>> read_envelopes(const std::string& text, const std::string& where);

// The file's text; of `input` for "-".
base::Result<std::string> read_source(const std::string& path, std::istream& input);

}  // namespace fairlead::cli
