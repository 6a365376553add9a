// Where in a message one is: "shelf.listeners[2]".
//
// Not thread-safe.
#ifndef DROVER_DYNAMIC_FIELD_PATH_H_
#define DROVER_DYNAMIC_FIELD_PATH_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "drover/object/fields_internal.h"

namespace drover::dynamic {

class FieldPath {
 public:
  // Structs, groups and lists within each other. Messages nest 64 deep; groups come on top.
  static constexpr int kMaxDepth = 128;

  // One step further, as long as it lives. Throws CodecError if that is too deep.
  class Step {
   public:
    Step(FieldPath& path, const std::string& field) : Step(path) {
      absl::StrAppend(&path_.text_, size_ == 0 ? "" : ".", field);
    }
    Step(FieldPath& path, uint32_t element) : Step(path) {
      absl::StrAppend(&path_.text_, "[", element, "]");
    }
    ~Step() {
      path_.text_.resize(size_);
      --path_.depth_;
    }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    explicit Step(FieldPath& path) : path_(path), size_(path.text_.size()) {
      if (path.depth_ == kMaxDepth) {
        throw object::CodecError(
            absl::InvalidArgumentError(absl::StrCat(path.text_, " is nested too deeply")));
      }
      ++path.depth_;
    }

    FieldPath& path_;
    const size_t size_;
  };

  const std::string& text() const { return text_; }

 private:
  std::string text_;
  int depth_ = 0;
};

}  // namespace drover::dynamic

#endif  // DROVER_DYNAMIC_FIELD_PATH_H_
