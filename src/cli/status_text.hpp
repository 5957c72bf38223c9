// The daemon's JSON about tunnels as text for people. Pure. All that came from outside is made printable
// here.
#pragma once
#include <string>
#include <vector>

#include "base/json.hpp"
#include "cli/table.hpp"

namespace fairlead::cli {

struct StatusLook {
  bool color = false;
  bool wide = false;  // round trip, reconnects, and the table of forwards
};

// `status` is the object of GET /v1/status: the table, what is wrong under each row, a line about the queue
// where there is one, the daemon's own troubles, those of the hooks and those of the senders of
// notifications.
std::string render_status(base::JsonView status, const StatusLook& look);

// Connected, but the server forbids the probe and no traffic has crossed since.
bool is_unproven(base::JsonView tunnel);
inline constexpr std::string_view kUnprovenNote =
    "the server forbids the probe (AllowTcpForwarding, permitopen): nothing has proven yet that data crosses";

// "connected", "connected (unproven)", "reconnecting"; of one tunnel.
std::string state_text(base::JsonView tunnel);

// "auth refused: publickey"; empty when nothing is wrong.
std::string trouble_text(base::JsonView tunnel);
// The lines under a tunnel that is not well: reason and next attempt, hint.
std::vector<Cell> trouble_notes(base::JsonView tunnel);

std::vector<std::string> tunnel_names(base::JsonView status);
// The tunnel of that name, or a view that does not exist.
base::JsonView find_tunnel(base::JsonView status, std::string_view name);

}  // namespace fairlead::cli
