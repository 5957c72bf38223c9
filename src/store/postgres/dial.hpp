// The first step to a server.
#pragma once
#include <libpq-fe.h>

#include <map>
#include <string>

namespace fairlead::store::postgres {

// PQconnectStartParams with these options. The caller owns what comes; null: no memory.
PGconn* dial(const std::map<std::string, std::string>& options);

}  // namespace fairlead::store::postgres
