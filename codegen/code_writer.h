// Text of a generated file, built line by line.
#ifndef DROVER_CODEGEN_CODE_WRITER_H_
#define DROVER_CODEGEN_CODE_WRITER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drover::codegen {

class CodeWriter {
 public:
  static constexpr size_t kColumns = 100;

  // A line of the parts joined, at the current indentation; several lines if it is too long for
  // one.
  template <class... Parts>
  void Line(const Parts&... parts) {
    std::string line;
    ((line += parts), ...);
    AppendBroken(line);
  }
  // An empty line, unless the last one is empty already or a block has just opened.
  void Blank();
  // `public:` and the like, one column into the class.
  void Label(std::string_view label);
  // A documentation comment of the schema, or nothing when it is empty.
  void Comment(std::string_view text);
  // `head { body }` on one line where it fits, else on three.
  void OneLiner(const std::string& head, const std::string& body);
  // A statement under a condition, on one line where it fits.
  void If(const std::string& condition, const std::string& statement);
  // `head(arg, arg)tail`.
  void Call(std::string_view head, const std::vector<std::string>& args, std::string_view tail);

  // Lines made elsewhere, as they are.
  void Raw(std::string_view lines);

  // Opens a block: `head` is a line of its own, what follows is indented.
  template <class... Parts>
  void Open(const Parts&... parts) {
    Line(parts...);
    Indent();
  }
  void Close(std::string_view tail = "}");
  void Indent() {
    ++depth_;
    just_opened_ = true;
  }
  void Outdent() { --depth_; }

  std::string Take() { return std::move(text_); }

 private:
  void Append(std::string_view line);
  void AppendBroken(std::string_view line);

  std::string text_;
  int depth_ = 0;
  bool just_opened_ = true;
};

// An id of the schema as C++ says it: 0x0123456789abcdef.
std::string HexId(uint64_t id);

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_CODE_WRITER_H_
