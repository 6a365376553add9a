// The two kinds of table. Ids that we choose are dense, the lowest free one first; ids that the
// peer chooses can be any, so they are flat below 1,024 and hashed above.
//
// Thread-compatible. Pointers to entries are valid until the table changes.
#ifndef DROVER_RPC_ID_TABLES_H_
#define DROVER_RPC_ID_TABLES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace drover::rpc {

template <class Id, class T>
class OwnIdTable {
 public:
  // The entry is made from `args`.
  template <class... Args>
  Id Add(Args&&... args) {
    uint32_t index;
    if (free_.empty()) {
      index = static_cast<uint32_t>(entries_.size());
      entries_.emplace_back();
    } else {
      index = free_.top();
      free_.pop();
    }
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
    free_.push(id.value());
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
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> free_;
  size_t size_ = 0;
};

template <class Id, class T>
class PeerIdTable {
 public:
  // Null if the id is taken.
  T* Add(Id id) {
    if (Find(id) != nullptr) return nullptr;
    ++size_;
    if (id.value() < kFlat) {
      if (id.value() >= flat_.size()) flat_.resize(id.value() + 1);
      return &flat_[id.value()].emplace();
    }
    return &hashed_[id];
  }

  T* Find(Id id) {
    if (id.value() < kFlat) {
      if (id.value() >= flat_.size() || !flat_[id.value()]) return nullptr;
      return &*flat_[id.value()];
    }
    auto it = hashed_.find(id);
    return it == hashed_.end() ? nullptr : &it->second;
  }

  // The entry must be there.
  void Remove(Id id) {
    --size_;
    if (id.value() < kFlat) {
      flat_[id.value()].reset();
    } else {
      hashed_.erase(id);
    }
  }

  size_t size() const { return size_; }

  template <class F>
  void ForEach(F f) {
    for (size_t i = 0; i < flat_.size(); ++i) {
      if (flat_[i]) f(Id(static_cast<uint32_t>(i)), *flat_[i]);
    }
    for (auto& [id, entry] : hashed_) f(id, entry);
  }

  void Clear() { *this = PeerIdTable(); }

 private:
  static constexpr uint32_t kFlat = 1024;

  std::vector<std::optional<T>> flat_;
  absl::flat_hash_map<Id, T> hashed_;
  size_t size_ = 0;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_ID_TABLES_H_
