// Messages beyond the limits of an end, and connections that end in mid-call.
#include <capnp/rpc-twoparty.h>

#include <memory>
#include <string>
#include <vector>

#include "interop/stock_checks.h"
#include "interop/stock_huge.h"

namespace interop::stock {
namespace {

using Kind = kj::Exception::Type;

constexpr uint32_t kAboveTheDefault = 72 << 20;

// A connection with room for huge messages.
class RoomyConnection {
 public:
  explicit RoomyConnection(Checks& c)
      : stream_(Dial(c.io(), c.endpoint())),
        network_(*stream_, capnp::rpc::twoparty::Side::CLIENT, HugeMessages()),
        rpc_(capnp::makeRpcClient(network_)) {}

  Worker::Client worker() {
    capnp::MallocMessageBuilder message;
    auto server = message.initRoot<capnp::rpc::twoparty::VatId>();
    server.setSide(capnp::rpc::twoparty::Side::SERVER);
    return rpc_.bootstrap(server).castAs<Worker>();
  }

 private:
  kj::Own<kj::AsyncIoStream> stream_;
  capnp::TwoPartyVatNetwork network_;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc_;
};

kj::Promise<void> Blob(Worker::Client worker, uint32_t size) {
  auto request = worker.blobRequest();
  request.setSize(size);
  return request.send().then([size](capnp::Response<Worker::BlobResults> answer) {
    KJ_REQUIRE(answer.getData().size() == size);
  });
}

kj::Promise<void> Echo(Worker::Client worker, uint32_t size) {
  auto request = worker.echoRequest();
  request.initData(size)[size - 1] = 7;
  return request.send().then([size](capnp::Response<Worker::EchoResults> answer) {
    KJ_REQUIRE(answer.getData().size() == size && answer.getData()[size - 1] == 7);
  });
}

// A call of wait that has begun.
kj::Promise<void> Waiting(Checks& c, Worker::Client worker) {
  const auto heard = std::make_shared<Heard>();
  auto begun = kj::newPromiseAndFulfiller<void>();
  heard->first = kj::mv(begun.fulfiller);
  auto request = worker.waitRequest();
  request.setListener(kj::heap<StockListener>(heard));
  auto call = request.send().ignoreResult();
  begun.promise.wait(c.wait());
  return call;
}

}  // namespace

void CheckHugeMessages(Checks& c) {
  RoomyConnection roomy(c);
  c.Check("a message above the default limit comes back", [&] {
    Echo(roomy.worker(), kAboveTheDefault).wait(c.wait());
    return true;
  });
}

void CheckTooLargeMessage(Checks& c) {
  RoomyConnection roomy(c);
  auto waiting = Waiting(c, roomy.worker());
  c.Check("a message above the server's limit fails with the connection",
          [&] { return c.Fails(Echo(roomy.worker(), kAboveTheDefault), Kind::DISCONNECTED); });
  c.Check("so do other calls", [&] { return c.Fails(kj::mv(waiting), Kind::DISCONNECTED); });
  c.Check("other connections go on", [&] { return c.Calculate(c.worker(), 1) == 2; });
}

void CheckTooLargeAnswer(Checks& c) {
  auto waiting = Waiting(c, c.worker());
  c.Check("an answer above our limit fails with the connection", [&] {
    return c.Fails(Blob(c.worker(), kAboveTheDefault), Kind::DISCONNECTED, kTooLarge);
  });
  c.Check("so do other calls",
          [&] { return c.Fails(kj::mv(waiting), Kind::DISCONNECTED, kTooLarge); });
  c.Check("the next connection is served",
          [&] { return c.Calculate(StockConnection(c.io(), c.endpoint()).worker(), 1) == 2; });
}

void CheckLostConnection(Checks& c) {
  std::vector<kj::Promise<void>> calls;
  for (int i = 0; i < 3; ++i) calls.push_back(Waiting(c, c.worker()));
  std::cout << "waiting" << std::endl;
  for (kj::Promise<void>& call : calls) {
    c.Check("a call that was in flight tells of the loss",
            [&] { return c.Fails(kj::mv(call), Kind::DISCONNECTED); });
  }
  c.Check("the next call tells of it, too",
          [&] { return c.Fails(Blob(c.worker(), 1), Kind::DISCONNECTED); });
}

void CheckAbort(Checks& c) {
  auto waiting = Waiting(c, c.worker());
  c.Check("a call that passes on too many objects fails with the server's reason", [&] {
    for (int i = 0; i < 100; ++i) {
      auto request = c.worker().keepRequest();
      request.setListener(kj::heap<StockListener>(std::make_shared<Heard>()));
      auto keep = request.send().ignoreResult();
      if (c.Fails(kj::mv(keep), Kind::OVERLOADED, "limits.max_imports")) return true;
    }
    return false;
  });
  c.Check("so do other calls", [&] { return c.Fails(kj::mv(waiting), Kind::DISCONNECTED); });
}

}  // namespace interop::stock
