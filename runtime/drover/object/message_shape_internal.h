// What the messages of a schema's struct look like, and whether one that was received does: every
// pointer that the schema's accessors follow is walked once. In a message that passes, no accessor
// throws, whatever the peer sent; where data is null, too short or of a newer schema, accessors
// give defaults, as ever.
//
//   const MessageShape& shape = MessageShape::Of<wire::Cook::EchoParams>();
//   absl::Status sound = shape.Check(call.params());
//
// The walk is bounded by the limits of the message's reader, for depth and for reading the same
// data again and again. Lists of numbers, Text and Data are one step each.
//
// Thread-safe. Errors: InvalidArgument for a message of another shape, malformed, or beyond those
// limits. Never blocks.
#ifndef DROVER_OBJECT_MESSAGE_SHAPE_INTERNAL_H_
#define DROVER_OBJECT_MESSAGE_SHAPE_INTERNAL_H_

#include <capnp/any.h>
#include <capnp/schema.h>

#include <memory>

#include "absl/status/status.h"

namespace drover::object {

class MessageShape {
 public:
  template <class T>
  static const MessageShape& Of() {
    static const MessageShape& shape = *new MessageShape(capnp::Schema::from<T>());
    return shape;
  }

  explicit MessageShape(capnp::StructSchema schema);
  ~MessageShape();

  // A null pointer is a struct of defaults. Throws nothing.
  absl::Status Check(capnp::AnyPointer::Reader message) const;

 private:
  class Walk;
  struct Structs;

  const std::unique_ptr<Structs> structs_;
};

}  // namespace drover::object

#endif  // DROVER_OBJECT_MESSAGE_SHAPE_INTERNAL_H_
