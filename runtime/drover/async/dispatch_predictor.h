// Where a call's code is to run, by what the code of its method has done before: on the thread that
// read the call, which is the quickest if it comes back at once and keeps others waiting if it does
// not, or elsewhere.
//
//   DispatchPredictor::Record record = predictor.Of(key);
//   if (record.clean() || record.Choose() == Dispatch::kInline) ...
//   predictor.Note(key, Outcome::kBlocked);      // or kQuick, unless the record was clean
//
// A method *blocks* when it is still running after a tick or two of the monitor, or waits inside
// Drover. One that never did has no record, and is not noted: a quick call costs one look.
//
// Two counts are kept of one that did, as a branch predictor keeps them of a branch: in a small
// table with tags, where methods that share a place drive each other out.
// - A two-bit saturating counter (J. E. Smith, "A Study of Branch Prediction Strategies", ISCA
//   1981): two blocked calls in a row make a method slow, and it goes to the pool; two quick ones
//   in a row make it quick again.
// - How many calls are still to be run with care after one that blocked, kCautious of them: about
//   as many as cost together what one costs that blocks unexpectedly, so that care never costs more
//   than twice what it saves (the rule of ski rental: Karlin, Manasse, Rudolph, Sleator,
//   "Competitive Snoopy Caching", 1988). They are lent: the thread lets somebody else watch the
//   connection before it runs them, which costs a few system calls and wakes nobody unless input
//   comes meanwhile. So a method that blocks now and then delays nobody, and one that blocks more
//   rarely than once in kCautious calls costs next to nothing.
//
// Thread-safe. Counts that threads change at the same time may be lost. Never blocks, allocates
// only when it is made, kPlaces words; what is exported costs nothing.
#ifndef DROVER_ASYNC_DISPATCH_PREDICTOR_H_
#define DROVER_ASYNC_DISPATCH_PREDICTOR_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace drover::async {

enum class Dispatch {
  kInline,  // here, and what the thread holds stays with it until it is seen to block
  kLend,    // here, after what it holds has been lent to others
  kPool,
};

enum class Outcome { kQuick, kBlocked };

class DispatchPredictor {
 public:
  static constexpr uint32_t kCautious = 256;
  static constexpr uint32_t kMostCautious = 4 * kCautious;

  // A method, as a number that is never 0.
  using Key = uint64_t;
  static Key KeyOf(uint64_t interface_id, uint16_t method_id) {
    return (interface_id + method_id) * 0x9E3779B97F4A7C15u | 1;
  }

  // What is known of a method. The decisions are pure.
  class Record {
   public:
    Record() = default;
    explicit Record(uint32_t bits) : bits_(bits) {}

    bool clean() const { return bits_ == 0; }
    // `others_wait`: behind it are calls that have been read already, so that lending does not help
    // them. Only what has blocked more than once of late goes to the pool for their sake.
    Dispatch Choose(bool others_wait) const {
      if (slow() >= kSlowFrom) return Dispatch::kPool;
      if (careful() == 0) return Dispatch::kInline;
      if (!others_wait) return Dispatch::kLend;
      return careful() > kCautious ? Dispatch::kPool : Dispatch::kInline;
    }
    Record After(Outcome outcome) const {
      if (outcome == Outcome::kBlocked) {
        return Of(std::min(careful() + kCautious, kMostCautious), std::min(slow() + 1, kSlowest));
      }
      return Of(std::max(careful(), 1u) - 1, std::max(slow(), 1u) - 1);
    }
    uint32_t bits() const { return bits_; }

   private:
    static constexpr uint32_t kSlowShift = 16;
    static constexpr uint32_t kSlowFrom = 2;
    static constexpr uint32_t kSlowest = 3;

    static Record Of(uint32_t careful, uint32_t slow) {
      return Record(slow << kSlowShift | careful);
    }
    uint32_t careful() const { return bits_ & ((1u << kSlowShift) - 1); }
    uint32_t slow() const { return bits_ >> kSlowShift; }

    uint32_t bits_ = 0;
  };

  Record Of(Key key) const {
    const uint64_t place = PlaceOf(key).load(std::memory_order_relaxed);
    return TagIn(place) == TagOf(key) ? Record(static_cast<uint32_t>(place)) : Record();
  }

  void Note(Key key, Outcome outcome) {
    std::atomic<uint64_t>& place = PlaceOf(key);
    const uint64_t found = place.load(std::memory_order_relaxed);
    Record record(static_cast<uint32_t>(found));
    uint32_t tag = TagIn(found);
    if (tag == TagOf(key) || record.clean()) {
      tag = TagOf(key);
      record = record.After(outcome);
    } else if (outcome == Outcome::kBlocked) {
      // Whichever of the two blocks more often will have the place.
      record = Record(record.bits() / 2 & kHalvable);
    }
    place.store(uint64_t{tag} << 32 | record.bits(), std::memory_order_relaxed);
  }

 private:
  static constexpr int kPlaceBits = 9;
  static constexpr size_t kPlaces = size_t{1} << kPlaceBits;
  static constexpr uint32_t kHalvable = 0x1'7fff;  // no bit of one count in the other

  static uint32_t TagOf(Key key) { return static_cast<uint32_t>(key >> (32 - kPlaceBits)); }
  static uint32_t TagIn(uint64_t place) { return static_cast<uint32_t>(place >> 32); }
  std::atomic<uint64_t>& PlaceOf(Key key) { return places_[key >> (64 - kPlaceBits)]; }
  const std::atomic<uint64_t>& PlaceOf(Key key) const { return places_[key >> (64 - kPlaceBits)]; }

  std::array<std::atomic<uint64_t>, kPlaces> places_ = {};  // the tag above, the record below
};

}  // namespace drover::async

#endif  // DROVER_ASYNC_DISPATCH_PREDICTOR_H_
