// Who else may look into a file.
#pragma once
#include <string>

namespace fairlead::base {

// Whether its mode lets its group or everybody do anything with it, as ssh(1) judges private keys. False
// where the file cannot be looked at. Blocks for a stat(2).
bool others_can_read(const std::string& path);

}  // namespace fairlead::base
