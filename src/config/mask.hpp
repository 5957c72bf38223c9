// Tells secrets by their names, and takes them out of URLs before they are shown. Pure.
#pragma once
#include <string>
#include <string_view>

namespace fairlead::config {

// "http://user:secret@host/?token=x&n=1" becomes "http://***@host/?token=***&n=1".
std::string mask_url(std::string_view url);
// "X-Api-Key", "access_token": what goes by such a name is a secret.
bool is_secret_name(std::string_view name);

}  // namespace fairlead::config
