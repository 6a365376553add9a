#include "model/round.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace drover::model {
namespace {

constexpr size_t kMostReferences = 12;  // of a vat
constexpr size_t kMostPending = 48;
constexpr size_t kMostLinks = 10;
constexpr uint32_t kMostRelayed = 4;

}  // namespace

using ::model::ActorProxy;
using ::model::Stamp;

Round::Round(uint64_t seed, const RoundOptions& options)
    : options_(options),
      seed_(seed),
      random_(seed),
      vats_(&troupe_, options.vats, options.frozen, /*tails=*/seed % 2 == 0),
      next_servant_(static_cast<uint32_t>(options.vats)),
      references_(options.vats) {
  for (const Vats::Link& link : vats_.links()) GetFronts(link);
  for (size_t vat = 0; vat < options.vats; ++vat) {
    Keep(vat, {vats_.front(vat), Target::Servant(static_cast<uint32_t>(vat)), ledger_.NewLine()});
  }
}

void Round::Step() {
  if (options_.frozen && Below(2) == 0)
    return vats_.PassFrame(Below(vats_.links().size()), Below(2));
  switch (Below(20)) {
    case 0 ... 6:
      Note();
      break;
    case 7 ... 8:
      Pass();
      break;
    case 9:
      Make();
      break;
    case 10 ... 11:
      Later();
      break;
    case 12:
      Relay();
      break;
    case 13:
      Pipeline();
      break;
    case 14:
      DropReference();
      break;
    case 15:
      Abandon();
      break;
    case 16:
      Decide();
      break;
    case 17:
      if (Below(40) == 0) CutOrConnect();
      break;
    default:
      Collect();
      break;
  }
}

// Lets everything end, and compares.
void Round::End() {
  for (uint32_t call : undecided_) oracle_.Gives(call, Target::Error(absl::StatusCode::kAborted));
  Await("all calls have ended", [&] {
    std::erase_if(undecided_, [&](uint32_t call) {
      auto undecided = troupe_.Take(call);
      if (undecided) undecided->promise.Set(absl::AbortedError("decided at the end"));
      return undecided.has_value();
    });
    for (size_t i = pending_.size(); i-- > 0;) Take(i);
    return pending_.empty();
  });
  for (auto& references : references_) references.clear();
  Await("the tables are empty", [&] { return vats_.Leftovers().empty(); });
  Await("the objects are gone", [&] { return troupe_.alive() == static_cast<int>(options_.vats); });
  vats_.Close();
  Await("the front objects are gone", [&] { return troupe_.alive() == 0; });
  Await("nobody has a connection", [&] { return vats_.Unshared(); });
  for (const auto& [call, what] : ledger_.violations()) {
    ADD_FAILURE() << oracle_.Describe(call) << " " << what;
  }
  for (uint32_t call = 0; call < ledger_.size(); ++call) {
    const std::string fault = oracle_.Fault(call, ledger_.record(call));
    if (!fault.empty()) ADD_FAILURE() << oracle_.Describe(call) << " " << fault;
  }
}

void Round::EndUnwanted() {
  for (uint32_t call : undecided_) oracle_.Gives(call, Target::Error(absl::StatusCode::kCancelled));
  undecided_.clear();
  for (size_t i = pending_.size(); i-- > 0;) AbandonOne(i);
  for (auto& references : references_) references.clear();
  End();
}

size_t Round::answered() {
  size_t count = 0;
  for (uint32_t call = 0; call < ledger_.size(); ++call) {
    const CallRecord record = ledger_.record(call);
    if (record.status && record.status->ok()) ++count;
  }
  return count;
}

