// A server process that is killed, crashes or is stopped, at each stage of a call: the caller gets
// an error of a known code, or still waits, as the table in docs/reliability.md says. The table is
// read here, so each of its cells is what happens.
#include <array>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "drover/object/connect.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "reliability/kill_target.h"
#include "support/temp_dir.h"

namespace drover {
namespace {

using ::testing::HasSubstr;
using namespace testing_support;  // NOLINT: the tests' own

// More than KillTarget moves of a message.
constexpr size_t kLarge = 1 << 20;

// --- the table ----------------------------------------------------------------------------------

const std::vector<std::string> kStages = {"accepting", "mid-frame", "executing", "mid-reply",
                                          "draining"};
const std::vector<std::string> kDeaths = {"SIGKILL", "SIGSEGV"};
const std::vector<std::string> kStops = {"SIGSTOP, a deadline", "SIGSTOP, pings",
                                         "SIGSTOP, neither"};

using Row = std::map<std::string, std::string>;  // by the heads of the columns

std::vector<std::string> Fields(const std::string& line) {
  std::vector<std::string> fields = absl::StrSplit(line, '|');
  for (std::string& field : fields) field = std::string(absl::StripAsciiWhitespace(field));
  return {fields.begin() + 1, fields.end() - 1};
}

// The rows of the table whose first column has this head, by what is in that column.
std::map<std::string, Row> ReadTable(const std::string& head) {
  std::ifstream docs(DROVER_SOURCE_DIR "/docs/reliability.md");
  std::map<std::string, Row> rows;
  std::vector<std::string> heads;
  for (std::string line; std::getline(docs, line);) {
    if (line.starts_with("| " + head + " |")) heads = Fields(line);
    if (!line.starts_with("|")) heads.clear();
    if (heads.empty() || line.starts_with("|--")) continue;
    const std::vector<std::string> fields = Fields(line);
    for (size_t i = 1; i < fields.size(); ++i) rows[fields[0]][heads.at(i)] = fields[i];
  }
  rows.erase(head);
  return rows;
}

const std::map<std::string, Row>& Table() {
  static const auto* table = new std::map<std::string, Row>(ReadTable("Stage"));
  return *table;
}

absl::StatusCode CodeNamed(const std::string& name) {
  if (name == "Unavailable") return absl::StatusCode::kUnavailable;
  if (name == "DeadlineExceeded") return absl::StatusCode::kDeadlineExceeded;
  ADD_FAILURE() << "the table names the code '" << name << "'";
  return absl::StatusCode::kOk;
}

TEST(KillMatrix, IsWholeInTheDocumentation) {
  std::vector<std::string> stages;
  for (const auto& [stage, row] : Table()) {
    stages.push_back(stage);
    std::vector<std::string> heads;
    for (const auto& [head, text] : row) heads.push_back(head);
    std::vector<std::string> expected = kDeaths;
    expected.insert(expected.end(), kStops.begin(), kStops.end());
    EXPECT_THAT(heads, testing::UnorderedElementsAreArray(expected)) << stage;
  }
  EXPECT_THAT(stages, testing::UnorderedElementsAreArray(kStages));
}

// --- the cells ----------------------------------------------------------------------------------

struct Cell {
  Stage stage;
  std::string transport;
  std::string column;

  std::string expected() const {
    return Table().at(kStages[static_cast<size_t>(stage)]).at(column);
  }
  int signal() const { return column == "SIGKILL" ? SIGKILL : SIGSEGV; }
};

std::ostream& operator<<(std::ostream& out, const Cell& cell) {
  return out << kStages[static_cast<size_t>(cell.stage)] << " over " << cell.transport << ", "
             << cell.column;
}

std::string NameOf(const testing::TestParamInfo<Cell>& info) {
  std::ostringstream text;
  text << info.param;
  std::string name;
  bool capital = true;
  for (char c : text.str()) {
    if (absl::ascii_isalnum(c)) name += capital ? absl::ascii_toupper(c) : c;
    capital = !absl::ascii_isalnum(c);
  }
  return name;
}

std::vector<Cell> Cells(const std::vector<std::string>& columns) {
  std::vector<Cell> cells;
  for (size_t stage = 0; stage < kStages.size(); ++stage) {
    for (const char* transport : {"unix", "tcp"}) {
      for (const std::string& column : columns) {
        cells.push_back({static_cast<Stage>(stage), transport, column});
      }
    }
  }
  return cells;
}

Future<void> MakeCall(const kitchen::CookProxy& cook, Stage stage) {
  if (stage != Stage::kMidFrame && stage != Stage::kMidReply) return cook.async().Wait();
  return cook.async().Echo(std::vector<uint8_t>(kLarge)).Then([](auto echo) {
    return echo.status();
  });
}

class KillMatrix : public testing::TestWithParam<Cell> {
 protected:
  KillMatrix() {
    // A call whose time is over before the server has come so far, on a slow machine, is made again
    // with more time: to another server.
    for (size_t i = 0; i < kPatience.size(); ++i) {
      targets_[i] = std::make_unique<KillTarget>(stage_, EndpointFor(i));
    }
  }

