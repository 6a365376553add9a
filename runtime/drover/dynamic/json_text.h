// The scalars of JSON, as text.
//
// Thread-safe: functions without state. No errors.
#ifndef DROVER_DYNAMIC_JSON_TEXT_H_
#define DROVER_DYNAMIC_JSON_TEXT_H_

#include <string>
#include <string_view>

namespace drover::dynamic {

// The shortest text that reads as the same number: "0.1", "3"; "nan" and "inf" for those.
std::string NumberText(double number);
std::string NumberText(float number);

// Between quotes, with what JSON wants escaped escaped, and U+FFFD for what is no UTF-8.
std::string Quoted(std::string_view text);

}  // namespace drover::dynamic

#endif  // DROVER_DYNAMIC_JSON_TEXT_H_
