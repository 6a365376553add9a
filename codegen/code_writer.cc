#include "code_writer.h"

namespace drover::codegen {

void CodeWriter::Append(std::string_view line) {
  if (!line.empty()) text_.append(2 * depth_, ' ').append(line);
  text_ += '\n';
  just_opened_ = false;
}

void CodeWriter::AppendBroken(std::string_view line) {
  size_t room = kColumns - 2 * depth_;
  std::string indent;
  while (line.size() > room && !line.starts_with("//")) {
    // After a comma, an equals sign or an opening brace outside of a string literal.
    size_t at = 0;
    bool quoted = false;
    for (size_t i = 0; i + 2 < line.size() && i < room; ++i) {
      if (line[i] == '\\') ++i;
      else if (line[i] == '"') quoted = !quoted;
      else if (!quoted && line[i + 1] == ' ' && (line[i] == ',' || line[i] == '=')) at = i + 1;
    }
    if (at == 0) break;
    Append(indent + std::string(line.substr(0, at)));
    line.remove_prefix(at + 1);
    indent = std::string(4, ' ');
    room = kColumns - 2 * depth_ - 4;
  }
  Append(indent + std::string(line));
}

void CodeWriter::OneLiner(const std::string& head, const std::string& body) {
  const std::string line = head + " { " + body + " }";
  if (2 * depth_ + line.size() <= kColumns) {
    Append(line);
    return;
  }
  Open(head, " {");
  Line(body);
  Close();
}

void CodeWriter::Blank() {
  if (just_opened_ || text_.ends_with("\n\n")) return;
  text_ += '\n';
}

void CodeWriter::Label(std::string_view label) {
  if (!just_opened_) Blank();
  text_.append(2 * depth_ - 1, ' ').append(label) += '\n';
  just_opened_ = true;
}

void CodeWriter::Comment(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
  if (text.empty()) return;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) end = text.size();
    std::string line(text.substr(begin, end - begin));
    while (line.ends_with(' ') || line.ends_with('\r')) line.pop_back();
    if (line.ends_with('\\')) line += '.';  // or the comment would swallow the next line
    Append(line.empty() ? "//" : "// " + line);
    begin = end + 1;
  }
}

void CodeWriter::Call(std::string_view head, const std::vector<std::string>& args,
                      std::string_view tail) {
  std::string line(head);
  line += '(';
  const std::string hang(line.size(), ' ');
  size_t left = args.size();
  for (const std::string& arg : args) {
    --left;
    const std::string piece = arg + (left > 0 ? "," : ")" + std::string(tail));
    const bool fresh = line.size() == hang.size();
    const size_t width = 2 * depth_ + line.size() + (fresh ? 0 : 1) + piece.size();
    if (!fresh && width > kColumns) {
      Append(line);
      line = hang + piece;
    } else {
      line += (fresh ? "" : " ") + piece;
    }
  }
  if (args.empty()) line += ")" + std::string(tail);
  Append(line);
}

void CodeWriter::Raw(std::string_view lines) {
  text_ += lines;
  just_opened_ = false;
}

void CodeWriter::Close(std::string_view tail) {
  while (text_.ends_with("\n\n")) text_.pop_back();
  Outdent();
  Append(tail);
}

}  // namespace drover::codegen
