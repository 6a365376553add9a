// Generated mocks, in this process and behind a connection.
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "drover/object/connect.h"
#include "drover/object/server.h"
#include "everything.drover_mock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "race.drover_mock.h"

namespace drover {
namespace {

using ::testing::Eq;
using ::testing::InSequence;
using ::testing::NiceMock;
using ::testing::Return;

// A mock; waits until it is destroyed, which a thread of the runtime may do: gMock does not survive
// that while the process exits.
template <class M>
class Mocked {
 public:
  ~Mocked() {
    mock_ = nullptr;
    gone_.get_future().wait();
  }
  const std::shared_ptr<M>& get() const { return mock_; }

 private:
  std::promise<void> gone_;
  std::shared_ptr<M> mock_{new M, [this](M* mock) {
                             delete mock;
                             gone_.set_value();
                           }};
};

TEST(Mocks, AreCalledInThisProcess) {
  const Mocked<race::MockWorkerServant> mocked;
  const auto& mock = mocked.get();
  EXPECT_CALL(*mock, Calculate())
      .WillOnce(Return(7u))
      .WillOnce(Return(absl::AbortedError("tired")));
  race::WorkerProxy worker(mock);
  EXPECT_EQ(worker.Calculate().value(), 7u);
  EXPECT_EQ(worker.async().Calculate().Get().status(), absl::AbortedError("tired"));
  EXPECT_TRUE(testing::Mock::VerifyAndClearExpectations(mock.get()));
}

TEST(Mocks, AreCalledThroughAConnectionInThisProcess) {
  const Mocked<race::MockWorkerServant> mocked;
  const auto& mock = mocked.get();
  {
    const InSequence in_order;
    EXPECT_CALL(*mock, Calculate()).WillOnce(Return(7u));
    EXPECT_CALL(*mock, Stop()).WillOnce(Return(absl::OkStatus()));
  }
  auto server = Serve("inproc://mock", mock);
  ASSERT_TRUE(server.ok()) << server.status();
  auto worker = Connect<race::WorkerProxy>("inproc://mock");
  EXPECT_EQ(worker.Calculate().value(), 7u);
  EXPECT_EQ(worker.Stop(), absl::OkStatus());
  EXPECT_TRUE(testing::Mock::VerifyAndClearExpectations(mock.get()));
}

TEST(Mocks, AnswerUnimplementedUnlessToldOtherwise) {
  const Mocked<NiceMock<race::MockWorkerServant>> mocked;
  race::WorkerProxy worker(mocked.get());
  EXPECT_EQ(worker.Calculate().status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(worker.Stop().code(), absl::StatusCode::kUnimplemented);
}

TEST(Mocks, HaveTheMethodsOfTheInterfacesTheirsExtends) {
  const Mocked<everything::MockServiceServant> mocked;
  const auto& mock = mocked.get();
  EXPECT_CALL(*mock, Name()).WillOnce(Return(std::string("service")));
  EXPECT_CALL(*mock, Now()).WillOnce(Return(5));
  EXPECT_CALL(*mock, Close(Eq("tired"))).WillOnce(Return(absl::OkStatus()));
  EXPECT_CALL(*mock, Close()).WillOnce(Return(absl::OkStatus()));
  everything::ServiceProxy service(mock);
  EXPECT_EQ(service.Name().value(), "service");
  EXPECT_EQ(service.Now().value(), 5);
  EXPECT_EQ(service.Close("tired"), absl::OkStatus());
  EXPECT_EQ(everything::ClockProxy(service).Close(), absl::OkStatus());
  EXPECT_TRUE(testing::Mock::VerifyAndClearExpectations(mock.get()));
}

}  // namespace
}  // namespace drover
