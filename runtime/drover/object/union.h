// One of several alternatives, told apart by position, so that two of them may have one type.
// Generated structs keep a union of the schema in it and give its alternatives names; programs use
// those names:
//
//   race::Shape shape;
//   shape.set_circle(2.0);
//   switch (shape.which()) {
//     case race::Shape::Which::kCircle: return Area(shape.circle());
//     case race::Shape::Which::kSquare: ...
//     default: ...  // an alternative that a newer peer knows and this program does not
//   }
//
// A new Union holds its first alternative. An unknown alternative keeps its number alone: it can be
// compared and copied, but not encoded.
//
// Thread-compatible. Owns its value. No errors; never blocks.
#ifndef DROVER_OBJECT_UNION_H_
#define DROVER_OBJECT_UNION_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>

namespace drover {

template <class... Ts>
class Union {
  struct Unknown {
    uint16_t number = 0;
    bool operator==(const Unknown&) const = default;
  };
  using Storage = std::variant<Unknown, Ts...>;
  template <size_t N>
  using Alternative = std::variant_alternative_t<N + 1, Storage>;

 public:
  Union() : value_(std::in_place_index<1>) {}
  // Holds the first alternative with that value.
  template <class T>
  Union(std::in_place_t, T&& first) : value_(std::in_place_index<1>, std::forward<T>(first)) {}

  // The number of the alternative that is set, its position unless it is unknown.
  uint16_t which() const {
    if (const Unknown* unknown = std::get_if<0>(&value_)) return unknown->number;
    return static_cast<uint16_t>(value_.index() - 1);
  }
  template <size_t N>
  bool Is() const {
    return value_.index() == N + 1;
  }

  // Alternative N, or a default value of its type while another is set.
  template <size_t N>
  const Alternative<N>& Get() const {
    static const Alternative<N>& kDefault = *new Alternative<N>();
    const Alternative<N>* value = std::get_if<N + 1>(&value_);
    return value != nullptr ? *value : kDefault;
  }
  // Alternative N, which becomes the one that is set, with a default value, if it was not.
  template <size_t N>
  Alternative<N>& Mutable() {
    if (!Is<N>()) value_.template emplace<N + 1>();
    return *std::get_if<N + 1>(&value_);
  }
  template <size_t N>
  void Set(Alternative<N> value) {
    value_.template emplace<N + 1>(std::move(value));
  }
  // An alternative that this program's schema does not have.
  void SetUnknown(uint16_t number) { value_.template emplace<0>(Unknown{number}); }

  friend bool operator==(const Union& a, const Union& b) { return a.value_ == b.value_; }

 private:
  Storage value_;
};

}  // namespace drover

#endif  // DROVER_OBJECT_UNION_H_
