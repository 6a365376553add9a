// Calls a method of an object whose schema this program has never seen, or prints that schema:
//
//   call unix:///tmp/w1.sock
//   call unix:///tmp/w1.sock calculate
//   call tcp://10.0.0.7:4711#cook add '{"a": 1, "b": 2}'
#include <iostream>

#include "drover/drover.h"

absl::Status Run(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    return absl::InvalidArgumentError("usage: call <endpoint> [<method> [<arguments as JSON>]]");
  }
  DROVER_ASSIGN_OR_RETURN(const auto object, drover::DynamicObject::Connect(argv[1]));
  if (argc == 2) {
    std::cout << object.Describe();
    return absl::OkStatus();
  }
  DROVER_ASSIGN_OR_RETURN(const auto reply, object.Call(argv[2], argc == 4 ? argv[3] : "{}"));
  std::cout << reply.json() << std::endl;
  return absl::OkStatus();
}

int main(int argc, char** argv) { return drover::ExitWith(Run(argc, argv)); }
