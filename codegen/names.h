// How names of a schema become names of C++.
#ifndef DROVER_CODEGEN_NAMES_H_
#define DROVER_CODEGEN_NAMES_H_

#include <set>
#include <string>
#include <string_view>

namespace drover::codegen {

// maxSeconds -> max_seconds, parseURL -> parse_url. Fields, parameters and accessors.
std::string SnakeCase(std::string_view name);
// calculate -> Calculate. Methods and the types of groups.
std::string TitleCase(std::string_view name);
// red -> kRed. Enumerants and constants.
std::string ConstantCase(std::string_view name);

// True for C++ keywords and for names that common headers define as macros.
bool IsReservedWord(std::string_view name);

// The names already taken in one C++ scope.
class NameScope {
 public:
  NameScope() = default;
  explicit NameScope(std::set<std::string> taken) : taken_(std::move(taken)) {}

  // `name`, with as many trailing underscores as make it free and no keyword.
  std::string Claim(std::string name);

 private:
  std::set<std::string> taken_;
};

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_NAMES_H_
