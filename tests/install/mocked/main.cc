#include <future>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "greeter.drover_mock.h"
#include "gtest/gtest.h"

TEST(Greeter, IsMocked) {
  // A thread of the runtime may destroy the mock, which must be over when the process exits.
  std::promise<void> gone;
  std::shared_ptr<greeter::MockGreeterServant> mock(new greeter::MockGreeterServant, [&](auto* m) {
    delete m;
    gone.set_value();
  });
  EXPECT_CALL(*mock, Greet("you")).WillOnce(testing::Return(std::string("hello, you")));
  greeter::GreeterProxy greeter(mock);
  EXPECT_EQ(greeter.Greet("you").value(), "hello, you");
  EXPECT_TRUE(testing::Mock::VerifyAndClearExpectations(mock.get()));
  greeter = {};
  mock = nullptr;
  gone.get_future().wait();
}
