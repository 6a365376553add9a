// Where the data of zero-copy forms lies: read where the stream wrote it, sent from where it was
// built, over a socket and over rings of memory; and within a process handed over as it is.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "drover/rpc/connection.h"
#include "drover/rpc/local_capability.h"
#include "drover/transport/shared_memory_stream.h"
#include "drover/transport/socket_stream.h"
#include "gtest/gtest.h"
#include "support/forwarding_stream.h"
#include "support/ring_pair.h"
#include "support/scripted_peer.h"
#include "support/until.h"
#include "support/watched_stream.h"
#include "support/zero_copy_cook.h"

namespace drover {
namespace {

using kitchen::CookProxy;
using kitchen::CookZeroCopyProxy;
using testing_support::ForwardingStream;
using testing_support::RingPair;
using testing_support::SeenMemory;
using testing_support::WatchedStream;
using testing_support::ZeroCopyCook;

constexpr size_t kMega = 1 << 20;

std::span<const uint8_t> Span(capnp::Data::Reader data) { return {data.begin(), data.size()}; }

// A ring that can be waited for as if it were a socket: whenever it has been read to its end, the
// peer is told to ring.
class WaitableRings final : public ForwardingStream {
 public:
  explicit WaitableRings(std::unique_ptr<transport::SharedMemoryStream> rings)
      : ForwardingStream(std::move(rings)) {
    EXPECT_TRUE(this->rings().Arm());
  }

  transport::IoResult Read(std::span<std::byte> into, transport::Wait wait) override {
    transport::IoResult whole;
    while (whole.bytes < into.size()) {
      const transport::IoResult result = rings().Read(
          into.subspan(whole.bytes), whole.bytes > 0 ? transport::Wait::kDontBlock : wait);
      whole.bytes += result.bytes;
      if (result.end || result.error != 0) return whole.bytes > 0 ? whole : result;
      if (!rings().Arm()) continue;
      whole.would_block = whole.bytes == 0;
      break;
    }
    return whole;
  }

 private:
  transport::SharedMemoryStream& rings() {
    return static_cast<transport::SharedMemoryStream&>(stream());
  }
};

enum class Over { kSocket, kRings };

// A client and a server, and what each of their ends saw.
class ZeroCopyPlace : public testing::TestWithParam<Over> {
 protected:
  ZeroCopyPlace() {
    auto [ours, theirs] = Streams();
    server_ = MakeConnection(std::move(theirs), server_seen_, rpc::LocalCapability::Of(cook_));
    client_ = MakeConnection(std::move(ours), client_seen_, nullptr);
    proxy_ = CookProxy(Proxy::FromCapability(client_->Bootstrap()));
    EXPECT_EQ(proxy_.Add(1, 2).value(), 3u);
  }
  ~ZeroCopyPlace() override {
    client_->Close(absl::CancelledError("the test is over"));
    server_->Close(absl::CancelledError("the test is over"));
  }

  auto EchoShared(const SharedData& data) {
    auto call = CookZeroCopyProxy(proxy_).Echo();
    call.params().adoptData(call.Share(data));
    return call.Send();
  }

  const std::shared_ptr<SeenMemory> server_seen_ = std::make_shared<SeenMemory>();
  const std::shared_ptr<SeenMemory> client_seen_ = std::make_shared<SeenMemory>();
  const std::shared_ptr<ZeroCopyCook> cook_ = std::make_shared<ZeroCopyCook>();
  CookProxy proxy_;

 private:
  using Stream = std::unique_ptr<transport::ByteStream>;

  static std::pair<Stream, Stream> Streams() {
    if (GetParam() == Over::kRings) {
      RingPair pair(4 * kMega);
      return {std::make_unique<WaitableRings>(std::move(pair.taker)),
              std::make_unique<WaitableRings>(std::move(pair.maker))};
    }
    auto [ours, theirs] = testing_support::SocketPair();
    return {transport::SocketStream::Make(std::move(ours), "unix"),
            transport::SocketStream::Make(std::move(theirs), "unix")};
  }
  static base::Ref<rpc::Connection> MakeConnection(Stream stream, std::shared_ptr<SeenMemory> seen,
                                                   base::Ref<rpc::Capability> front) {
    rpc::ConnectionOptions options;
    options.name = "the test";
    options.front_object = std::move(front);
    return rpc::Connection::Create(
        std::make_unique<WatchedStream>(std::move(stream), std::move(seen)), options);
  }

