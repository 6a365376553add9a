// Requests that no compiler makes: each is refused with a word about what is wrong, before the
// generator relies on what it breaks.
#include "codegen/request_checks.h"

#include <capnp/message.h>

#include <string>

#include "codegen/generator.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover::codegen {
namespace {

using ::testing::HasSubstr;
using Request = capnp::schema::CodeGeneratorRequest;
using Node = capnp::schema::Node;

constexpr uint64_t kFile = 1;

class Requests : public testing::Test {
 protected:
  Requests() : request_(message_.initRoot<Request>()) {}
  ~Requests() noexcept override {}

  // A file with `count` declarations, which are enums at first: nodes 2, 3 and so on.
  void MakeFile(unsigned count) {
    nodes_ = request_.initNodes(1 + count);
    Node::Builder file = nodes_[0];
    file.setId(kFile);
    file.setDisplayName("a.capnp");
    file.setFile();
    auto nested = file.initNestedNodes(count);
    for (unsigned i = 0; i < count; ++i) {
      Node::Builder node = nodes_[1 + i];
      node.setId(2 + i);
      node.setScopeId(kFile);
      node.initEnum();
      node.setDisplayName("a.capnp:N" + std::to_string(2 + i));
      nested[i].setId(2 + i);
      nested[i].setName("N" + std::to_string(2 + i));
    }
    request_.initRequestedFiles(1)[0].setId(kFile);
    request_.getRequestedFiles()[0].setFilename("a.capnp");
  }
  Node::Builder At(uint64_t id) { return nodes_[static_cast<unsigned>(id - 1)]; }

  void ExpectProblem(const std::string& problem) {
    const Generated generated = Generate(request_.asReader());
    ASSERT_FALSE(generated.problems.empty());
    EXPECT_THAT(generated.problems[0], HasSubstr(problem));
    EXPECT_TRUE(generated.files.empty());
  }

  capnp::MallocMessageBuilder message_;
  Request::Builder request_;
  capnp::List<Node>::Builder nodes_{nullptr};
};

TEST_F(Requests, ThatAreSoundHaveNoProblem) {
  MakeFile(2);
  At(2).initInterface();
  At(3).initInterface().initSuperclasses(1)[0].setId(2);
  EXPECT_TRUE(CheckRequest(request_.asReader()).empty());
}

TEST_F(Requests, WithANodeTwice) {
  MakeFile(2);
  At(3).setId(2);
  ExpectProblem("is there twice");
}

TEST_F(Requests, ThatNestANodeInItself) {
  MakeFile(2);
  for (uint64_t id : {2, 3}) {
    At(id).setScopeId(5 - id);
    auto nested = At(id).initNestedNodes(1)[0];
    nested.setId(5 - id);
    nested.setName("Inner");
  }
  At(kFile).initNestedNodes(0);
  ExpectProblem("is nested too deeply, or in itself");
}

TEST_F(Requests, ThatNestAnInterfaceInTheParamsOfItsMethod) {
  MakeFile(2);
  At(2).setScopeId(3);
  auto method = At(2).initInterface().initMethods(1)[0];
  method.setName("call");
  method.setParamStructType(3);
  At(3).initStruct();
  At(3).setScopeId(0);
  auto nested = At(3).initNestedNodes(1)[0];
  nested.setId(2);
  nested.setName("Inner");
  At(kFile).initNestedNodes(0);
  ExpectProblem("is nested too deeply, or in itself");
}

TEST_F(Requests, ThatNestANodeElsewhereThanItSays) {
  MakeFile(2);
  At(2).setScopeId(3);
  ExpectProblem("is nested in a node that is not its scope");
}

TEST_F(Requests, ThatDeclareANodeTwice) {
  MakeFile(2);
  At(kFile).getNestedNodes()[1].setId(2);
  ExpectProblem("is declared in two places");
}

TEST_F(Requests, WithANodeThatIsDeclaredNowhere) {
  MakeFile(1);
  At(kFile).initNestedNodes(0);
  ExpectProblem("is declared nowhere");
}

TEST_F(Requests, WhoseInterfacesExtendEachOther) {
  MakeFile(2);
  At(2).initInterface().initSuperclasses(1)[0].setId(3);
  At(3).initInterface().initSuperclasses(1)[0].setId(2);
  ExpectProblem("extends too long a line of interfaces, or itself");
}

TEST_F(Requests, WhoseInterfacesExtendAStruct) {
  MakeFile(2);
  At(2).initInterface().initSuperclasses(1)[0].setId(3);
  At(3).initStruct();
  ExpectProblem("extends what is no interface");
}

TEST_F(Requests, WhoseMethodsTakeAnEnum) {
  MakeFile(2);
  auto method = At(2).initInterface().initMethods(1)[0];
  method.setName("call");
  method.setParamStructType(3);
  method.setResultStructType(3);
  ExpectProblem("params or results are no struct");
}

TEST_F(Requests, WhoseGroupsAreNone) {
  MakeFile(2);
  auto field = At(2).initStruct().initFields(1)[0];
  field.setName("group");
  field.initGroup().setTypeId(3);
  At(3).initStruct();
  ExpectProblem("has a group that is none");
}

TEST_F(Requests, WhoseTypesAreOfAnotherKind) {
  MakeFile(2);
  auto field = At(2).initStruct().initFields(1)[0];
  field.setName("field");
  field.initSlot().initType().initList().initElementType().initEnum().setTypeId(3);
  field.getSlot().initDefaultValue().initList();
  At(3).initStruct();
  ExpectProblem("has a type that is of another kind");
}

TEST_F(Requests, WhoseDefaultsAreOfAnotherType) {
  MakeFile(1);
  auto field = At(2).initStruct().initFields(1)[0];
  field.setName("field");
  field.initSlot().initType().setText();
  field.getSlot().initDefaultValue().setInt8(1);
  ExpectProblem("has a default value of another type");
}

TEST_F(Requests, WithNamesThatAreNone) {
  for (const char* name : {"", "1st", "a b", "a\nb", "}"}) {
    MakeFile(1);
    At(2).initEnum().initEnumerants(1)[0].setName(name);
    ExpectProblem("name is no identifier");
  }
}

TEST_F(Requests, WithProblemsWithoutNumberAreToldTheFirstHundred) {
  MakeFile(1);
  At(2).initEnum().initEnumerants(100'000);  // none has a name
  EXPECT_EQ(CheckRequest(request_.asReader()).size(), 100u);
}

TEST_F(Requests, ForAFileThatIsNotThere) {
  MakeFile(1);
  request_.getRequestedFiles()[0].setId(2);
  ExpectProblem("a file is requested that the request does not have");
}

}  // namespace
}  // namespace drover::codegen
