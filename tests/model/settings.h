// Numbers that whoever runs a test of the model may set in the environment.
#ifndef DROVER_TESTS_MODEL_SETTINGS_H_
#define DROVER_TESTS_MODEL_SETTINGS_H_

#include <cstdint>
#include <cstdlib>

namespace drover::model {

inline uint64_t Setting(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace drover::model

#endif  // DROVER_TESTS_MODEL_SETTINGS_H_
