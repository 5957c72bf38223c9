#include "core/config.hpp"

namespace fairlead::core {

std::string_view to_string(ActorClass value) {
  return value == ActorClass::human ? "human" : "automation";
}
std::string_view to_string(ForwardKind kind) {
  return kind == ForwardKind::remote ? "remote" : "local";
}
std::string_view to_string(Side side) {
  return side == Side::remote ? "remote" : "local";
}

std::string_view to_string(HostKeyPolicy policy) {
  return policy == HostKeyPolicy::strict ? "strict" : "accept-new";
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::none:
      return "none";
    case Role::viewer:
      return "viewer";
    case Role::operator_:
      return "operator";
  }
  return "none";
}

std::string to_string(const Endpoint& endpoint) {
  const bool bracket = endpoint.host.find(':') != std::string::npos;
  return (bracket ? "[" + endpoint.host + "]" : endpoint.host) + ":" + std::to_string(endpoint.port);
}

std::string to_string(const Forward& forward) {
  return std::string(to_string(forward.kind)) + " " + to_string(forward.listen) + " -> " +
         to_string(forward.target);
}

}  // namespace fairlead::core
