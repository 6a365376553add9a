// Bare UNIX sockets: what the kernel alone costs. No framework can be faster on a blocking socket;
// one whose receiver spins can be faster than one that sleeps.
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <thread>
#include <utility>

#include "common/contender.h"
#include "drover/base/unique_fd.h"

namespace drover::bench {
namespace {

// A request for a call and its answer are 64 bytes, as a small RPC message is, and begin with the
// number. A request for an echo says in its first eight bytes how many follow.
constexpr size_t kMessage = 64;

uint32_t Number(const char* message) {
  uint32_t number;
  std::memcpy(&number, message, sizeof number);
  return number;
}

void SetNumber(char* message, uint32_t number) { std::memcpy(message, &number, sizeof number); }

// Lets the other thread of a core run on while this one polls.
void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

enum class Style {
  kBlocking,  // receivers sleep; every message has a write of its own
  kSpinning,  // receivers poll the socket and never sleep
  kBatched,   // receivers sleep; what one read brought is answered by one write
};

class Socket {
 public:
  Socket(base::UniqueFd fd, Style style) : fd_(std::move(fd)), style_(style) {}

  absl::Status Write(const void* from, size_t size) {
    const char* at = static_cast<const char*>(from);
    while (size > 0) {
      const ssize_t n = send(fd_.get(), at, size, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return absl::ErrnoToStatus(errno, "send");
      at += n;
      size -= n;
    }
    return absl::OkStatus();
  }

  // At least one byte.
  absl::StatusOr<size_t> ReadSome(void* into, size_t size) {
    for (;;) {
      const ssize_t n = recv(fd_.get(), into, size, style_ == Style::kSpinning ? MSG_DONTWAIT : 0);
      if (n > 0) return n;
      if (n == 0) return absl::UnavailableError("the peer closed");
      if (errno == EAGAIN) {
        Pause();
      } else if (errno != EINTR) {
        return absl::ErrnoToStatus(errno, "recv");
      }
    }
  }

  absl::Status Read(void* into, size_t size) {
    char* at = static_cast<char*>(into);
    while (size > 0) {
      absl::StatusOr<size_t> n = ReadSome(at, size);
      if (!n.ok()) return n.status();
      at += *n;
      size -= *n;
    }
    return absl::OkStatus();
  }

 private:
  base::UniqueFd fd_;
  Style style_;
};

sockaddr_un Address(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

// Answers every number with the next.
absl::Status AnswerCalls(Socket socket, Style style) {
  char buffer[kMessage * kWindow];
  for (;;) {
    absl::StatusOr<size_t> got = socket.ReadSome(buffer, sizeof buffer);
    if (!got.ok()) return got.status();
    size_t size = *got;
    if (size % kMessage != 0) {
      const size_t rest = kMessage - size % kMessage;
      if (absl::Status status = socket.Read(buffer + size, rest); !status.ok()) return status;
      size += rest;
    }
    for (size_t at = 0; at < size; at += kMessage) SetNumber(buffer + at, Number(buffer + at) + 1);
    const size_t piece = style == Style::kBatched ? size : kMessage;
    for (size_t at = 0; at < size; at += piece) {
      if (absl::Status status = socket.Write(buffer + at, piece); !status.ok()) return status;
    }
  }
}

absl::Status AnswerEchoes(Socket socket) {
  std::vector<char> data;
  for (;;) {
    uint64_t size;
    if (absl::Status status = socket.Read(&size, sizeof size); !status.ok()) return status;
    data.resize(size);
    if (absl::Status status = socket.Read(data.data(), size); !status.ok()) return status;
    if (absl::Status status = socket.Write(data.data(), size); !status.ok()) return status;
  }
}

// The first byte of a client that calls once; of others it is e or c.
constexpr char kOneCall = '1';

class RawSocket final : public Contender {
 public:
  RawSocket(std::string name, Style style) : name_(std::move(name)), style_(style) {}

  std::string name() const override { return name_; }
  Kind kind() const override { return Kind::kBare; }
  std::string how() const override {
    switch (style_) {
      case Style::kBlocking:
        return "64 bytes to and fro; receivers sleep, a thread for each connection";
      case Style::kSpinning:
        return "the same; receivers poll and never sleep, nor does who accepts, and serves clients "
               "that call once";
      case Style::kBatched:
        return "the same; receivers sleep, what one read brought is answered by one write";
    }
    return "";
  }

  bool Does(Work work, Placement placement) const override {
    switch (style_) {
      case Style::kBlocking:  // nothing tells threads' answers on one socket apart
        return work != Work::kSharedConnection && work != Work::kOneWay && work != Work::kIdle;
      case Style::kSpinning:  // on one CPU a spinning receiver keeps its sender from running
        return (work == Work::kNullCall || work == Work::kConnect) &&
               placement == Placement::kTwoCpus;
      case Style::kBatched:
        return work == Work::kInFlight;
    }
    return false;
  }

  // The first byte a client sends says which work it will ask for. A thread for each connection,
  // unless who accepts spins and the client calls once.
  absl::Status Serve(const std::string& path, const std::function<void()>& ready) override {
    base::UniqueFd listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = Address(path);
    if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener.get(), SOMAXCONN) != 0) {
      return absl::ErrnoToStatus(errno, path);
    }
    ready();
    for (;;) {
      absl::StatusOr<base::UniqueFd> fd = Accept(listener.get());
      if (!fd.ok()) return fd.status();
      Socket socket(*std::move(fd), style_);
      char work = 0;
      if (style_ == Style::kSpinning) {
        if (!socket.Read(&work, 1).ok()) continue;
        if (work == kOneCall) {
          AnswerCalls(std::move(socket), style_).IgnoreError();  // see below
          continue;
        }
      }
      std::thread([style = style_, socket = std::move(socket), work]() mutable {
        if (style != Style::kSpinning && !socket.Read(&work, 1).ok()) return;
        const bool echo = work == 'e';
        absl::Status status =
            echo ? AnswerEchoes(std::move(socket)) : AnswerCalls(std::move(socket), style);
        status.IgnoreError();  // a client that is done closes its connection
      }).detach();
    }
  }

