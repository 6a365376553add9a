#include "codegen/names.h"

#include "gtest/gtest.h"

namespace drover::codegen {
namespace {

TEST(Names, FieldsAreSnakeCase) {
  EXPECT_EQ(SnakeCase("maxSeconds"), "max_seconds");
  EXPECT_EQ(SnakeCase("httpURL"), "http_url");
  EXPECT_EQ(SnakeCase("httpURLParser"), "http_url_parser");
  EXPECT_EQ(SnakeCase("u8"), "u8");
  EXPECT_EQ(SnakeCase("Foo"), "foo");
}

TEST(Names, EnumerantsAndConstantsBeginWithK) { EXPECT_EQ(ConstantCase("darkBlue"), "kDarkBlue"); }

TEST(Names, ATakenNameGetsUnderscores) {
  NameScope scope({"which"});
  EXPECT_EQ(scope.Claim("which"), "which_");
  EXPECT_EQ(scope.Claim("which"), "which__");
  EXPECT_EQ(scope.Claim("free"), "free");
}

TEST(Names, KeywordsAndMacrosAreReserved) {
  EXPECT_EQ(NameScope().Claim("class"), "class_");
  EXPECT_EQ(NameScope().Claim("co_await"), "co_await_");
  EXPECT_EQ(NameScope().Claim("errno"), "errno_");
  EXPECT_EQ(NameScope().Claim("klass"), "klass");
}

}  // namespace
}  // namespace drover::codegen
