// Capabilities on their way out of and into this process.
#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/async/thread_pool.h"
#include "drover/rpc/connection.h"
#include "drover/rpc/promise_capability.h"
#include "drover/rpc/remote_capability.h"
#include "drover/rpc/remote_promise.h"

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
  if (capability->kind() == Capability::Kind::kRemote) {
    const auto& remote = static_cast<const RemoteCapability&>(*capability);
    if (&remote.connection() == this) {
      out.setReceiverHosted(remote.id().value());
      return;
    }
  } else if (capability->kind() == Capability::Kind::kRemotePromise) {
    const auto& promise = static_cast<const RemotePromise&>(*capability);
    // Calls of the peer on one that is embargoed must come here to be held.
    if (&promise.connection() == this && promise.phase == RemotePromise::Phase::kOpen) {
      if (promise.is_import()) {
        out.setReceiverHosted(promise.import_id().value());
      } else {
        auto answer = out.initReceiverAnswer();
        answer.setQuestionId(promise.question().value());
        WritePath(promise.path(), answer);
      }
      return;
    }
  }
  uint64_t serial;
  const ExportId id = state_.exports.Add(capability, &serial);
  exported->push_back(id);
  has_exports_.store(true, std::memory_order_release);
  if (!PromiseCapability::IsPromise(*capability)) {
    out.setSenderHosted(id.value());
    if (passes_fds_) DescribeFd(*capability, out);
    return;
  }
  out.setSenderPromise(id.value());
  if (serial == 0) return;
  auto self = base::Ref<Connection>::Share(this);
  auto tell = [self, id, serial] { self->SendResolve(id, serial); };
  if (!static_cast<PromiseCapability&>(*capability).OnResolved(tell)) {
    runtime_.pool().Post(tell);  // it resolved at this moment
  }
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
      return AddPromiseImport(ImportId(in.getSenderPromise()));
    case protocol::CapDescriptor::RECEIVER_HOSTED: {
      base::Ref<Capability> ours = state_.exports.Find(ExportId(in.getReceiverHosted()));
      if (ours) return ours;
      return BrokenCapability(
          absl::InvalidArgumentError("the peer sent back an object that it does not have"));
    }
    case protocol::CapDescriptor::RECEIVER_ANSWER: {
      const auto promised = in.getReceiverAnswer();
      absl::StatusOr<PipelinePath> path = ReadPath(promised);
      if (!path.ok()) return BrokenCapability(path.status());
      const AnswerId id(promised.getQuestionId());
      Answer* answer = state_.answers.Find(id);
      if (answer == nullptr) {
        return BrokenCapability(
            absl::InvalidArgumentError("the peer sent back an answer that it did not get"));
      }
      if (answer->returned) return AnswerCapability(*answer, *path);
      return PromiseInside(id, *answer, *path);
    }
    case protocol::CapDescriptor::THIRD_PARTY_HOSTED:
      return AddImport(ImportId(in.getThirdPartyHosted().getVineId()), in.getAttachedFd());
    default:
      return BrokenCapability(
          absl::UnimplementedError("the peer sent a kind of capability that is not known here"));
  }
}

bool Connection::NamesOurs(protocol::CapDescriptor::Reader in) {
  return in.isReceiverHosted() || in.isReceiverAnswer();
}

base::Ref<Capability> Connection::FindImport(ImportId id) {
  Import* entry = state_.imports.Find(id);
  if (entry == nullptr) return nullptr;
  if (entry->capability->TryRef()) {
    ++entry->references->received;
    return base::Ref<Capability>::Adopt(entry->capability);
  }
  // One that is being destroyed gives its own references back itself.
  state_.imports.Remove(id);
  return nullptr;
}

void Connection::NoteImport(ImportId id, Capability& import, ImportReferences& references) {
  references.received = 1;
  *state_.imports.Add(id) = {&import, &references};
  if (state_.imports.size() > terms_->limits.max_imports) {
    Overstep(absl::StrCat("the peer passed on more than ", terms_->limits.max_imports,
                          " objects (limits.max_imports)"));
  }
}

base::Ref<Capability> Connection::AddImport(ImportId id, uint8_t attached_fd) {
  if (base::Ref<Capability> known = FindImport(id)) {
    if (known->kind() == Capability::Kind::kRemote) {
      AttachFd(attached_fd, static_cast<RemoteCapability&>(*known));
    }
    return known;
  }
  auto import = base::MakeRef<RemoteCapability>(base::Ref<Connection>::Share(this), id);
  AttachFd(attached_fd, *import);
  NoteImport(id, *import, import->references);
  return import;
}

base::Ref<Capability> Connection::AddPromiseImport(ImportId id) {
  if (base::Ref<Capability> known = FindImport(id)) return known;
  auto import = base::MakeRef<RemotePromise>(base::Ref<Connection>::Share(this), id);
  NoteImport(id, *import, import->references);
  return import;
}

}  // namespace drover::rpc