  base::Ref<rpc::Connection> server_;
  base::Ref<rpc::Connection> client_;
};

INSTANTIATE_TEST_SUITE_P(Over, ZeroCopyPlace, testing::Values(Over::kSocket, Over::kRings),
                         [](const auto& over) {
                           return over.param == Over::kRings ? "Rings" : "Socket";
                         });

TEST_P(ZeroCopyPlace, ParamsLeaveFromWhereTheyAreBuilt) {
  cook_->on_echo = [](ZeroCopyCook::EchoContext&) { return absl::OkStatus(); };
  auto call = CookZeroCopyProxy(proxy_).Echo(kMega);
  const std::span<const uint8_t> data = Span(call.params().initData(kMega));
  ASSERT_TRUE(call.Send().ok());
  EXPECT_TRUE(client_seen_->WroteFrom(data));
}

TEST_P(ZeroCopyPlace, ParamsLeaveFromWhereTheyAreBuiltWithoutAHint) {
  cook_->on_echo = [](ZeroCopyCook::EchoContext&) { return absl::OkStatus(); };
  auto call = CookZeroCopyProxy(proxy_).Echo();
  const std::span<const uint8_t> data = Span(call.params().initData(kMega));
  ASSERT_TRUE(call.Send().ok());
  EXPECT_TRUE(client_seen_->WroteFrom(data));
}

TEST_P(ZeroCopyPlace, ParamsAreReadWhereTheyWereReceived) {
  bool in_place = false;
  cook_->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    in_place = server_seen_->ReadEndOf(Span(call.params().getData()));
    return absl::OkStatus();
  };
  auto call = CookZeroCopyProxy(proxy_).Echo(kMega);
  call.params().initData(kMega);
  ASSERT_TRUE(call.Send().ok());
  EXPECT_TRUE(in_place);
}

TEST_P(ZeroCopyPlace, ResultsLeaveFromWhereTheyAreBuilt) {
  std::span<const uint8_t> data;
  cook_->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    data = Span(call.results(kMega).initData(kMega));
    return absl::OkStatus();
  };
  ASSERT_TRUE(CookZeroCopyProxy(proxy_).Echo().Send().ok());
  EXPECT_TRUE(server_seen_->WroteFrom(data));
}

TEST_P(ZeroCopyPlace, ResultsAreReadWhereTheyWereReceived) {
  cook_->on_echo = [](ZeroCopyCook::EchoContext& call) {
    call.results(kMega).initData(kMega);
    return absl::OkStatus();
  };
  const auto reply = CookZeroCopyProxy(proxy_).Echo().Send();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(client_seen_->ReadEndOf(Span(reply->results().getData())));
}

SharedData SomeData(size_t size = kMega) {
  auto data = std::make_shared<std::vector<uint8_t>>(size);
  for (size_t i = 0; i < size; ++i) (*data)[i] = static_cast<uint8_t>(i * 7 + i / 251);
  return data;
}

TEST_P(ZeroCopyPlace, SharedParamsLeaveFromWhereTheyLie) {
  const SharedData data = SomeData();
  bool same = false;
  cook_->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    same = std::ranges::equal(Span(call.params().getData()), *data);
    return absl::OkStatus();
  };
  auto call = CookZeroCopyProxy(proxy_).Echo();
  call.params().adoptData(call.Share(data));
  ASSERT_TRUE(call.Send().ok());
  EXPECT_TRUE(same);
  EXPECT_TRUE(client_seen_->WroteFrom(*data));
}

TEST_P(ZeroCopyPlace, SharedResultsLeaveFromWhereTheyLie) {
  const SharedData data = SomeData();
  cook_->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    call.results().adoptData(call.Share(data));
    return absl::OkStatus();
  };
  const auto reply = CookZeroCopyProxy(proxy_).Echo().Send();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(std::ranges::equal(Span(reply->results().getData()), *data));
  EXPECT_TRUE(server_seen_->WroteFrom(*data));
}

TEST_P(ZeroCopyPlace, ParamsThatAreSharedWithResultsLeaveFromWhereTheyWereReceived) {
  std::span<const uint8_t> received;
  cook_->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    received = Span(call.params().getData());
    call.results().adoptData(call.Share(call.params().getData()));
    return absl::OkStatus();
  };
  const SharedData data = SomeData();
  const auto reply = EchoShared(data);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(std::ranges::equal(Span(reply->results().getData()), *data));
  EXPECT_TRUE(server_seen_->WroteFrom(received));
}

// Else a peer could have all of its large params kept for the small part that counts.
TEST_P(ZeroCopyPlace, ASmallPartOfParamsIsCopied) {
  std::span<const uint8_t> part;
  cook_->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    part = Span(call.params().getData()).first(kMega / 8);
    call.results().adoptData(call.Share(capnp::Data::Reader(part.data(), part.size())));
    return absl::OkStatus();
  };
  const SharedData data = SomeData();
  const auto reply = EchoShared(data);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(std::ranges::equal(Span(reply->results().getData()),
                                 std::span<const uint8_t>(*data).first(kMega / 8)));
  EXPECT_FALSE(server_seen_->WroteFrom(part));
}

