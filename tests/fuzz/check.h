// What must hold whatever the input is: a fuzzer that finds it broken says so and ends.
//
//   FUZZ_CHECK(again == endpoint) << text;
#ifndef DROVER_TESTS_FUZZ_CHECK_H_
#define DROVER_TESTS_FUZZ_CHECK_H_

#include <cstdlib>
#include <iostream>

namespace drover::fuzz {

class Failure {
 public:
  Failure(const char* condition, const char* file, int line) {
    std::cerr << file << ":" << line << ": does not hold: " << condition << ": ";
  }
  [[noreturn]] ~Failure() {
    std::cerr << std::endl;
    std::abort();
  }
  std::ostream& stream() { return std::cerr; }
};

}  // namespace drover::fuzz

#define FUZZ_CHECK(condition) \
  if (condition) {            \
  } else                      \
    ::drover::fuzz::Failure(#condition, __FILE__, __LINE__).stream()

#endif  // DROVER_TESTS_FUZZ_CHECK_H_
