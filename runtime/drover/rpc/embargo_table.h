// Promises that are held back until a Disembargo of ours has come home; see remote_promise.h.
#ifndef DROVER_RPC_EMBARGO_TABLE_H_
#define DROVER_RPC_EMBARGO_TABLE_H_

#include <cstddef>
#include <memory>
#include <utility>

#include "drover/base/ref.h"
#include "drover/rpc/capability.h"
#include "drover/rpc/id_tables.h"
#include "drover/rpc/ids.h"
#include "drover/rpc/remote_promise.h"

namespace drover::rpc {

struct Embargo {
  base::Ref<RemotePromise> promise;
  base::Ref<Capability> target;  // what it will be
};

// An OwnIdTable that takes no memory until something is put into it: few connections ever do.
class EmbargoTable {
 public:
  EmbargoId Add(Embargo embargo) {
    if (table_ == nullptr) table_ = std::make_unique<Table>();
    return table_->Add(std::move(embargo));
  }
  Embargo* Find(EmbargoId id) { return table_ == nullptr ? nullptr : table_->Find(id); }
  // It must be there.
  Embargo Take(EmbargoId id) { return table_->Take(id); }
  size_t size() const { return table_ == nullptr ? 0 : table_->size(); }
  template <class F>
  void ForEach(F f) {
    if (table_ != nullptr) table_->ForEach(f);
  }
  void Clear() { table_ = nullptr; }

 private:
  using Table = OwnIdTable<EmbargoId, Embargo>;
  std::unique_ptr<Table> table_;
};

}  // namespace drover::rpc

#endif  // DROVER_RPC_EMBARGO_TABLE_H_
