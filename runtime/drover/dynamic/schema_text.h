// Schemas as text, in the language of schemas.
//
// Thread-safe: functions without state. May throw kj::Exception.
#ifndef DROVER_DYNAMIC_SCHEMA_TEXT_H_
#define DROVER_DYNAMIC_SCHEMA_TEXT_H_

#include <capnp/schema.capnp.h>
#include <capnp/schema.h>

#include <string>

namespace drover::dynamic {

// "Car.Engine": the declaration's name within its file.
std::string DottedName(capnp::schema::Node::Reader node);

// "List(Car.Engine)"
std::string TypeName(capnp::Type type);

// What a method takes or gives: "(a :UInt32, b :UInt32)", or a struct's name, or "stream".
std::string MethodSideText(capnp::StructSchema side);

// The interface and all that it uses, with empty lines between the declarations.
std::string InterfaceText(capnp::InterfaceSchema interface);

}  // namespace drover::dynamic

#endif  // DROVER_DYNAMIC_SCHEMA_TEXT_H_
