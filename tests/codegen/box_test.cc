#include "drover/object/box.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace drover {
namespace {

TEST(Box, StartsEmptyAndReadsAsADefault) {
  const Box<std::string> box;
  EXPECT_FALSE(box.has_value());
  EXPECT_EQ(*box, "");
  EXPECT_FALSE(box.has_value());
}

TEST(Box, CopiesWhatIsInIt) {
  Box<std::string> a = std::string("a");
  Box<std::string> b = a;
  *b += "b";
  EXPECT_EQ(*a, "a");
  EXPECT_EQ(*b, "ab");
  a = b;
  EXPECT_EQ(*a, "ab");
}

TEST(Box, FillsWhenWrittenThrough) {
  Box<std::string> box;
  box->append("x");
  EXPECT_TRUE(box.has_value());
  EXPECT_EQ(*box, "x");
  box.reset();
  EXPECT_FALSE(box.has_value());
}

TEST(Box, AnEmptyOneEqualsOnlyAnEmptyOne) {
  Box<std::string> empty;
  Box<std::string> full = std::string();
  EXPECT_FALSE(empty == full);
  EXPECT_TRUE(empty == Box<std::string>());
  EXPECT_TRUE(full == Box<std::string>(std::string()));
}

TEST(Box, MovesWithoutCopying) {
  Box<std::string> a = std::string(100, 'a');
  const char* data = a->data();
  Box<std::string> b = std::move(a);
  EXPECT_EQ(b->data(), data);
}

}  // namespace
}  // namespace drover
