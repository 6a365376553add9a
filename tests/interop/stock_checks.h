// What a stock client expects of a Worker, in groups: functions that use the Worker and say which
// checks fail.
#ifndef DROVER_TESTS_INTEROP_STOCK_CHECKS_H_
#define DROVER_TESTS_INTEROP_STOCK_CHECKS_H_

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/debug.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "interop.capnp.h"
#include "interop/stock_endpoint.h"
#include "interop/stock_file.h"

namespace interop::stock {

inline kj::Own<kj::AsyncIoStream> Dial(kj::AsyncIoContext& io, const std::string& endpoint) {
  auto address = io.provider->getNetwork().parseAddress(KjAddress(endpoint).c_str());
  return address.wait(io.waitScope)->connect().wait(io.waitScope);
}

// A connection of the stock runtime; over UNIX sockets descriptors come along.
class StockConnection {
 public:
  StockConnection(kj::AsyncIoContext& io, const std::string& endpoint)
      : stream_(Dial(io, endpoint)) {
    if (endpoint.starts_with("unix:")) {
      client_.emplace(kj::downcast<kj::AsyncCapabilityStream>(*stream_), kMostFds);
    } else {
      client_.emplace(*stream_);
    }
  }

  Worker::Client worker() { return KJ_ASSERT_NONNULL(client_).bootstrap().castAs<Worker>(); }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  kj::Maybe<capnp::TwoPartyClient> client_;
};

class Checks {
 public:
  Checks(kj::AsyncIoContext& io, std::string endpoint)
      : io_(io),
        endpoint_(std::move(endpoint)),
        connection_(io, endpoint_),
        worker_(connection_.worker()) {}

  Worker::Client worker() { return worker_; }
  kj::AsyncIoContext& io() { return io_; }
  kj::WaitScope& wait() { return io_.waitScope; }
  const std::string& endpoint() const { return endpoint_; }
  bool over_unix() const { return endpoint_.starts_with("unix:"); }
  bool all_held() const { return failures_ == 0; }

  template <class F>
  void Check(const std::string& what, F holds) {
    std::string why = "it does not hold";
    try {
      if (holds()) return;
    } catch (const kj::Exception& e) {
      why = e.getDescription().cStr();
    }
    ++failures_;
    std::cout << "FAILED: " << what << ": " << why << std::endl;
  }

  uint32_t Calculate(Worker::Client worker, uint32_t x) {
    auto request = worker.calculateRequest();
    request.setX(x);
    return request.send().wait(wait()).getY();
  }

  uint32_t Living() { return worker().livingRequest().send().wait(wait()).getCount(); }
  // A server may destroy what was released on another thread, so this may take some calls.
  void AwaitNoneLiving() {
    while (Living() != 0) {
    }
  }

  // Whether the promise fails in this way, with a reason in which `reason` is found.
  template <class T>
  bool Fails(kj::Promise<T> promise, kj::Exception::Type kind, const std::string& reason = "") {
    try {
      promise.wait(wait());
    } catch (const kj::Exception& e) {
      if (e.getType() != kind) throw;
      if (std::string(e.getDescription().cStr()).find(reason) == std::string::npos) throw;
      return true;
    }
    return false;
  }

 private:
  kj::AsyncIoContext& io_;
  const std::string endpoint_;
  StockConnection connection_;
  Worker::Client worker_;
  int failures_ = 0;
};

// What a listener of ours has heard, in order.
struct Heard {
  std::vector<std::string> texts;
  bool gone = false;  // the listener's last reference was given back
  // Of the first text.
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> first = nullptr;
};

class StockListener final : public Listener::Server {
 public:
  explicit StockListener(std::shared_ptr<Heard> heard) : heard_(std::move(heard)) {}
  ~StockListener() { heard_->gone = true; }

 protected:
  kj::Promise<void> heard(HeardContext context) override {
    heard_->texts.push_back(context.getParams().getText().cStr());
    context.getResults().setReply(kj::str("heard ", context.getParams().getText()));
    KJ_IF_MAYBE (first, heard_->first) {
      (*first)->fulfill();
    }
    return kj::READY_NOW;
  }

 private:
  const std::shared_ptr<Heard> heard_;
};

void CheckEverything(Checks& checks);
void CheckOrder(Checks& checks);
// Of a server that is not of the stock runtime 0.9.2, which ends the connection: it takes a
// Disembargo that comes while it waits for one of its own for one that leads nowhere.
void CheckOrderOverNeighbour(Checks& checks);
void CheckTailCalls(Checks& checks);
// Answers of what comes back to the client are larger than the server takes.
void CheckTailCallsBack(Checks& checks);
void CheckCancellation(Checks& checks);
void CheckReleases(Checks& checks);
void CheckLostConnection(Checks& checks);
void CheckAbort(Checks& checks);
// Prints how many chunks are on their way when the sender has to wait. Of a server whose sink takes
// none until then.
void CheckStreamOfLittle(Checks& checks);
void CheckHugeMessages(Checks& checks);
// Of a server with the default limit.
void CheckTooLargeMessage(Checks& checks);
// Of a server with room for it.
void CheckTooLargeAnswer(Checks& checks);

}  // namespace interop::stock

#endif  // DROVER_TESTS_INTEROP_STOCK_CHECKS_H_
