// What the executable and fairlead-http.so agree on. They share C++ types (core/ports.hpp, loop/), so both
// must come from one build of one version: the loader compares the text below and refuses anything else.
#pragma once

namespace fairlead::loop {
class Loop;
}
namespace fairlead::core {
class HttpClient;
}

namespace fairlead::http {

inline constexpr char kModuleFile[] = "fairlead-http.so";
inline constexpr char kModuleAbi[] = "http-client/2 fairlead/" FAIRLEAD_VERSION;

// The names and types of the module's two symbols.
inline constexpr char kModuleAbiSymbol[] = "fairlead_http_module_abi";
inline constexpr char kModuleNewSymbol[] = "fairlead_http_client_new";
using ModuleNew = core::HttpClient*(loop::Loop&);

}  // namespace fairlead::http

extern "C" const char* fairlead_http_module_abi();
// The caller owns the result. Null when libcurl refuses to start.
extern "C" fairlead::core::HttpClient* fairlead_http_client_new(fairlead::loop::Loop& loop);