  // Connects, calls, and waits until the server is at its stage.
  void Reach() {
    for (size_t i = 0; i < kPatience.size(); ++i) {
      target_ = targets_[i].get();
      patience_ = kPatience[i];
      if (TryToReach()) return;
    }
    FAIL() << "the server never was " << GetParam();
  }

  const Stage stage_ = GetParam().stage;
  const std::string column_ = GetParam().column;
  KillTarget* target_ = nullptr;
  absl::Duration patience_;
  ConnectOptions options_;
  std::string endpoint_;
  absl::Time called_;
  kitchen::CookProxy cook_;
  Future<void> call_;

 private:
  static constexpr std::array<absl::Duration, 3> kPatience = {absl::Milliseconds(300),
                                                              absl::Seconds(5), absl::Seconds(40)};

  std::string EndpointFor(size_t attempt) {
    if (GetParam().transport == "tcp") return "tcp://127.0.0.1:0";
    return "unix://" + dir_.path("cook" + std::to_string(attempt));
  }

  bool TryToReach() {
    if (column_ == "SIGSTOP, pings") {
      options_.ping_interval = absl::Milliseconds(5);
      options_.ping_timeout = patience_;
    }
    endpoint_ = target_->Start();
    cook_ = Connect<kitchen::CookProxy>(endpoint_, options_);
    called_ = absl::Now();
    const bool deadline = column_ == "SIGSTOP, a deadline";
    call_ = MakeCall(deadline ? cook_.With({.timeout = patience_}) : cook_, stage_);
    if (!target_->AwaitStage(call_)) return false;
    if (stage_ == Stage::kDraining) {  // it has begun once other calls are refused
      absl::Status status;
      while (status.ok()) status = cook_.Running().status();
      EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    }
    return !call_.ready();
  }

  TempDir dir_;
  std::array<std::unique_ptr<KillTarget>, kPatience.size()> targets_;
};

class ADyingServer : public KillMatrix {};
INSTANTIATE_TEST_SUITE_P(Of, ADyingServer, testing::ValuesIn(Cells(kDeaths)), NameOf);

TEST_P(ADyingServer, FailsTheCallAtOnce) {
  ASSERT_NO_FATAL_FAILURE(Reach());
  const int status = target_->Kill(GetParam().signal());
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), GetParam().signal());
  const absl::Status lost = call_.Get();
  EXPECT_EQ(lost.code(), CodeNamed(GetParam().expected())) << lost;
  EXPECT_THAT(std::string(lost.message()), HasSubstr(endpoint_));
}

class AStoppedServer : public KillMatrix {};
INSTANTIATE_TEST_SUITE_P(Of, AStoppedServer, testing::ValuesIn(Cells(kStops)), NameOf);

TEST_P(AStoppedServer, FailsTheCallByWhatNoticesIt) {
  ASSERT_NO_FATAL_FAILURE(Reach());
  ASSERT_TRUE(target_->Stop());
  if (GetParam().expected() == "waits") {
    // Time passes: a call beside it runs out of its own.
    const absl::Status other = cook_.With({.timeout = patience_}).Add(1, 2).status();
    EXPECT_EQ(other.code(), absl::StatusCode::kDeadlineExceeded) << other;
    EXPECT_FALSE(call_.ready());
    target_->Kill(SIGKILL);
    EXPECT_EQ(call_.Get().code(), absl::StatusCode::kUnavailable);
    return;
  }
  const absl::Status status = call_.Get();
  EXPECT_EQ(status.code(), CodeNamed(GetParam().expected())) << status;
  if (column_ == "SIGSTOP, a deadline") {
    EXPECT_GE(absl::Now() - called_, patience_);
  } else {
    EXPECT_THAT(std::string(status.message()), HasSubstr("no answer to a ping for"));
  }
}

// --- what notices a stopped server besides -------------------------------------------------------

TEST(AServerStoppedInMidReply, IsGivenUpAfterTheFrameTimeout) {
  KillTarget target(Stage::kMidReply, "tcp://127.0.0.1:0");
  auto cook = Connect<kitchen::CookProxy>(target.Start(),
                                          {.limits = {.frame_timeout = absl::Milliseconds(50)}});
  auto call = MakeCall(cook, Stage::kMidReply);
  if (target.AwaitStage(call)) target.Stop();
  const absl::Status status = call.Get();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("limits.frame_timeout"));
}

// Its kernel goes on to acknowledge, but takes no more than fits into its buffers.
TEST(AServerStoppedInMidFrame, IsGivenUpAfterTheTcpUserTimeout) {
  KillTarget target(Stage::kMidFrame, "tcp://127.0.0.1:0");
  auto cook =
      Connect<kitchen::CookProxy>(target.Start(), {.tcp_user_timeout = absl::Milliseconds(50)});
  auto call = MakeCall(cook, Stage::kMidFrame);
  if (target.AwaitStage(call)) target.Stop();
  const absl::Status status = call.Get();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("timed out"));
}

}  // namespace
}  // namespace drover
