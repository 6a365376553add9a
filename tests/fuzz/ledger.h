// What a peer has sent, and whether what comes back can be: Drover keeps to the protocol, whatever
// its peer does.
//
//   Ledger ledger;
//   ledger.Sent(message);          // before it is on its way
//   ledger.Received(message);      // ends the process if Drover may not say that
//
// What is sent and received crosses on the way, so the ledger allows whatever any order of the two
// allows.
#ifndef DROVER_TESTS_FUZZ_LEDGER_H_
#define DROVER_TESTS_FUZZ_LEDGER_H_

#include <cstdint>
#include <map>

#include "drover/rpc.capnp.h"

namespace drover::fuzz {

class Ledger {
 public:
  void Sent(protocol::Message::Reader message);
  void Received(protocol::Message::Reader message);

  // Both ends are known to be Drover: one-way calls may travel.
  void KnowDrover() { drover_ = true; }
  // Something was sent that nobody can read: from now on everything is allowed.
  void GoBlind() { blind_ = true; }
  // An Abort came: nothing may follow.
  bool aborted() const { return aborted_; }

 private:
  // Counts, for one id.
  struct PeersQuestion {
    uint64_t asked = 0, returned = 0;
  };
  struct OurQuestion {
    uint64_t asked = 0, finished = 0;
    uint64_t ended = 0;  // Returns, and echoes of the question, that the peer has sent
  };
  struct PeersExport {
    uint64_t given = 0, released = 0;
  };

  void SentDescriptor(protocol::CapDescriptor::Reader descriptor);
  void SentPayload(protocol::Payload::Reader payload);
  void Ask(uint32_t question);
  void ReceivedCall(protocol::Call::Reader call);
  void ReceivedReturn(protocol::Return::Reader ret);
  void ReceivedPayload(protocol::Payload::Reader payload);
  void CheckTarget(protocol::MessageTarget::Reader target);
  void CheckExport(uint32_t id);
  void CheckQuestion(uint32_t id);

  bool blind_ = false;
  bool drover_ = false;
  bool aborted_ = false;
  uint64_t sent_ = 0;
  uint64_t echoed_ = 0;
  std::map<uint32_t, PeersQuestion> peers_questions_;
  std::map<uint32_t, OurQuestion> our_questions_;  // Drover's
  std::map<uint32_t, PeersExport> peers_exports_;
  std::map<uint32_t, int64_t> loopbacks_;  // Disembargoes to be answered
};

}  // namespace drover::fuzz

#endif  // DROVER_TESTS_FUZZ_LEDGER_H_
