// Filters of clients by uid and address.
#include "drover/transport/accept_filter.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover {
namespace {

using ::testing::HasSubstr;

PeerInfo At(std::string address) {
  return {.address = std::move(address), .pid = std::nullopt, .uid = std::nullopt};
}
PeerInfo Of(uid_t uid) { return {.address = "unix", .pid = 4711, .uid = uid}; }

bool Allows(const std::vector<std::string>& entries, const std::string& address) {
  const absl::Status status = AllowAddresses(entries).value()(At(address));
  if (!status.ok()) {
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_THAT(std::string(status.message()), HasSubstr(address));
  }
  return status.ok();
}

TEST(AllowUids, TakesTheListedUsersOnly) {
  const AcceptFilter filter = AllowUids({0, 1000});
  EXPECT_EQ(filter(Of(0)), absl::OkStatus());
  EXPECT_EQ(filter(Of(1000)), absl::OkStatus());
  EXPECT_EQ(filter(Of(1001)).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(filter(Of(1001)).message()), HasSubstr("1001"));
}

TEST(AllowUids, RefusesPeersWithoutAUid) {
  EXPECT_EQ(AllowUids({0})(At("127.0.0.1:80")).code(), absl::StatusCode::kPermissionDenied);
}

TEST(AllowAddresses, TakesSingleAddresses) {
  EXPECT_TRUE(Allows({"127.0.0.1", "::1"}, "127.0.0.1:4711"));
  EXPECT_TRUE(Allows({"127.0.0.1", "::1"}, "[::1]:4711"));
  EXPECT_FALSE(Allows({"127.0.0.1", "::1"}, "127.0.0.2:4711"));
  EXPECT_FALSE(Allows({"127.0.0.1", "::1"}, "[::2]:4711"));
}

TEST(AllowAddresses, TakesNetworks) {
  EXPECT_TRUE(Allows({"10.0.0.0/8"}, "10.255.1.2:1"));
  EXPECT_FALSE(Allows({"10.0.0.0/8"}, "11.0.0.0:1"));
  EXPECT_TRUE(Allows({"172.16.0.0/12"}, "172.31.255.255:1"));
  EXPECT_FALSE(Allows({"172.16.0.0/12"}, "172.32.0.0:1"));
  EXPECT_TRUE(Allows({"fd00::/9"}, "[fd7f::1]:1"));
  EXPECT_FALSE(Allows({"fd00::/9"}, "[fd80::1]:1"));
  EXPECT_TRUE(Allows({"192.0.2.1/32"}, "192.0.2.1:1"));
  EXPECT_FALSE(Allows({"192.0.2.0/32"}, "192.0.2.1:1"));
}

TEST(AllowAddresses, OfNoBitsAreAllOfTheirKind) {
  EXPECT_TRUE(Allows({"0.0.0.0/0"}, "203.0.113.9:1"));
  EXPECT_FALSE(Allows({"0.0.0.0/0"}, "[2001:db8::1]:1"));
  EXPECT_TRUE(Allows({"::/0"}, "[2001:db8::1]:1"));
}

TEST(AllowAddresses, SeeThroughMappedAddresses) {
  EXPECT_TRUE(Allows({"10.0.0.0/8"}, "[::ffff:10.1.2.3]:1"));
  EXPECT_FALSE(Allows({"10.0.0.0/8"}, "[::ffff:11.1.2.3]:1"));
}

TEST(AllowAddresses, IgnoreTheZoneOfAnAddress) {
  EXPECT_TRUE(Allows({"fe80::/10"}, "[fe80::1%eth0]:1"));
}

TEST(AllowAddresses, TakeUnixClientsIfTheListSaysSo) {
  EXPECT_TRUE(Allows({"unix"}, "unix"));
  EXPECT_FALSE(Allows({"127.0.0.1"}, "unix"));
  EXPECT_FALSE(Allows({"unix"}, "127.0.0.1:1"));
}

TEST(AllowAddresses, TakeClientsWithinTheProcess) { EXPECT_TRUE(Allows({}, "inproc")); }

TEST(AllowAddresses, OfAnEmptyListTakeNobodyElse) {
  EXPECT_FALSE(Allows({}, "unix"));
  EXPECT_FALSE(Allows({}, "127.0.0.1:1"));
}

TEST(AllowAddresses, RefuseAPeerWhoseAddressIsUnknown) {
  EXPECT_FALSE(Allows({"0.0.0.0/0", "::/0", "unix"}, "?"));
}

TEST(AllowAddresses, SayWhatIsWrongWithAnEntry) {
  const auto wrong = [](const std::string& entry, const std::string& what) {
    const absl::Status status = AllowAddresses({"127.0.0.1", entry}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << entry;
    EXPECT_THAT(std::string(status.message()), HasSubstr("\"" + entry + "\"")) << entry;
    EXPECT_THAT(std::string(status.message()), HasSubstr(what)) << entry;
  };
  wrong("", "neither");
  wrong("localhost", "names are not resolved");
  wrong("10.0.0", "neither");
  wrong("10.0.0.0:80", "neither");
  wrong("10.0.0.0/", "from 0 to 32");
  wrong("10.0.0.0/33", "from 0 to 32");
  wrong("10.0.0.0/-1", "from 0 to 32");
  wrong("10.0.0.0/ 8", "from 0 to 32");
  wrong("10.0.0.0/8/8", "from 0 to 32");
  wrong("::/129", "from 0 to 128");
  wrong("10.0.0.1/8", "beyond the first 8");
  wrong("fd00::1/8", "beyond the first 8");
}

}  // namespace
}  // namespace drover