TEST_P(ZeroCopyPlace, NothingCanBeShared) {
  cook_->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    call.results().adoptData(call.Share(SharedData()));
    return absl::OkStatus();
  };
  const auto reply = CookZeroCopyProxy(proxy_).Echo().Send();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->results().getData().size(), 0u);
}

// Of the same numbers of bytes, and fewer; what is left of them must not be seen.
TEST_P(ZeroCopyPlace, DataThatCannotBeSharedIsCopied) {
  cook_->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    call.results().adoptData(call.Share(call.params().getData()));
    return absl::OkStatus();
  };
  for (const size_t size : {size_t{0}, size_t{5}, size_t{16'383}, size_t{65'537}, kMega - 1}) {
    const SharedData data = SomeData(size);
    const auto reply = EchoShared(data);
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_TRUE(std::ranges::equal(Span(reply->results().getData()), *data)) << size;
    // Whoever has written it may be about to let it go.
    testing_support::Until([&] { return data.use_count() == 1; });
  }
}

TEST_P(ZeroCopyPlace, DataThatIsNotOfTheParamsIsCopied) {
  std::vector<uint8_t> own(kMega, 'a');
  cook_->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    call.results().adoptData(call.Share(kj::arrayPtr(own.data(), own.size())));
    std::fill(own.begin(), own.end(), 'b');
    return absl::OkStatus();
  };
  const auto reply = CookZeroCopyProxy(proxy_).Echo().Send();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_TRUE(
      std::ranges::all_of(reply->results().getData(), [](int byte) { return byte == 'a'; }));
}

TEST_P(ZeroCopyPlace, SharedDataIsLetGoOfWithACallThatIsNotSent) {
  const SharedData data = SomeData();
  {
    auto call = CookZeroCopyProxy(proxy_).Echo();
    call.params().adoptData(call.Share(data));
    EXPECT_EQ(data.use_count(), 2);
  }
  EXPECT_EQ(data.use_count(), 1);
}

TEST_P(ZeroCopyPlace, ResultsStayWhileTheConnectionReadsOn) {
  std::vector<decltype(CookZeroCopyProxy(proxy_).Echo().Send())> replies;
  for (uint8_t i = 0; i < 20; ++i) {
    auto call = CookZeroCopyProxy(proxy_).Echo();
    const size_t size = 1 + 7000 * i;  // many in one block of memory, and some beyond it
    auto data = call.params().initData(size);
    std::fill(data.begin(), data.end(), i);
    replies.push_back(call.Send());
  }
  for (uint8_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(replies[i].ok()) << replies[i].status();
    for (const uint8_t byte : replies[i]->results().getData()) ASSERT_EQ(byte, i);
  }
}

TEST(ZeroCopyHere, ServantReadsParamsWhereTheyWereBuilt) {
  const auto cook = std::make_shared<ZeroCopyCook>();
  const uint8_t* read = nullptr;
  cook->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    read = call.params().getData().begin();
    return absl::OkStatus();
  };
  auto call = CookZeroCopyProxy(CookProxy(cook)).Echo(kMega);
  const uint8_t* const built = call.params().initData(kMega).begin();
  ASSERT_TRUE(call.Send().ok());
  EXPECT_EQ(read, built);
}

TEST(ZeroCopyHere, CallerReadsResultsWhereTheyWereBuilt) {
  const auto cook = std::make_shared<ZeroCopyCook>();
  const uint8_t* built = nullptr;
  cook->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    built = call.results(kMega).initData(kMega).begin();
    return absl::OkStatus();
  };
  const auto reply = CookZeroCopyProxy(CookProxy(cook)).Echo().Send();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->results().getData().begin(), built);
}

// Nothing keeps the params of a call within the process as long as its results.
TEST(ZeroCopyHere, ParamsThatAreSharedWithResultsAreCopied) {
  const auto cook = std::make_shared<ZeroCopyCook>();
  cook->on_echo = [&](ZeroCopyCook::EchoContext& call) {
    call.results().adoptData(call.Share(call.params().getData()));
    return absl::OkStatus();
  };
  const SharedData data = SomeData();
  auto call = CookZeroCopyProxy(CookProxy(cook)).Echo();
  call.params().adoptData(call.Share(data));
  const auto reply = call.Send();
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_NE(reply->results().getData().begin(), data->data());
  EXPECT_TRUE(std::ranges::equal(Span(reply->results().getData()), *data));
}

}  // namespace
}  // namespace drover
