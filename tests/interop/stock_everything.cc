// Every method of a Worker, once, in the ordinary way.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "interop/stock_checks.h"

namespace interop::stock {
namespace {

using Kind = kj::Exception::Type;

// All that it can do is carry a file.
class WorkerWithFile final : public Worker::Server {
 public:
  kj::Maybe<int> getFd() override { return file_.get(); }

 private:
  const kj::AutoCloseFd file_ = FileOf("of the client");
};

bool CallsInFlight(Checks& c, uint32_t count) {
  std::vector<capnp::RemotePromise<Worker::CalculateResults>> answers;
  Worker::Client worker = c.worker();
  for (uint32_t x = 0; x < count; ++x) {
    auto request = worker.calculateRequest();
    request.setX(x);
    answers.push_back(request.send());
  }
  bool right = true;
  for (uint32_t x = 0; x < count; ++x) right &= answers[x].wait(c.wait()).getY() == x + 1;
  return right;
}

bool Subscribe(Checks& c) {
  const auto heard = std::make_shared<Heard>();
  auto request = c.worker().subscribeRequest();
  request.setListener(kj::heap<StockListener>(heard));
  return request.send().wait(c.wait()).getAnswer() == "heard news" && heard->texts.size() == 1;
}

std::string FileOfWorker(Checks& c) {
  auto got = c.worker().getRequest().send().wait(c.wait());
  KJ_IF_MAYBE (fd, got.getWorker().getFd().wait(c.wait())) {
    return ContentOf(*fd).cStr();
  }
  return "none";
}

std::string FileOfClient(Checks& c) {
  auto request = c.worker().readRequest();
  request.setWorker(kj::heap<WorkerWithFile>());
  return request.send().wait(c.wait()).getContent().cStr();
}

bool Fails(Checks& c, const char* reason, Kind kind) {
  auto request = c.worker().failRequest();
  request.setReason(reason);
  return c.Fails(request.send().ignoreResult(), kind, reason);
}

kj::Promise<void> Write(Sink::Client& sink, uint32_t number, size_t size) {
  auto request = sink.writeRequest();
  auto chunk = request.initChunk(static_cast<unsigned>(size));
  if (size > 0) chunk[0] = static_cast<kj::byte>(number);
  return request.send();
}

bool Stream(Checks& c, uint32_t chunks, size_t size) {
  Sink::Client sink = c.worker().openRequest().send().getSink();
  for (uint32_t i = 0; i < chunks; ++i) Write(sink, i, size).wait(c.wait());
  auto done = sink.doneRequest().send().wait(c.wait());
  return done.getChunks() == chunks && done.getBytes() == chunks * size && done.getInOrder();
}

// Writes a chunk of one byte after the other until the stock runtime wants it to wait.
bool StreamOfLittle(Checks& c) {
  Sink::Client sink = c.worker().openRequest().send().wait(c.wait()).getSink();
  uint32_t chunks = 0;
  for (;;) {
    kj::Promise<void> room = Write(sink, chunks, 1);
    ++chunks;
    if (room.poll(c.wait())) {
      room.wait(c.wait());
      continue;
    }
    std::cout << chunks << std::endl;
    room.wait(c.wait());
    break;
  }
  auto done = sink.doneRequest().send().wait(c.wait());
  return done.getChunks() == chunks && done.getBytes() == chunks && done.getInOrder();
}

bool StreamFails(Checks& c) {
  Sink::Client sink = c.worker().openRequest().send().getSink();
  try {
    for (;;) {
      Write(sink, 0, 0).wait(c.wait());
      sink.doneRequest().send().wait(c.wait());  // behind the answer, so that few are in flight
    }
  } catch (const kj::Exception& e) {
    if (std::string(e.getDescription().cStr()).find("an empty chunk") == std::string::npos) throw;
    return true;
  }
}

bool Echo(Checks& c, size_t size) {
  std::vector<kj::byte> data(size);
  for (size_t i = 0; i < size; ++i) data[i] = static_cast<kj::byte>(i * 31 + i / 256);
  auto request = c.worker().echoRequest();
  request.setData(kj::arrayPtr(data.data(), data.size()));
  auto answer = request.send().wait(c.wait());
  return answer.getData() == kj::arrayPtr(data.data(), data.size());
}

}  // namespace

void CheckEverything(Checks& c) {
  c.Check("a call is answered", [&] { return c.Calculate(c.worker(), 41) == 42; });
  c.Check("128 calls in flight are each answered", [&] { return CallsInFlight(c, 128); });
  c.Check("a call on a promised worker is answered",
          [&] { return c.Calculate(c.worker().getRequest().send().getWorker(), 1) == 2; });
  c.Check("a worker that was returned is called", [&] {
    auto got = c.worker().getRequest().send().wait(c.wait());
    return c.Calculate(got.getWorker(), 2) == 3;
  });
  c.Check("a worker outlives the answer it came in", [&] {
    Worker::Client other = c.worker().getRequest().send().wait(c.wait()).getWorker();
    return c.Calculate(other, 3) == 4 && c.Calculate(c.worker(), 4) == 5;
  });
  c.Check("a worker that was released is gone", [&] {
    c.AwaitNoneLiving();
    return true;
  });
  c.Check("a file comes with a worker over UNIX alone",
          [&] { return FileOfWorker(c) == (c.over_unix() ? "worker" : "none"); });
  c.Check("a file goes with a worker over UNIX alone",
          [&] { return FileOfClient(c) == (c.over_unix() ? "of the client" : ""); });
  c.Check("a listener is called back", [&] { return Subscribe(c); });
  c.Check("a failure carries its reason", [&] { return Fails(c, "no tyres left", Kind::FAILED); });
  c.Check("overload is told", [&] { return Fails(c, "overloaded, alas", Kind::OVERLOADED); });
  c.Check("disconnection is told",
          [&] { return Fails(c, "disconnected, alas", Kind::DISCONNECTED); });
  c.Check("what is unimplemented is told",
          [&] { return Fails(c, "unimplemented, alas", Kind::UNIMPLEMENTED); });
  c.Check("a failed call leaves the connection whole",
          [&] { return c.Calculate(c.worker(), 5) == 6; });
  c.Check("an interface that is not there is unimplemented", [&] {
    auto heard = c.worker().castAs<Listener>().heardRequest().send();
    return c.Fails(heard.ignoreResult(), Kind::UNIMPLEMENTED);
  });
  c.Check("a call that is dropped disturbs no other", [&] {
    { auto dropped = c.worker().echoRequest().send(); }
    return c.Calculate(c.worker(), 6) == 7;
  });
  for (size_t size : {0, 1, 4096, 65536, 1 << 20, 8 << 20}) {
    c.Check("data of " + std::to_string(size) + " bytes comes back", [&] { return Echo(c, size); });
  }
  c.Check("a stream of chunks arrives whole and in order", [&] { return Stream(c, 1000, 8192); });
  c.Check("a stream's failure is told to its sender", [&] { return StreamFails(c); });
}

void CheckStreamOfLittle(Checks& c) {
  c.Check("a stream of little arrives whole and in order", [&] { return StreamOfLittle(c); });
}

}  // namespace interop::stock
