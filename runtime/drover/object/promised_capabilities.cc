#include "drover/object/promised_capabilities.h"

#include <utility>

#include "drover/rpc/deferred.h"
#include "drover/rpc/promise_capability.h"

namespace drover::object {

// Lives as long as a promise is wanted and not resolved.
class PromisedCapabilities::Keeper final : public base::RefCounted {
 public:
  Keeper(PromisedCapabilities& promised, base::Ref<async::FutureCore> work,
         base::Ref<base::RefCounted> owner)
      : owner_(std::move(owner)), promised_(promised), hold_(std::move(work)) {}
  ~Keeper() override { promised_.Remove(this); }

 private:
  const base::Ref<base::RefCounted> owner_;  // outlives the rest
  PromisedCapabilities& promised_;
  const WorkHold hold_;
};

void FoundCapabilities::Add(base::Ref<rpc::Capability> capability) {
  if (capability) found_.emplace_back(path_, std::move(capability));
}

base::Ref<rpc::Capability> FoundCapabilities::Find(const std::vector<uint16_t>& path) const {
  for (const auto& [at, capability] : found_) {
    if (at == path) return capability;
  }
  return nullptr;
}

bool PromisedCapabilities::Expect() {
  base::MutexLock lock(&mu_);
  return !std::exchange(expected_, true);
}

base::Ref<rpc::Capability> PromisedCapabilities::At(const std::vector<uint16_t>& path,
                                                    const base::Ref<async::FutureCore>& work,
                                                    base::Ref<base::RefCounted> owner) {
  base::MutexLock lock(&mu_);
  // One promise for all, so that calls through it keep their order.
  for (const Promised& promised : promised_) {
    if (promised.path == path && promised.promise->TryRef()) {
      return base::Ref<rpc::PromiseCapability>::Adopt(promised.promise);
    }
  }
  if (settled_) return Settled(path);
  auto keeper = base::MakeRef<Keeper>(*this, work, std::move(owner));
  const Keeper* key = keeper.get();
  auto promise = base::MakeRef<rpc::PromiseCapability>(std::move(keeper), hooks);
  promised_.push_back({path, promise.get(), key});
  return promise;
}

void PromisedCapabilities::Settle(const absl::Status& status, FoundCapabilities found) {
  std::vector<std::pair<base::Ref<rpc::PromiseCapability>, base::Ref<rpc::Capability>>> resolved;
  {
    base::MutexLock lock(&mu_);
    settled_ = true;
    status_ = status;
    found_ = std::move(found);
    for (const Promised& promised : promised_) {
      if (!promised.promise->TryRef()) continue;
      resolved.emplace_back(base::Ref<rpc::PromiseCapability>::Adopt(promised.promise),
                            Settled(promised.path));
    }
  }
  rpc::Deferred deferred;
  for (auto& [promise, target] : resolved) promise->Resolve(std::move(target), deferred);
  deferred.FinishOnPool();
}

base::Ref<rpc::Capability> PromisedCapabilities::Settled(const std::vector<uint16_t>& path) const {
  if (!status_.ok()) return rpc::BrokenCapability(status_);
  if (base::Ref<rpc::Capability> capability = found_.Find(path)) return capability;
  return rpc::BrokenCapability(
      absl::InvalidArgumentError("a call on a null capability of an answer"));
}

void PromisedCapabilities::Remove(const Keeper* keeper) {
  base::MutexLock lock(&mu_);
  std::erase_if(promised_, [keeper](const Promised& p) { return p.keeper == keeper; });
}

}  // namespace drover::object
