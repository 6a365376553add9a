#include "names.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace drover::codegen {
namespace {

// Sorted. After the keywords: macros that C and POSIX headers, or compilers in their GNU modes,
// define in lower case.
constexpr std::array kReservedWords = {
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "assert",
    "auto",
    "bitand",
    "bitor",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "char16_t",
    "char32_t",
    "char8_t",
    "class",
    "co_await",
    "co_return",
    "co_yield",
    "compl",
    "concept",
    "const",
    "const_cast",
    "consteval",
    "constexpr",
    "constinit",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "dynamic_cast",
    "else",
    "enum",
    "errno",
    "explicit",
    "export",
    "extern",
    "false",
    "float",
    "for",
    "friend",
    "goto",
    "i386",
    "if",
    "inline",
    "int",
    "linux",
    "long",
    "major",
    "makedev",
    "minor",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "nullptr",
    "offsetof",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "register",
    "reinterpret_cast",
    "requires",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "static_cast",
    "stderr",
    "stdin",
    "stdout",
    "struct",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "union",
    "unix",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
};

bool IsUpper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }
char Lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }
char Upper(char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }

}  // namespace

std::string SnakeCase(std::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool starts_word =
        IsUpper(name[i]) && i > 0 &&
        (!IsUpper(name[i - 1]) || (i + 1 < name.size() && std::islower(name[i + 1]) != 0));
    if (starts_word) out += '_';
    out += Lower(name[i]);
  }
  return out;
}

std::string TitleCase(std::string_view name) {
  std::string out(name);
  if (!out.empty()) out[0] = Upper(out[0]);
  return out;
}

std::string ConstantCase(std::string_view name) { return "k" + TitleCase(name); }

bool IsReservedWord(std::string_view name) {
  return std::find(kReservedWords.begin(), kReservedWords.end(), name) != kReservedWords.end();
}

std::string NameScope::Claim(std::string name) {
  while (IsReservedWord(name) || taken_.contains(name)) name += '_';
  taken_.insert(name);
  return name;
}

}  // namespace drover::codegen
