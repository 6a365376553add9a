// What a schema may not have is said in one line that names the file and what is wrong in it, and
// nothing is written.
#include "codegen/run_generator.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace drover {
namespace {

using testing::StartsWith;

void ExpectError(const std::string& schema, const std::string& lines) {
  const GeneratorRun run = RunGenerator("bad", {schema});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_THAT(run.errors, StartsWith(lines));
  EXPECT_TRUE(run.files.empty());
}

TEST(SchemaErrors, AMissingNamespaceIsNamedWithTheLineToAdd) {
  ExpectError(
      "no_namespace.capnp",
      "no_namespace.capnp: no C++ namespace for Drover's code; add the line 'using Drover = "
      "import \"/drover/annotations.capnp\"; $Drover.namespace(\"...\");'\n");
}

TEST(SchemaErrors, TheNamespaceDiffersFromCapnProtos) {
  ExpectError("same_namespace.capnp",
              "same_namespace.capnp: $Drover.namespace and $Cxx.namespace are both \"both\"; "
              "Drover's code and Cap'n Proto's own need different ones\n");
}

TEST(SchemaErrors, TheNamespaceIsAName) {
  ExpectError("bad_namespace.capnp",
              "bad_namespace.capnp: $Drover.namespace is \"a.b\", which is no C++ namespace\n");
}

TEST(SchemaErrors, TheNamespaceHidesNoneTheCodeNeeds) {
  ExpectError(
      "hiding_namespace.capnp",
      "hiding_namespace.capnp: $Drover.namespace is \"acme::std\"; 'std' in it would hide a "
      "namespace that the generated code needs\n");
}

TEST(SchemaErrors, GenericTypesAreNotSupported) {
  ExpectError("generic.capnp",
              "generic.capnp: Map: generic types are not supported yet\n"
              "generic.capnp: Map.Entry: generic types are not supported yet\n");
}

TEST(SchemaErrors, GenericMethodsAreNotSupported) {
  ExpectError("generic_method.capnp",
              "generic_method.capnp: Factory.make: generic methods are not supported yet\n");
}

TEST(SchemaErrors, AnyPointerIsNotSupported) {
  ExpectError("any_pointer.capnp",
              "any_pointer.capnp: Envelope.body: AnyPointer is not supported yet\n"
              "any_pointer.capnp: Carrier.carry.what: AnyPointer is not supported yet\n"
              "any_pointer.capnp: Carrier.carry.cap: AnyPointer is not supported yet\n");
}

TEST(SchemaErrors, TwoDeclarationsOfOneCppNameAreTold) {
  ExpectError(
      "collision.capnp",
      "collision.capnp: CarEngine: its C++ name bad::CarEngine is also that of Car.Engine; "
      "rename one\n"
      "collision.capnp: Worker: its C++ name bad::WorkerProxy is also that of WorkerProxy; "
      "rename one\n"
      "collision.capnp: CookZeroCopy: its C++ name bad::CookZeroCopyProxy is also that of "
      "Cook; rename one\n"
      "collision.capnp: CookZeroCopy: its C++ name bad::CookZeroCopyServant is also that of "
      "Cook; rename one\n");
}

TEST(SchemaErrors, MethodsThatAServantCannotBothHaveAreTold) {
  ExpectError("inherited.capnp",
              "inherited.capnp: Derived: a C++ servant cannot have both Derived.close and "
              "Base.close, which take the same parameters; rename one\n"
              "inherited.capnp: Both: a C++ servant cannot have both Base.size and Other.size, "
              "which take the same parameters; rename one\n");
}

TEST(SchemaErrors, DefaultsInRecursiveTypesAreNotSupported) {
  ExpectError(
      "recursive_default.capnp",
      "recursive_default.capnp: Tree.leaves: a default value in a type that contains itself "
      "is not supported yet\n");
}

TEST(SchemaErrors, TypesOfFilesWithoutDroverCodeAreTold) {
  ExpectError("foreign.capnp",
              "foreign.capnp: Holder.node: Node is declared in capnp/schema.capnp, which has no "
              "$Drover.namespace\n");
}

TEST(SchemaErrors, FilesThatNeedEachOtherAreTold) {
  ExpectError("cycle_a.capnp",
              "cycle_a.capnp: it and cycle_b.capnp need each other's types, and C++ headers cannot "
              "include each other; move what both need to a third file\n");
}

TEST(SchemaErrors, AGroupNamedLikeANestedTypeIsTold) {
  ExpectError("group_name.capnp",
              "group_name.capnp: Car.address: in Cap'n Proto's C++ a group of that name and "
              "Car.Address have one name; rename one\n");
}

TEST(SchemaErrors, AnInterfaceDeclaredBeforeItsBaseIsTold) {
  ExpectError(
      "extends_order.capnp",
      "extends_order.capnp: Derived: declare it after Base, which it extends; Cap'n Proto's "
      "C++ needs that order\n");
}

TEST(SchemaErrors, OneBadFileKeepsTheOthersUnwritten) {
  const GeneratorRun run = RunGenerator("", {"schemas/race.capnp", "bad/generic.capnp"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(run.files.empty());
}

}  // namespace
}  // namespace drover
