// stock_client ENDPOINT: uses a Worker in every way the schema allows, through Cap'n Proto's own
// RPC runtime, without any of Drover. Prints each check that fails; status 0 if none does.
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

#include <exception>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "interop.capnp.h"
#include "interop/stock_endpoint.h"
#include "interop/stock_file.h"

namespace interop::stock {
namespace {

// Answers what it heard, and tells when its last reference is gone.
class ListenerImpl final : public Listener::Server {
 public:
  explicit ListenerImpl(kj::Own<kj::PromiseFulfiller<void>> gone) : gone_(kj::mv(gone)) {}
  ~ListenerImpl() { gone_->fulfill(); }

 protected:
  kj::Promise<void> heard(HeardContext context) override {
    context.getResults().setReply(kj::str("heard ", context.getParams().getText()));
    return kj::READY_NOW;
  }

 private:
  kj::Own<kj::PromiseFulfiller<void>> gone_;
};

// All that it can do is carry a file.
class WorkerWithFile final : public Worker::Server {
 public:
  kj::Maybe<int> getFd() override { return file_.get(); }

 private:
  const kj::AutoCloseFd file_ = FileOf("of the client");
};

class Checks {
 public:
  Checks(Worker::Client worker, kj::WaitScope& wait, bool passes_fds)
      : worker_(kj::mv(worker)), wait_(wait), passes_fds_(passes_fds) {}

  // True if all held.
  bool Run() {
    Check("a call is answered", [&] { return Calculate(worker_, 41) == 42; });
    Check("128 calls in flight are each answered", [&] { return CallsInFlight(128); });
    Check("a call on a promised worker is answered",
          [&] { return Calculate(worker_.getRequest().send().getWorker(), 1) == 2; });
    Check("a worker that was returned is called", [&] {
      auto got = worker_.getRequest().send().wait(wait_);
      return Calculate(got.getWorker(), 2) == 3;
    });
    Check("a worker outlives the answer it came in", [&] {
      Worker::Client other = worker_.getRequest().send().wait(wait_).getWorker();
      return Calculate(other, 3) == 4 && Calculate(worker_, 4) == 5;
    });
    // A server may destroy what was released on another thread, so this may take some calls.
    Check("a worker that was released is gone", [&] {
      while (worker_.livingRequest().send().wait(wait_).getCount() != 0) {
      }
      return true;
    });
    if (passes_fds_) {
      Check("a file comes with a worker", [&] { return FileOfWorker() == "worker"; });
      Check("a file goes with a worker", [&] {
        auto request = worker_.readRequest();
        request.setWorker(kj::heap<WorkerWithFile>());
        return request.send().wait(wait_).getContent() == "of the client";
      });
    }
    Check("a listener is called back, then released", [&] { return Subscribe(); });
    using Kind = kj::Exception::Type;
    Check("a failure carries its reason", [&] { return Fails("no tyres left", Kind::FAILED); });
    Check("overload is told", [&] { return Fails("overloaded, alas", Kind::OVERLOADED); });
    Check("disconnection is told", [&] { return Fails("disconnected, alas", Kind::DISCONNECTED); });
    Check("what is unimplemented is told",
          [&] { return Fails("unimplemented, alas", Kind::UNIMPLEMENTED); });
    Check("a failed call leaves the connection whole", [&] { return Calculate(worker_, 5) == 6; });
    Check("an interface that is not there is unimplemented", [&] { return Unimplemented(); });
    Check("a call that is dropped disturbs no other", [&] {
      { auto dropped = worker_.echoRequest().send(); }
      return Calculate(worker_, 6) == 7;
    });
    for (size_t size : {0, 1, 4096, 65536, 1 << 20}) {
      Check("data of " + std::to_string(size) + " bytes comes back", [&] { return Echo(size); });
    }
    Check("a stream of chunks arrives whole and in order", [&] { return Stream(1000, 8192); });
    Check("a stream's failure is told to its sender", [&] { return StreamFails(); });
    return failures_ == 0;
  }

 private:
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
    return request.send().wait(wait_).getY();
  }

  bool CallsInFlight(uint32_t count) {
    std::vector<capnp::RemotePromise<Worker::CalculateResults>> answers;
    for (uint32_t x = 0; x < count; ++x) {
      auto request = worker_.calculateRequest();
      request.setX(x);
      answers.push_back(request.send());
    }
    bool right = true;
    for (uint32_t x = 0; x < count; ++x) right &= answers[x].wait(wait_).getY() == x + 1;
    return right;
  }

