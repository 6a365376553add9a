#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "greeter.drover_mock.h"
#include "gtest/gtest.h"

TEST(Greeter, IsMocked) {
  auto mock = std::make_shared<greeter::MockGreeterServant>();
  EXPECT_CALL(*mock, Greet("you")).WillOnce(testing::Return(std::string("hello, you")));
  greeter::GreeterProxy greeter(mock);
  EXPECT_EQ(greeter.Greet("you").value(), "hello, you");
  EXPECT_TRUE(testing::Mock::VerifyAndClearExpectations(mock.get()));
}
