#include "fuzz/peer_messages.h"

#include <capnp/any.h>
#include <capnp/schema.h>

#include <span>

#include "drover/object/fields_internal.h"
#include "drover/rpc/message_caps.h"
#include "kitchen.capnp.h"

namespace drover::fuzz {
namespace {

using Numbers = std::span<const uint8_t>;

// Makes `pointer` refer to number `index` of its message's table, whether that is there or not.
void SetCapPointer(capnp::AnyPointer::Builder pointer, uint32_t index) {
  rpc::MessageCaps caps;
  caps.list().resize(index);
  rpc::SetCapability(caps.Imbue(pointer), rpc::BrokenCapability(absl::InternalError("not sent")));
}

void BuildPromisedAnswer(protocol::PromisedAnswer::Builder answer, uint8_t id, uint8_t path) {
  answer.setQuestionId(SmallId(id));
  auto transform = answer.initTransform(path % 3);
  for (unsigned i = 0; i < transform.size(); ++i) {
    if (path % 5 == 4) {
      transform[i].setNoop();
    } else if (path % 7 == 6) {
      object::SetDiscriminant(transform[i], 0, 55);
    } else {
      transform[i].setGetPointerField((path >> 4) & 1);
    }
  }
}

void BuildDescriptor(protocol::CapDescriptor::Builder out, uint8_t kind, uint8_t id) {
  switch (kind % 9) {
    case 0:
      out.setNone();
      break;
    case 1:
      out.setSenderHosted(SmallId(id));
      break;
    case 2:
      out.setSenderPromise(SmallId(id));
      break;
    case 3:
      out.setReceiverHosted(SmallId(id));
      break;
    case 4:
      BuildPromisedAnswer(out.initReceiverAnswer(), id, 0);
      break;
    case 5:
      BuildPromisedAnswer(out.initReceiverAnswer(), id, 1);
      break;
    case 6:
      BuildPromisedAnswer(out.initReceiverAnswer(), id, kind);
      break;
    case 7:
      out.initThirdPartyHosted().setVineId(SmallId(id));
      break;
    default:
      out.setSenderHosted(SmallId(id));
      object::SetDiscriminant(out, 0, 77);
      break;
  }
  if (kind >= 0x70) out.setAttachedFd(kind & 3);
}

// At most two capabilities: a kind, an id, and the kind of the second, which has the id that
// follows. A kind from 0x80 on is none, from 0xc0 on without a table.
void BuildCapTable(protocol::Payload::Builder payload, Numbers caps) {
  const unsigned count = caps[0] >= 0x80 ? 0 : caps[2] >= 0x80 ? 1 : 2;
  if (caps[0] >= 0xc0) return;
  auto table = payload.initCapTable(count);
  if (count > 0) BuildDescriptor(table[0], caps[0], caps[1]);
  if (count > 1) BuildDescriptor(table[1], caps[2], static_cast<uint8_t>(caps[1] + 1));
}

void BuildTarget(protocol::MessageTarget::Builder target, uint8_t kind, uint8_t id) {
  if (kind % 8 == 7) {
    target.setImportedCap(SmallId(id));
    object::SetDiscriminant(target, 2, 9);
  } else if (kind % 2 == 0) {
    target.setImportedCap(SmallId(id));
  } else {
    BuildPromisedAnswer(target.initPromisedAnswer(), id, kind / 2);
  }
}

// A struct that can be read as the params or results of any method of the kitchen's.
void BuildContent(capnp::AnyPointer::Builder content, uint8_t variant) {
  switch (variant % 8) {
    case 0:
    case 1: {  // a capability where most have theirs
      auto fields = content.initAsAnyStruct(1, 2);
      SetCapPointer(fields.getPointerSection()[0], 0);
      fields.getPointerSection()[1].setAs<capnp::Text>("text");
      break;
    }
    case 2: {  // a text there
      auto fields = content.initAsAnyStruct(1, 2);
      fields.getPointerSection()[0].setAs<capnp::Text>("text");
      SetCapPointer(fields.getPointerSection()[1], 1);
      break;
    }
    case 3:  // of a Bootstrap
      SetCapPointer(content, 0);
      break;
    case 4:  // no pointers
      if (variant >= 8) {
        content.initAsAnyStruct(2, 0);
      } else {
        content.clear();
      }
      break;
    case 5: {  // a capability that is not in the table
      auto fields = content.initAsAnyStruct(0, 1);
      SetCapPointer(fields.getPointerSection()[0], 2);
      break;
    }
    case 6:
      content.initAsListOfAnyStruct(1, 1, 2);
      break;
    default: {
      auto shelf = content.initAsAnyStruct(0, 1).getPointerSection()[0].initAsAnyStruct(0, 3);
      shelf.getPointerSection()[0].setAs<capnp::Text>("shelf");
      SetCapPointer(shelf.getPointerSection()[1], 0);
      break;
    }
  }
}

void BuildException(protocol::Exception::Builder exception, uint8_t variant) {
  exception.setReason("so it goes");
  exception.setType(static_cast<protocol::Exception::Type>(variant % 5));
  if (variant % 3 == 0) return;
  auto detail = exception.initDetails(1)[0];
  detail.setDetailId(variant % 3 == 1 ? protocol::STATUS_DETAIL_ID : 1);
  detail.setData(kj::arrayPtr(&variant, 1));
}

void BuildCall(protocol::Call::Builder call, Numbers n) {
  call.setQuestionId(SmallId(n[0]));
  BuildTarget(call.initTarget(), n[1], n[2]);
  const uint8_t method = n[3];
  const bool listener = (method & 0x40) != 0;
  call.setInterfaceId((method & 0x20) != 0 ? 17
                      : listener           ? capnp::typeId<::kitchen::wire::Listener>()
                                           : capnp::typeId<::kitchen::wire::Cook>());
  call.setMethodId(listener ? method & 1 : method & 0x1f);
  if (method >= 0xc0) call.getSendResultsTo().setYourself();
  if (method >= 0xf0) call.getSendResultsTo().initThirdParty();
  if (n[1] >= 0xe0) call.setOneWay(true);
  auto params = call.initParams();
  BuildContent(params.getContent(), listener ? 2 : n[4] / 16);
  BuildCapTable(params, n.subspan(4));
}

void BuildReturn(protocol::Return::Builder ret, Numbers n) {
  ret.setAnswerId(SmallId(n[0]));
  ret.setReleaseParamCaps((n[1] & 0x10) == 0);
  ret.setNoFinishNeeded((n[1] & 0x20) != 0);
  switch (n[1] % 10) {
    case 0:
    case 1:
    case 2: {
      auto results = ret.initResults();
      BuildContent(results.getContent(), n[2]);
      BuildCapTable(results, n.subspan(3));
      break;
    }
    case 3:
      BuildException(ret.initException(), n[2]);
      break;
    case 4:
      ret.setCanceled();
      break;
    case 5:
      ret.setResultsSentElsewhere();
      break;
    case 6:
    case 7:
      ret.setTakeFromOtherQuestion(SmallId(n[2]));
      break;
    case 8:
      ret.initAwaitFromThirdParty();
      break;
    default:
      ret.setCanceled();
      object::SetDiscriminant(ret, 3, 44);
      break;
  }
}

void BuildResolve(protocol::Resolve::Builder resolve, Numbers n) {
  resolve.setPromiseId(SmallId(n[0]));
  if (n[1] % 4 == 3) {
    BuildException(resolve.initException(), n[2]);
  } else {
    BuildDescriptor(resolve.initCap(), n[2], n[3]);
  }
}

void BuildDisembargo(protocol::Disembargo::Builder disembargo, Numbers n) {
  BuildTarget(disembargo.initTarget(), n[0], n[1]);
  auto context = disembargo.getContext();
  switch (n[2] % 4) {
    case 0:
    case 1:
      context.setSenderLoopback(SmallId(n[3]));
      break;
    case 2:
      context.setReceiverLoopback(SmallId(n[3]));
      break;
    default:
      context.initAccept(0);
      break;
  }
}

void Build(uint8_t kind, Numbers n, protocol::Message::Builder message) {
  switch (static_cast<PeerKind>(kind % kPeerKinds)) {
    case PeerKind::kBootstrap:
      message.initBootstrap().setQuestionId(SmallId(n[0]));
      break;
    case PeerKind::kCall:
      BuildCall(message.initCall(), n);
      break;
    case PeerKind::kReturn:
      BuildReturn(message.initReturn(), n);
      break;
    case PeerKind::kFinish:
      message.initFinish().setQuestionId(SmallId(n[0]));
      message.getFinish().setReleaseResultCaps(n[1] % 2 == 0);
      break;
    case PeerKind::kResolve:
      BuildResolve(message.initResolve(), n);
      break;
    case PeerKind::kRelease:
      message.initRelease().setId(SmallId(n[0]));
      message.getRelease().setReferenceCount(n[1] == 0xff ? ~0u : n[1] % 4);
      break;
    case PeerKind::kDisembargo:
      BuildDisembargo(message.initDisembargo(), n);
      break;
    case PeerKind::kUnimplemented:
      // One level deep: what is echoed holds one number less.
      if (n.size() < 7) {
        message.initUnimplemented();
      } else {
        const uint8_t last[] = {n[1], n[2], n[3], n[4], n[5], n[6], 0, 0};
        Build(n[0] % kPeerKinds == kind % kPeerKinds ? 0 : n[0], Numbers(last),
              message.initUnimplemented());
      }
      break;
    case PeerKind::kAbort:
      BuildException(message.initAbort(), n[0]);
      break;
    case PeerKind::kOther: {
      static constexpr uint16_t kTags[] = {7, 9, 10, 11, 12, 14, 15, 0xffff};
      message.initProvide().initAsAnyStruct(1, 1).getDataSection()[0] = n[1];
      object::SetDiscriminant(message, 0, kTags[n[0] % 8]);
      break;
    }
  }
}

}  // namespace

uint32_t SmallId(uint8_t byte) {
  static constexpr uint32_t kCorners[] = {1023, 1024, 0x7fffffff, 0x80000000, 0xffffffff};
  if (byte < 0xf0) return byte % 6;
  return kCorners[(byte - 0xf0) % 5];
}

void BuildPeerMessage(const Record& record, protocol::Message::Builder message) {
  Build(record[0], Numbers(record).subspan(1), message);
}

}  // namespace drover::fuzz