  absl::StatusOr<Sample> Run(Work work, const std::string& path, double seconds) override {
    switch (work) {
      case Work::kNullCall:
        return NullCalls(path, seconds);
      case Work::kInFlight:
        return InFlight(path, seconds);
      case Work::kThreads:
        return TimeThreads(kThreadCount, [&](int) { return NullCalls(path, seconds); });
      case Work::kSharedConnection:
        break;
      case Work::kEcho64KiB:
      case Work::kEcho1MiB:
        return Echoes(path, EchoBytes(work), seconds);
      case Work::kConnect:
        return TimeCalls(seconds, [&]() -> absl::Status {
          absl::StatusOr<Socket> socket = Connect(path, kOneCall);
          return socket.ok() ? CallOnce(*socket) : socket.status();
        });
      case Work::kOneWay:
      case Work::kIdle:
        break;
    }
    return absl::UnimplementedError("not done");
  }

 private:
  absl::StatusOr<base::UniqueFd> Accept(int listener) const {
    if (style_ == Style::kSpinning) {
      pollfd poll_fd{.fd = listener, .events = POLLIN, .revents = 0};
      while (poll(&poll_fd, 1, 0) == 0) Pause();
    }
    base::UniqueFd fd(accept(listener, nullptr, nullptr));
    if (!fd.valid()) return absl::ErrnoToStatus(errno, "accept");
    return fd;
  }

  absl::StatusOr<Socket> Connect(const std::string& path, char work) {
    base::UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_un address = Address(path);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return absl::ErrnoToStatus(errno, path);
    }
    Socket socket(std::move(fd), style_);
    if (absl::Status status = socket.Write(&work, 1); !status.ok()) return status;
    return socket;
  }

  absl::StatusOr<Sample> NullCalls(const std::string& path, double seconds) {
    absl::StatusOr<Socket> socket = Connect(path, 'c');
    if (!socket.ok()) return socket.status();
    return TimeCalls(seconds, [&] { return CallOnce(*socket); });
  }

  static absl::Status CallOnce(Socket& socket) {
    char message[kMessage] = {};
    SetNumber(message, 7);
    absl::Status status = socket.Write(message, sizeof message);
    if (status.ok()) status = socket.Read(message, sizeof message);
    if (status.ok() && Number(message) != 8) return absl::DataLossError("not 8");
    return status;
  }

  absl::StatusOr<Sample> InFlight(const std::string& path, double seconds) {
    absl::StatusOr<Socket> socket = Connect(path, 'c');
    if (!socket.ok()) return socket.status();
    char messages[kMessage * kWindow] = {};
    for (int i = 0; i < kWindow; ++i) SetNumber(messages + i * kMessage, 7);
    if (absl::Status status = socket->Write(messages, sizeof messages); !status.ok()) return status;
    size_t part = 0;  // bytes at the front, of a message of which the rest has not come yet
    return TimeTurns(seconds, [&]() -> absl::StatusOr<uint64_t> {
      absl::StatusOr<size_t> got = socket->ReadSome(messages + part, sizeof messages - part);
      if (!got.ok()) return got.status();
      const size_t size = (part + *got) / kMessage * kMessage;
      part = part + *got - size;
      for (size_t at = 0; at < size; at += kMessage) {
        if (Number(messages + at) != 8) return absl::DataLossError("not 8");
        SetNumber(messages + at, 7);
      }
      const size_t piece = style_ == Style::kBatched ? size : kMessage;
      for (size_t at = 0; at < size; at += piece) {
        if (absl::Status status = socket->Write(messages + at, piece); !status.ok()) return status;
      }
      std::memmove(messages, messages + size, part);
      return size / kMessage;
    });
  }

  absl::StatusOr<Sample> Echoes(const std::string& path, size_t size, double seconds) {
    absl::StatusOr<Socket> socket = Connect(path, 'e');
    if (!socket.ok()) return socket.status();
    std::vector<char> request(sizeof(uint64_t) + size, 'x');
    const uint64_t length = size;
    std::memcpy(request.data(), &length, sizeof length);
    std::vector<char> answer(size);
    return TimeCalls(seconds, [&]() -> absl::Status {
      absl::Status status = socket->Write(request.data(), request.size());
      if (status.ok()) status = socket->Read(answer.data(), answer.size());
      if (status.ok() && answer.back() != 'x') return absl::DataLossError("another answer");
      return status;
    });
  }

  const std::string name_;
  const Style style_;
};

}  // namespace

std::vector<std::unique_ptr<Contender>> RawSocketContenders() {
  std::vector<std::unique_ptr<Contender>> contenders;
  contenders.push_back(std::make_unique<RawSocket>("raw socket", Style::kBlocking));
  contenders.push_back(std::make_unique<RawSocket>("raw socket, spinning", Style::kSpinning));
  contenders.push_back(std::make_unique<RawSocket>("raw socket, batched", Style::kBatched));
  return contenders;
}

}  // namespace drover::bench
