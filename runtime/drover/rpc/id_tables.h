// The two kinds of table. Ids that we choose are dense, the lowest free one first; ids that the
// peer chooses can be any, so they are flat below 1,024 and hashed above.
//
// Thread-compatible. Pointers to entries are valid until the table changes.
#ifndef DROVER_RPC_ID_TABLES_H_
#define DROVER_RPC_ID_TABLES_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace drover::rpc {

// The numbers from 0 up that are free, as bits; the lowest one first.
class FreeNumbers {
 public:
  uint32_t Take() {
    for (; lowest_ < words_.size(); ++lowest_) {
      if (words_[lowest_] == 0) continue;
      const auto bit = static_cast<uint32_t>(std::countr_zero(words_[lowest_]));
      words_[lowest_] &= words_[lowest_] - 1;
      return static_cast<uint32_t>(lowest_) * 64 + bit;
    }
    words_.push_back(~uint64_t{1});  // all 64 but the one that is taken
    return static_cast<uint32_t>(lowest_) * 64;
  }
  void GiveBack(uint32_t number) {
    words_[number / 64] |= uint64_t{1} << number % 64;
    lowest_ = std::min<size_t>(lowest_, number / 64);
  }

 private:
  std::vector<uint64_t> words_;
  size_t lowest_ = 0;  // no word before this one has a bit
};

template <class Id, class T>
class OwnIdTable {
 public:
  // The entry is made from `args`.
  template <class... Args>
  Id Add(Args&&... args) {
    const uint32_t index = free_.Take();
    if (index == entries_.size()) entries_.emplace_back();
    entries_[index].emplace(std::forward<Args>(args)...);
    ++size_;
    return Id(index);
  }

  T* Find(Id id) {
    if (id.value() >= entries_.size() || !entries_[id.value()]) return nullptr;
    return &*entries_[id.value()];
  }

  // The entry must be there.
  void Remove(Id id) {
    entries_[id.value()].reset();
    free_.GiveBack(id.value());
    --size_;
  }
  // The same; gives it to the caller.
  T Take(Id id) {
    T entry = std::move(*entries_[id.value()]);
    Remove(id);
    return entry;
  }

  size_t size() const { return size_; }

  template <class F>
  void ForEach(F f) {
    for (size_t i = 0; i < entries_.size(); ++i) {
      if (entries_[i]) f(Id(static_cast<uint32_t>(i)), *entries_[i]);
    }
  }

  void Clear() { *this = OwnIdTable(); }

 private:
  std::vector<std::optional<T>> entries_;
  FreeNumbers free_;
  size_t size_ = 0;
};

template <class Id, class T>
class PeerIdTable {
 public:
  // Null if the id is taken.
  T* Add(Id id) {
    if (id.value() < kFlat) {
      if (id.value() >= flat_.size()) flat_.resize(id.value() + 1);
      std::optional<T>& entry = flat_[id.value()];
      if (entry) return nullptr;
      ++size_;
      return &entry.emplace();
    }
    if (Find(id) != nullptr) return nullptr;
    ++size_;
    if (hashed_ == nullptr) hashed_ = std::make_unique<absl::flat_hash_map<Id, T>>();
    return &(*hashed_)[id];
  }

  T* Find(Id id) {
    if (id.value() < kFlat) {
      if (id.value() >= flat_.size() || !flat_[id.value()]) return nullptr;
      return &*flat_[id.value()];
    }
    if (hashed_ == nullptr) return nullptr;
    auto it = hashed_->find(id);
    return it == hashed_->end() ? nullptr : &it->second;
  }

  // The entry must be there. The first time that none is left, the memory goes too: it held what
  // begins a connection, several entries at once, and many connections never need it again.
  void Remove(Id id) {
    if (id.value() < kFlat) {
      flat_[id.value()].reset();
    } else {
      hashed_->erase(id);
    }
    if (--size_ == 0 && !std::exchange(begun_, true)) {
      decltype(flat_)().swap(flat_);
      hashed_ = nullptr;
    }
  }

  size_t size() const { return size_; }

  template <class F>
  void ForEach(F f) {
    for (size_t i = 0; i < flat_.size(); ++i) {
      if (flat_[i]) f(Id(static_cast<uint32_t>(i)), *flat_[i]);
    }
    if (hashed_ == nullptr) return;
    for (auto& [id, entry] : *hashed_) f(id, entry);
  }

  void Clear() { *this = PeerIdTable(); }

 private:
  static constexpr uint32_t kFlat = 1024;

  std::vector<std::optional<T>> flat_;
  std::unique_ptr<absl::flat_hash_map<Id, T>> hashed_;  // null until it is needed
  size_t size_ = 0;
  bool begun_ = false;  // it has been empty again
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_ID_TABLES_H_
