// Takes secrets out of URLs before they are shown. Pure.
#pragma once
#include <string>
#include <string_view>

namespace fairlead::config {

// "http://user:secret@host/?token=x&n=1" becomes "http://***@host/?token=***&n=1".
std::string mask_url(std::string_view url);

}  // namespace fairlead::config