  bool Subscribe() {
    auto gone = kj::newPromiseAndFulfiller<void>();
    bool right;
    {
      auto request = worker_.subscribeRequest();
      request.setListener(kj::heap<ListenerImpl>(kj::mv(gone.fulfiller)));
      right = request.send().wait(wait_).getAnswer() == "heard news";
    }
    gone.promise.wait(wait_);
    return right;
  }

  std::string FileOfWorker() {
    auto got = worker_.getRequest().send().wait(wait_);
    KJ_IF_MAYBE (fd, got.getWorker().getFd().wait(wait_)) {
      return ContentOf(*fd).cStr();
    }
    return "none";
  }

  bool Fails(const char* reason, kj::Exception::Type kind) {
    auto request = worker_.failRequest();
    request.setReason(reason);
    try {
      request.send().wait(wait_);
    } catch (const kj::Exception& e) {
      return e.getType() == kind &&
             std::string(e.getDescription().cStr()).find(reason) != std::string::npos;
    }
    return false;
  }

  bool Unimplemented() {
    try {
      worker_.castAs<Listener>().heardRequest().send().wait(wait_);
    } catch (const kj::Exception& e) {
      return e.getType() == kj::Exception::Type::UNIMPLEMENTED;
    }
    return false;
  }

  kj::Promise<void> Write(Sink::Client& sink, uint32_t number, size_t size) {
    auto request = sink.writeRequest();
    auto chunk = request.initChunk(static_cast<unsigned>(size));
    if (size > 0) chunk[0] = static_cast<kj::byte>(number);
    return request.send();
  }

  bool Stream(uint32_t chunks, size_t size) {
    Sink::Client sink = worker_.openRequest().send().getSink();
    for (uint32_t i = 0; i < chunks; ++i) Write(sink, i, size).wait(wait_);
    auto done = sink.doneRequest().send().wait(wait_);
    return done.getChunks() == chunks && done.getBytes() == chunks * size && done.getInOrder();
  }

  bool StreamFails() {
    Sink::Client sink = worker_.openRequest().send().getSink();
    try {
      for (uint32_t i = 0;; ++i) Write(sink, i, 0).wait(wait_);
    } catch (const kj::Exception& e) {
      return std::string(e.getDescription().cStr()).find("an empty chunk") != std::string::npos;
    }
  }

  bool Echo(size_t size) {
    std::vector<kj::byte> data(size);
    for (size_t i = 0; i < size; ++i) data[i] = static_cast<kj::byte>(i * 31 + i / 256);
    auto request = worker_.echoRequest();
    request.setData(kj::arrayPtr(data.data(), data.size()));
    auto answer = request.send().wait(wait_);
    return answer.getData() == kj::arrayPtr(data.data(), data.size());
  }

  Worker::Client worker_;
  kj::WaitScope& wait_;
  const bool passes_fds_;
  int failures_ = 0;
};

bool Run(const std::string& endpoint) {
  auto io = kj::setupAsyncIo();
  auto address =
      io.provider->getNetwork().parseAddress(KjAddress(endpoint).c_str()).wait(io.waitScope);
  auto stream = address->connect().wait(io.waitScope);
  const bool passes_fds = endpoint.starts_with("unix:");
  if (!passes_fds) {
    capnp::TwoPartyClient client(*stream);
    return Checks(client.bootstrap().castAs<Worker>(), io.waitScope, passes_fds).Run();
  }
  capnp::TwoPartyClient client(kj::downcast<kj::AsyncCapabilityStream>(*stream), kMostFds);
  return Checks(client.bootstrap().castAs<Worker>(), io.waitScope, passes_fds).Run();
}

}  // namespace
}  // namespace interop::stock

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: stock_client ENDPOINT\n";
    return 2;
  }
  try {
    return interop::stock::Run(argv[1]) ? 0 : 1;
  } catch (const kj::Exception& e) {
    std::cout << "FAILED: " << e.getDescription().cStr() << std::endl;
  } catch (const std::exception& e) {
    std::cout << "FAILED: " << e.what() << std::endl;
  }
  return 1;
}
