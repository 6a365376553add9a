// References that can be taken back.
#include "drover/object/revocable.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/object/call_context.h"
#include "drover/object/stream.h"
#include "fd.drover.h"
#include "gmock/gmock.h"
#include "sink.drover.h"
#include "support/temp_dir.h"
#include "support/ways.h"

namespace drover {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace testing_support;  // NOLINT: the tests' own

absl::Status Revoked() { return absl::PermissionDeniedError("the reference was revoked"); }

class Revocables : public testing::TestWithParam<Way> {
 protected:
  Ways ways_{GetParam()};
  Revocable<kitchen::CookProxy> revocable_{ways_.Object()};
  const kitchen::CookProxy given_ = ways_.Give(revocable_.proxy());
};
INSTANTIATE_TEST_SUITE_P(Called, Revocables,
                         testing::Values(Way::kHere, Way::kFromPeer, Way::kPipelined, Way::kToPeer,
                                         Way::kFromPeerToPeer),
                         WayName);

// What only an object of the same process can be sure of.
using RevocablesHere = Revocables;
INSTANTIATE_TEST_SUITE_P(Called, RevocablesHere,
                         testing::Values(Way::kHere, Way::kFromPeer, Way::kPipelined), WayName);

TEST_P(Revocables, PassCallsAndResultsOn) {
  EXPECT_EQ(given_.Add(2, 3).value(), 5u);
  EXPECT_EQ(given_.Fail(15, "why").code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(given_.Tell(std::make_shared<Parrot>(), "news").value(), "heard news");
  EXPECT_EQ(given_.MakeCook()->Add(1, 1).value(), 2u);
}

TEST_P(Revocables, KeepTheOrderOfCalls) {
  std::vector<Future<void>> notes;
  std::vector<uint32_t> expected;
  for (uint32_t i = 0; i < 300; ++i) {
    notes.push_back(given_.async().Note(i));
    expected.push_back(i);
  }
  EXPECT_EQ(given_.Notes().value(), expected);
}

TEST_P(Revocables, FailLaterCallsWithPermissionDenied) {
  EXPECT_EQ(given_.Add(1, 1).value(), 2u);
  EXPECT_FALSE(revocable_.revoked());
  revocable_.Revoke();
  EXPECT_TRUE(revocable_.revoked());
  EXPECT_EQ(given_.Add(1, 1).status(), Revoked());
  EXPECT_EQ(given_.async().Wait().Get(), Revoked());
}

TEST_P(Revocables, SayWhyTheyWereRevoked) {
  revocable_.Revoke("the session is over");
  revocable_.Revoke("the first reason counts");
  EXPECT_EQ(given_.Add(1, 1).status(),
            absl::PermissionDeniedError("the reference was revoked: the session is over"));
}

TEST_P(Revocables, FailCallsThatRunAndCancelThem) {
  auto call = given_.async().Wait();
  ways_.servant->gate.AwaitArrivals(1);
  revocable_.Revoke();
  EXPECT_EQ(call.Get(), Revoked());
  ways_.servant->gate.AwaitCancellations(1);
}

TEST_P(RevocablesHere, NeverBeginCallsThatWait) {
  auto running = given_.async().Later();
  ways_.servant->gate.AwaitArrivals(1);
  std::vector<Future<void>> notes;
  for (uint32_t i = 0; i < 20; ++i) notes.push_back(given_.async().Note(i));
  EXPECT_EQ(given_.Running()->count, 0u);  // concurrent: by now the others have come
  revocable_.Revoke();
  EXPECT_EQ(running.Get().status(), Revoked());
  for (auto& note : notes) EXPECT_EQ(note.Get(), Revoked());
  EXPECT_THAT(kitchen::CookProxy(ways_.servant).Notes().value(), IsEmpty());
}

TEST_P(Revocables, FailPipelinedCallsOnResultsThatDoNotCome) {
  auto made = given_.async().Later();
  auto reply = made.Pipeline().Heard("x");
  ways_.servant->gate.AwaitArrivals(1);
  revocable_.Revoke();
  EXPECT_EQ(made.Get().status(), Revoked());
  EXPECT_EQ(reply.Get().status(), Revoked());
}

TEST_P(Revocables, LeaveWhatTheyGaveBefore) {
  const kitchen::CookProxy made = given_.MakeCook().value();
  revocable_.Revoke();
  EXPECT_EQ(made.Add(1, 1).value(), 2u);
}

TEST_P(Revocables, PassCancellationOn) {
  {
    auto dropped = given_.async().Wait();
    ways_.servant->gate.AwaitArrivals(1);
  }
  ways_.servant->gate.AwaitCancellations(1);
  EXPECT_EQ(given_.Add(1, 1).value(), 2u);
}

TEST_P(Revocables, KeepDeadlines) {
  EXPECT_EQ(given_.Add(1, 1).value(), 2u);
  EXPECT_EQ(given_.With({.timeout = absl::Milliseconds(20)}).Wait().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_P(Revocables, OfRevocablesEndWithEither) {
  Revocable<kitchen::CookProxy> second(given_);
  EXPECT_EQ(second.proxy().Add(1, 1).value(), 2u);
  revocable_.Revoke("the first");
  EXPECT_EQ(second.proxy().Add(1, 1).status(),
            absl::PermissionDeniedError("the reference was revoked: the first"));
  second.Revoke("the second");
  EXPECT_EQ(second.proxy().Add(1, 1).status(),
            absl::PermissionDeniedError("the reference was revoked: the second"));
}

TEST_P(Revocables, AnswerEachCallOnceWhileTheyAreRevoked) {
  std::vector<std::thread> callers;
  std::atomic<int> denied{0};
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      for (;;) {
        auto first = given_.async().Add(1, 2);
        const auto second = given_.Echo(std::vector<uint8_t>(100)).status();
        const absl::StatusOr<uint32_t> sum = first.Get();
        if (sum.ok()) {
          EXPECT_EQ(*sum, 3u);
          continue;
        }
        EXPECT_EQ(sum.status(), Revoked());
        EXPECT_TRUE(second.ok() || second == Revoked()) << second;  // made before it was known
        EXPECT_EQ(given_.Add(1, 2).status(), Revoked());
        ++denied;
        return;
      }
    });
  }
  while (given_.Add(1, 1).ok() && ways_.servant->Add(0, 0).ok()) {
    revocable_.Revoke();
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(denied, 4);
}

// --- the handle ---------------------------------------------------------------------------------

class Quitter final : public Cook {
 public:
  Revocable<kitchen::CookProxy>* own = nullptr;
  absl::Status Sleep(uint32_t) override {
    own->Revoke();
    return absl::OkStatus();
  }
};

TEST(ARevocable, AnswersTheCallThatRevokesIt) {
  auto quitter = std::make_shared<Quitter>();
  Revocable<kitchen::CookProxy> revocable{kitchen::CookProxy(quitter)};
  quitter->own = &revocable;
  Ways ways(Way::kFromPeer);
  const kitchen::CookProxy given = ways.Give(revocable.proxy());
  EXPECT_EQ(given.Sleep(0), absl::OkStatus());
  EXPECT_EQ(given.Sleep(0), Revoked());
}

TEST(ARevocable, LetsGoOfItsObject) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  Revocable<kitchen::ListenerProxy> revocable{kitchen::ListenerProxy(std::move(parrot))};
  Ways ways(Way::kFromPeer);
  const kitchen::CookProxy peer = ways.Give(ways.Object());
  EXPECT_EQ(peer.Keep(revocable.proxy()), absl::OkStatus());
  EXPECT_FALSE(gone.ready());
  revocable.Revoke();
  EXPECT_EQ(gone.Get(), absl::OkStatus());  // though somebody has the reference
  EXPECT_EQ(ways.servant->Kept()->Heard("x").status(), Revoked());
}

TEST(ARevocable, IsGivenUpByAllWithItsObject) {
  auto parrot = std::make_shared<Parrot>();
  Future<void> gone = parrot->Gone();
  Revocable<kitchen::ListenerProxy> revocable{kitchen::ListenerProxy(std::move(parrot))};
  kitchen::ListenerProxy given = revocable.proxy();
  revocable.Detach();
  EXPECT_FALSE(gone.ready());
  given = {};
  EXPECT_EQ(gone.Get(), absl::OkStatus());
}

TEST(ARevocable, IsRevokedByItsDestructor) {
  auto revocable =
      std::make_unique<Revocable<kitchen::CookProxy>>(kitchen::CookProxy(std::make_shared<Cook>()));
  const kitchen::CookProxy given = revocable->proxy();
  EXPECT_EQ(given.Add(1, 1).value(), 2u);
  revocable = nullptr;
  EXPECT_EQ(given.Add(1, 1).status(), Revoked());
}

TEST(ARevocable, IsRevokedWhenAnotherTakesItsPlace) {
  Revocable<kitchen::CookProxy> revocable{kitchen::CookProxy(std::make_shared<Cook>())};
  const kitchen::CookProxy first = revocable.proxy();
  revocable = Revocable<kitchen::CookProxy>{kitchen::CookProxy(std::make_shared<Cook>())};
  EXPECT_EQ(first.Add(1, 1).status(), Revoked());
  EXPECT_EQ(revocable.proxy().Add(1, 1).value(), 2u);
}

TEST(ARevocable, ThatIsDetachedLeavesItsReference) {
  auto revocable =
      std::make_unique<Revocable<kitchen::CookProxy>>(kitchen::CookProxy(std::make_shared<Cook>()));
  const kitchen::CookProxy given = revocable->proxy();
  revocable->Detach();
  EXPECT_FALSE(revocable->proxy());
  revocable->Revoke();
  revocable = nullptr;
  EXPECT_EQ(given.Add(1, 1).value(), 2u);
}

TEST(ARevocable, HasAnIdentityOfItsOwn) {
  const kitchen::ListenerProxy parrot(std::make_shared<Parrot>());
  Revocable<kitchen::ListenerProxy> revocable{parrot};
  EXPECT_EQ(revocable.proxy(), revocable.proxy());
  EXPECT_FALSE(revocable.proxy() == parrot);
  Ways ways(Way::kFromPeer);
  EXPECT_EQ(ways.Give(ways.Object()).Pass(revocable.proxy()).value(), revocable.proxy());
}

TEST(ARevocable, OfNoObjectRefersToNone) {
  for (auto* revocable : {new Revocable<kitchen::CookProxy>,
                          new Revocable<kitchen::CookProxy>(kitchen::CookProxy())}) {
    EXPECT_FALSE(revocable->proxy());
    EXPECT_EQ(revocable->proxy().Add(1, 1).status().code(), absl::StatusCode::kFailedPrecondition);
    revocable->Revoke();
    EXPECT_FALSE(revocable->revoked());
    delete revocable;
  }
}

TEST(ARevocable, ThatLeadsBackToItselfIsInvalid) {
  Promise<kitchen::ListenerProxy> promise;
  Future<kitchen::ListenerProxy> future = promise.future();
  Revocable<kitchen::ListenerProxy> revocable{kitchen::ListenerProxy(future.Pipeline())};
  promise.Set(revocable.proxy());
  EXPECT_EQ(revocable.proxy().Heard("x").status().code(), absl::StatusCode::kInvalidArgument);
  revocable.Revoke();
  EXPECT_EQ(revocable.proxy().Heard("x").status(), Revoked());
}

// --- what goes with calls and references --------------------------------------------------------

TEST(ARevocable, ShowsTheServantWhoCalls) {
  class Witness final : public Cook {
   public:
    absl::StatusOr<uint32_t> Add(uint32_t, uint32_t) override {
      const CallContext call = CallContext::Current();
      return call.Peer() != nullptr && call.Metadata("table") == "12" ? 1 : 0;
    }
  };
  Revocable<kitchen::CookProxy> revocable{kitchen::CookProxy(std::make_shared<Witness>())};
  Ways ways(Way::kFromPeer);
  const kitchen::CookProxy given = ways.Give(revocable.proxy());
  EXPECT_EQ(given.With({.metadata = {{"table", "12"}}}).Add(1, 1).value(), 1u);
}

TEST(ARevocable, KeepsTheOptionsOfItsProxy) {
  class Witness final : public Cook {
   public:
    absl::StatusOr<uint32_t> Add(uint32_t, uint32_t) override {
      return CallContext::Current().Metadata("table") == "12" ? 1 : 0;
    }
  };
  const kitchen::CookProxy witness(std::make_shared<Witness>());
  Revocable<kitchen::CookProxy> revocable{witness.With({.metadata = {{"table", "12"}}})};
  EXPECT_EQ(revocable.proxy().Add(1, 1).value(), 1u);
}

class Sink final : public sink::SinkServant {
 public:
  explicit Sink(Gate gate) : gate_(std::move(gate)) {}
  absl::Status Write(std::vector<uint8_t> chunk) override {
    DROVER_RETURN_IF_ERROR(gate_.Pass());
    if (chunk[0] != got_.chunks % 250) got_.in_order = false;
    ++got_.chunks;
    return absl::OkStatus();
  }
  absl::StatusOr<sink::SinkDoneResults> Done() override { return got_; }

