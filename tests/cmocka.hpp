// CMocka for C++ tests: its header wants these four first, and C linkage.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#include <cmocka.h>
}

#undef fail  // collides with std::ios::fail; tests use fail_msg, which must not need it then
#undef fail_msg
#define fail_msg(...)          \
  do {                         \
    print_error("ERROR: ");    \
    print_error(__VA_ARGS__);  \
    print_error("\n");         \
    _fail(__FILE__, __LINE__); \
  } while (0)

#include <string>
#include <string_view>

// Compares any two strings by content and shows both when they differ.
inline void assert_text_equal(std::string_view actual, std::string_view expected) {
  assert_string_equal(std::string(actual).c_str(), std::string(expected).c_str());
}
