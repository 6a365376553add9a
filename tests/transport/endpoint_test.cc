#include "drover/transport/endpoint.h"

#include <random>
#include <string>
#include <unordered_set>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string ErrorOf(const std::string& text) {
  const absl::Status status = Endpoint::Parse(text).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(status.message());
}

TEST(Endpoint, TellsThePartsOfEveryScheme) {
  const Endpoint path = *Endpoint::Parse("unix:///run/w.sock");
  EXPECT_EQ(path.scheme(), Endpoint::Scheme::kUnix);
  EXPECT_EQ(path.path(), "/run/w.sock");
  EXPECT_FALSE(path.is_abstract());
  const Endpoint abstract = *Endpoint::Parse("unix:@w#clock");
  EXPECT_TRUE(abstract.is_abstract());
  EXPECT_EQ(abstract.path(), "@w");
  EXPECT_EQ(abstract.name(), "clock");
  const Endpoint tcp = *Endpoint::Parse("tcp://127.0.0.1:4711#a#b");
  EXPECT_EQ(tcp.host(), "127.0.0.1");
  EXPECT_EQ(tcp.port(), 4711);
  EXPECT_EQ(tcp.name(), "a#b");
  EXPECT_EQ(Endpoint::Parse("tcp://[::1]:0")->host(), "::1");
  EXPECT_EQ(Endpoint::Parse("inproc://here")->path(), "here");
  EXPECT_EQ(Endpoint::Parse("fd:7")->fd(), 7);
  EXPECT_EQ(Endpoint::Parse("shm:///run/w")->scheme(), Endpoint::Scheme::kShm);
  EXPECT_EQ(Endpoint::Parse("fifo:///run/w")->scheme(), Endpoint::Scheme::kFifo);
}

TEST(Endpoint, RefusesWithTheTextAndTheFault) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("does not begin with"));
  EXPECT_THAT(ErrorOf("http://x"), AllOf(HasSubstr("'http://x'"), HasSubstr("tcp://")));
  EXPECT_THAT(ErrorOf("unix://"), HasSubstr("path is empty"));
  EXPECT_THAT(ErrorOf("unix://@x"), HasSubstr("unix:@NAME"));
  EXPECT_THAT(ErrorOf("unix:@"), HasSubstr("abstract name is empty"));
  EXPECT_THAT(ErrorOf("unix:///a#"), HasSubstr("'#' is empty"));
  EXPECT_THAT(ErrorOf(std::string("unix:///a\0b", 11)), HasSubstr("zero byte"));
  EXPECT_THAT(ErrorOf("tcp://:80"), HasSubstr("host is missing"));
  EXPECT_THAT(ErrorOf("tcp://host"), HasSubstr("port is missing"));
  EXPECT_THAT(ErrorOf("tcp://[::1]"), HasSubstr("port is missing"));
  EXPECT_THAT(ErrorOf("tcp://::1:80"), HasSubstr("brackets"));
  EXPECT_THAT(ErrorOf("tcp://[::1:80"), HasSubstr("no ']'"));
  EXPECT_THAT(ErrorOf("tcp://[1.2.3.4]:80"), HasSubstr("not an IPv6 address"));
  EXPECT_THAT(ErrorOf("tcp://a b:80"), HasSubstr("no host name has"));
  for (const char* port : {"65536", "-1", "+1", " 1", "1 ", "0x1", "", "99999999999"}) {
    EXPECT_THAT(ErrorOf(std::string("tcp://h:") + port), HasSubstr("port")) << port;
  }
  EXPECT_THAT(ErrorOf("fd:-1"), HasSubstr("descriptor"));
  EXPECT_THAT(ErrorOf("fd:x"), HasSubstr("descriptor"));
  EXPECT_THAT(ErrorOf("inproc://"), HasSubstr("name is empty"));
}

TEST(Endpoint, TellsTheLimitOfAUnixPathThatIsTooLong) {
  EXPECT_TRUE(Endpoint::Parse("unix://" + std::string(107, 'x')).ok());
  EXPECT_THAT(ErrorOf("unix://" + std::string(108, 'x')),
              AllOf(HasSubstr("107"), HasSubstr("108")));
  EXPECT_TRUE(Endpoint::Parse("unix:@" + std::string(107, 'x')).ok());
  EXPECT_THAT(ErrorOf("unix:@" + std::string(108, 'x')), HasSubstr("107"));
}

TEST(Endpoint, IsEqualWhenItMeansTheSamePlaceAndName) {
  EXPECT_EQ(*Endpoint::Parse("tcp://[0:0:0:0:0:0:0:1]:80"), *Endpoint::Parse("tcp://[::1]:80"));
  EXPECT_EQ(*Endpoint::Parse("tcp://LocalHost:080"), *Endpoint::Parse("tcp://localhost:80"));
  EXPECT_NE(*Endpoint::Parse("unix:///a"), *Endpoint::Parse("shm:///a"));
  EXPECT_NE(*Endpoint::Parse("unix:///a"), *Endpoint::Parse("unix:///a#b"));
  EXPECT_EQ(*Endpoint::Parse("unix:///a"), Endpoint::Parse("unix:///a#b")->WithoutName());
  EXPECT_EQ(Endpoint::Parse("tcp://h:0#x")->WithPort(9), *Endpoint::Parse("tcp://h:9#x"));
  absl::flat_hash_set<Endpoint> a{*Endpoint::Parse("fd:3"), *Endpoint::Parse("fd:3")};
  std::unordered_set<Endpoint> b{*Endpoint::Parse("fd:3"), *Endpoint::Parse("fd:3")};
  EXPECT_EQ(a.size(), 1u);
  EXPECT_EQ(b.size(), 1u);
}

// Random texts near the grammar: whatever parses must come back equal from its own text.
TEST(Endpoint, ParsesWhatItPrints) {
  const char* const pieces[] = {"unix://", "unix:@", "tcp://", "inproc://", "fd:", "shm://",
                                "fifo://", "/",      "a",      "B",         "7",   "0",
                                ":",       "[",      "]",      "::1",       "#",   "@",
                                ".",       "%",      "fe80::", "127.0.0.1", "-",   " "};
  std::mt19937 random(20240607);
  int parsed = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string text = pieces[random() % 7];
    for (int n = random() % 6; n >= 0; --n) text += pieces[random() % std::size(pieces)];
    const absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(text);
    if (!endpoint.ok()) continue;
    ++parsed;
    const absl::StatusOr<Endpoint> again = Endpoint::Parse(endpoint->ToString());
    ASSERT_TRUE(again.ok()) << text << " -> " << *endpoint << ": " << again.status();
    ASSERT_EQ(*again, *endpoint) << text;
  }
  EXPECT_GT(parsed, 10000);
}

}  // namespace
}  // namespace drover
