// Capabilities on their way out of and into this process.
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/rpc/bootstrap_capability.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/promise_capability.h"

namespace drover::rpc {

void Connection::Describe(MessageCaps& caps, protocol::Payload::Builder payload,
                          std::vector<ExportId>* exported) {
  auto table = payload.initCapTable(static_cast<unsigned>(caps.list().size()));
  for (unsigned i = 0; i < table.size(); ++i) DescribeOne(caps.list()[i], table[i], exported);
}

void Connection::DescribeOne(const base::Ref<Capability>& described,
                             protocol::CapDescriptor::Builder out,
                             std::vector<ExportId>* exported) {
  const base::Ref<Capability> capability = PromiseCapability::Follow(described);
  if (!capability) {
    out.setNone();
    return;
  }
  switch (capability->kind()) {
    case Capability::Kind::kRemote: {
      auto& remote = static_cast<RemoteCapability&>(*capability);
      if (&remote.connection() != this) break;
      out.setReceiverHosted(remote.id().value());
      return;
    }
    case Capability::Kind::kBootstrap:
      if (&static_cast<BootstrapCapability&>(*capability).connection() != this ||
          !state_.bootstrap) {
        break;
      }
      if (state_.bootstrap->front) {
        DescribeOne(state_.bootstrap->front, out, exported);
      } else {
        out.initReceiverAnswer().setQuestionId(state_.bootstrap->question.value());
      }
      return;
    default:
      break;
  }
  const ExportId id = state_.exports.Add(capability);
  exported->push_back(id);
  has_exports_.store(true, std::memory_order_release);
  out.setSenderHosted(id.value());
  if (passes_fds_) DescribeFd(*capability, out);
}

void Connection::Receive(protocol::Payload::Reader payload, MessageCaps* caps) {
  if (!payload.hasCapTable()) return;
  for (auto descriptor : payload.getCapTable()) {
    caps->list().push_back(ReceiveOne(descriptor));
    if (!state_.overstep.ok()) break;
  }
}

base::Ref<Capability> Connection::ReceiveOne(protocol::CapDescriptor::Reader in) {
  switch (in.which()) {
    case protocol::CapDescriptor::NONE:
      return nullptr;
    case protocol::CapDescriptor::SENDER_HOSTED:
      return AddImport(ImportId(in.getSenderHosted()), in.getAttachedFd());
    case protocol::CapDescriptor::SENDER_PROMISE:
      // As good as an object: the peer forwards calls on it, and its Resolve is echoed back.
      return AddImport(ImportId(in.getSenderPromise()), in.getAttachedFd());
    case protocol::CapDescriptor::RECEIVER_HOSTED: {
      base::Ref<Capability> ours = state_.exports.Find(ExportId(in.getReceiverHosted()));
      if (ours) return ours;
      return BrokenCapability(
          absl::InvalidArgumentError("the peer sent back an object that it does not have"));
    }
    case protocol::CapDescriptor::RECEIVER_ANSWER: {
      const auto promised = in.getReceiverAnswer();
      AnswerPath path;
      for (auto op : promised.getTransform()) {
        if (op.isGetPointerField()) path.push_back(op.getGetPointerField());
      }
      Answer* answer = state_.answers.Find(AnswerId(promised.getQuestionId()));
      if (answer == nullptr) {
        return BrokenCapability(
            absl::InvalidArgumentError("the peer sent back an answer that it did not get"));
      }
      if (answer->returned) return AnswerCapability(*answer, path);
      auto promise = base::MakeRef<PromiseCapability>();
      answer->waiting.push_back({std::move(path), nullptr, promise});
      return promise;
    }
    case protocol::CapDescriptor::THIRD_PARTY_HOSTED:
      return AddImport(ImportId(in.getThirdPartyHosted().getVineId()), in.getAttachedFd());
    default:
      return BrokenCapability(
          absl::UnimplementedError("the peer sent a kind of capability that is not known here"));
  }
}

base::Ref<Capability> Connection::AddImport(ImportId id, uint8_t attached_fd) {
  RemoteCapability** entry = state_.imports.Find(id);
  if (entry != nullptr && (*entry)->TryRef()) {
    ++(*entry)->received;
    AttachFd(attached_fd, **entry);
    return base::Ref<RemoteCapability>::Adopt(*entry);
  }
  // One that is being destroyed gives its own references back itself.
  if (entry != nullptr) state_.imports.Remove(id);
  auto import = base::MakeRef<RemoteCapability>(base::Ref<Connection>::Share(this), id);
  import->received = 1;
  AttachFd(attached_fd, *import);
  *state_.imports.Add(id) = import.get();
  if (state_.imports.size() > options_.limits.max_imports) {
    Overstep(absl::StrCat("the peer passed on more than ", options_.limits.max_imports,
                          " objects (limits.max_imports)"));
  }
  return import;
}

}  // namespace drover::rpc
