// Which message is it, and what to do with one that we do not know.
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "drover/base/log.h"
#include "drover/base/status_macros.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/message_caps.h"
#include "drover/rpc/one_way.h"
#include "drover/rpc/plain_frames.h"
#include "drover/rpc/status_codec.h"
#include "drover/wire/in_message.h"

namespace drover::rpc {

absl::Status Connection::HandleFrame(wire::Frame frame, Deferred& deferred) {
  try {
    const PlainFrames& plain = PlainFrames::Get();
    const int kind = wire::PeekKind(frame);
    if (shared_.expected.load(std::memory_order_acquire)) {
      DROVER_RETURN_IF_ERROR(SharedMemoryUpgrade::Watch(*this, frame));
    }
    if (kind == protocol::Message::CALL) {  // keeps its frame, and is read once, by HandleCall
      return HandleCall(std::move(frame), deferred);
    }
    if (PlainFinish finish; kind == protocol::Message::FINISH &&
                            plain.ParseFinish(frame, &finish) && !finish.release_result_caps) {
      read_.finished.push_back(finish.id);
      return absl::OkStatus();
    }
    if (!read_.finished.empty()) FinishAnswers(deferred);
    if (PlainReturn ret; kind == protocol::Message::RETURN && plain.ParseReturn(frame, &ret) &&
                         HandlePlainReturn(ret, frame, deferred)) {
      return absl::OkStatus();
    }
    wire::InMessage in(frame);
    const protocol::Message::Reader message = in.root();
    switch (message.which()) {
      case protocol::Message::CALL:
        return HandleCall(std::move(frame), deferred);
      case protocol::Message::RETURN:
        return HandleReturn(message.getReturn(), frame, deferred);
      case protocol::Message::FINISH:
        return HandleFinish(AnswerId(message.getFinish().getQuestionId()),
                            message.getFinish().getReleaseResultCaps(), deferred);
      case protocol::Message::BOOTSTRAP:
        return HandleBootstrap(message.getBootstrap());
      case protocol::Message::RESOLVE:
        return HandleResolve(message.getResolve(), deferred);
      case protocol::Message::RELEASE:
        return HandleRelease(message.getRelease(), deferred);
      case protocol::Message::DISEMBARGO:
        return HandleDisembargo(message.getDisembargo(), deferred);
      case protocol::Message::UNIMPLEMENTED:
        return HandleUnimplemented(message.getUnimplemented(), deferred);
      case protocol::Message::OBSOLETE_DELETE:
        if (!extensions_.load(std::memory_order_relaxed)) return EchoUnimplemented(in);
        return OneWay::ReceiveCredit(*this,
                                     message.getObsoleteDelete().getAs<protocol::OneWayCredit>());
      case protocol::Message::ABORT: {
        const absl::Status reason = FromException(message.getAbort());
        DROVER_LOG(kWarning) << "connection to " << name()
                             << " was aborted by the peer: " << reason.message();
        Close(absl::UnavailableError(
            absl::StrCat("the peer aborted it: ", std::string(reason.message()))));
        return absl::OkStatus();
      }
      default:
        return EchoUnimplemented(in);
    }
  } catch (const kj::Exception& e) {
    return absl::InvalidArgumentError(
        absl::StrCat("a message is malformed: ", e.getDescription().cStr()));
  }
}

absl::Status Connection::EchoUnimplemented(wire::InMessage& message) {
  wire::OutMessagePtr echo = wire::OutMessage::New();
  auto root = echo->builder().initRoot<protocol::Message>();
  root.initUnimplemented();
  // Cap'n Proto copies capability pointers from table to table only. The copies get new numbers,
  // which mean nothing to anybody.
  MessageCaps caps;
  capnp::AnyPointer::Builder copy = capnp::AnyStruct::Builder(kj::mv(root)).getPointerSection()[0];
  caps.Imbue(copy).set(caps.Imbue(message.any_root()));
  // It can be larger than what came, where several pointers led to the same data.
  DROVER_RETURN_IF_ERROR(CheckFrame(echo->FrameBytes()));
  {
    base::MutexLock lock(&mu_);
    if (state_.open()) Queue(echo, Urgency::kNow);
  }
  FlushUnlessCorked();
  return absl::OkStatus();
}

absl::Status Connection::HandleUnimplemented(protocol::Message::Reader message,
                                             Deferred& deferred) {
  QuestionId id;
  switch (message.which()) {
    case protocol::Message::CALL:
      id = QuestionId(message.getCall().getQuestionId());
      break;
    case protocol::Message::BOOTSTRAP:
      id = QuestionId(message.getBootstrap().getQuestionId());
      break;
    case protocol::Message::OBSOLETE_SAVE:
      return absl::OkStatus();  // the answer to a ping
    case protocol::Message::RESOLVE:
      return ForgetResolution(message.getResolve(), deferred);
    case protocol::Message::DISEMBARGO:
      return absl::InvalidArgumentError(
          "the peer passes on promises but does not implement Disembargo");
    default:
      // Nothing else that we send is answered.
      DROVER_LOG(kInfo) << "connection to " << name() << ": the peer does not implement message "
                        << static_cast<int>(message.which());
      return absl::OkStatus();
  }
  const absl::Status status = absl::UnimplementedError(
      absl::StrCat("the peer ", name(), " does not implement such a message"));
  base::Ref<ReturnHandler> handler;
  {
    base::MutexLock lock(&mu_);
    Question* question = state_.questions.Find(id);
    if (question == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("unimplemented names question ", id.value(), ", which does not exist"));
    }
    // The peer did not look at the capabilities in the params.
    absl::Status released = ReleaseExports(std::exchange(question->param_exports, {}), deferred);
    if (!released.ok()) return released;
    handler = std::move(question->handler);
    DropKept(*question, deferred);
    BreakAll(id, *question, status, deferred);
    state_.questions.Remove(id);
  }
  if (handler) handler->OnError(status);
  return absl::OkStatus();
}

// The peer did not look at what the promise became, so it has no reference to that.
absl::Status Connection::ForgetResolution(protocol::Resolve::Reader message, Deferred& deferred) {
  if (!message.isCap()) return absl::OkStatus();
  std::vector<ExportId> sent;
  if (message.getCap().isSenderHosted()) sent.emplace_back(message.getCap().getSenderHosted());
  if (message.getCap().isSenderPromise()) sent.emplace_back(message.getCap().getSenderPromise());
  base::MutexLock lock(&mu_);
  if (!state_.open()) return absl::OkStatus();
  return ReleaseExports(sent, deferred);
}

}  // namespace drover::rpc