void Round::Await(const char* what, const std::function<bool()>& condition) {
  const absl::Time give_up = absl::Now() + absl::Seconds(60);
  while (!condition()) {
    vats_.PassAll();
    if (absl::Now() > give_up) {
      std::cerr << "DROVER_MODEL_SEED=" << seed_ << ": waited in vain until " << what << ": "
                << pending_.size() << " calls pending, " << troupe_.alive() << " objects\n"
                << vats_.Leftovers();
      for (const Pending& pending : pending_) std::cerr << "pending: " << pending.call << "\n";
      abort();  // futures and connections would wait on
    }
    std::this_thread::yield();
  }
}

// --- references

void Round::GetFronts(const Vats::Link& link) {
  for (size_t end : {0, 1}) {
    const uint32_t other = static_cast<uint32_t>(link.vats[1 - end]);
    const uint32_t line = ledger_.NewLine();
    const Stamp bootstrap = ledger_.NewCall(line);
    oracle_.Call(bootstrap.call, Target::Servant(other), ledger_.epoch());
    oracle_.Gives(bootstrap.call, Target::Servant(other));
    oracle_.Forget(bootstrap.call);
    Keep(link.vats[end], {ActorProxy(Proxy::FromCapability(link.ends[end]->Bootstrap())),
                          Target::ResultOf(bootstrap.call), line});
  }
}

void Round::Keep(size_t vat, Reference reference) {
  auto& references = references_[vat];
  if (references.size() < kMostReferences) {
    references.push_back(std::move(reference));
  } else {
    references[Below(references.size())] = std::move(reference);
  }
}
size_t Round::AnyVat() {
  size_t vat = Below(options_.vats);
  while (references_[vat].empty()) vat = (vat + 1) % options_.vats;  // those of one never all go
  return vat;
}

void Round::DropReference() {
  const size_t vat = AnyVat();
  auto& references = references_[vat];
  if (references.size() > 1) references.erase(references.begin() + Below(references.size()));
}

// --- calls

Stamp Round::NewCall(const Reference& on) {
  const Stamp stamp = ledger_.NewCall(on.line);
  oracle_.Call(stamp.call, on.target, ledger_.epoch());
  return stamp;
}
Future<void> Round::Recorded(Future<void> future, uint32_t call) {
  return std::move(future).Then([this, call](absl::Status status) { ledger_.Ended(call, status); });
}
Round::Pending& Round::NewPending(uint32_t call, size_t vat) {
  if (pending_.size() >= kMostPending) Abandon();
  return pending_.emplace_back(Pending{.call = call, .vat = vat, .result_line = ledger_.NewLine()});
}

void Round::Note() {
  const size_t vat = AnyVat();
  const Reference& on = Any(vat);
  const Stamp stamp = NewCall(on);
  NewPending(stamp.call, vat).done = Recorded(on.proxy.async().Note(stamp), stamp.call);
}
void Round::Pass() {
  const size_t vat = AnyVat();
  const Reference& on = Any(vat);
  const Reference passed = Below(10) == 0 ? Reference() : Any(vat);
  const Stamp stamp = NewCall(on);
  oracle_.Gives(stamp.call, passed.target);
  NewPending(stamp.call, vat).actor = on.proxy.async().Pass(stamp, passed.proxy);
}
void Round::Make() {
  const size_t vat = AnyVat();
  const Reference& on = Any(vat);
  const Stamp stamp = NewCall(on);
  const uint32_t servant = NewServant();
  oracle_.Gives(stamp.call, Target::Servant(servant));
  NewPending(stamp.call, vat).actor = on.proxy.async().Make(stamp, servant);
}
void Round::Later() {
  const size_t vat = AnyVat();
  const Reference& on = Any(vat);
  const Stamp stamp = NewCall(on);
  undecided_.push_back(stamp.call);
  NewPending(stamp.call, vat).actor = on.proxy.async().Later(stamp);
}
void Round::Relay() {
  const size_t vat = AnyVat();
  const Reference& on = Any(vat);
  const Reference& passed = Any(vat);
  const Stamp stamp = NewCall(on);
  const uint32_t count = 1 + static_cast<uint32_t>(Below(kMostRelayed));
  const Reference relayed{ActorProxy(), passed.target, ledger_.NewLine()};
  const Stamp first = NewCall(relayed);
  for (uint32_t i = 1; i < count; ++i) NewCall(relayed);
  for (uint32_t i = 0; i < count; ++i) oracle_.IsMadeBy(first.call + i, stamp.call);
  NewPending(stamp.call, vat).done =
      Recorded(on.proxy.async().Relay(stamp, passed.proxy, first, count), stamp.call);
}

