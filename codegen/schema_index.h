// The schema of a code generator request, by id: nodes, their comments, the files and scopes they
// are declared in, and the names that Drover's and Cap'n Proto's generated C++ give them.
#ifndef DROVER_CODEGEN_SCHEMA_INDEX_H_
#define DROVER_CODEGEN_SCHEMA_INDEX_H_

#include <capnp/schema-loader.h>
#include <capnp/schema.capnp.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace drover::codegen {

using NodeReader = capnp::schema::Node::Reader;
using FieldReader = capnp::schema::Field::Reader;
using MethodReader = capnp::schema::Method::Reader;
using TypeReader = capnp::schema::Type::Reader;
using AnnotationList = capnp::List<capnp::schema::Annotation>::Reader;

class SchemaIndex {
 public:
  // `request` must outlive the index.
  explicit SchemaIndex(capnp::schema::CodeGeneratorRequest::Reader request);

  bool Has(uint64_t id) const { return nodes_.contains(id); }
  NodeReader Node(uint64_t id) const;
  // The schema as Cap'n Proto's reflection sees it.
  capnp::Schema Reflect(uint64_t id) const { return loader_.get(id); }

  // Comments of the schema, empty where there are none. `member` counts fields, enumerants or
  // methods in the node's own order.
  std::string_view Comment(uint64_t id) const;
  std::string_view MemberComment(uint64_t id, uint32_t member) const;

  // The file a node is declared in, and a file's path as the compiler shows it.
  uint64_t FileOf(uint64_t id) const;
  std::string FilePath(uint64_t file) const;
  // $Drover.namespace and $Cxx.namespace of a file, empty where missing.
  std::string DroverNamespace(uint64_t file) const;
  std::string CapnpNamespace(uint64_t file) const;

  // The declared name, and the names of all scopes down to it: {"Worker", "Job"}.
  std::string LocalName(uint64_t id) const { return ScopedName(id).back(); }
  std::vector<std::string> ScopedName(uint64_t id) const;
  // Worker.Job, as errors and InterfaceInfo say it.
  std::string DottedName(uint64_t id) const;
  // The declarations nested in a node, in the order of the schema.
  std::vector<NodeReader> Nested(uint64_t id) const;

  // The name of what Drover declares in the file's namespace: WorkerJob.
  std::string FlatName(uint64_t id) const;
  // That with its namespace, from the root: ::race::WorkerJob.
  std::string QualifiedName(uint64_t id, std::string_view suffix = "") const;
  // Cap'n Proto's own class: ::capnp_race::Worker::Job.
  std::string CapnpName(uint64_t id) const;
  // The name that Cap'n Proto's accessors of a field end in: getFoo -> Foo.
  std::string CapnpAccessor(FieldReader field) const;

  // True for the struct the compiler makes of a parameter or result list.
  bool IsMethodStruct(uint64_t id) const { return method_structs_.contains(id); }

  // Every interface that `id` extends, nearest first, each once.
  std::vector<uint64_t> Ancestors(uint64_t id) const;

 private:
  struct MethodStruct {
    uint64_t interface_id;
    uint16_t method;
    bool results;
  };

  std::string CapnpDeclaredName(NodeReader node) const;

  std::map<uint64_t, NodeReader> nodes_;
  std::map<uint64_t, capnp::schema::Node::SourceInfo::Reader> comments_;
  std::map<uint64_t, std::string> names_;  // of nested nodes, in their parents' words
  std::map<uint64_t, MethodStruct> method_structs_;
  capnp::SchemaLoader loader_;
};

// Whether an annotation of that id is there.
bool HasAnnotation(AnnotationList annotations, uint64_t id);
// The text of an annotation, empty where it is missing.
std::string AnnotationText(AnnotationList annotations, uint64_t id);

// Ids of the annotations that the generator obeys, from drover/annotations.capnp and
// capnp/c++.capnp.
inline constexpr uint64_t kDroverNamespace = 0x83a7a766722ded4d;
inline constexpr uint64_t kDroverConcurrent = 0x81954d83f86ef524;
inline constexpr uint64_t kDroverIdempotent = 0xe5560dca85a4ebef;
inline constexpr uint64_t kCxxNamespace = 0xb9c6f99ebf805f2c;
inline constexpr uint64_t kCxxName = 0xf264a779fef191ce;
// The result type of a method declared `-> stream`, in capnp/stream.capnp.
inline constexpr uint64_t kStreamResult = 0x995f9a3377c0b16e;

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_SCHEMA_INDEX_H_
