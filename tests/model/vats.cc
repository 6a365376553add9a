#include "model/vats.h"

#include <sys/socket.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "drover/transport/socket_stream.h"

namespace drover::model {

Vats::Vats(Troupe* troupe, size_t count, bool frozen, bool tails) : frozen_(frozen), tails_(tails) {
  for (size_t i = 0; i < count; ++i) {
    fronts_.emplace_back(troupe->Hire(static_cast<uint32_t>(i), i));
  }
  for (size_t a = 0; a < count; ++a) {
    for (size_t b = a + 1; b < count; ++b) Connect(a, b);
  }
}

const Vats::Link& Vats::Connect(size_t a, size_t b) {
  std::array<base::UniqueFd, 2> ends;
  Link link{.vats = {a, b}, .ends = {}, .wire = nullptr};
  if (frozen_) {
    link.wire = std::make_unique<testing_support::FrozenWire>();
    for (size_t end : {0, 1}) ends[end] = link.wire->TakeEnd(end);
  } else {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) abort();
    for (size_t end : {0, 1}) ends[end].Reset(fds[end]);
  }
  for (size_t end : {0, 1}) {
    rpc::ConnectionOptions options;
    options.name = absl::StrCat("vat ", link.vats[1 - end], ", seen by vat ", link.vats[end]);
    options.front_object = fronts_[link.vats[end]].capability();
    link.ends[end] = rpc::Connection::Create(
        transport::SocketStream::Make(std::move(ends[end]), "unix"), std::move(options));
    link.ends[end]->WithLock([this](rpc::ConnectionState& s) { s.takes_tails = tails_; });
  }
  links_.push_back(std::move(link));
  return links_.back();
}

void Vats::Cut(size_t link, bool by_an_end) {
  rpc::Connection& end = *links_[link].ends[0];
  if (by_an_end) {
    end.Close(absl::UnavailableError("closed by the model"));
  } else {
    end.Abort(absl::UnavailableError("aborted by the model"));
  }
}

void Vats::PassFrame(size_t link, size_t end) { links_[link].wire->Pass(end); }

void Vats::PassAll() {
  for (const Link& link : links_) {
    if (link.wire == nullptr) continue;
    for (size_t end : {0, 1}) {
      while (link.wire->Pass(end)) {
      }
    }
  }
}

std::string Vats::Leftovers() {
  std::string text;
  for (const Link& link : links_) {
    for (const base::Ref<rpc::Connection>& end : link.ends) {
      end->WithLock([&](rpc::ConnectionState& s) {
        const size_t embargoes = s.embargoes.size();
        if (s.questions.size() + s.answers.size() + s.exports.size() + s.imports.size() +
                embargoes + s.running_calls + s.call_bytes + s.held_bytes ==
            0) {
          return;
        }
        absl::StrAppend(&text, end->name(), ": ", s.questions.size(), " questions, ",
                        s.answers.size(), " answers, ", s.exports.size(), " exports, ",
                        s.imports.size(), " imports, ", embargoes, " embargoes, ", s.running_calls,
                        " running calls, ", s.call_bytes, " bytes of calls, ", s.held_bytes,
                        " held bytes\n");
      });
    }
  }
  return text;
}

void Vats::Close() {
  for (const Link& link : links_) {
    for (const auto& end : link.ends) end->Close(absl::CancelledError("the round is over"));
  }
  fronts_.clear();
}

bool Vats::Unshared() const {
  for (const Link& link : links_) {
    for (const auto& end : link.ends) {
      if (!end->Unshared()) return false;
    }
  }
  return true;
}

}  // namespace drover::model
