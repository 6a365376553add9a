#include "interop/stock_worker.h"

#include <capnp/common.h>
#include <kj/async.h>
#include <kj/debug.h>
#include <kj/vector.h>

#include "interop/stock_file.h"

namespace interop::stock {
namespace {

uint32_t living = 0;
uint32_t waiting = 0;

// Counts itself while it exists.
class Counted {
 public:
  explicit Counted(uint32_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  uint32_t& count_;
};

kj::Exception::Type KindOf(kj::StringPtr reason) {
  if (reason.startsWith("overloaded")) return kj::Exception::Type::OVERLOADED;
  if (reason.startsWith("disconnected")) return kj::Exception::Type::DISCONNECTED;
  if (reason.startsWith("unimplemented")) return kj::Exception::Type::UNIMPLEMENTED;
  return kj::Exception::Type::FAILED;
}

class SinkImpl final : public Sink::Server {
 protected:
  kj::Promise<void> write(WriteContext context) override {
    auto chunk = context.getParams().getChunk();
    KJ_REQUIRE(chunk.size() > 0, "an empty chunk");
    in_order_ &= chunk[0] == static_cast<kj::byte>(chunks_);
    ++chunks_;
    bytes_ += chunk.size();
    return kj::READY_NOW;
  }

  kj::Promise<void> done(DoneContext context) override {
    auto results = context.getResults();
    results.setChunks(chunks_);
    results.setBytes(bytes_);
    results.setInOrder(in_order_);
    return kj::READY_NOW;
  }

 private:
  uint32_t chunks_ = 0;
  uint64_t bytes_ = 0;
  bool in_order_ = true;
};

class GotWorker;
GotWorker* last_got = nullptr;

class WorkerImpl : public Worker::Server {
 public:
  virtual ~WorkerImpl() = default;  // GotWorker is one
  explicit WorkerImpl(Worker::Client neighbour) : neighbour_(kj::mv(neighbour)) {}

 protected:
  kj::Promise<void> calculate(CalculateContext context) override {
    context.getResults().setY(context.getParams().getX() + 1);
    return kj::READY_NOW;
  }

  kj::Promise<void> subscribe(SubscribeContext context) override {
    auto request = context.getParams().getListener().heardRequest();
    request.setText("news");
    return request.send().then([context](capnp::Response<Listener::HeardResults> reply) mutable {
      context.getResults().setAnswer(reply.getReply());
    });
  }

  kj::Promise<void> get(GetContext context) override;
  kj::Promise<void> again(AgainContext context) override;

  kj::Promise<void> fail(FailContext context) override {
    auto reason = context.getParams().getReason();
    return kj::Exception(KindOf(reason), __FILE__, __LINE__, kj::heapString(reason));
  }

  kj::Promise<void> echo(EchoContext context) override {
    context.getResults().setData(context.getParams().getData());
    return kj::READY_NOW;
  }

  kj::Promise<void> blob(BlobContext context) override {
    context.getResults().initData(context.getParams().getSize());
    return kj::READY_NOW;
  }

  kj::Promise<void> read(ReadContext context) override {
    return context.getParams().getWorker().getFd().then([context](kj::Maybe<int> fd) mutable {
      KJ_IF_MAYBE (number, fd) {
        context.getResults().setContent(ContentOf(*number));
      }
    });
  }

  kj::Maybe<int> getFd() override { return file_.get(); }

  kj::Promise<void> living(LivingContext context) override {
    context.getResults().setCount(stock::living);
    return kj::READY_NOW;
  }

  kj::Promise<void> open(OpenContext context) override {
    context.getResults().setSink(kj::heap<SinkImpl>());
    return kj::READY_NOW;
  }

  kj::Promise<void> wait(WaitContext context) override {
    auto params = context.getParams();
    if (params.hasOver()) {
      auto request = params.getOver().waitRequest();
      request.setListener(params.getListener());
      AllowCancellation(context);
      return context.tailCall(kj::mv(request));
    }
    auto request = params.getListener().heardRequest();
    request.setText("waiting");
    AllowCancellation(context);
    return request.send()
        .then([](auto&&) -> kj::Promise<void> { return kj::NEVER_DONE; })
        .attach(kj::heap<Counted>(stock::waiting));
  }

  kj::Promise<void> waiting(WaitingContext context) override {
    context.getResults().setCount(stock::waiting);
    return kj::READY_NOW;
  }

  kj::Promise<void> pass(PassContext context) override {
    auto params = context.getParams();
    if (params.hasOver()) {
      auto request = params.getOver().passRequest();
      request.setListener(params.getListener());
      context.getResults().setListener(request.send().getListener());
    } else {
      context.getResults().setListener(params.getListener());
    }
    return kj::READY_NOW;
  }

  kj::Promise<void> neighbour(NeighbourContext context) override {
    context.getResults().setWorker(neighbour_);
    return kj::READY_NOW;
  }

  kj::Promise<void> delegate(DelegateContext context) override;

  kj::Promise<void> keep(KeepContext context) override {
    kept_.add(context.getParams().getListener());
    return kj::READY_NOW;
  }

  kj::Promise<void> drop(DropContext context) override {
    Listener::Client dropped = kept_.back();
    kept_.removeLast();
    auto request = dropped.heardRequest();
    request.setText("goodbye");
    return request.send().then([context](capnp::Response<Listener::HeardResults> reply) mutable {
      context.getResults().setReply(reply.getReply());
    });
  }

 private:
  // Since 1.0 the schema says it.
  static void AllowCancellation([[maybe_unused]] WaitContext& context) {
#if CAPNP_VERSION < 1000000
    context.releaseParams();
    context.allowCancellation();
#endif
  }

  Worker::Client neighbour_;
  kj::Vector<Listener::Client> kept_;
  const kj::AutoCloseFd file_ = FileOf("worker");
};

// One that get returned.
class GotWorker final : public WorkerImpl {
 public:
  GotWorker() : WorkerImpl(nullptr) { last_got = this; }
  ~GotWorker() {
    if (last_got == this) last_got = nullptr;
  }
  Worker::Client Again() { return thisCap(); }

 private:
  Counted counted_{stock::living};
};

kj::Promise<void> WorkerImpl::get(GetContext context) {
  context.getResults().setWorker(kj::heap<GotWorker>());
  return kj::READY_NOW;
}

kj::Promise<void> WorkerImpl::again(AgainContext context) {
  KJ_REQUIRE(last_got != nullptr, "the last worker is gone");
  context.getResults().setWorker(last_got->Again());
  return kj::READY_NOW;
}

kj::Promise<void> WorkerImpl::delegate(DelegateContext context) {
  auto params = context.getParams();
  auto to = params.getTo();
  if (to.size() == 0) {
    auto results = context.getResults();
    results.setY(params.getX() + 1);
    results.setBy(kj::heap<GotWorker>());
    return kj::READY_NOW;
  }
  Worker::Client first = to[0];
  auto request = first.delegateRequest();
  request.setX(params.getX());
  auto others = request.initTo(to.size() - 1);
  for (unsigned i = 1; i < to.size(); ++i) others.set(i - 1, to[i]);
  return context.tailCall(kj::mv(request));
}

}  // namespace

Worker::Client NewWorker(Worker::Client neighbour) {
  return kj::heap<WorkerImpl>(kj::mv(neighbour));
}

uint32_t LivingWorkers() { return living; }
uint32_t WaitingCalls() { return waiting; }

}  // namespace interop::stock
