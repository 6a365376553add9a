#include "drover/dynamic/json_text.h"

#include <charconv>
#include <nlohmann/json.hpp>

namespace drover::dynamic {
namespace {

template <class T>
std::string Shortest(T number) {
  char text[64];
  return std::string(text, std::to_chars(text, text + sizeof(text), number).ptr);
}

}  // namespace

std::string NumberText(double number) { return Shortest(number); }
std::string NumberText(float number) { return Shortest(number); }

std::string Quoted(std::string_view text) {
  using Json = nlohmann::json;
  return Json(std::string(text)).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace drover::dynamic
