// An integer that does not mix with other integers: a QuestionId is never an AnswerId.
//
//   using QuestionId = base::StrongId<struct QuestionTag, uint32_t>;
#ifndef DROVER_BASE_STRONG_ID_H_
#define DROVER_BASE_STRONG_ID_H_

#include <compare>
#include <cstddef>
#include <functional>
#include <utility>

namespace drover::base {

template <class Tag, class Int>
class StrongId {
 public:
  using Value = Int;
  constexpr StrongId() = default;
  constexpr explicit StrongId(Int value) : value_(value) {}
  constexpr Int value() const { return value_; }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;

  template <class H>
  friend H AbslHashValue(H h, StrongId id) {
    return H::combine(std::move(h), id.value_);
  }

 private:
  Int value_ = 0;
};

}  // namespace drover::base

#endif  // DROVER_BASE_STRONG_ID_H_