// --- what becomes of them

// A reference into a result that may not be here yet; its line goes on with the result's.
void Round::Pipeline() {
  if (pending_.empty()) return;
  const Pending& pending = pending_[Below(pending_.size())];
  if (!pending.actor.valid()) return;
  Keep(pending.vat,
       {pending.actor.Pipeline(), Target::ResultOf(pending.call), pending.result_line});
}

// Cancels a call, or drops its future.
void Round::Abandon() {
  if (!pending_.empty()) AbandonOne(Below(pending_.size()));
}

void Round::AbandonOne(size_t i) {
  Pending& pending = pending_[i];
  if (pending.actor.valid() && Below(2) == 0) {
    oracle_.Drop(pending.call);
    std::swap(pending, pending_.back());
    pending_.pop_back();
    return;
  }
  oracle_.Cancel(pending.call);
  pending.actor.Cancel();
  pending.done.Cancel();
}

// Takes the result of one that is there, sometimes after waiting a little, as a caller that reads
// the connection.
void Round::Collect() {
  if (pending_.empty()) return;
  const size_t i = Below(pending_.size());
  if (Below(4) == 0) {
    pending_[i].actor.WaitFor(absl::Microseconds(50));
    pending_[i].done.WaitFor(absl::Microseconds(50));
  }
  Take(i);
}

void Round::Take(size_t i) {
  Pending& pending = pending_[i];
  if (!pending.actor.ready() && !pending.done.ready()) return;
  if (pending.actor.valid()) {
    absl::StatusOr<ActorProxy> actor = pending.actor.Get();
    ledger_.Ended(pending.call, actor.status());
    if (actor.ok() && *actor) {
      Keep(pending.vat, {*actor, Target::ResultOf(pending.call), pending.result_line});
    }
  }
  std::swap(pending, pending_.back());
  pending_.pop_back();
}

// Decides what a call of `later` gives: an object of the vat that serves it, any reference that
// is not itself waiting for this, nothing, or an error.
void Round::Decide() {
  if (undecided_.empty()) return;
  const size_t i = Below(undecided_.size());
  const uint32_t call = undecided_[i];
  auto undecided = troupe_.Take(call);
  if (!undecided) return;
  undecided_.erase(undecided_.begin() + static_cast<ptrdiff_t>(i));
  auto& [promise, vat] = *undecided;
  const size_t choice = Below(6);
  if (choice == 0) {
    const uint32_t servant = NewServant();
    oracle_.Gives(call, Target::Servant(servant));
    promise.Set(ActorProxy(troupe_.Hire(servant, vat)));
  } else if (choice == 1) {
    oracle_.Gives(call, Target::Error(absl::StatusCode::kDataLoss));
    promise.Set(absl::DataLossError("decided so"));
  } else {
    Reference chosen = choice == 2 ? Reference() : Any(vat);
    if (oracle_.DependsOn(chosen.target, call)) chosen = Reference();
    oracle_.Gives(call, chosen.target);
    promise.Set(chosen.proxy);
  }
}

void Round::CutOrConnect() {
  if (!options_.cuts) return;
  if (Below(2) == 0 && vats_.links().size() < kMostLinks) {
    const size_t a = Below(options_.vats);
    const size_t b = (a + 1 + Below(options_.vats - 1)) % options_.vats;
    GetFronts(vats_.Connect(a, b));
    return;
  }
  ledger_.BeginEpoch();
  vats_.Cut(Below(vats_.links().size()), Below(2) == 0);
}

}  // namespace drover::model
