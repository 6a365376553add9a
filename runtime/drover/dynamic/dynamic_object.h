// Calls by name, with arguments and results as JSON, on objects whose interface the program was not
// built with: the server is asked for the schema (Node.describe), and calls are made from that.
//
//   DROVER_ASSIGN_OR_RETURN(auto cook, drover::DynamicObject::Connect("unix:///run/cook.sock"));
//   std::cout << cook.Describe();                       // the schema, as text
//   absl::StatusOr<drover::DynamicReply> reply = cook.Call("add", R"({"a": 1, "b": 2})");
//   std::cout << reply->json();                         // {"sum":3}
//
// Arguments are one JSON object with the parameters by name; those left out have their defaults.
// Results are one too, with every field, and of a union the alternative that is set. Types are as
// in Cap'n Proto's own JsonCodec:
//
//   Void                    null
//   Bool                    true, false
//   Int8 ... UInt32         a number
//   Int64, UInt64           a string, "18446744073709551615"; a number is taken too
//   Float32, Float64        a number, or "NaN", "Infinity", "-Infinity"
//   Text, enum              a string, with U+FFFD for what is no UTF-8 in results; a number for an
//                           enumerant the schema does not name
//   Data                    a list of numbers from 0 to 255
//   List                    a list
//   struct, group           an object; null for a struct that is not there
//   interface               {"$object": N}, or null: the Nth of DynamicReply::objects(), or, in
//                           arguments, of the objects that are given with them; from 0
//
//   DROVER_ASSIGN_OR_RETURN(auto made, cook.Call("makeCook"));  // {"cook":{"$object":0}}
//   auto sum = made.object(0).Call("add", R"({"a": 3, "b": 4})");
//   drover::DynamicObject ear = ...;  // or any proxy
//   auto told = cook.Call("tell", R"({"listener": {"$object": 0}, "text": "dinner"})", {ear});
//
// Methods are named as in the schema, "add"; where two interfaces that the object's extends have
// one of the same name, "Baker.add". A streaming method is a call like any other here: it waits for
// its answer, which is {}.
//
// Thread-safety: as Proxy. Ownership: as Proxy; objects in replies share the schema.
// Errors, of Connect:
//   Unimplemented       The server does not describe itself: it is not a Drover server. Or its
//                       interface uses generic types.
//   NotFound            It exports nothing under the endpoint's #name.
//   FailedPrecondition  It does not know the object's interface.
//   DataLoss            What it says of itself is no schema that can be used.
//   InvalidArgument, Unavailable and others of dialling, as connect.h says.
// Errors, of Call and CallAsync: those of calls, as for generated proxies, and
//   InvalidArgument     Nothing was sent: there is no such method, the JSON is malformed, or does
//                       not fit the parameters. The message names method and field. Also: what came
//                       back is malformed.
//   FailedPrecondition  Nothing was sent: a default-constructed DynamicObject.
//   ResourceExhausted   The results are longer than 64 MiB as JSON.
//   Unimplemented       The results hold an AnyPointer, which JSON does not say.
// Blocking: Connect and Call block, safely from a servant; CallAsync only while it dials, as
// connect.h says. Nothing else does. Connect waits for the server's answer as long as the timeout
// of its call options allows: for ever, by default.
#ifndef DROVER_DYNAMIC_DYNAMIC_OBJECT_H_
#define DROVER_DYNAMIC_DYNAMIC_OBJECT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "drover/async/future.h"
#include "drover/object/call_options.h"
#include "drover/object/connect.h"
#include "drover/object/proxy.h"
#include "drover/transport/endpoint.h"

namespace drover {

class DynamicReply;
namespace dynamic {
class LoadedSchema;
struct LoadedMethod;
}  // namespace dynamic

// A method as the schema has it.
struct DynamicMethod {
  std::string name;        // what Call takes: "add", or "Baker.add" where that says too little
  std::string interface;   // who declares it: "Cook"
  std::string parameters;  // "(a :UInt32, b :UInt32)", or a struct's name
  std::string results;     // "(sum :UInt32)", a struct's name, or "stream"
  bool streaming = false;
};

class DynamicObject : public Proxy {
 public:
  // The object at an endpoint, with the schema that its server gives now. Like any connected proxy
  // it dials again after the connection was lost, but does not ask for the schema again: a server
  // that came back with another one may answer Unimplemented.
  // `call_options` are those of the question for the schema, and of the calls made later.
  static absl::StatusOr<DynamicObject> Connect(const Endpoint& endpoint,
                                               const ConnectOptions& options = {},
                                               const CallOptions& call_options = {});
  static absl::StatusOr<DynamicObject> Connect(std::string_view endpoint,
                                               const ConnectOptions& options = {},
                                               const CallOptions& call_options = {});

  DynamicObject() = default;

  // The interface the object is known as; it may be of one that extends that. Empty and 0 for one
  // that was default-constructed.
  std::string interface_name() const;
  uint64_t interface_id() const { return interface_id_; }

  // Its own methods, then those of the interfaces that it extends.
  std::vector<DynamicMethod> Methods() const;
  // The interface and every type that it uses, in the language of schemas, without comments,
  // annotations and default values.
  std::string Describe() const;

  // The same object, called with these options in place of this one's.
  DynamicObject With(CallOptions options) const;

  // `objects`: what {"$object": N} in `json` stands for; any proxies.
  absl::StatusOr<DynamicReply> Call(std::string_view method, std::string_view json = "{}",
                                    const std::vector<Proxy>& objects = {}) const;
  // The future as of any call: dropping it cancels the call.
  Future<DynamicReply> CallAsync(std::string_view method, std::string_view json = "{}",
                                 const std::vector<Proxy>& objects = {}) const;
  // A one-way call (object/one_way.h) of a method without results that is no stream; of any other
  // it is InvalidArgument, and nothing is sent.
  absl::Status CallOneWay(std::string_view method, std::string_view json = "{}",
                          const std::vector<Proxy>& objects = {}) const;

 private:
  friend class DynamicReply;

  DynamicObject(Proxy object, std::shared_ptr<const dynamic::LoadedSchema> schema,
                uint64_t interface_id)
      : Proxy(std::move(object)), schema_(std::move(schema)), interface_id_(interface_id) {}

  absl::StatusOr<const dynamic::LoadedMethod*> Find(std::string_view method) const;

  std::shared_ptr<const dynamic::LoadedSchema> schema_;
  uint64_t interface_id_ = 0;
};

// What a call gave. A value; thread-compatible. Keeps the objects in it.
class DynamicReply {
 public:
  DynamicReply() = default;

  // {"sum":3}
  const std::string& json() const { return json_; }

  // The objects in it, in the order of their numbers.
  const std::vector<DynamicObject>& objects() const { return objects_; }
  // N of {"$object": N}. If there is none, one that refers to nothing.
  DynamicObject object(size_t number) const {
    return number < objects_.size() ? objects_[number] : DynamicObject();
  }
  // By where it is in the results: "cook", "shelf.listener", "cooks[2]". NotFound, which says where
  // there are some, if there is none.
  absl::StatusOr<DynamicObject> ObjectAt(std::string_view path) const;

 private:
  friend class DynamicObject;
  class Decoder;

  std::string json_;
  std::vector<DynamicObject> objects_;
  std::vector<std::string> paths_;  // of the objects
};

}  // namespace drover

#endif  // DROVER_DYNAMIC_DYNAMIC_OBJECT_H_
