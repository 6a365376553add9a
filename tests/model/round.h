// Random operations on a few vats, and what the reference model says of their ends. One Round is a
// number of steps, after which everything must end: each call as it may, no line of calls out of
// order, every table empty and every object gone.
//
//   Round round(seed, {.vats = 4, .cuts = true});
//   for (int i = 0; i < 1000; ++i) round.Step();
//   round.End();                                     // fails the test that runs
//
// Not thread-safe.
#ifndef DROVER_TESTS_MODEL_ROUND_H_
#define DROVER_TESTS_MODEL_ROUND_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "model/ledger.h"
#include "model/oracle.h"
#include "model/troupe.h"
#include "model/vats.h"

namespace drover::model {

struct RoundOptions {
  size_t vats = 4;
  bool cuts = false;    // connections are cut, and made
  bool frozen = false;  // frames stand still on the wire, but for steps that let one pass
};

class Round {
 public:
  Round(uint64_t seed, const RoundOptions& options);

  void Step();
  // Lets everything end, and compares.
  void End();
  // The same, without deciding anything more: nobody wants any of it, so all must end by itself.
  void EndUnwanted();
  // How many calls had an answer.
  size_t answered();

 private:
  // What a vat has: a reference, and what the model says of it.
  struct Reference {
    ::model::ActorProxy proxy;
    Target target;
    uint32_t line = 0;
  };
  struct Pending {
    uint32_t call = 0;
    size_t vat = 0;
    uint32_t result_line = 0;  // of the reference in the result, here or not yet
    // One of the two.
    Future<void> done = {};
    Future<::model::ActorProxy> actor = {};
  };

  size_t Below(size_t n) { return random_() % n; }
  void Await(const char* what, const std::function<bool()>& condition);

  // References.
  void GetFronts(const Vats::Link& link);
  void Keep(size_t vat, Reference reference);
  size_t AnyVat();
  const Reference& Any(size_t vat) { return references_[vat][Below(references_[vat].size())]; }
  void DropReference();

  // Calls.
  ::model::Stamp NewCall(const Reference& on);
  Future<void> Recorded(Future<void> future, uint32_t call);
  Pending& NewPending(uint32_t call, size_t vat);
  uint32_t NewServant() { return next_servant_++; }
  void Note();
  void Pass();
  void Make();
  void Later();
  void Relay();

  // What becomes of them.
  void Pipeline();
  void Abandon();
  void AbandonOne(size_t pending);
  void Collect();
  void Take(size_t pending);
  void Decide();

  void CutOrConnect();

  const RoundOptions options_;
  const uint64_t seed_;
  std::mt19937_64 random_;
  Ledger ledger_;
  Oracle oracle_;
  Troupe troupe_{&ledger_};
  Vats vats_;
  uint32_t next_servant_;
  std::vector<std::vector<Reference>> references_;  // of each vat
  std::vector<Pending> pending_;
  std::vector<uint32_t> undecided_;
};

}  // namespace drover::model

#endif  // DROVER_TESTS_MODEL_ROUND_H_
