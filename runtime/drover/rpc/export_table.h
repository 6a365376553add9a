// Our objects that the peer has references to.
#ifndef DROVER_RPC_EXPORT_TABLE_H_
#define DROVER_RPC_EXPORT_TABLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "drover/base/ref.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/id_tables.h"
#include "drover/rpc/ids.h"

namespace drover::rpc {

class ExportTable {
 public:
  // Adds a reference for the peer; one object has one id. If the peer had none before, `serial`
  // gets what tells this export from those that have the same id earlier or later; 0 otherwise.
  ExportId Add(const base::Ref<Capability>& capability, uint64_t* serial) {
    *serial = 0;
    if (const std::optional<ExportId> known = IdOf(capability.get())) {
      ++table_.Find(*known)->references;
      return *known;
    }
    const ExportId id = table_.Add(Entry{capability, 1, *serial = ++last_serial_});
    if (by_capability_ != nullptr) {
      by_capability_->emplace(capability.get(), id);
    } else if (table_.size() > kFew) {
      by_capability_ = std::make_unique<absl::flat_hash_map<const Capability*, ExportId>>();
      table_.ForEach([&](ExportId each, const Entry& entry) {
        by_capability_->emplace(entry.capability.get(), each);
      });
    }
    return id;
  }

  base::Ref<Capability> Find(ExportId id) {
    const base::Ref<Capability>* found = Peek(id);
    return found == nullptr ? nullptr : *found;
  }
  // The table's own reference, until the table changes; null if there is none.
  const base::Ref<Capability>* Peek(ExportId id) {
    Entry* entry = table_.Find(id);
    return entry == nullptr ? nullptr : &entry->capability;
  }

  // Null, too, if it is another export by now.
  base::Ref<Capability> Find(ExportId id, uint64_t serial) {
    Entry* entry = table_.Find(id);
    return entry == nullptr || entry->serial != serial ? nullptr : entry->capability;
  }

  enum class ReleaseResult { kKept, kGone, kImpossible };
  // Takes references back; `gone` gets the object when the last one went. Nothing changes if the
  // id is unknown or has fewer references.
  ReleaseResult Release(ExportId id, uint32_t references, base::Ref<Capability>* gone) {
    Entry* entry = table_.Find(id);
    if (entry == nullptr || entry->references < references) return ReleaseResult::kImpossible;
    entry->references -= references;
    if (entry->references > 0) return ReleaseResult::kKept;
    if (by_capability_ != nullptr) by_capability_->erase(entry->capability.get());
    *gone = table_.Take(id).capability;
    return ReleaseResult::kGone;
  }

  size_t size() const { return table_.size(); }
  template <class F>
  void ForEach(F f) {
    table_.ForEach([&](ExportId, Entry& entry) { f(entry.capability); });
  }
  void Clear() {
    table_.Clear();
    by_capability_ = nullptr;
  }

 private:
  struct Entry {
    base::Ref<Capability> capability;
    uint32_t references;
    uint64_t serial;
  };
  // As many are looked through one by one: most connections export the front object alone.
  static constexpr size_t kFew = 8;

  std::optional<ExportId> IdOf(const Capability* capability) {
    std::optional<ExportId> found;
    if (by_capability_ == nullptr) {
      table_.ForEach([&](ExportId id, const Entry& entry) {
        if (entry.capability.get() == capability) found = id;
      });
    } else if (auto it = by_capability_->find(capability); it != by_capability_->end()) {
      found = it->second;
    }
    return found;
  }

  OwnIdTable<ExportId, Entry> table_;
  std::unique_ptr<absl::flat_hash_map<const Capability*, ExportId>> by_capability_;  // of many
  uint64_t last_serial_ = 0;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_EXPORT_TABLE_H_
