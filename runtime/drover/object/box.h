// A value on the heap that behaves as if it were held directly: copying a Box copies what is in
// it. Generated structs use it for fields that would otherwise make a type contain itself.
//
//   struct Node { std::string label; drover::Box<Node> next; };
//   Node list{.label = "a", .next = Node{.label = "b"}};
//   if (list.next.has_value()) Use(list.next->label);
//
// A Box starts empty. Reading through an empty Box gives a default value; writing through one
// fills it. Copies, comparisons and destruction recurse: a chain thousands long is better a vector,
// and one longer than 64 cannot be decoded (Cap'n Proto's limit of nesting).
//
// Thread-compatible, as a std::vector is. Owns its value. No errors; never blocks.
#ifndef DROVER_OBJECT_BOX_H_
#define DROVER_OBJECT_BOX_H_

#include <memory>
#include <utility>

namespace drover {

template <class T>
class Box {
 public:
  Box() = default;
  Box(T value) : value_(std::make_unique<T>(std::move(value))) {}  // NOLINT: a value is a Box
  Box(const Box& other) { *this = other; }
  Box(Box&& other) noexcept = default;
  Box& operator=(const Box& other) {
    if (this != &other) {
      value_ = other.has_value() ? std::make_unique<T>(*other.value_) : nullptr;
    }
    return *this;
  }
  Box& operator=(Box&& other) noexcept = default;
  ~Box() = default;

  bool has_value() const { return value_ != nullptr; }
  void reset() { value_.reset(); }
  // Fills the Box with a default value, whatever was in it.
  T& emplace() {
    value_ = std::make_unique<T>();
    return *value_;
  }

  const T& operator*() const {
    static const T& kDefault = *new T();
    return has_value() ? *value_ : kDefault;
  }
  const T* operator->() const { return &**this; }
  T& operator*() { return has_value() ? *value_ : emplace(); }
  T* operator->() { return &**this; }

  // Two Boxes are equal when both are empty or both hold equal values.
  friend bool operator==(const Box& a, const Box& b) {
    if (a.has_value() != b.has_value()) return false;
    return !a.has_value() || *a.value_ == *b.value_;
  }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace drover

#endif  // DROVER_OBJECT_BOX_H_
