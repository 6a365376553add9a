@0xe4f1c2ab5d90773f;
# The work every contender does.

using Cxx = import "/capnp/c++.capnp";
using Drover = import "/drover/annotations.capnp";
$Cxx.namespace("bench::stock");
$Drover.namespace("bench");

interface Bench {
  calculate @0 (x :UInt32) -> (y :UInt32);
  # y is x + 1.

  echo @1 (data :Data) -> (data :Data);

  another @2 () -> (bench :Bench);
  # A new object of the same kind: the next of a chain of dependent calls.

  note @3 (x :UInt32);
  # Gives nothing: for calls without an answer.
}