 private:
  Gate gate_;
  sink::SinkDoneResults got_{.chunks = 0, .bytes = 0, .in_order = true};
};

class RevocableStreams : public testing::TestWithParam<bool> {
 protected:
  sink::SinkProxy Give() {
    if (!GetParam()) return revocable_.proxy();
    EXPECT_EQ(server_.Export("sink", revocable_.proxy()), absl::OkStatus());
    return Connect<sink::SinkProxy>(server_.endpoint().ToString() + "#sink");
  }

  Gate gate_;
  Revocable<sink::SinkProxy> revocable_{sink::SinkProxy(std::make_shared<Sink>(gate_))};
  Server server_ = Serve("tcp://127.0.0.1:0", std::make_shared<Cook>()).value();
};
INSTANTIATE_TEST_SUITE_P(From, RevocableStreams, testing::Bool(),
                         [](const auto& info) { return info.param ? "Peer" : "Here"; });

TEST_P(RevocableStreams, ArriveInOrder) {
  gate_.Open();
  const sink::SinkProxy sink = Give();
  for (uint32_t i = 0; i < 500; ++i) {
    ASSERT_EQ(sink.Write(std::vector<uint8_t>(1'000, i % 250)), absl::OkStatus());
  }
  EXPECT_EQ(FinishStream(sink), absl::OkStatus());
  EXPECT_EQ(sink.Done()->chunks, 500u);
  EXPECT_TRUE(sink.Done()->in_order);
}

TEST_P(RevocableStreams, FailWhenTheyAreRevoked) {
  const sink::SinkProxy sink = Give();
  for (uint32_t i = 0; i < 10; ++i) {
    ASSERT_EQ(sink.Write(std::vector<uint8_t>(100, i)), absl::OkStatus());
  }
  gate_.AwaitArrivals(1);
  revocable_.Revoke();
  EXPECT_EQ(FinishStream(sink), Revoked());
}

class File final : public files::FileServant {
 public:
  File() { EXPECT_EQ(write(fd_.get(), "content", 7), 7); }
  absl::StatusOr<std::string> Name() override { return "file"; }
  int AttachedFd() override { return fd_.get(); }

 private:
  const base::UniqueFd fd_{memfd_create("test", MFD_CLOEXEC)};
};

std::string ContentOf(const Proxy& proxy) {
  const base::UniqueFd fd = proxy.attached_fd().value();
  char content[100];
  const ssize_t n = pread(fd.get(), content, sizeof content, 0);
  return std::string(content, n < 0 ? 0 : n);
}

class Reader final : public files::FilesServant {
  absl::StatusOr<std::string> Read(files::FileProxy file) override { return ContentOf(file); }
};

TEST(ARevocable, TakesItsObjectsDescriptorAlong) {
  TempDir dir;
  const Limits limits{.max_fds_per_message = 4};
  Server server =
      Serve("unix://" + dir.path("r"), std::make_shared<Reader>(), {.limits = limits}).value();
  auto reader = Connect<files::FilesProxy>(server.endpoint(), {.limits = limits});
  Revocable<files::FileProxy> revocable{files::FileProxy(std::make_shared<File>())};
  EXPECT_EQ(ContentOf(revocable.proxy()), "content");
  EXPECT_EQ(reader.Read(revocable.proxy()).value(), "content");
  revocable.Revoke();
  EXPECT_EQ(revocable.proxy().attached_fd().status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace drover
