// An interface of the schema with all its C++ names and signatures settled.
#ifndef DROVER_CODEGEN_INTERFACE_MODEL_H_
#define DROVER_CODEGEN_INTERFACE_MODEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cpp_types.h"
#include "schema_index.h"
#include "struct_model.h"

namespace drover::codegen {

struct MethodModel {
  struct Parameter {
    std::string name;
    std::string proxy_type;    // std::string_view: what a proxy takes
    std::string servant_type;  // std::string: what a servant takes, by value
  };
  enum class Results { kNone, kOne, kStruct };

  std::string schema_name;  // calculate
  std::string name;         // Calculate, the same in proxies and servants
  std::string comment;
  uint16_t ordinal = 0;
  bool concurrent = false;
  bool idempotent = false;
  bool streaming = false;  // -> stream

  std::vector<Parameter> parameters;
  std::optional<StructModel> params;  // of a parameter list; a named struct has none
  uint64_t params_id = 0;

  Results results_kind = Results::kNone;
  std::string result_type;             // uint32_t, WorkerCalculateResults
  std::optional<StructModel> results;  // of a result list
  int result_slot = -1;                // MethodInfo::result_slot
  uint64_t results_id = 0;

  bool returns_value() const { return results_kind != Results::kNone; }
  // Whether a proxy's one_way() has it.
  bool one_way() const { return !returns_value() && !streaming; }
  // absl::Status or absl::StatusOr<T>; drover::Future<void> or drover::Future<T>.
  std::string BlockingType() const;
  std::string FutureType() const;
  std::vector<std::string> ProxyParameters() const;
  std::vector<std::string> ServantParameters() const;
};

struct InterfaceModel {
  uint64_t id = 0;
  std::string name;         // Worker, or WorkerJob of one nested in another
  std::string dotted_name;  // Worker.Job
  std::string comment;
  std::vector<MethodModel> methods;
  std::vector<uint64_t> supers;  // the interfaces it names in extends()
  // Methods of ancestors that proxies have as their own: who declares them, and how they look.
  struct Inherited {
    uint64_t from;
    MethodModel method;
  };
  std::vector<Inherited> inherited;
  // All methods of ancestors as its servants have them: one for each signature.
  std::vector<Inherited> ancestors_methods;
  // Whether proxies have one_way().
  bool HasOneWay() const;
  // Methods of ancestors that have the name of one of its own: who declares them, and the name.
  std::vector<std::pair<uint64_t, std::string>> hidden;
  // What is left out because two interfaces have it: Worker.stop.
  std::vector<std::string> ambiguous;
};

class InterfaceModels {
 public:
  InterfaceModels(const SchemaIndex& index, const CppTypes& types, const StructModels& structs)
      : index_(index), types_(types), structs_(structs) {}

  InterfaceModel Make(uint64_t interface_id) const;

 private:
  std::vector<MethodModel> Methods(uint64_t interface_id, const CppTypes& types) const;
  void SetParameters(MethodModel& method, const CppTypes& types) const;
  void SetResults(MethodModel& method, const CppTypes& types) const;

  const SchemaIndex& index_;
  const CppTypes& types_;
  const StructModels& structs_;
};

}  // namespace drover::codegen

#endif  // DROVER_CODEGEN_INTERFACE_MODEL_H_
