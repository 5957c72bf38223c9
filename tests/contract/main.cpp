// The contract of the store port, for the backend that this executable is linked with.
#include "contract/scene.hpp"

namespace fairlead::contract {

namespace {
std::unique_ptr<StoreFixture> the_fixture;
}

StoreFixture& fixture() {
  return *the_fixture;
}

}  // namespace fairlead::contract

int main(int argc, char** argv) {
  using namespace fairlead::contract;
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  the_fixture = make_fixture();
  Tests tests;
  for (const auto subject : {submit_tests, claim_tests, worker_tests, fencing_tests, end_tests, time_tests,
                             dependency_tests, pause_tests, lock_tests, order_tests, history_tests,
                             query_tests, clock_tests, store_tests, mix_tests})
    for (const auto& test : subject()) tests.push_back(test);
  const int failed = _cmocka_run_group_tests("contract", tests.data(), tests.size(), nullptr, nullptr);
  the_fixture.reset();
  return failed;
}
