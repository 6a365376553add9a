#include "model/troupe.h"

#include <utility>
#include <vector>

namespace drover::model {

using ::model::ActorProxy;
using ::model::Stamp;

class Troupe::Actor final : public ::model::ActorAsyncServant {
 public:
  Actor(Troupe* troupe, uint32_t number, size_t vat)
      : troupe_(*troupe), number_(number), vat_(vat) {
    ++troupe_.alive_;
  }
  ~Actor() override { --troupe_.alive_; }

  Future<void> Note(Stamp stamp) override {
    troupe_.ledger_.Ran(number_, stamp);
    return absl::OkStatus();
  }
  Future<ActorProxy> Pass(Stamp stamp, ActorProxy actor) override {
    troupe_.ledger_.Ran(number_, stamp);
    return absl::StatusOr<ActorProxy>(std::move(actor));
  }
  Future<ActorProxy> Make(Stamp stamp, uint32_t servant) override {
    troupe_.ledger_.Ran(number_, stamp);
    return absl::StatusOr<ActorProxy>(ActorProxy(troupe_.Hire(servant, vat_)));
  }
  Future<ActorProxy> Later(Stamp stamp) override {
    troupe_.ledger_.Ran(number_, stamp);
    Promise<ActorProxy> promise;
    Future<ActorProxy> future = promise.future();
    base::MutexLock lock(&troupe_.mu_);
    troupe_.undecided_.emplace(stamp.call, Undecided{std::move(promise), vat_});
    return future;
  }
  Future<void> Relay(Stamp stamp, ActorProxy actor, Stamp first, uint32_t count) override {
    troupe_.ledger_.Ran(number_, stamp);
    Ledger& ledger = troupe_.ledger_;
    std::vector<Future<void>> notes;
    for (uint32_t i = 0; i < count; ++i) {
      const Stamp next = {
          .call = first.call + i, .line = first.line, .sequence = first.sequence + i};
      notes.push_back(actor.async().Note(next).Then(
          [&ledger, next](absl::Status status) { ledger.Ended(next.call, status); }));
    }
    for (Future<void>& note : notes) (co_await std::move(note)).IgnoreError();  // it is recorded
    co_return absl::OkStatus();
  }

 private:
  Troupe& troupe_;
  const uint32_t number_;
  const size_t vat_;
};

std::shared_ptr<::model::ActorAsyncServant> Troupe::Hire(uint32_t number, size_t vat) {
  return std::make_shared<Actor>(this, number, vat);
}

std::optional<Troupe::Undecided> Troupe::Take(uint32_t call) {
  base::MutexLock lock(&mu_);
  const auto it = undecided_.find(call);
  if (it == undecided_.end()) return std::nullopt;
  Undecided undecided = std::move(it->second);
  undecided_.erase(it);
  return undecided;
}

}  // namespace drover::model
