#include "code_writer.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace drover::codegen {
namespace {

struct Break {
  size_t length = 0;  // of what stays on the line; 0: there is no place to break
  size_t indent = 0;  // of what follows, relative to the line
};

bool OpensTemplate(std::string_view line, size_t i) {
  return line[i] == '<' && i > 0 && std::isalnum(static_cast<unsigned char>(line[i - 1])) != 0;
}

// Where a line of code is best broken within `room` columns: in as few brackets as possible, and
// as late as possible. Arguments line up below the first one; what follows an open bracket or an
// equals sign is indented by four. With `after_bracket` the first argument leaves the line too.
// `continued`: the line is the rest of one already broken.
Break FindBreak(std::string_view line, size_t room, bool after_bracket, bool continued) {
  Break best;
  size_t best_depth = ~size_t{0};
  std::vector<size_t> open;  // where the text within each open bracket begins
  bool quoted = false;
  auto offer = [&](size_t length, size_t depth, size_t indent) {
    if (length > room || length == 0 || depth > best_depth) return;
    best = {length, indent};
    best_depth = depth;
  };
  for (size_t i = 0; i + 1 < line.size() && i < room; ++i) {
    const char c = line[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '(' || c == '{' || OpensTemplate(line, i)) {
      const size_t depth = 2 * open.size();
      if (c == '(' && line[i + 1] != ')') offer(i + 1, after_bracket ? depth : depth + 3, 4);
      open.push_back(i + 1);
    } else if ((c == ')' || c == '}' || c == '>') && !open.empty() && line[i - 1] != '-') {
      open.pop_back();
    } else if (c == ',' && line[i + 1] == ' ') {
      offer(i + 1, open.size() * 2, !open.empty() ? open.back() : continued ? 0 : 4);
    } else if (c == '=' && line[i + 1] == ' ' && open.empty()) {
      offer(i + 1, 1, 4);
    }
  }
  return best;
}

std::vector<std::string> BreakLine(std::string_view line, size_t room, bool after_bracket) {
  std::vector<std::string> out;
  std::string rest(line);
  size_t indent = 0;
  while (indent + rest.size() > room) {
    const Break at = FindBreak(rest, room - std::min(room, indent), after_bracket, indent > 0);
    if (at.length == 0) break;
    out.push_back(std::string(indent, ' ') + rest.substr(0, at.length));
    rest = rest.substr(rest.find_first_not_of(' ', at.length));
    indent += at.indent;
  }
  out.push_back(std::string(indent, ' ') + rest);
  return out;
}

}  // namespace

void CodeWriter::Append(std::string_view line) {
  if (!line.empty()) text_.append(2 * depth_, ' ').append(line);
  text_ += '\n';
  just_opened_ = false;
}

void CodeWriter::AppendBroken(std::string_view line) {
  if (const size_t end = line.find('\n'); end != std::string_view::npos) {
    AppendBroken(line.substr(0, end));
    AppendBroken(line.substr(end + 1));
    return;
  }
  const size_t room = kColumns - 2 * depth_;
  if (line.size() <= room || line.starts_with("//")) {
    Append(line);
    return;
  }
  std::vector<std::string> lines = BreakLine(line, room, false);
  const bool too_long = std::any_of(lines.begin(), lines.end(),
                                    [&](const std::string& part) { return part.size() > room; });
  if (too_long) lines = BreakLine(line, room, true);
  for (const std::string& part : lines) Append(part);
}

void CodeWriter::If(const std::string& condition, const std::string& statement) {
  const std::string line = "if (" + condition + ") " + statement;
  if (2 * depth_ + line.size() <= kColumns) {
    Append(line);
    return;
  }
  Open("if (", condition, ") {");
  Line(statement);
  Close();
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
  std::string line = std::string(head) + "(";
  for (const std::string& arg : args) line += (line.ends_with('(') ? "" : ", ") + arg;
  AppendBroken(line + ")" + std::string(tail));
}

std::string HexId(uint64_t id) {
  char text[32];
  std::snprintf(text, sizeof(text), "0x%016llx", static_cast<unsigned long long>(id));
  return text;
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
