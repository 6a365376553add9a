#include "fuzz/ledger.h"

#include "fuzz/check.h"

namespace drover::fuzz {

using protocol::CapDescriptor;
using protocol::Message;

// --- what the peer sends ------------------------------------------------------------------------

void Ledger::SentDescriptor(CapDescriptor::Reader descriptor) {
  switch (descriptor.which()) {
    case CapDescriptor::SENDER_HOSTED:
      ++peers_exports_[descriptor.getSenderHosted()].given;
      break;
    case CapDescriptor::SENDER_PROMISE:
      ++peers_exports_[descriptor.getSenderPromise()].given;
      break;
    case CapDescriptor::THIRD_PARTY_HOSTED:
      ++peers_exports_[descriptor.getThirdPartyHosted().getVineId()].given;
      break;
    default:
      break;
  }
}

void Ledger::SentPayload(protocol::Payload::Reader payload) {
  for (auto descriptor : payload.getCapTable()) SentDescriptor(descriptor);
}

void Ledger::Sent(Message::Reader message) {
  ++sent_;
  switch (message.which()) {
    case Message::BOOTSTRAP:
      ++peers_questions_[message.getBootstrap().getQuestionId()].asked;
      break;
    case Message::CALL:
      if (!drover_ || !message.getCall().getOneWay()) {
        ++peers_questions_[message.getCall().getQuestionId()].asked;
      }
      SentPayload(message.getCall().getParams());
      break;
    case Message::RETURN:
      ++our_questions_[message.getReturn().getAnswerId()].ended;
      if (message.getReturn().isResults()) SentPayload(message.getReturn().getResults());
      break;
    case Message::RESOLVE:
      if (message.getResolve().isCap()) SentDescriptor(message.getResolve().getCap());
      break;
    case Message::UNIMPLEMENTED: {
      const auto echo = message.getUnimplemented();
      if (echo.isCall()) ++our_questions_[echo.getCall().getQuestionId()].ended;
      if (echo.isBootstrap()) ++our_questions_[echo.getBootstrap().getQuestionId()].ended;
      break;
    }
    case Message::DISEMBARGO:
      if (message.getDisembargo().getContext().isSenderLoopback()) {
        ++loopbacks_[message.getDisembargo().getContext().getSenderLoopback()];
      }
      break;
    default:
      break;
  }
}

// --- what comes back ----------------------------------------------------------------------------

void Ledger::CheckExport(uint32_t id) {
  const PeersExport& at = peers_exports_[id];
  FUZZ_CHECK(at.given > at.released) << "speaks of export " << id << ", which it does not have";
}

void Ledger::CheckQuestion(uint32_t id) {
  const OurQuestion& at = our_questions_[id];
  FUZZ_CHECK(at.asked > at.finished) << "speaks of question " << id << ", which it does not have";
}

void Ledger::CheckTarget(protocol::MessageTarget::Reader target) {
  if (target.isPromisedAnswer()) {
    CheckQuestion(target.getPromisedAnswer().getQuestionId());
  } else {
    FUZZ_CHECK(target.isImportedCap());
    CheckExport(target.getImportedCap());
  }
}

void Ledger::ReceivedPayload(protocol::Payload::Reader payload) {
  for (auto descriptor : payload.getCapTable()) {
    switch (descriptor.which()) {
      case CapDescriptor::RECEIVER_HOSTED:
        CheckExport(descriptor.getReceiverHosted());
        break;
      case CapDescriptor::RECEIVER_ANSWER:
        CheckQuestion(descriptor.getReceiverAnswer().getQuestionId());
        break;
      case CapDescriptor::NONE:
      case CapDescriptor::SENDER_HOSTED:
      case CapDescriptor::SENDER_PROMISE:
        break;
      default:
        FUZZ_CHECK(false) << "a descriptor of kind " << static_cast<int>(descriptor.which());
    }
  }
  payload.getContent().targetSize();
}

void Ledger::Ask(uint32_t question) {
  OurQuestion& at = our_questions_[question];
  FUZZ_CHECK(at.ended >= at.asked) << "uses question " << question << " before it was returned";
  ++at.asked;
}

void Ledger::ReceivedCall(protocol::Call::Reader call) {
  CheckTarget(call.getTarget());
  ReceivedPayload(call.getParams());
  if (!call.getOneWay()) return Ask(call.getQuestionId());
  FUZZ_CHECK(drover_ && call.getQuestionId() == 0 && call.getTarget().isImportedCap() &&
             call.getParams().getCapTable().size() == 0)
      << kj::str(call).cStr();
}

void Ledger::ReceivedReturn(protocol::Return::Reader ret) {
  PeersQuestion& at = peers_questions_[ret.getAnswerId()];
  FUZZ_CHECK(at.returned < at.asked) << "returns question " << ret.getAnswerId() << " once more";
  ++at.returned;
  if (ret.isResults()) ReceivedPayload(ret.getResults());
  if (ret.isException()) ret.getException().totalSize();
}

void Ledger::Received(Message::Reader message) {
  FUZZ_CHECK(!aborted_) << "a message follows an Abort: " << kj::str(message).cStr();
  aborted_ = message.isAbort();
  if (blind_) return;
  switch (message.which()) {
    case Message::BOOTSTRAP:
      Ask(message.getBootstrap().getQuestionId());
      break;
    case Message::CALL:
      ReceivedCall(message.getCall());
      break;
    case Message::RETURN:
      ReceivedReturn(message.getReturn());
      break;
    case Message::FINISH: {
      OurQuestion& at = our_questions_[message.getFinish().getQuestionId()];
      FUZZ_CHECK(at.finished < at.asked) << kj::str(message).cStr();
      ++at.finished;
      break;
    }
    case Message::RELEASE: {
      PeersExport& at = peers_exports_[message.getRelease().getId()];
      at.released += message.getRelease().getReferenceCount();
      FUZZ_CHECK(message.getRelease().getReferenceCount() > 0);
      FUZZ_CHECK(at.released <= at.given) << kj::str(message).cStr();
      break;
    }
    case Message::RESOLVE:
      break;
    case Message::DISEMBARGO: {
      const auto disembargo = message.getDisembargo();
      if (disembargo.getContext().isReceiverLoopback()) {
        const uint32_t embargo = disembargo.getContext().getReceiverLoopback();
        FUZZ_CHECK(--loopbacks_[embargo] >= 0) << "answers embargo " << embargo << " once more";
      } else {
        FUZZ_CHECK(disembargo.getContext().isSenderLoopback());
        CheckTarget(disembargo.getTarget());
      }
      break;
    }
    case Message::UNIMPLEMENTED: {
      FUZZ_CHECK(++echoed_ <= sent_);
      const auto echo = message.getUnimplemented();
      FUZZ_CHECK(!echo.isCall() && !echo.isReturn() && !echo.isFinish() && !echo.isRelease() &&
                 !echo.isDisembargo() && !echo.isBootstrap() && !echo.isUnimplemented())
          << kj::str(message).cStr();
      break;
    }
    case Message::ABORT:
      message.getAbort().totalSize();
      break;
    case Message::OBSOLETE_DELETE:
      FUZZ_CHECK(drover_) << "a credit for one-way calls, which nobody agreed on";
      break;
    default:
      FUZZ_CHECK(false) << kj::str(message).cStr();
  }
}

}  // namespace drover::fuzz
