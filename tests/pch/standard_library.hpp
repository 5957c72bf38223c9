// Precompiled once for all unit tests (tests/unit/meson.build): what nearly every one of them includes, by
// itself or through our headers. No header of ours, so that a change to one compiles what includes it, and no
// more. No include guard: it is read once, as the main file.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
