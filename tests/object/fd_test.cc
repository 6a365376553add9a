// Descriptors that travel with objects.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "fd.drover.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using ::testing::HasSubstr;

// A file in memory.
base::UniqueFd FileOf(const std::string& content) {
  base::UniqueFd fd(memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(write(fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return fd;
}

absl::StatusOr<std::string> ContentOf(const Proxy& proxy) {
  absl::StatusOr<base::UniqueFd> fd = proxy.attached_fd();
  if (!fd.ok()) return fd.status();
  EXPECT_NE(fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
  char content[100];
  const ssize_t n = pread(fd->get(), content, sizeof content, 0);
  return std::string(content, n < 0 ? 0 : n);
}

class File final : public files::FileServant {
 public:
  explicit File(std::string name) : name_(std::move(name)), fd_(FileOf("content of " + name_)) {}
  absl::StatusOr<std::string> Name() override { return name_; }
  int AttachedFd() override { return fd_.get(); }

 private:
  const std::string name_;
  const base::UniqueFd fd_;
};

class Files final : public files::FilesServant {
 public:
  absl::StatusOr<files::FileProxy> Open(std::string name) override {
    return files::FileProxy(std::make_shared<File>(name));
  }
  absl::StatusOr<std::vector<files::FileProxy>> OpenMany(uint32_t count) override {
    std::vector<files::FileProxy> all;
    for (uint32_t i = 0; i < count; ++i) {
      all.emplace_back(std::make_shared<File>("number " + std::to_string(i)));
    }
    return all;
  }
  absl::StatusOr<std::string> Read(files::FileProxy file) override { return ContentOf(file); }
  absl::StatusOr<files::FileProxy> Pass(files::FileProxy file) override { return file; }
  absl::Status Keep(files::FileProxy file) override {
    kept.push_back(std::move(file));
    return absl::OkStatus();
  }
  std::vector<files::FileProxy> kept;
};

size_t OpenDescriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

// Waits until no more than this are open: objects are dropped on other threads.
void AwaitDescriptors(size_t count) {
  while (OpenDescriptors() > count) std::this_thread::yield();
}

class Fds : public testing::Test {
 protected:
  void Start(const std::string& endpoint, const Limits& server, const Limits& client) {
    server_ = Serve(endpoint, servant_, {.limits = server}).value();
    proxy_ = Connect<files::FilesProxy>(server_->endpoint(), {.limits = client});
  }
  void Start(size_t max_per_message = 16) {
    const Limits limits{.max_fds_per_message = max_per_message};
    Start("unix://" + dir_.path("files"), limits, limits);
  }

  testing_support::TempDir dir_;
  const std::shared_ptr<Files> servant_ = std::make_shared<Files>();
  std::optional<Server> server_;
  files::FilesProxy proxy_;
};

TEST_F(Fds, ComeWithAnswers) {
  Start();
  files::FileProxy file = proxy_.Open("a").value();
  EXPECT_EQ(ContentOf(file).value(), "content of a");
  EXPECT_EQ(file.Name().value(), "a");
}

TEST_F(Fds, GoWithParams) {
  Start();
  EXPECT_EQ(proxy_.Read(std::make_shared<File>("b")).value(), "content of b");
}

TEST_F(Fds, KeepToTheirObjects) {
  Start();
  const auto all = proxy_.OpenMany(16).value();
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(ContentOf(all[i]).value(), "content of number " + std::to_string(i));
  }
}

TEST_F(Fds, KeepToTheirMessages) {
  Start();
  std::vector<Future<files::FileProxy>> opened;
  std::vector<Future<std::string>> read;
  for (int i = 0; i < 50; ++i) {
    opened.push_back(proxy_.async().Open(std::string(i * 500, 'x') + std::to_string(i)));
    read.push_back(proxy_.async().Read(std::make_shared<File>(std::to_string(i))));
  }
  for (int i = 0; i < 50; ++i) {
    const files::FileProxy file = opened[i].Get().value();
    EXPECT_EQ(read[i].Get().value(), "content of " + std::to_string(i));
    EXPECT_EQ(file.Name().value(), std::string(i * 500, 'x') + std::to_string(i));
    EXPECT_EQ(ContentOf(file).value(), ("content of " + file.Name().value()).substr(0, 100));
  }
}

TEST_F(Fds, AreThereInTheProcessItself) {
  files::FileProxy file(std::make_shared<File>("c"));
  EXPECT_EQ(ContentOf(file).value(), "content of c");
}

TEST_F(Fds, ArePassedOnFurther) {
  Start();
  const Limits limits{.max_fds_per_message = 16};
  auto second =
      Serve("unix://" + dir_.path("second"), std::make_shared<Files>(), {.limits = limits}).value();
  auto proxy = Connect<files::FilesProxy>(second.endpoint(), {.limits = limits});
  EXPECT_EQ(proxy.Read(proxy_.Open("d").value()).value(), "content of d");
}

TEST_F(Fds, AreNotAcceptedUnlessAskedFor) {
  EXPECT_EQ(Limits().max_fds_per_message, 0u);
  EXPECT_EQ(Limits().max_fds, 256u);
  Start("unix://" + dir_.path("files"), {}, {});
  files::FileProxy file = proxy_.Open("e").value();
  EXPECT_EQ(file.attached_fd().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(file.Name().value(), "e");
}

TEST_F(Fds, DoNotGoOverTcp) {
  const Limits limits{.max_fds_per_message = 16};
  Start("tcp://127.0.0.1:0", limits, limits);
  files::FileProxy file = proxy_.Open("f").value();
  EXPECT_EQ(file.attached_fd().status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(file.Name().value(), "f");
}

TEST_F(Fds, AreSentSixteenAtATimeAtMost) {
  Start(253);
  const absl::Status refused = proxy_.OpenMany(17).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("17 descriptors"));
  EXPECT_EQ(proxy_.OpenMany(16).value().size(), 16u);
}

TEST_F(Fds, BeyondTheLimitOfAMessageAreClosed) {
  Start(2);
  const auto all = proxy_.OpenMany(4).value();
  EXPECT_EQ(ContentOf(all[0]).value(), "content of number 0");
  EXPECT_EQ(ContentOf(all[1]).value(), "content of number 1");
  EXPECT_EQ(ContentOf(all[2]).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(all[3].Name().value(), "number 3");
}

TEST_F(Fds, BeyondTheLimitOfAConnectionAreClosed) {
  Start("unix://" + dir_.path("files"), {}, {.max_fds_per_message = 16, .max_fds = 3});
  auto all = proxy_.OpenMany(4).value();
  EXPECT_EQ(ContentOf(all[2]).value(), "content of number 2");
  EXPECT_EQ(ContentOf(all[3]).status().code(), absl::StatusCode::kNotFound);
  all.clear();  // makes room
  EXPECT_EQ(ContentOf(proxy_.Open("g").value()).value(), "content of g");
}

TEST_F(Fds, AreClosedWithTheirObjects) {
  // Going over to shared memory, whenever it happens, has descriptors of its own.
  const Limits limits{.max_fds_per_message = 16};
  server_ =
      Serve("unix://" + dir_.path("files"), servant_, {.limits = limits, .shared_memory = false})
          .value();
  proxy_ = Connect<files::FilesProxy>(server_->endpoint(), {.limits = limits});
  EXPECT_EQ(proxy_.Open("warm").value().Name().value(), "warm");
  servant_->kept.clear();
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ContentOf(proxy_.Open("h").value()).value(), "content of h");
    EXPECT_EQ(proxy_.Read(std::make_shared<File>("i")).value(), "content of i");
  }
  AwaitDescriptors(before);
}

TEST_F(Fds, OfNoObjectOrOfNothing) {
  EXPECT_EQ(files::FileProxy().attached_fd().status().code(),
            absl::StatusCode::kFailedPrecondition);
  Start();
  EXPECT_EQ(proxy_.attached_fd().status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace drover
