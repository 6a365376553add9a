@0xb7a41c7d93e2f658;
# What the vats of the model do with each other's objects.

using Cxx = import "/capnp/c++.capnp";
using Drover = import "/drover/annotations.capnp";
$Cxx.namespace("model::wire");
$Drover.namespace("model");

struct Stamp {
  call @0 :UInt32;
  # One number for each call.
  line @1 :UInt32;
  # Calls of one line must run in the order of their sequence.
  sequence @2 :UInt32;
}

interface Actor {
  note @0 (stamp :Stamp);
  # Does nothing.
  pass @1 (stamp :Stamp, actor :Actor) -> (actor :Actor);
  # Gives back what it gets.
  make @2 (stamp :Stamp, servant :UInt32) -> (actor :Actor);
  # A new object in the same vat, with this number.
  later @3 (stamp :Stamp) -> (actor :Actor);
  # Gives what the model decides, when it does.
  relay @4 (stamp :Stamp, actor :Actor, first :Stamp, count :UInt32);
  # Makes so many calls of note, of which this is the first one's stamp, and returns when they have.
}
